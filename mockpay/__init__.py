"""mockpay: a sandbox server that impersonates payment providers, and a merchant side for it."""

__version__ = "0.1.0"
