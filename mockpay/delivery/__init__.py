"""
What makes later things happen: due events, what leaves the process, moved clocks.

Events happen one world at a time, in due order, and do no I/O. Nothing is sent inside a transaction.
"""
