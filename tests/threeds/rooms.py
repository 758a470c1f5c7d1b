"""What the tests of 3-D Secure are given: one authentication, driven role by role."""

from __future__ import annotations

from dataclasses import dataclass, replace

from mockpay.kernel.clock import SECOND
from mockpay.services.payments.transitions import get_attempt
from mockpay.threeds import acs, messages, requestor
from mockpay.threeds import threeds_table as rows
from mockpay.threeds.acs import ChallengeCompletion
from mockpay.threeds.messages import CRes
from mockpay.threeds.rules import Browser, Transaction
from tests.factories import World

VISA, MASTERCARD, RUPAY = "4111111111111111", "5500670000001002", "6527658900001005"
AMEX, DINERS, AMERICAN = "378282246310005", "30569309025904", "4012888888881881"
BACK = "http://127.0.0.1:8420/pay/token/3ds"
BROWSER = Browser(ip="203.0.113.7", user_agent="Mozilla/5.0", javascript_enabled=True)
RIGHT = "123456"


@dataclass
class Room:
    """One card's authentication; every verb is a transaction of its own."""

    world: World
    txn_id: str
    #: Ms that have passed since: the seller's clock itself stands still.
    passed: int = 0

    @classmethod
    def prepared(cls, world, outcome="success", number=VISA, *, order="O-1", amount="499.00"):
        attempt = world.create_attempt_with(world.order(order, amount), world.card(number)).attempt
        with world.transaction() as sandbox:
            txn = requestor.prepare(sandbox, get_attempt(sandbox, attempt.attempt_id), outcome, notification_url=BACK)
        return cls(world, txn.txn_id)

    @classmethod
    def asked(cls, world, outcome="success", number=VISA, **wish):
        """The AReq is answered."""
        wanted = {name: wish.pop(name) for name in ("window", "challenge_indicator") if name in wish}
        room = cls.prepared(world, outcome, number, **wish)
        with world.transaction() as sandbox:
            requestor.authenticate(sandbox, room.txn_id, BROWSER, **wanted)
        return room

    @classmethod
    def opened(cls, world, outcome="success", number=VISA, **wish):
        """The challenge is on the buyer's screen."""
        room = cls.asked(world, outcome, number, **wish)
        room.open()
        return room

    @property
    def txn(self) -> Transaction:
        with self.world.read() as sandbox:
            found = rows.by_id(sandbox, self.txn_id)
        assert found is not None
        return found

    def act(self, verb, *given):
        with self.world.transaction() as sandbox:
            return verb(sandbox.at(sandbox.now + self.passed), self.txn.acs_token, *given)

    def later(self, seconds):
        self.passed += seconds * SECOND

    def open(self, creq=None):
        return self.act(acs.open_challenge, requestor.creq(self.txn) if creq is None else creq)

    def submit(self, otp=RIGHT):
        return self.act(acs.submit, otp)

    def choose(self, choice):
        return self.act(acs.choose, choice)

    def cancel(self):
        return self.act(acs.cancel)

    def resend(self):
        return self.act(acs.resend)

    def finish(self, cres, session_data=None):
        with self.world.transaction() as sandbox:
            return requestor.finish(sandbox, self.txn_id, cres, session_data)

    def time_out(self):
        """What the event `threeds.timeout` does."""
        with self.world.transaction() as sandbox:
            return acs.time_out(sandbox, self.txn_id)

    def outcome(self):
        with self.world.read() as sandbox:
            return requestor.outcome(sandbox, self.txn)

    def log(self):
        with self.world.read() as sandbox:
            return rows.messages_of(sandbox, self.txn_id)

    def spoken(self):
        """The log as ``AReq S>D``."""
        return [f"{one.type} {one.sender}>{one.receiver}" for one in self.log()]

    def last_erro(self):
        return [one.body["errorCode"] for one in self.log() if one.type == "Erro"][-1]


def cres_of(finished: ChallengeCompletion) -> CRes:
    return CRes.read(messages.decode(finished.cres))


def forged(finished: ChallengeCompletion, **changes) -> str:
    """Another CRes than the ACS wrote."""
    return messages.encode(replace(cres_of(finished), **changes).plain())
