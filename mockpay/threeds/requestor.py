"""The 3DS Server on the seller's side: prepares, asks by AReq, and believes only what came server to server."""

from __future__ import annotations

from mockpay.domain.payments.attempts import Attempt, Decision, Source
from mockpay.domain.timeline import Actor
from mockpay.kernel import ids
from mockpay.kernel.clock import rfc3339
from mockpay.kernel.errors import Invalid
from mockpay.store.transitions import step
from mockpay.store.unit_of_work import Sandbox
from mockpay.threeds import directory_server, messages, threeds_table
from mockpay.threeds.directory_server import seal_cavv
from mockpay.threeds.messages import (
    AReq,
    ARes,
    BadMessage,
    CReq,
    CRes,
    ErrorMessage,
    MessageError,
    browser_elements,
    error_message,
)
from mockpay.threeds.rules import (
    ENDED,
    OUTCOMES,
    TECHNICAL,
    WINDOWS,
    Browser,
    Outcome,
    State,
    Transaction,
    TransStatus,
    eci,
    flow_of,
    outcome_of,
    trans_id,
)
from mockpay.threeds.threeds_table import BROWSER, SERVER, TRANSACTIONS, add_prepared_event, get_transaction, log

_CHALLENGE_INDICATORS = frozenset({"01", "02", "03", "04"})
#: What the CRes's teller is not believed for: the reason told with N.
_SECURITY = "09"


def prepare(
    sandbox: Sandbox, attempt: Attempt, outcome: str, *, notification_url: str, payee: str | None = None
) -> Transaction:
    """
    Begin an authentication of an attempt's card.

    Args:
        outcome: What its plan has for the stage: one of `threeds_outcomes.OUTCOMES`.
        notification_url: Where the challenge sends its ``cres``, absolute.
        payee: The merchant's name on the ACS's page; the seller's own unless said.

    Raises:
        Invalid: code ``scenario.outcome``.
    """
    if outcome not in OUTCOMES:
        message = f"The auth stage has no outcome '{outcome}'."
        raise Invalid(message, code="scenario.outcome", outcome=outcome)
    number = len(threeds_table.of_attempt(sandbox, attempt.attempt_id)) + 1
    card = attempt.instrument
    seed, seller_id = sandbox.seller.seed, sandbox.seller_id
    row = {
        "txn_id": trans_id(seed, seller_id, "server", attempt.attempt_id, number),
        "attempt_id": attempt.attempt_id,
        "order_pk": attempt.order_pk,
        "number": number,
        "state": str(State.PREPARED),
        "outcome": outcome,
        **{name: card[name] for name in ("network", "bin", "last4", "expiry", "issuer", "country")},
        "amount_minor": attempt.amount.minor,
        "currency": attempt.amount.currency,
        "payee": payee or sandbox.seller.name,
        "notification_url": notification_url,
    }
    txn = threeds_table.add(sandbox, row)
    add_prepared_event(sandbox, txn)
    return txn


def method_request(txn: Transaction, method_notification_url: str) -> str:
    """``threeDSMethodData`` for the hidden form that opens the issuer's method URL."""
    return messages.encode(
        {"threeDSServerTransID": txn.txn_id, "threeDSMethodNotificationURL": method_notification_url}
    )


def method_done(sandbox: Sandbox, txn_id: str, comp_ind: str) -> Transaction:
    """
    The method step is over: Y done in time, N not; U where the card's issuer has no method URL.

    A Y that comes after an N is taken as long as nobody has been asked yet.

    Raises:
        Invalid: code ``threeds.comp_ind``.
        NotFound: code ``threeds.not_found``.
    """
    txn = get_transaction(sandbox, txn_id)
    if comp_ind not in {"Y", "N", "U"}:
        raise Invalid("threeDSCompInd is Y, N or U.", code="threeds.comp_ind")
    indicator = comp_ind if txn.method_url else "U"
    if txn.state is State.PREPARED:
        return step(sandbox, TRANSACTIONS, txn, "method", Actor.BUYER, {"comp_ind": indicator})
    if txn.state is State.METHOD and indicator == "Y":
        return threeds_table.change(sandbox, txn, comp_ind=indicator)
    return txn


def authenticate(
    sandbox: Sandbox, txn_id: str, browser: Browser, *, window: str = "05", challenge_indicator: str = "01"
) -> Transaction:
    """
    Ask the issuer by AReq; the answer ends the authentication or wants a challenge.

    Asked again, it answers as before.

    Raises:
        Invalid: code ``threeds.window`` or ``threeds.challenge_indicator``.
        NotFound: code ``threeds.not_found``.
    """
    if window not in WINDOWS:
        raise Invalid("challengeWindowSize is 01 to 05.", code="threeds.window")
    if challenge_indicator not in _CHALLENGE_INDICATORS:
        raise Invalid("A challenge indicator is 01 to 04.", code="threeds.challenge_indicator")
    txn = get_transaction(sandbox, txn_id)
    if txn.state not in {State.PREPARED, State.METHOD}:
        return txn
    asking = step(
        sandbox,
        TRANSACTIONS,
        txn,
        "authenticate",
        Actor.SANDBOX,
        {
            "window_size": window,
            "challenge_indicator": challenge_indicator,
            "comp_ind": txn.comp_ind or ("N" if txn.method_url else "U"),
        },
    )
    answer = directory_server.authenticate(sandbox, asking, _areq(sandbox, asking, browser))
    if isinstance(answer, ErrorMessage):
        return _record_error(sandbox, asking, answer)
    return _record_ares(sandbox, asking, answer)


def _areq(sandbox: Sandbox, txn: Transaction, browser: Browser) -> AReq:
    month, year = txn.expiry.split("/")
    return AReq(
        server_trans_id=txn.txn_id,
        comp_ind=txn.comp_ind or "U",
        # Here the full number would travel; none of the roles needs it, so nobody opens its vault.
        acct_number=txn.masked,
        card_expiry=f"{year}{month}",
        purchase_amount=str(txn.amount.minor),
        purchase_date="".join(filter(str.isdigit, rfc3339(sandbox.now)))[:14],
        merchant_name=txn.payee,
        requestor_id=sandbox.seller_id,
        requestor_name=sandbox.seller.name,
        requestor_url="https://mockpay.invalid/",
        acquirer_merchant_id=sandbox.seller_id,
        notification_url=txn.notification_url,
        challenge_ind=txn.challenge_indicator or "01",
        **browser_elements(browser),
    )


def _record_ares(sandbox: Sandbox, txn: Transaction, ares: ARes) -> Transaction:
    status = TransStatus(ares.trans_status)
    common = {"ares_status": str(status), "acs_trans_id": ares.acs_trans_id, "flow": str(flow_of(txn.outcome, status))}
    if status is TransStatus.CHALLENGE:
        return step(
            sandbox,
            TRANSACTIONS,
            txn,
            "challenge",
            Actor.ISSUER,
            {"challenged_at": sandbox.now, "session_data": messages.pack(ids.entropy(16)), **common},
        )
    return step(
        sandbox,
        TRANSACTIONS,
        txn,
        "frictionless",
        Actor.ISSUER,
        {
            "trans_status": str(status),
            "reason": ares.reason,
            "eci": ares.eci,
            "sealed_value": seal_cavv(sandbox, txn.txn_id, ares.authentication_value),
            "completed_at": sandbox.now,
            **common,
        },
    )


def _record_error(sandbox: Sandbox, txn: Transaction, refusal: ErrorMessage) -> Transaction:
    """The issuer could not be asked: U, technical."""
    status = TransStatus.UNAVAILABLE
    return step(
        sandbox,
        TRANSACTIONS,
        txn,
        "fail",
        Actor.ISSUER,
        {
            "trans_status": str(status),
            "reason": TECHNICAL,
            "eci": eci(txn.network, status),
            "error_code": refusal.error_code,
            "completed_at": sandbox.now,
        },
    )


def creq(txn: Transaction) -> str:
    """What the browser posts to `txn.acs_path`, beside `txn.session_data`."""
    message = CReq(txn.txn_id, txn.acs_trans_id or "", txn.window_size or "05")
    return messages.encode(message.plain())


def finish(sandbox: Sandbox, txn_id: str, cres_text: str | None, session_data: str | None = None) -> Transaction:
    """
    The browser is back from a challenge; it is told, not asked, how that ended.

    What counts is the RReq. A ``cres`` that tells another story, or comes before its RReq, ends the authentication as
    ERROR, N and 09. The first one counts; what is posted again changes nothing.

    Args:
        cres_text: As posted; None where the browser brings none.
        session_data: ``threeDSSessionData`` as posted; None where it is not looked at.

    Raises:
        NotFound: code ``threeds.not_found``.
    """
    txn = get_transaction(sandbox, txn_id)
    if cres_text is None or txn.acs_token is None or txn.returned_at is not None:
        return txn
    wrong = _mismatch(sandbox, txn, cres_text, session_data)
    if wrong is None:
        return threeds_table.change(sandbox, txn, returned_at=sandbox.now)
    log(sandbox, txn_id, wrong, SERVER, BROWSER)
    if txn.state is State.ERROR:
        return txn
    status = TransStatus.NOT_AUTHENTICATED
    forged = Decision("tampered", Source.BUYER, value="came back with a result that the bank did not give")
    return step(
        sandbox,
        TRANSACTIONS,
        txn,
        "fail",
        Actor.BUYER,
        {
            "decision": txn.decision if txn.outcome == "tampered" else forged,
            "trans_status": str(status),
            "reason": _SECURITY,
            "eci": eci(txn.network, status),
            "sealed_value": None,
            "error_code": wrong.error_code,
            "completed_at": sandbox.now,
            "returned_at": sandbox.now,
        },
    )


def _mismatch(sandbox: Sandbox, txn: Transaction, cres_text: str, session_data: str | None) -> ErrorMessage | None:
    """Why a ``cres`` is not believed; None where it says what the RReq said."""
    try:
        cres = CRes.read(messages.decode(cres_text))
    except (MessageError, BadMessage) as error:
        return _error_message(txn, error.error_code, getattr(error, "element", error.message))
    log(sandbox, txn.txn_id, cres, BROWSER, SERVER)
    if (cres.server_trans_id, cres.acs_trans_id) != (txn.txn_id, txn.acs_trans_id):
        return _error_message(txn, "301", "acsTransID")
    if txn.state not in ENDED or cres.trans_status != txn.trans_status:
        return _error_message(txn, "101", "transStatus")
    if session_data is not None and not ids.same(session_data, txn.session_data or ""):
        return _error_message(txn, "101", "threeDSSessionData")
    return None


def _error_message(txn: Transaction, error_code: str, detail: str) -> ErrorMessage:
    return error_message(
        error_code,
        SERVER,
        detail,
        CRes.kind,
        server_trans_id=txn.txn_id,
        ds_trans_id=txn.ds_trans_id,
        acs_trans_id=txn.acs_trans_id,
    )


def outcome(sandbox: Sandbox, txn: Transaction) -> Outcome | None:
    """What an authentication means for its payment, by the seller's policy; None: not ended."""
    return outcome_of(txn, on_unavailable=sandbox.seller.settings.threeds_on_unavailable)
