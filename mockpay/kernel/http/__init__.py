"""Outgoing HTTP: a call and its reply, where one may go, and who sends it."""
