"""
The shop's own ledger: orders, verified results, refunds, alerts, notifications taken.

One SQLite file of the shop's own.  Nothing here calls anybody or reads a clock: what happened,
and when, is told by whoever enters it.
"""

from mockpay.merchant.ledger.database import Alert as Alert
from mockpay.merchant.ledger.orders import Ledger as Ledger
from mockpay.merchant.ledger.orders import ShopOrder as ShopOrder
from mockpay.merchant.ledger.orders import StoredResult as StoredResult
from mockpay.merchant.ledger.refund_rows import RefundEvent as RefundEvent
from mockpay.merchant.ledger.refund_rows import RefundUpdate as RefundUpdate
from mockpay.merchant.ledger.refund_rows import ShopRefund as ShopRefund
from mockpay.merchant.ledger.refunds import RefundLedger as RefundLedger
from mockpay.merchant.ledger.states import AFTER_RESULT as AFTER_RESULT
from mockpay.merchant.ledger.states import AFTER_UPDATE as AFTER_UPDATE
from mockpay.merchant.ledger.states import CONFLICTS as CONFLICTS
from mockpay.merchant.ledger.states import LEGAL as LEGAL
from mockpay.merchant.ledger.states import OrderState as OrderState
from mockpay.merchant.ledger.states import RefundStatus as RefundStatus
