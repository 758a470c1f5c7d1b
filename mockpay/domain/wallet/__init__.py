"""A buyer's wallet balance: the ledger's rules, gifts beside money, and the limits of a profile."""
