"""
The demo shop: a seller's own software, with a catalogue, ledger of its own and a till.

It knows the sandbox by HTTP only and may import nothing but wire and kernel; guards, form
tokens and template folders are handed to it by whoever mounts it.
"""

from mockpay.merchant.shop.app import shop_app as shop_app
from mockpay.merchant.shop.config import Credentials as Credentials
from mockpay.merchant.shop.config import ShopConfig as ShopConfig
