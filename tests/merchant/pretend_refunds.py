"""Amazon's refunds at the other end of the wire: idempotent, never more than was paid."""

from mockpay.kernel.http.calls import HttpReply, Unreachable
from mockpay.kernel.money import Money
from mockpay.wire import xml

NAMESPACE = "http://mws.amazonservices.com/schema/OffAmazonPayments/2013-01-01"


class PretendRefunds:
    """
    Attributes:
        next_answers: What happens to the coming calls instead of an answer: "away" (nothing is
            taken), "lost" (it is taken, the answer is not), or (status, code) of a refusal.
        asked: The actions that came, in order.
    """

    def __init__(self, paid="499.00"):
        self.paid = Money.parse(paid)
        self.next_answers = []
        self.by_reference = {}
        self.asked = []

    def answer(self, fields):
        """Answer RefundPayment or GetRefundDetails as the sandbox does."""
        self.asked.append(fields["Action"])
        trouble = self.next_answers.pop(0) if self.next_answers else None
        if trouble == "away":
            raise Unreachable("No answer from 127.0.0.1.")
        if isinstance(trouble, tuple):
            return fault(*trouble)
        reply = getattr(self, f"_{fields['Action']}")(fields)
        if trouble == "lost":
            raise Unreachable("No answer from 127.0.0.1.")
        return reply

    def settle(self, reference, state="Completed", reason=""):
        """Let a refund come to its end."""
        refund = self.by_reference[reference]
        refund["RefundStatus"] = {"State": state, "ReasonCode": reason}
        return refund

    def taken(self):
        """How much Amazon is giving back."""
        live = [one for one in self.by_reference.values() if one["RefundStatus"]["State"] != "Declined"]
        return Money(sum(Money.parse(one["RefundAmount"]["Amount"]).minor for one in live))

    def _RefundPayment(self, fields):  # noqa: N802
        reference, amount = fields["RefundReferenceId"], fields["RefundAmount.Amount"]
        known = self.by_reference.get(reference)
        if known is not None and known["RefundAmount"]["Amount"] != amount:
            return fault(400, "DuplicateRequest")
        if known is None:
            if self.taken() + Money.parse(amount) > self.paid:
                return fault(400, "TransactionAmountExceeded")
            known = self.by_reference[reference] = {
                "AmazonRefundId": f"{fields['AmazonTransactionId']}-R{len(self.by_reference):06d}",
                "RefundReferenceId": reference,
                "RefundType": "SellerInitiated",
                "RefundAmount": {"CurrencyCode": "INR", "Amount": amount},
                "RefundStatus": {"State": "Pending"},
            }
        return done("RefundPayment", {"RefundDetails": {"RefundDetail": known}})

    def _GetRefundDetails(self, fields):  # noqa: N802
        for known in self.by_reference.values():
            if known["AmazonRefundId"] == fields["AmazonRefundId"]:
                return done("GetRefundDetails", {"RefundDetails": known})
        return fault(404, "InvalidTransactionId")


def done(action, result):
    tree = {f"{action}Result": result, "ResponseMetadata": {"RequestId": "r"}}
    return HttpReply(200, {}, xml.render(f"{action}Response", NAMESPACE, tree))


def fault(status, code, message=""):
    message = message or f"{code} it is."
    tree = {"Error": {"Type": "Sender", "Code": code, "Message": message}}
    return HttpReply(status, {}, xml.render("ErrorResponse", NAMESPACE, tree))
