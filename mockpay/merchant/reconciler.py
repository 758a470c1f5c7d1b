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
from mockpay.merchant.ledger import Books, RefundNews, ShopRefund, Standing
from mockpay.merchant.ledger.refund_updates import ANSWER, QUESTION
from mockpay.merchant.refunds import Refund, RefundState
from mockpay.merchant.responses import ServiceError

#: What Amazon's states mean for the books.
STANDINGS = {
    RefundState.PENDING: Standing.INITIATED,
    RefundState.COMPLETED: Standing.PROCESSED,
    RefundState.DECLINED: Standing.DECLINED,
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
        asked: Refunds that were asked about or asked for again.
        moved: Those that stand elsewhere since, as they stand now.
        unanswered: Those that nothing was learnt about; the next run asks again.
    """

    asked: int
    moved: tuple[ShopRefund, ...]
    unanswered: int


class Reconciler:
    """
    The refunds of one shop and whom to ask about them.

    Args:
        client: Gives the client to ask with; called for each question.
        clock: When something was asked; the machine's own clock if not given.
    """

    def __init__(
        self, books: Books, client: Callable[[], AmazonPayClient], clock: RealClock | None = None
    ) -> None:
        self._books, self._client = books, client
        self._clock = clock or SystemClock()

    def send(self, refund: ShopRefund) -> ShopRefund:
        """Ask Amazon for a refund that is in the books, and enter the answer; never raises."""
        try:
            news = self._request(refund)
        except MockpayError as error:
            news = RefundNews(Standing.LOST, ANSWER, reason=_reason(error))
        return self._books.refunds.follow(refund.reference_id, news, at=self._clock.now())

    def verify(self, refund: ShopRefund) -> ShopRefund:
        """
        Ask about a refund once, or for it again where its answer was lost.

        Raises:
            MockpayError: nothing was learnt; the books say why, and are otherwise unchanged.
        """
        refunds = self._books.refunds
        # Beforehand, so that one that never gets an answer does not stay the first in line.
        refunds.checked(refund.reference_id, at=self._clock.now())
        try:
            news = self._ask(refund)
        except MockpayError as error:
            refunds.checked(refund.reference_id, at=self._clock.now(), trouble=_reason(error))
            raise
        return refunds.follow(refund.reference_id, news, at=self._clock.now())

    def run(self, *, order_id: str = "", limit: int = 100) -> Reconciliation:
        """
        Ask about all refunds that need it, the longest unasked first.

        Args:
            order_id: Only this order's.
            limit: At most so many; the next run goes on behind them.
        """
        due = self._books.refunds.due(at=self._clock.now(), order_id=order_id, limit=limit)
        moved: list[ShopRefund] = []
        unanswered = 0
        for asked, refund in enumerate(due, start=1):
            try:
                after = self.verify(refund)
            except Unreachable:
                # Nobody is there: each further question would only wait as long again.
                return Reconciliation(asked, tuple(moved), unanswered + 1)
            except MockpayError:
                unanswered += 1
                continue
            if after.standing is not refund.standing:
                moved.append(after)
        return Reconciliation(len(due), tuple(moved), unanswered)

    def _ask(self, refund: ShopRefund) -> RefundNews:
        if not refund.amazon_refund_id:
            return self._request(refund)
        return news_of(self._client().get_refund_details(refund.amazon_refund_id), QUESTION)

    def _request(self, refund: ShopRefund) -> RefundNews:
        """Raises where it stays unknown whether Amazon took the refund."""
        try:
            answer = self._client().refund(
                refund.amazon_order_id, refund.reference_id, refund.amount.wire(), note=refund.note or None
            )
        except MockpayError as error:
            if not refuses(error):
                raise
            return RefundNews(Standing.REFUSED, ANSWER, reason=_reason(error))
        return news_of(answer, ANSWER)


def verify_refunds(
    books: Books, client: AmazonPayClient, *, clock: RealClock | None = None
) -> Reconciliation:
    """Ask once about every refund in the books that has no end yet; for a job that runs often."""
    return Reconciler(books, lambda: client, clock).run()


def news_of(refund: Refund, by: str) -> RefundNews:
    """
    What Amazon's answer tells the books.

    Raises:
        Invalid: code ``amount.invalid``.
    """
    amount = Money.parse(refund.amount, refund.currency or "INR") if refund.amount else None
    declined = refund.state is RefundState.DECLINED
    return RefundNews(
        says=STANDINGS[refund.state],
        by=by,
        amazon_refund_id=refund.amazon_refund_id,
        reason=(refund.reason_code or refund.reason_description) if declined else "",
        amount=amount,
    )


def refuses(error: MockpayError) -> bool:
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
