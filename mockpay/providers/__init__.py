"""
Edges: one folder for each company that mockpay impersonates.

A provider translates between its company's wire and `services`.
Providers do not know each other; whatever they share goes down a layer.
"""
