"""What a client of PayU sends: the form of a payment, and commands; how they become bytes and back."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from mockpay.kernel.errors import Invalid
from mockpay.kernel.http.calls import HttpCall
from mockpay.wire import forms
from mockpay.wire.payu import hashes

PAYMENT_PATH = "/_payment"
COMMAND_PATH = "/merchant/postservice.php"
_JSON_ANSWER = "?form=2"
LONGEST_TOKEN = 23
#: The most characters of a payment's fields.
LONGEST: Mapping[str, int] = {
    "txnid": 25,
    "productinfo": 100,
    "firstname": 60,
    "lastname": 20,
    "email": 50,
    **{f"udf{number}": 255 for number in range(1, 6)},
}
#: What a payment cannot be without.
MANDATORY = ("txnid", "amount", "productinfo", "firstname", "email", "phone", "surl", "furl")
#: A payment from server to server, answered with JSON instead of a page.
_SERVER_TO_SERVER = {"txn_s2s_flow": "4"}
_FORM = "application/x-www-form-urlencoded"


class Command(Struct, frozen=True):
    """A command of the API with its values `var1`, `var2`, ..."""

    name: str
    values: Mapping[str, str]


def payment(fields: Mapping[str, str], key: str, salt: str) -> dict[str, str]:
    """The form of a payment from server to server; amounts in rupees with two decimals."""
    form = {"key": key, **fields, **_SERVER_TO_SERVER}
    return {**form, "hash": hashes.digest(hashes.payment_text(form, salt))}


def command_form(command: Command, key: str, salt: str) -> dict[str, str]:
    """The form of a command."""
    text = hashes.command_text(key, command.name, command.values["var1"], salt)
    return {"key": key, "command": command.name, **command.values, "hash": hashes.digest(text)}


def verify_payment(txnid: str) -> Command:
    """What became of a payment by its merchant's name for it."""
    return Command("verify_payment", {"var1": txnid})


def check_payment(mihpayid: str) -> Command:
    """What became of a payment by PayU's id."""
    return Command("check_payment", {"var1": mihpayid})


def capture_transaction(mihpayid: str, token: str, amount: str) -> Command:
    """Queue the capture of what was authorised."""
    return Command("capture_transaction", {"var1": mihpayid, "var2": token, "var3": amount})


def cancel_refund_transaction(mihpayid: str, token: str, amount: str) -> Command:
    """Queue a refund of what was captured, or the release of what was authorised; each token once."""
    return Command("cancel_refund_transaction", {"var1": mihpayid, "var2": token, "var3": amount})


def check_action_status(mihpayid: str) -> Command:
    """The captures, refunds and cancellations of a payment by PayU's id."""
    return Command("check_action_status", {"var1": mihpayid, "var2": "payuid"})


def encode(fields: Mapping[str, str], path: str, base_url: str, timeout: float, **headers: str) -> HttpCall:
    """A form as it goes out; `headers` are further ones, their underscores as hyphens."""
    own = {"Content-Type": _FORM, "Accept": "application/json"}
    own |= {name.replace("_", "-"): value for name, value in headers.items()}
    url = base_url.rstrip("/") + path + (_JSON_ANSWER if path == COMMAND_PATH else "")
    return HttpCall("POST", url, own, forms.encode_form(fields.items()).encode(), timeout)


def decode(body: bytes) -> dict[str, str]:
    """
    The fields of a posted form; of a name that comes twice the last one counts.

    Raises:
        Invalid: code ``form.malformed``: too large, a broken percent escape, or a NUL in it.
    """
    return _decode(body, plus_is_space=True)


def first_value_spellings(body: bytes) -> list[str]:
    """
    `var1` as a command may have hashed it: as a form's value, and with its plus signs kept.

    The company's Node client leaves `+` bare in what it posts, and hashes it as it is.

    Raises:
        Invalid: as `decode`.
    """
    return [_decode(body, plus_is_space=space).get("var1", "") for space in (True, False)]


def _decode(body: bytes, *, plus_is_space: bool) -> dict[str, str]:
    try:
        fields = dict(forms.decode_form(body, plus_is_space=plus_is_space))
    except forms.FormError as error:
        raise Invalid(error.message, code="form.malformed") from error
    return checked(fields)


def checked(fields: dict[str, str]) -> dict[str, str]:
    """
    Fields that can be stored and looked for.

    Raises:
        Invalid: code ``form.malformed``: a NUL, which no database holds.
    """
    if any("\0" in value for value in fields.values()):
        raise Invalid("A field holds a NUL.", code="form.malformed")
    return fields


#: What of a request may be stored.
SHOWN = frozenset(
    "command var1 var2 var3 var5 txnid amount productinfo pg bankcode pre_authorize txn_s2s_flow api_version".split()
)
SHOWN_HEADERS = frozenset({"accept", "content-type", "mockpay-outcome", "mockpay-delay"})
