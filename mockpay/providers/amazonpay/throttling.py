"""
Amazon's quotas: one bucket of tokens for each seller and operation.

The quotas of reads other than GetBillingAgreementDetails, and of India's charge status, are not
published; they are taken to be the same (this folder's README).
"""

from __future__ import annotations

from collections.abc import Mapping

from mockpay.domain.throttling import Quota
from mockpay.kernel.clock import SECOND
from mockpay.services.sellers import accounts
from mockpay.store.unit_of_work import Sandbox

_STATUS = Quota(2, 300 * SECOND)
_WRITES = ("RefundPayment", "Refund", "CancelOrderReference", "CloseOrderReference")
_READS = (
    "GetAuthorizationDetails",
    "GetCaptureDetails",
    "GetRefundDetails",
    "GetOrderReferenceDetails",
    "ListOrderReference",
    "ListOrderReferenceByNextToken",
    "chargeStatus",
)


def _profile(write: Quota, read: Quota) -> Mapping[str, Quota]:
    return {**dict.fromkeys(_WRITES, write), **dict.fromkeys(_READS, read), "GetServiceStatus": _STATUS}


#: The setting `throttling`: quota by operation.
PROFILES: Mapping[str, Mapping[str, Quota]] = {
    "sandbox": _profile(Quota(2, 2 * SECOND), Quota(5, SECOND)),
    "production": _profile(Quota(10, SECOND), Quota(20, SECOND // 2)),
}
#: Another name for the same operation takes from the same bucket.
_SYNONYMS = {"GetRefundStatus": "GetRefundDetails"}


def take(sandbox: Sandbox, operation: str) -> None:
    """
    Count a call, where the seller's settings ask for it; one without a quota always passes.

    Raises:
        Throttled: code ``throttled``: there is no token left.
    """
    bucket = _SYNONYMS.get(operation, operation)
    quota = PROFILES.get(sandbox.seller.settings.throttling, {}).get(bucket)
    if quota is not None:
        accounts.take(sandbox, bucket, quota)
