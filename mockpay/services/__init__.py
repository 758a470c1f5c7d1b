"""
Verbs: one function for each thing that a person or the clock can do.

The first argument is `sandbox`, one seller's world in one transaction.
No Flask, no SQL, no outgoing call: what must leave the process becomes an outbox row.
"""
