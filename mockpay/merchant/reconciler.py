"""
Ask for refunds, and ask again until each has an end ("verify refund").

A refund whose answer was lost is asked for again with the same reference id, which Amazon
answers with the first refund; one that is on its way is asked about by GetRefundDetails.  What
cannot be answered now is left as it is for the next run.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mockpay.kernel.clock import RealClock, SystemClock
from mockpay.kernel.errors import Invalid, MockpayError
from mockpay.kernel.http.calls import Unreachable
from mockpay.kernel.money import Money
from mockpay.merchant.client import AmazonPayClient
from mockpay.merchant.ledger import Ledger, RefundStatus, RefundUpdate, ShopRefund
from mockpay.merchant.ledger.refund_rows import ANSWER, QUESTION
from mockpay.merchant.notifications import RefundNotice
from mockpay.merchant.refunds import Refund, RefundState
from mockpay.merchant.responses import ServiceError

#: What Amazon's states mean for the books.
_STATUSES = {
    RefundState.PENDING: RefundStatus.INITIATED,
    RefundState.COMPLETED: RefundStatus.PROCESSED,
    RefundState.DECLINED: RefundStatus.DECLINED,
}

#: Refusals that tell of the caller or the moment, not of the refund: an earlier request, whose
#: answer was lost, may have been taken all the same.
_NOT_ABOUT_THE_REFUND = frozenset(
    {
        "AccessDenied",
        "InternalServerError",
        "InvalidAccessKeyId",
        "MissingAuthenticationToken",
        "QuotaExceeded",
        "RequestExpired",
        "RequestThrottled",
        "ServiceUnavailable",
        "SignatureDoesNotMatch",
        "UnauthorizedAccess",
    }
)


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """
    What a run did.

    Attributes:
        checked: Refunds that were asked about or asked for again.
        changed: Those that stand elsewhere since, as they stand now.
        unanswered: Those that nothing was learnt about; the next run asks again.
    """

    checked: int
    changed: tuple[ShopRefund, ...]
    unanswered: int


class Reconciler:
    """
    The refunds of one shop and whom to ask about them.

    Args:
        client: Gives the client to ask with; called for each question.
        clock: When something was asked; the machine's own clock if not given.
    """

    def __init__(self, ledger: Ledger, client: Callable[[], AmazonPayClient], clock: RealClock | None = None) -> None:
        self._ledger, self._client = ledger, client
        self._clock = clock or SystemClock()

    def send(self, refund: ShopRefund) -> ShopRefund:
        """Ask Amazon for a refund that is in the books, and enter the answer; never raises."""
        try:
            update = self._request(refund)
        except MockpayError as error:
            update = RefundUpdate(RefundStatus.LOST, ANSWER, reason=_reason(error))
        return self._ledger.refunds.update(refund.reference_id, update, at=self._clock.now())

    def verify(self, refund: ShopRefund) -> ShopRefund:
        """
        Ask about a refund once, or for it again where its answer was lost.

        Raises:
            MockpayError: nothing was learnt; the books say why, and are otherwise unchanged.
        """
        refunds = self._ledger.refunds
        # Beforehand, so that one that never gets an answer does not stay the first in line.
        refunds.record_check(refund.reference_id, at=self._clock.now())
        try:
            update = self._query(refund)
        except MockpayError as error:
            refunds.record_check(refund.reference_id, at=self._clock.now(), error=_reason(error))
            raise
        return refunds.update(refund.reference_id, update, at=self._clock.now())

    def run(self, *, order_id: str = "", limit: int = 100) -> Reconciliation:
        """
        Ask about all refunds that need it, the longest unasked first.

        Args:
            order_id: Only this order's.
            limit: At most so many; the next run goes on behind them.
        """
        due = self._ledger.refunds.due(at=self._clock.now(), order_id=order_id, limit=limit)
        changed: list[ShopRefund] = []
        unanswered = 0
        for number, refund in enumerate(due, start=1):
            try:
                current = self.verify(refund)
            except Unreachable:
                # Nobody is there: each further question would only wait as long again.
                return Reconciliation(number, tuple(changed), unanswered + 1)
            except MockpayError:
                unanswered += 1
                continue
            if current.status is not refund.status:
                changed.append(current)
        return Reconciliation(len(due), tuple(changed), unanswered)

    def _query(self, refund: ShopRefund) -> RefundUpdate:
        if not refund.amazon_refund_id:
            return self._request(refund)
        return update_from(self._client().get_refund_details(refund.amazon_refund_id), QUESTION)

    def _request(self, refund: ShopRefund) -> RefundUpdate:
        """Raises where it stays unknown whether Amazon took the refund."""
        try:
            answer = self._client().refund(
                refund.amazon_order_id, refund.reference_id, refund.amount.wire(), note=refund.note or None
            )
        except MockpayError as error:
            if not is_refusal(error):
                raise
            return RefundUpdate(RefundStatus.REFUSED, ANSWER, reason=_reason(error))
        return update_from(answer, ANSWER)


def verify_refunds(ledger: Ledger, client: AmazonPayClient, *, clock: RealClock | None = None) -> Reconciliation:
    """Ask once about every refund in the books that has no end yet; for a job that runs often."""
    return Reconciler(ledger, lambda: client, clock).run()


def update_from(refund: Refund | RefundNotice, by: str) -> RefundUpdate:
    """
    What Amazon's answer or notification changes in the ledger.

    Raises:
        Invalid: code ``amount.invalid``.
    """
    if isinstance(refund, RefundNotice):
        amount = refund.amount
    else:
        amount = Money.parse(refund.amount, refund.currency or "INR") if refund.amount else None
    declined = refund.state is RefundState.DECLINED
    return RefundUpdate(
        status=_STATUSES[refund.state],
        by=by,
        amazon_refund_id=refund.amazon_refund_id,
        reason=(refund.reason_code or refund.reason_description) if declined else "",
        amount=amount,
    )


def is_refusal(error: MockpayError) -> bool:
    """Whether an error tells that the refund was not taken and never will be."""
    if isinstance(error, Invalid):
        return error.code == "payment.field"
    return (
        isinstance(error, ServiceError)
        and bool(error.service_code)
        and error.http_status < 500
        and error.service_code not in _NOT_ABOUT_THE_REFUND
    )


def _reason(error: MockpayError) -> str:
    code = error.service_code if isinstance(error, ServiceError) else ""
    return f"{code}: {error.message}" if code else error.message
