"""
The issuer's ACS, ``/acs/{acs_token}``: a bank's own pages, in a frame or by themselves.

They need no session: the token in the address is all that a browser brings.  What they do is
loaded when the first card pays: the roles of 3-D Secure would cost every start 26 ms.
"""

from __future__ import annotations

from flask import Blueprint, Response

from mockpay.store.unit_of_work import Runtime


def blueprint(runtime: Runtime) -> Blueprint:
    """The pages of all issuers for one process."""
    bank = Blueprint("challenge", __name__, url_prefix="/acs")

    @bank.route("/method", methods=["GET", "POST"], strict_slashes=False)
    def method() -> Response:
        from mockpay.web.challenge import method as look  # noqa: PLC0415

        return look.page()

    @bank.route("/<token>", methods=["GET", "POST"], strict_slashes=False)
    def challenge(token: str) -> Response:
        from mockpay.web.challenge import pages  # noqa: PLC0415

        return pages.page(runtime, token)

    return bank
