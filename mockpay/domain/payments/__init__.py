"""Payments: attempts and their state table, plans, the gateway port."""
