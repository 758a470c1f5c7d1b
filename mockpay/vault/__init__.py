"""
Saved methods: tokens, consents, sealed rows, and what owner and bank may do (`saved_methods`).

May use the store and the domain.  Never gives a card number out but as the instrument that
pays, and saves nothing without its buyer's consent.
"""
