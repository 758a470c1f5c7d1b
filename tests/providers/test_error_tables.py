"""How a company's table of errors is read."""

from dataclasses import dataclass

import pytest

from mockpay.providers.error_tables import ErrorTable


@dataclass(frozen=True)
class Row:
    status: int
    words: str = ""


TABLE = ErrorTable(
    rows={"refund.window": Row(409, "too late"), "http.413": Row(413, "too large")},
    about_requests=frozenset({"refund"}),
    refusal=Row,
    unavailable=Row(503, "later"),
    internal=Row(500, "inside"),
)


@pytest.mark.parametrize(
    ("code", "row"),
    [
        ("refund.window", Row(409, "too late")),
        ("http.413", Row(413, "too large")),
        ("refund.unlisted", Row(400)),
        ("refund", Row(400)),
        ("database.locked", Row(503, "later")),
        ("http.418", Row(418)),
        ("http.500", Row(500, "inside")),
        ("http.4180", Row(500, "inside")),
        ("http.4xx", Row(500, "inside")),
        ("nobody.404", Row(500, "inside")),
        ("nobody.knows_this", Row(500, "inside")),
        ("window", Row(500, "inside")),
    ],
)
def test_an_error_without_a_row_of_its_own_is_told_by_its_family(code, row):
    assert TABLE.find(code) == row
