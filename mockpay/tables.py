"""Every module that declares a table: the metadata here is that of the whole database."""

from mockpay.otp import otp_table as otp_table
from mockpay.risk import risk_table as risk_table
from mockpay.store import attempts as attempts
from mockpay.store import banks as banks
from mockpay.store import buyers as buyers
from mockpay.store import counters as counters
from mockpay.store import gateway_calls as gateway_calls
from mockpay.store import gateway_objects as gateway_objects
from mockpay.store import gifts as gifts
from mockpay.store import idempotency as idempotency
from mockpay.store import inbox as inbox
from mockpay.store import journal as journal
from mockpay.store import notifications as notifications
from mockpay.store import orders as orders
from mockpay.store import outbox as outbox
from mockpay.store import refunds as refunds
from mockpay.store import scenarios as scenarios
from mockpay.store import schedule as schedule
from mockpay.store import sellers as sellers
from mockpay.store import wallet as wallet
from mockpay.store import wallet_profiles as wallet_profiles
from mockpay.store.db.engine import create_tables as create_tables
from mockpay.store.db.metadata import metadata as metadata
from mockpay.threeds import threeds_table as threeds_table
from mockpay.vault import vault_table as vault_table
