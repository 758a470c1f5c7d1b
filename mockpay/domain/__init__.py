"""
Nouns and rules: frozen records, tables of legal transitions, the scenario table.

Imports the standard library and `kernel`, nothing else; does no I/O and reads no clock.
"""
