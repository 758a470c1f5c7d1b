"""Why the signature of a request fits or does not: for a developer who asks, for the journal and for the dashboard."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

from mockpay.domain.providers import CallToExplain, SignatureExplanation, SignatureMistake, SignatureReading
from mockpay.domain.sellers import Seller
from mockpay.kernel.clock import SECOND, parse_time
from mockpay.kernel.errors import Forbidden, Invalid, MockpayError
from mockpay.kernel.keys.files import Keys
from mockpay.providers.amazonpay.freshness import staleness
from mockpay.providers.amazonpay.keys import PAYMENT_KEY
from mockpay.wire import forms
from mockpay.wire.amazonpay import opening
from mockpay.wire.amazonpay.diagnostics import REFUSES, Explanation, explain, explain_strings
from mockpay.wire.amazonpay.mistakes import Mistake, compare, listed, mistake
from mockpay.wire.amazonpay.opening import OpenedEnvelope
from mockpay.wire.amazonpay.signature_verification import Candidate, SignedRequest, request_signature, verify_request
from mockpay.wire.amazonpay.signing import HOST, PATH, VERB, matches, sign

_ENVELOPE = ("payload=", "key=", "iv=")
_INVALID = "signature.invalid"
_UNEXPLAINED = "key.other", "unknown"


def is_lenient(seller: Seller) -> bool:
    """Whether the seller has what Amazon refuses accepted, with a warning."""
    return seller.settings.signatures == "lenient"


def mismatch(reason: str | None = None) -> Forbidden:
    """The refusal of a wrong signature; the journal has the reason."""
    return Forbidden("The signature does not match.", code=_INVALID, reason=reason)


def check_call(seller: Seller, request: SignedRequest) -> dict[str, object]:
    """
    Verify a server-to-server call; which client signs so, and a warning where Amazon would refuse it.

    Raises:
        Forbidden: code ``signature.invalid``.
    """
    fitting = verify_request(request, secret=seller.secret_key, lenient=is_lenient(seller))
    if fitting is None:
        raise mismatch()
    facts: dict[str, object] = {"flavour": fitting.flavour}
    if fitting.note:
        facts["note"] = fitting.note
    if not fitting.accepted:
        explanation = explain(request, secret=seller.secret_key, lenient=True, deep=False)
        facts["warnings"] = {"Signature": explanation.warning}
    return facts


def check_envelope(seller: Seller, opened: OpenedEnvelope) -> None:
    """
    Verify a request that was sealed; its clients' spelling is a part of what Amazon takes.

    Raises:
        Forbidden: code ``signature.invalid``.
    """
    if not opening.verify_envelope(opened, seller.secret_key) or (opened.misspelt and not is_lenient(seller)):
        raise mismatch()


def envelope_warnings(opened: OpenedEnvelope) -> dict[str, str]:
    """Why Amazon would refuse what a lenient seller has had accepted; mostly nothing."""
    if not opened.misspelt:
        return {}
    mistakes = compare(opened.string_to_sign, opening.client_strings(opened)[0])
    return {"Signature": " ".join((REFUSES, *(mistake.sentence for mistake in mistakes)))}


def with_mistake(error: MockpayError, names: Collection[str], explained: Callable[[], Explanation]) -> MockpayError:
    """
    A refusal whose reason names the mistake, where it is one of signing.

    Args:
        names: The names of parameters that the journal may hold.
    """
    if error.code != _INVALID:
        return error
    mistakes = explained().mistakes
    if mistakes[-1].name in _UNEXPLAINED:
        reason = "The secret key is another one, or signature/explain says more with string_to_sign."
    else:
        reason = " ".join(mistake.sentence_with(names) for mistake in mistakes)
    return mismatch(f"{error.message} {reason}")


def explain_call(seller: Seller, request: SignedRequest) -> Explanation:
    """What is wrong with a refused call, as far as that is quickly found."""
    return explain(request, secret=seller.secret_key, lenient=is_lenient(seller), deep=False)


def explain_envelope(
    seller: Seller,
    opened: OpenedEnvelope,
    *,
    signature: str | None = None,
    claimed: str | None = None,
    call: SignedRequest | None = None,
    other_secrets: Callable[[], Mapping[str, str]] = dict,
    deep: bool = False,
) -> Explanation:
    """The same of a request that was sealed."""
    right, signature = opening.client_strings(opened), signature or opened.signature
    wrong: tuple[Mistake, ...] = ()
    if opened.misspelt and any(matches(sign(seller.secret_key, text), signature) for text in right):
        sentence = f"The payload has {listed(opened.misspelt)} percent-encoded once; it must be twice, and signed once."
        wrong = (mistake("value.once", sentence, opened.misspelt),)
    return explain_strings(
        [Candidate("envelope", text) for text in right],
        [Candidate("envelope/as-sent", opened.string_to_sign, accepted=False)],
        secret=seller.secret_key,
        signature=signature,
        unmendable=wrong,
        claimed=claimed,
        lenient=is_lenient(seller),
        call=call or SignedRequest(VERB, HOST, PATH, opened.plaintext),
        other_secrets=other_secrets,
        deep=deep,
    )


def explain_signature(seller: Seller, keys: Keys, call: CallToExplain) -> SignatureExplanation:
    """
    Explain a call to the pay page (sealed) or from server to server (signed).

    Raises:
        Invalid: code ``url.invalid``, or the envelope's or the form's own.
    """
    try:
        parts = urlsplit(call.url)
    except ValueError as error:
        raise Invalid("This is no URL.", code="url.invalid") from error
    raw, claimed, other_secrets = call.body or parts.query, call.string_to_sign, call.other_secrets
    opened = None
    if all(raw.startswith(name) or f"&{name}" in raw for name in _ENVELOPE):
        sent = opening.read_parameters(forms.decode_form(raw))
        opened = opening.open_envelope(sent.payload, sent.key, sent.iv, keys.private[PAYMENT_KEY.private])
        signature = call.signature or opened.signature
        own = SignedRequest(call.method.upper(), parts.netloc, parts.path or "/", opened.plaintext)
        found = explain_envelope(
            seller, opened, signature=signature, claimed=claimed, call=own, other_secrets=other_secrets, deep=True
        )
    else:
        request = SignedRequest(call.method.upper(), parts.netloc, parts.path or "/", raw)
        signature = call.signature if call.signature is not None else request_signature(raw)
        found = explain(
            request,
            secret=seller.secret_key,
            signature=signature,
            claimed=claimed,
            lenient=is_lenient(seller),
            other_secrets=other_secrets,
        )
    mistakes, cause = found.mistakes, found.cause
    stale = _staleness(seller, call, raw if opened is None else opened.plaintext)
    if stale:
        mistakes, cause = (*mistakes, stale), f"{cause} {stale.sentence}"
    readings = (found.nearest, *found.readings)
    nearest, *tried = (SignatureReading(r.flavour, r.string_to_sign, r.expected_signature) for r in readings)
    return SignatureExplanation(
        found.matched,
        cause,
        found.warning or None,
        tuple(SignatureMistake(m.name, m.sentence, m.code) for m in mistakes),
        signature,
        found.signed,
        nearest,
        found.first_difference,
        tuple(tried),
    )


class _Moment(NamedTuple):
    """When a call is held against the clocks."""

    seller: Seller
    now: int
    real_now: int


def _staleness(seller: Seller, call: CallToExplain, form: str) -> Mistake | None:
    """Why the call is refused however it is signed: its Timestamp or startTime is not fresh any more, or not yet."""
    fields = forms.unique(forms.decode_form(form))
    try:
        if "startTime" in fields:
            name, moment = "startTime", int(fields["startTime"][:12]) * SECOND
        else:
            name, moment = "Timestamp", parse_time(fields["Timestamp"])
    except (KeyError, ValueError, Invalid):
        return None
    sentence = staleness(_Moment(seller, call.now, call.real_now), name, moment)
    return mistake("time.stale", sentence, [name]) if sentence else None
