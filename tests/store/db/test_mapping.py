"""How a record is spread over the columns of its row, and read from them again."""

from msgspec import Struct
from sqlalchemy import BigInteger, Column, MetaData, Table, Text

from mockpay.kernel.money import Money
from mockpay.store.db.mapping import Mapper


class Sale(Struct, frozen=True):
    price: Money
    fee: Money


SALES = Table(
    "sales",
    MetaData(),
    Column("price_minor", BigInteger),
    Column("price_currency", Text),
    Column("fee_minor", BigInteger),
    Column("currency", Text),
)


def test_a_part_has_the_column_of_its_field_before_the_one_that_all_fields_share():
    sale = Sale(Money(49_900, "INR"), Money(100, "USD"))
    mapper = Mapper(Sale, SALES)
    row = mapper.dump(sale)
    assert row == {"price_minor": 49_900, "price_currency": "INR", "fee_minor": 100, "currency": "USD"}
    assert mapper.load([row[column.name] for column in SALES.c]) == sale
