"""Refunds: asked for, settled by the clock or a tester, reversed."""
