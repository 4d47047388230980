"""The tables of the job library are those that its code expects."""

from pathlib import Path

from procrastinate.schema import SchemaManager

import db

MADE = Path(db.__file__).parent / "migrations/versions/0003_procrastinate_3_10.sql"


def test_the_schema_is_that_of_the_installed_library() -> None:
    """If not: a new migration must hold what the library's own migrations since then do."""
    assert MADE.read_text(encoding="utf-8") == SchemaManager.get_schema()
