"""
The shop's software: client, notification verifier, books with a reconciler, and the demo shop.

It may import only wire and kernel and knows the sandbox only by HTTP, so that all of it
works against the real service too, with another base URL and other keys.
"""

from mockpay.kernel.errors import Invalid as Invalid
from mockpay.kernel.errors import MockpayError as MockpayError
from mockpay.kernel.http.calls import Unreachable as Unreachable
from mockpay.merchant.client import AmazonPayClient as AmazonPayClient
from mockpay.merchant.ledger import Ledger as Ledger
from mockpay.merchant.notifications import Notification as Notification
from mockpay.merchant.notifications import NotificationError as NotificationError
from mockpay.merchant.notifications import PaymentNotice as PaymentNotice
from mockpay.merchant.notifications import RefundNotice as RefundNotice
from mockpay.merchant.notifications import verify_notification as verify_notification
from mockpay.merchant.reconciler import Reconciler as Reconciler
from mockpay.merchant.reconciler import Reconciliation as Reconciliation
from mockpay.merchant.reconciler import verify_refunds as verify_refunds
from mockpay.merchant.refunds import Refund as Refund
from mockpay.merchant.responses import ServiceError as ServiceError
from mockpay.merchant.results import PaymentResult as PaymentResult
from mockpay.merchant.results import SignatureMismatch as SignatureMismatch
from mockpay.merchant.transport import Certificates as Certificates
from mockpay.merchant.transport import RequestsSender as RequestsSender
from mockpay.wire.amazonpay.results import ResultError as ResultError
from mockpay.wire.amazonpay.sns import SnsError as SnsError
