"""Stripe's formats in both directions: forms with nested names, objects and errors, signatures."""
