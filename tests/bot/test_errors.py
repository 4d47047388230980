"""What is tried once more, and what counts as our mistake."""

import pytest
from asyncpg.exceptions import (
    DeadlockDetectedError,
    PostgresError,
    SerializationError,
    TooManyConnectionsError,
    UniqueViolationError,
)
from sqlalchemy.exc import DBAPIError

from bot.errors import is_passing


@pytest.mark.parametrize(
    ("error", "passes"),
    [
        (DeadlockDetectedError, True),
        (SerializationError, True),
        (TooManyConnectionsError, True),
        (UniqueViolationError, False),
    ],
)
def test_what_may_well_succeed_in_a_while(error: type[PostgresError], passes: bool) -> None:
    assert is_passing(error()) is passes
    assert is_passing(DBAPIError("UPDATE …", {}, error())) is passes
