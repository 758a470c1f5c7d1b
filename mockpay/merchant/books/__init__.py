"""
The shop's own books: orders, verified results, refunds, alerts, notifications taken.

One SQLite file of the shop's own.  Nothing here calls anybody or reads a clock: what happened,
and when, is told by whoever enters it.
"""

from mockpay.merchant.books.alerts import Alert as Alert
from mockpay.merchant.books.orders import Books as Books
from mockpay.merchant.books.orders import ShopOrder as ShopOrder
from mockpay.merchant.books.orders import StoredResult as StoredResult
from mockpay.merchant.books.refund_news import RefundNews as RefundNews
from mockpay.merchant.books.refund_rows import RefundEvent as RefundEvent
from mockpay.merchant.books.refund_rows import ShopRefund as ShopRefund
from mockpay.merchant.books.refunds import RefundBook as RefundBook
from mockpay.merchant.books.states import AFTER_NEWS as AFTER_NEWS
from mockpay.merchant.books.states import AFTER_RESULT as AFTER_RESULT
from mockpay.merchant.books.states import CONFLICTS as CONFLICTS
from mockpay.merchant.books.states import LEGAL as LEGAL
from mockpay.merchant.books.states import OrderState as OrderState
from mockpay.merchant.books.states import Standing as Standing
