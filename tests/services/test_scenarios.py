"""Who decided, in one clause for every kind of decision."""

from mockpay.domain.payments.attempts import Decision, Source, Stage
from mockpay.services.scenarios import decision_sentence


def test_every_source_without_a_row_of_its_own_has_a_clause(subtests):
    for source, seen, sentence in [
        (Source.INSTRUMENT, None, "the instrument"),
        (Source.AMOUNT, None, "the amount"),
        (Source.SUCCESS, None, "nothing spoke"),
        (Source.TESTER, None, "a tester declined it in the review"),
        (Source.CLOCK, None, "nobody answered in time"),
        (Source.CLOCK, "the time to pay was over", "the time to pay was over"),
        (Source.BALANCE, "₹1.00", "the buyer’s balance was ₹1.00"),
        (Source.RULE, None, "rul_1, made by dashboard or control API, asked for frozen"),
        (Source.SIMULATION, "a note", "rul_1 in a note asked for frozen"),
        (Source.DEFAULT, None, "the seller’s setting default_outcomes asked for frozen"),
        (Source.LOCK, "S04-1", "wrong codes typed for order S04-1 lock this buyer’s codes until later IST"),
        (Source.LOCK, None, "wrong codes typed for order none of these lock this buyer’s codes until later IST"),
    ]:
        with subtests.test(source=source, seen=seen):
            decision = Decision("frozen", source, "rul_1", seen)
            assert decision_sentence(None, Stage.ISSUER, decision) == sentence


def test_the_risk_check_says_how_to_switch_its_rule_off(subtests):
    for outcome, words in [
        ("allow", "the risk check let the payment pass"),
        ("challenge", "the risk check wanted the buyer to prove who they are"),
        ("review", "the risk check put the payment aside for a review"),
        ("decline", "the risk check declined the payment"),
    ]:
        with subtests.test(outcome=outcome):
            decision = Decision(outcome, Source.RISK_RULE, "VEL_IP", "11 in 60 s", facts={"score": 40})
            assert decision_sentence(None, Stage.RISK, decision) == (
                f"{words}: 11 in 60 s; score 40; the setting risk_rules switches it off: VEL_IP=off"
            )
