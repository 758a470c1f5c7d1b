"""
PayU's hashes: SHA-512, in small hexadecimal digits, over values joined by pipes with the merchant's salt among them.

Each text is made of the values exactly as they are posted ("10" is not "10.00"); a field that is absent is empty.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping

#: What is hashed of a payment, in this order.
HASHED = ("key", "txnid", "amount", "productinfo", "firstname", "email", "udf1", "udf2", "udf3", "udf4", "udf5")
_BLANK = ("",) * 5
#: With this `api_version` five more fields stand where there are blanks else.
_LONG_VERSION = "19"
_MORE_FIELDS = tuple(f"udf{number}" for number in range(6, 11))
#: Fields that are hashed where they are posted: before the salt, and after it.
_BEFORE_SALT = ("si_details", "beneficiarydetail")
_AFTER_SALT = ("additional_charges", "splitRequest")


def payment_text(fields: Mapping[str, str], salt: str) -> str:
    """What is hashed of a posted payment."""
    middle = [fields.get(name, "") for name in _MORE_FIELDS] if fields.get("api_version") == _LONG_VERSION else _BLANK
    before = [fields[name] for name in _BEFORE_SALT if fields.get(name)]
    after = [fields[name] for name in _AFTER_SALT if fields.get(name)]
    return "|".join([*(fields.get(name, "") for name in HASHED), *middle, *before, salt, *after])


def response_text(fields: Mapping[str, str], salt: str) -> str:
    """What is hashed of a payment's result, the other way round."""
    charges = [fields["additionalCharges"]] if fields.get("additionalCharges") else []
    fixed = [fields.get(name, "") for name in reversed(HASHED)]
    return "|".join([*charges, salt, fields.get("status", ""), *_BLANK, *fixed])


def command_text(key: str, command: str, var1: str, salt: str) -> str:
    """What is hashed of a command: of its values the first alone."""
    return f"{key}|{command}|{var1}|{salt}"


def digest(text: str) -> str:
    """The hash of a text."""
    return hashlib.sha512(text.encode(errors="replace")).hexdigest()


def fits(text: str, received: str) -> bool:
    """Compare with a hash in constant time; `received` may be anything."""
    return hmac.compare_digest(digest(text).encode(), received.encode(errors="replace"))
