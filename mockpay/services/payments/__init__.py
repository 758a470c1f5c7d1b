"""Paying an order: from its opening to the end of its last attempt."""
