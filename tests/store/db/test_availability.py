"""What is wrong with a database, by the error it gave."""

from sqlalchemy.exc import OperationalError

from mockpay.kernel.errors import DatabaseUnavailable
from mockpay.store.db.availability import Availability, unavailable


class PostgresError(Exception):
    """An error of psycopg's shape."""

    def __init__(self, sqlstate):
        super().__init__(sqlstate)
        self.sqlstate = sqlstate


def test_an_sqlstate_tells_what_is_wrong_with_the_database(subtests):
    """PostgreSQL's manual, appendix A."""
    for code, states in {
        "database.busy": ["40001", "40P01", "55P03"],
        "database.full": ["53100"],
        "database.read_only": ["25006"],
    }.items():
        for sqlstate in states:
            with subtests.test(sqlstate=sqlstate):
                error = unavailable(OperationalError("INSERT", {}, PostgresError(sqlstate)))
                assert error is not None
                assert error.code == code


def test_an_error_that_names_the_database_already_is_kept():
    error = DatabaseUnavailable("The disk is full.", code="database.full")
    assert unavailable(error) is error


def test_a_check_writes():
    written = []
    Availability().check(lambda: written.append("row"))
    assert written == ["row"]
