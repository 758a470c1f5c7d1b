"""Gateways at the back: which one takes a payment, calls written ahead, and what follows from their answers."""
