"""Saved methods, whole: tokens, consents, sealed rows, and what owner and bank may do."""
