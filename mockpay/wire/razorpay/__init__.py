"""Razorpay's formats in both directions: requests, objects and errors, signatures."""
