"""
One-time passwords: what a challenge may do (`rules`), its rows, and the verbs in `challenges`.

May use the store and the domain.  Knows neither orders nor payments: who starts a challenge says
what it is for, and reads its verdict; nothing here decides what a right code is good for.
"""
