"""Sellers: accounts, what they offer, throttling of their calls."""
