"""The risk check in a seller's world: windows by its clock, what is kept, and what is forced."""

import pytest
from msgspec.structs import replace

from mockpay.domain.methods.netbanking import NetBanking
from mockpay.domain.methods.upi import Upi
from mockpay.domain.methods.wallet import Wallet
from mockpay.kernel.clock import DAY, SECOND, Mode
from mockpay.kernel.errors import Conflict, Invalid
from mockpay.kernel.money import Money
from mockpay.risk import assessment, risk_table
from mockpay.risk.assessment import Inputs
from mockpay.risk.rules import Assessment, Facts
from mockpay.services.sellers.accounts import Changes, change, reset
from mockpay.store.transitions import timeline
from tests.factories import World

MINUTE, HOUR = 60 * SECOND, 3600 * SECOND
NUMBER = "4111111111111111"
PRINT = Inputs(fingerprint="f1")


class Check:
    """One seller's attempts, looked at one after the other."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.order = world.order()
        self.count = 0

    def __call__(self, instrument=None, inputs=None, *, planned=None, amount="499.00"):
        self.count += 1
        order = replace(self.order, amount=Money.parse(amount))
        with self.world.transaction() as sandbox:
            return assessment.assess(
                sandbox,
                attempt_id=self.last,
                order=order,
                instrument=instrument or Upi(),
                inputs=inputs or Inputs(),
                planned=planned,
            )

    @property
    def last(self) -> str:
        """The id of the newest attempt."""
        return f"{self.world.seller_id}-{self.count}"

    def times(self, number, *what, **more) -> list[str]:
        return [str(self(*what, **more).decision) for _ in range(number)]

    def ended(self, *, declined):
        with self.world.transaction() as sandbox:
            risk_table.record_outcome(sandbox, self.last, declined=declined)

    def later(self, ms):
        self.world.set_clock(Mode.FROZEN, self.world.now() + ms)

    def seen(self, attempt_id=None):
        with self.world.read() as sandbox:
            return assessment.of_attempt(sandbox, attempt_id or self.last)

    def force(self, decision, reason="a test", **match):
        with self.world.transaction() as sandbox:
            return assessment.force(sandbox, match, decision, reason)

    def card(self):
        return self.world.card(NUMBER)


@pytest.fixture
def check(world):
    return Check(world)


def rules(found):
    return [hit.rule for hit in found.hits]


# --- windows


def test_the_fourth_attempt_with_a_card_within_a_minute_is_challenged(check):
    assert check.times(4, check.card(), PRINT) == ["ALLOW"] * 3 + ["CHALLENGE"]
    found = check.seen()
    assert found.hits[0].explain == "4 attempts with card 411111…1111 in 60 s (limit 3)"


def test_the_eleventh_within_an_hour_is_declined(check):
    for _ in range(10):
        assert check(check.card(), PRINT).decision == "ALLOW"
        check.later(MINUTE)
    assert check(check.card(), PRINT).decision == "DECLINE"


@pytest.mark.parametrize(("after", "decision"), [(MINUTE - 1, "CHALLENGE"), (MINUTE, "ALLOW")])
def test_a_minute_is_over_when_the_sellers_clock_says_so(check, after, decision):
    check.times(3, check.card(), PRINT)
    check.later(after)
    assert check(check.card(), PRINT).decision == decision


@pytest.mark.parametrize(("after", "decision"), [(HOUR - 1, "DECLINE"), (HOUR, "ALLOW")])
def test_so_is_an_hour(check, after, decision):
    check.times(10, check.card(), PRINT)
    check.later(after)
    assert check(check.card(), PRINT).decision == decision


def test_a_clock_that_was_set_back_does_not_count_the_future(check):
    check.times(5, check.card(), PRINT)
    check.later(-HOUR)
    assert check(check.card(), PRINT).decision == "ALLOW"


@pytest.mark.parametrize(
    ("instrument", "inputs", "rule"),
    [(Upi("asha@okbank"), Inputs(), "VEL_VPA"), (NetBanking("HDFC"), Inputs(ip="192.0.2.5"), "VEL_IP")],
)
def test_the_eleventh_of_a_upi_id_or_an_address_within_a_minute_is_reviewed(check, instrument, inputs, rule):
    assert check.times(10, instrument, inputs) == ["ALLOW"] * 10
    found = check(instrument, inputs)
    assert (found.decision, rules(found)) == ("REVIEW", [rule])
    assert check(Upi("ravi@okbank"), Inputs(ip="192.0.2.6")).decision == "ALLOW"
    check.later(MINUTE)
    assert check(instrument, inputs).decision == "ALLOW"


@pytest.mark.parametrize(
    ("declines", "after", "decision"), [(4, 0, "ALLOW"), (5, 10 * MINUTE - 1, "DECLINE"), (5, 10 * MINUTE, "ALLOW")]
)
def test_declines_of_an_address_count_for_ten_minutes(check, declines, after, decision):
    here = Inputs(ip="192.0.2.5")
    for _ in range(declines):
        check(inputs=here)
        check.ended(declined=True)
    check(inputs=here)
    check.ended(declined=False)
    check.later(after)
    found = check(inputs=here)
    assert found.decision == decision
    assert rules(found) == (["VEL_DECLINES"] if decision == "DECLINE" else [])


def test_the_fifth_card_on_a_device_within_a_day_is_declined(check):
    def with_card(number):
        return check(check.card(), Inputs(device="d1", fingerprint=f"f{number}"))

    assert rules(with_card(1)) == ["DEVICE_NEW"]
    assert [str(with_card(number).decision) for number in (2, 3, 4, 4)] == ["ALLOW"] * 4
    assert rules(with_card(5)) == ["DEVICE_MANY_CARDS"]
    assert check(Upi(), Inputs(device="d1")).decision == "ALLOW"  # no card, none too many
    check.later(DAY)
    assert with_card(6).decision == "ALLOW"


def test_a_device_is_new_once_in_each_world(check, runtime):
    device = Inputs(device="d1")
    assert check.times(2, None, device) == ["CHALLENGE", "ALLOW"]
    check.later(400 * DAY)
    assert check(inputs=device).decision == "ALLOW"
    assert Check(World.new(runtime))(inputs=device).decision == "CHALLENGE"


def test_a_buyers_day_adds_up_without_what_was_declined(check):
    buyer = Inputs(buyer_id="b1")
    assert check.times(2, None, buyer, amount="20000.00") == ["ALLOW"] * 2
    check.ended(declined=False)
    assert check(inputs=buyer, amount="100000.00").decision == "ALLOW"
    check.ended(declined=True)
    assert check.times(2, None, buyer, amount="80000.00") == ["ALLOW"] * 2  # 2,00,000 in all
    found = check(inputs=buyer, amount="1.00")
    assert rules(found) == ["VEL_BUYER_AMT"]
    assert (found.hits[0].observed, found.hits[0].limit) == ("200001.00", "200000.00")
    check.later(DAY)
    assert check(inputs=buyer, amount="1.00").decision == "ALLOW"


def test_a_guests_day_adds_up_by_e_mail(check):
    check(Wallet("Asha@example.in"), amount="99000.00")
    check(Wallet("asha@example.in"), amount="99000.00")
    assert rules(check(inputs=Inputs(email="ASHA@example.in"), amount="3000.00")) == ["VEL_BUYER_AMT"]


def test_a_buyers_first_large_payment_is_challenged_until_one_went_well(check):
    buyer = Inputs(buyer_id="b1")
    assert rules(check(inputs=buyer, amount="20000.01")) == ["AMT_FIRST_TIME"]
    check.ended(declined=True)
    assert rules(check(inputs=buyer, amount="20000.01")) == ["AMT_FIRST_TIME"]
    check.ended(declined=False)
    assert rules(check(inputs=buyer, amount="20000.01")) == []
    assert rules(check(inputs=Inputs(buyer_id="b2"), amount="20000.00")) == []


def test_no_other_sellers_attempts_count(check, runtime):
    check.times(10, Upi("asha@okbank"))
    assert Check(World.new(runtime))(Upi("asha@okbank")).decision == "ALLOW"


# --- wishes


def test_a_sellers_wishes_are_kept_and_obeyed(check):
    with check.world.transaction() as sandbox:
        change(sandbox, Changes(settings={"risk_rules": {"AMT_HIGH": "100", "IP_PROXY": "off"}}))
    found = check(inputs=Inputs(ip="198.51.100.66"))
    assert (found.decision, rules(found)) == ("CHALLENGE", ["AMT_HIGH"])


@pytest.mark.parametrize("wishes", [{"VEL_MOON": "on"}, {"VEL_CARD": "lots"}, {"VEL_CARD": 3}])
def test_a_wish_that_means_nothing_is_refused_when_it_is_made(world, wishes):
    with world.transaction() as sandbox, pytest.raises(Invalid) as refused:
        change(sandbox, Changes(settings={"risk_rules": wishes}))
    assert (refused.value.code, refused.value.detail["field"]) == ("settings.invalid", "risk_rules")


def test_a_raised_limit_is_counted_up_to(check):
    with check.world.transaction() as sandbox:
        change(sandbox, Changes(settings={"risk_rules": {"VEL_VPA": "15"}}))
    assert check.times(16, Upi("asha@okbank")) == ["ALLOW"] * 15 + ["REVIEW"]


# --- what is decided beforehand


@pytest.mark.parametrize(
    ("planned", "decision", "hits"),
    [
        (None, "ALLOW", []),
        ("success", "ALLOW", []),
        ("allow", "ALLOW", ["SCENARIO"]),
        ("challenge", "CHALLENGE", ["SCENARIO"]),
        ("review", "REVIEW", ["SCENARIO"]),
        ("decline", "DECLINE", ["SCENARIO"]),
        ("highest", "DECLINE", ["RISK_HIGHEST"]),
    ],
)
def test_the_plan_decides(check, planned, decision, hits):
    found = check(planned=planned)
    assert (found.decision, rules(found)) == (decision, hits)
    assert check.seen() == found


def test_the_highest_score_is_nothing_where_its_rule_is_off(check):
    with check.world.transaction() as sandbox:
        change(sandbox, Changes(settings={"risk_rules": {"RISK_HIGHEST": "off"}}))
    assert check(planned="highest").decision == "ALLOW"


def test_a_force_decides_once_and_goes_before_the_plan(check):
    check.force("decline", "looks odd")
    found = check(planned="review")
    assert found.decision == "DECLINE"
    assert (found.hits[0].rule, found.hits[0].explain) == ("FORCED", "looks odd")
    assert check(planned="review").decision == "REVIEW"


def test_forces_are_used_in_their_order(check):
    check.force("decline")
    check.force("review")
    assert check.times(3) == ["DECLINE", "REVIEW", "ALLOW"]


@pytest.mark.parametrize(
    ("match", "fits"),
    [
        ({"method": "upi"}, True),
        ({"method": "card"}, False),
        ({"vpa": "ASHA@okbank"}, True),
        ({"amount": "499"}, True),
        ({"amount": "500.00"}, False),
        ({"seller_order_id": "O-1", "ip": "192.0.2.5"}, True),
        ({"seller_order_id": "O-2", "ip": "192.0.2.5"}, False),
        ({"device": "d1"}, False),
        ({"email": "Asha@example.in", "buyer_id": "b1"}, True),
    ],
)
def test_a_force_waits_for_the_attempt_that_fits(check, match, fits):
    check.force("REVIEW", **match)
    given = Inputs(ip="192.0.2.5", email="asha@example.in", buyer_id="b1")
    assert check.times(2, Upi("asha@okbank"), given) == ["REVIEW" if fits else "ALLOW", "ALLOW"]


@pytest.mark.parametrize(
    ("decision", "match", "code"),
    [
        ("perhaps", {}, "risk.decision"),
        ("review", {"moon": "full"}, "risk.match"),
        ("review", {"ip": ""}, "risk.match"),
        ("review", {"amount": "1e3"}, "amount.invalid"),
    ],
)
def test_a_force_that_could_never_fit_is_refused(check, decision, match, code):
    with pytest.raises(Invalid) as refused:
        check.force(decision, **match)
    assert refused.value.code == code


def test_not_more_than_a_hundred_forces_wait(check):
    with check.world.transaction() as sandbox:
        for _ in range(100):
            assessment.force(sandbox, {}, "review", "a test")
    with pytest.raises(Conflict) as refused:
        check.force("review")
    assert refused.value.code == "risk.too_many_forced"


def test_another_sellers_force_does_not_fit(check, runtime):
    check.force("decline")
    assert Check(World.new(runtime))().decision == "ALLOW"
    assert check().decision == "DECLINE"


# --- what is kept


def test_a_dry_run_leaves_nothing_behind(check):
    check.force("decline")
    facts = Facts(Money.parse("499.00"), "upi", vpa="asha@okbank", device="d1")
    with check.world.transaction() as sandbox:
        runs = [assessment.dry_run(sandbox, facts) for _ in range(20)]
    assert {str(run.decision) for run in runs} == {"CHALLENGE"}
    assert check().decision == "DECLINE"
    assert check.times(10, Upi("asha@okbank")) == ["ALLOW"] * 10


def test_a_dry_run_sees_what_an_attempt_would(check):
    check.times(3, check.card(), PRINT)
    facts = assessment.facts_of(Money.parse("499.00"), check.card(), PRINT)
    with check.world.read() as sandbox:
        told = assessment.dry_run(sandbox, facts)
        planned = assessment.dry_run(sandbox, facts, "highest")
    assert told == check(check.card(), PRINT)
    assert planned.decision == "DECLINE"
    with check.world.read() as sandbox, pytest.raises(Invalid) as refused:
        assessment.dry_run(sandbox, facts, "moon")
    assert refused.value.code == "risk.decision"


def test_an_assessment_is_read_as_it_was_made(check):
    inputs = Inputs(
        ip="192.0.2.66",
        device="dev_new",
        email="a@disposable.test",
        buyer_id="b1",
        buyer_name="REVIEW ME",
        fingerprint="f1",
    )
    found = check(check.world.card("4012888888881881"), inputs, amount="600000.00")
    assert len(found.hits) > 5
    assert check.seen() == found


def test_an_attempt_without_a_hit_was_allowed_and_an_unknown_one_was_never_seen(check, runtime):
    check()
    assert check.seen() == Assessment()
    assert check.seen("nobody") is None
    with World.new(runtime).read() as other:
        assert assessment.of_attempt(other, check.last) is None


def test_no_card_number_is_kept(check):
    check.times(4, check.card(), PRINT)
    with check.world.read() as sandbox:
        rows = [
            str(row)
            for table in timeline.metadata.sorted_tables
            if table.name.startswith("risk_")
            for row in sandbox.connection.execute(table.select())
        ]
    assert len(rows) == 5
    assert not any(NUMBER in row or NUMBER[6:12] in row for row in rows)


def test_what_a_buyer_sends_is_kept_within_bounds(check):
    found = check(inputs=Inputs(device="d" * 5000, ip="  ", buyer_name=" "))
    assert rules(found) == ["DEVICE_NEW"]
    assert len(found.hits[0].explain) < 300


def test_a_reset_forgets_everything(check):
    check.times(10, Upi("asha@okbank"))
    check.force("decline")
    with check.world.transaction() as sandbox:
        reset(sandbox)
    assert check(Upi("asha@okbank")).decision == "ALLOW"
