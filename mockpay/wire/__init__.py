"""
Bytes to plain values and back: forms, envelopes, signatures, XML.

Used by the server and by the merchant side, so it knows neither Flask nor the database, no seller and no order; it
imports only the kernel. It decides nothing: it says what was sent, what was signed and whether the two agree. Entropy
and time come in as arguments. Facts about the wire: the README.md of each provider's folder.
"""
