"""A posted form before anybody is believed: its fields, whose it is, and whether its hash fits."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Request
from msgspec import Struct
from msgspec.structs import replace
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from mockpay.domain.sellers import Seller
from mockpay.kernel.errors import Forbidden, Invalid, NotFound
from mockpay.providers.payu.credentials import NAME, credentials
from mockpay.services.sellers import accounts
from mockpay.store.unit_of_work import Runtime
from mockpay.wire.payu import hashes, requests
from mockpay.wire.payu.diagnostics import likely_cause


class PostedForm(Struct, frozen=True):
    """The fields of a form; `first_values` are the spellings in which `var1` may be hashed."""

    fields: Mapping[str, str]
    first_values: tuple[str, ...] = ()

    def value(self, name: str) -> str:
        """A field without spaces and quotes around it, as documented samples have them; empty where it is absent."""
        return self.fields.get(name, "").strip(' "')

    def need(self, name: str) -> str:
        """
        A field that must be there.

        Raises:
            Invalid: code ``parameter.missing``.
        """
        value = self.value(name)
        if not value:
            raise Invalid(f"Parameter missing: {name}", code="parameter.missing", name=name)
        return value


def read_form(request: Request) -> PostedForm:
    """
    The form of a request, URL-encoded or in parts, from the body or, by GET, from the query.

    Raises:
        Invalid: code ``form.malformed``, ``request.too_large`` or ``request.broken``.
    """
    try:
        if request.mimetype == "multipart/form-data":
            fields = requests.checked(request.form.to_dict())
            return PostedForm(fields, (fields.get("var1", ""),))
        body = request.get_data() or request.query_string
    except RequestEntityTooLarge as error:
        raise Invalid("The request is too large.", code="request.too_large") from error
    except HTTPException as error:
        raise Invalid("The request ended too soon.", code="request.broken") from error
    return PostedForm(requests.decode(body), tuple(requests.first_value_spellings(body)))


def seller_of(runtime: Runtime, form: PostedForm) -> str:
    """
    The id of the seller whose key a form has.

    Raises:
        NotFound: code ``key.unknown``.
    """
    seller_id = accounts.seller_of_key(runtime, NAME, form.fields.get("key", ""))
    if seller_id is None:
        raise NotFound("The key belongs to no seller of this sandbox.", code="key.unknown")
    return seller_id


def check_payment_hash(seller: Seller, form: PostedForm) -> None:
    """
    Believe a payment's form.

    Raises:
        Forbidden: code ``hash.invalid``; its reason is the likely cause.
    """
    salt = credentials(seller)["salt"]
    if not hashes.fits(hashes.payment_text(form.fields, salt), form.fields.get("hash", "")):
        reason = likely_cause(form.fields, salt)
        raise Forbidden("The hash does not fit.", code="hash.invalid", reason=reason)


def believed_command(seller: Seller, form: PostedForm) -> PostedForm:
    """
    A command's form with `var1` as it was hashed.

    Raises:
        Forbidden: code ``hash.invalid``.
    """
    key, salt = credentials(seller).values()
    command, received = form.fields.get("command", ""), form.fields.get("hash", "")
    for var1 in form.first_values:
        if hashes.fits(hashes.command_text(key, command, var1, salt), received):
            return replace(form, fields={**form.fields, "var1": var1})
    reason = "It is SHA-512 of key|command|var1|salt, in small hexadecimal digits."
    raise Forbidden("The hash does not fit.", code="hash.invalid", reason=reason)
