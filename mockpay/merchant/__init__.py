"""
The shop's software: a client, and later notifications, reconciliation and the demo shop.

It may import only wire and kernel and knows the sandbox only by HTTP, so that all of it
works against the real service too, with another base URL and other keys.
"""

from mockpay.merchant.client import AmazonPayClient as AmazonPayClient
from mockpay.merchant.replies import ServiceError as ServiceError
from mockpay.merchant.results import PaymentResult as PaymentResult
from mockpay.merchant.results import SignatureMismatch as SignatureMismatch
