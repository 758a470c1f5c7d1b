"""Whether the database answers."""

from __future__ import annotations

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from mockpay.kernel.errors import MockpayError
from mockpay.store.db.engine import reading


def database(engine: Engine) -> str:
    """
    Ask the database something; its kind, ``sqlite`` or ``postgresql``.

    Raises:
        MockpayError: code ``database.unreachable``.
    """
    try:
        with reading(engine) as connection:
            connection.exec_driver_sql("SELECT 1")
    except SQLAlchemyError as error:
        message = "The database does not answer."
        raise MockpayError(message, code="database.unreachable") from error
    return engine.dialect.name
