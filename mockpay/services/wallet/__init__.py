"""A buyer's wallet: its balance, what attempts hold of it, loads, corrections, gifts, and its profile."""
