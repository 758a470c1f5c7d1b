"""A merchant's software that posts forms to the front door as it likes."""

import re
from dataclasses import dataclass
from html import unescape
from itertools import count

from mockpay.testing import TestSeller
from mockpay.wire import forms
from mockpay.wire.payu import hashes, requests
from mockpay.wire.payu.requests import Command
from tests.providers.amazonpay.http_client import Reply, send_request

MOUNT = "/gw/payu"
SURL, FURL = "http://127.0.0.1/success", "http://127.0.0.1/failure"
_NUMBERS = count(1)
_INPUT = re.compile(r'<input type="hidden" name="([^"]*)" value="([^"]*)">')


@dataclass(frozen=True)
class Merchant:
    """One seller's software, with the key and salt that PayU would have issued."""

    seller: TestSeller

    @property
    def credentials(self):
        return dict(self.seller.fields["credentials"]["payu"])

    def fields(self, **changes):
        """A form of a payment without key and hash; what is None is left out."""
        usual = {
            "txnid": f"t-{next(_NUMBERS)}",
            "amount": "499.00",
            "productinfo": "Two cups & a saucer",
            "firstname": "Asha",
            "email": "asha@example.in",
            "phone": "9000000000",
            "surl": SURL,
            "furl": FURL,
        }
        return {name: value for name, value in {**usual, **changes}.items() if value is not None}

    def signed(self, fields):
        own = self.credentials
        form = {"key": own["key"], **fields}
        return {"hash": hashes.digest(hashes.payment_text(form, own["salt"])), **form}

    def post(self, path, form, **more) -> Reply:
        body = form if isinstance(form, str | bytes) else forms.encode_form(form.items())
        return send_request(self.seller.server, f"{MOUNT}{path}", form=body, **more)

    def pay(self, headers=None, **changes):
        """The fields of a new payment, and the answer to its form."""
        fields = self.fields(**changes)
        return fields, self.post("/_payment", self.signed(fields), headers=headers)

    def opened(self, **changes):
        """The fields of a new payment, and the address of its page."""
        fields, reply = self.pay(**changes)
        assert reply.status == 302, reply.text
        return fields, reply.location

    def finish(self, page, vpa="success@mockpay"):
        """Pay by UPI, and go back: where the browser posts to, and what."""
        answer = send_request(self.seller.server, f"{page}upi", form=forms.encode_form([("vpa", vpa)]))
        assert answer.status == 303, answer.text
        return self.leave(page)

    def leave(self, page):
        answer = send_request(self.seller.server, f"{page}return")
        assert answer.status == 200, answer.location
        url = re.search(r'<form method="post" action="([^"]*)"', answer.text).group(1)
        return unescape(url), {unescape(name): unescape(value) for name, value in _INPUT.findall(answer.text)}

    def paid(self, **changes):
        """The result of a new payment that succeeded."""
        _, page = self.opened(**changes)
        return self.finish(page)[1]

    def believes(self, result):
        """Whether the hash of a result fits, as the public clients look."""
        own = self.credentials
        return hashes.fits(hashes.response_text(result, own["salt"]), result["hash"]) and result["key"] == own["key"]

    def command(self, name, headers=None, **values):
        form = requests.command_form(Command(name, values), **self.credentials)
        reply = self.post("/merchant/postservice.php?form=2", form, headers=headers)
        assert reply.status == 200, reply.text
        return reply.json
