"""What kind of error a call of a gateway ended with."""

from mockpay.domain.payments.call_log import ErrorClass, classify
from mockpay.domain.payments.gateways import Exchange, Operation, Result, ResultKind

K, E, OP = ResultKind, ErrorClass, Operation


def answered(kind, status=0, **more):
    return Result(kind, more.pop("code", "05"), exchange=Exchange("POST", "http://x", {}, None, status), **more)


def kind_of(result, operation=OP.CHARGE, gateway="first", *, refused=False):
    return classify(result, operation, gateway, "card", refused=refused)


def test_what_went_as_it_was_asked_has_no_error(subtests):
    for kind in (K.APPROVED, K.AUTHORIZED, K.PENDING, K.AUTH_REQUIRED, K.ABSENT):
        with subtests.test(kind=kind):
            assert kind_of(answered(kind, 200)) is None


def test_errors_by_what_came_back(subtests):
    cases = [
        (answered(K.NOT_SENT), E.CONNECT),
        (answered(K.NO_ANSWER), E.TIMEOUT),
        (answered(K.NO_ANSWER, 200), E.PARSE),
        (answered(K.NO_ANSWER, 302), E.PARSE),
        (answered(K.NO_ANSWER, 409), E.HTTP_4XX),
        (answered(K.NO_ANSWER, 500), E.HTTP_5XX),
        (answered(K.NO_ANSWER, 599), E.HTTP_5XX),
        (answered(K.NO_ANSWER, 200, raw_code="answer.signature"), E.BAD_SIGNATURE),
        (answered(K.REJECTED, 0, raw_code="webhook.signature"), E.BAD_SIGNATURE),
        (answered(K.REJECTED, 400), E.HTTP_4XX),
        (answered(K.REJECTED, 429), E.THROTTLED),
        (answered(K.DECLINED, 400, code="51"), E.DECLINE),
        (answered(K.DECLINED, 400, code="91"), E.DECLINE_TECHNICAL),
        (answered(K.DECLINED, 400, code="96"), E.DECLINE_TECHNICAL),
        (answered(K.DECLINED, 400, code="59"), E.RISK),
        (answered(K.DECLINED, 400, code="reversed"), E.DECLINE),
        (Result(K.NO_ANSWER, ""), E.INTERRUPTED),
        (Result(K.NOT_SENT, ""), E.NOT_PREPARED),
        (Result(K.REJECTED, ""), E.NOT_PREPARED),
    ]
    for result, kind in cases:
        with subtests.test(result=result):
            assert kind_of(result) is kind


def test_what_is_told_of_an_unknown_payment_is_a_decline():
    assert classify(answered(K.DECLINED, 200, code="91"), OP.STATUS, "first", "", refused=False) is E.DECLINE


def test_what_was_not_sent_at_all(subtests):
    assert kind_of(Result(K.NOT_SENT, ""), refused=True) is E.BREAKER_OPEN
    assert kind_of(Result(K.REJECTED, ""), OP.VOID) is E.UNSUPPORTED
    # The built-in gateway has no bytes to show.
    assert kind_of(Result(K.NO_ANSWER, ""), gateway="simulator") is E.TIMEOUT
