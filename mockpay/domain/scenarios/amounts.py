"""Magic amounts of a payment, the band 17SS.CC: SS the stage, CC the code; `.00` is always normal."""

from __future__ import annotations

from collections.abc import Iterable

from mockpay.domain.methods.iso8583 import ISO_CODES
from mockpay.domain.payments.attempts import Stage
from mockpay.domain.scenarios.rows import Input, Row

#: What the browser is sent back to the seller with; outcome names are the redirect stage's own.
_REDIRECTS: tuple[tuple[str, str, str], ...] = (
    ("01", "bad_signature", "the result is sent back with a wrong signature"),
    ("02", "missing_field", "the result is sent back without its reason code"),
    ("03", "amount_changed", "the result is sent back with another amount"),
    ("04", "order_changed", "the result is sent back with another order id"),
    ("05", "duplicated", "the result is sent back twice"),
    ("06", "delayed", "the result is sent back 5 seconds late"),
    ("07", "never_returns", "the browser is never sent back"),
    ("08", "failure_though_captured", "told FAILURE though captured; the money is sent back"),
)
REDIRECT_OUTCOMES = frozenset({"success"} | {outcome for _, outcome, _ in _REDIRECTS})
#: facts, section 11.6. The built-in gateway shows how each ends.
_GATEWAYS: tuple[tuple[str, str, str], ...] = (
    ("01", "refuse", "the first connection to the gateway is refused, the next one is not"),
    ("02", "refuse_always", "the first gateway refuses every connection: another one takes the payment, or it fails"),
    ("03", "noresponse", "the gateway's answer is lost, then a look-up finds the money taken"),
    ("04", "noresponsefail", "the gateway's answer is lost, then a look-up finds it declined"),
    ("05", "http_500", "the gateway takes the money and answers 500, then a look-up finds it"),
    ("06", "http_503", "the gateway answers 503 once and takes nothing, then it is asked again"),
    ("07", "garbage", "the gateway takes the money and answers what nobody can read, then a look-up finds it"),
    ("08", "wrong_signature", "the gateway takes the money, its answer is signed wrongly, then a look-up finds it"),
    ("09", "latency", "the gateway answers 6 seconds late"),
    ("13", "technical_decline", "the first gateway declines with 96: another one approves, or the payment fails"),
)
#: What the network of the gateway says later, as the issuer's stage has it.
_LATER: tuple[tuple[str, str, str], ...] = (
    ("10", "pendingok", "pending at the gateway, then approved"),
    ("11", "pendingfail", "pending at the gateway, then declined"),
    ("12", "pending", "pending at the gateway for ever"),
)
GATEWAY_OUTCOMES = frozenset({"success", *(outcome for _, outcome, _ in _GATEWAYS)})
#: facts, section 11.6.
_AUTHENTICATIONS: tuple[tuple[str, str, str], ...] = (
    ("01", "N", "not authenticated, N"),
    ("02", "A", "attempted, A"),
    ("03", "U", "authentication unavailable, U"),
    ("04", "R", "rejected by the issuer, R"),
    ("05", "timeout", "the challenge never completes"),
    ("06", "cancelled", "the buyer leaves the challenge"),
    ("07", "frictionless", "authenticated without a challenge"),
    ("08", "otp_undelivered", "the first one-time password does not arrive"),
)


def amount_rows() -> Iterable[Row]:
    """What issuer, gateway, redirect and authentication are asked for."""
    for code in ISO_CODES:
        description = f"issuer answers {code}"
        yield Row(f"amount.issuer.{code}", Stage.ISSUER, Input.AMOUNT, f"1700.{code}", f"iso:{code}", description)
    for code, outcome, description in _GATEWAYS:
        yield Row(f"amount.gateway.{code}", Stage.GATEWAY, Input.AMOUNT, f"1701.{code}", outcome, description)
    for code, outcome, description in _LATER:
        yield Row(f"amount.gateway.{code}", Stage.ISSUER, Input.AMOUNT, f"1701.{code}", outcome, description)
    for code, outcome, description in _REDIRECTS:
        yield Row(f"amount.redirect.{code}", Stage.REDIRECT, Input.AMOUNT, f"1703.{code}", outcome, description)
    for code, outcome, description in _AUTHENTICATIONS:
        name, words = f"amount.auth.{code}", f"authentication: {description}"
        yield Row(name, Stage.AUTH, Input.AMOUNT, f"1702.{code}", outcome, words)
    yield Row("amount.issuer.other", Stage.ISSUER, Input.AMOUNT, "1700.*", "iso:05", "issuer declines")
