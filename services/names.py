"""Finding people by their names, although no name stands readable in the database.

Each word of a name and each of its beginnings is kept as a blind index: equal for equal letters,
and nothing without the key. What is typed is folded as the name was, so the spelling of an accepted
variant, a sign left out or Latin capitals make no difference; the order of the words neither.

What was registered before there was such an index is filled in by `fill`, which the release runs:
a migration has neither the keys nor the fold.
"""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

import regex
from sqlalchemy import ColumnElement, Select, delete, exists, insert, literal, select
from sqlalchemy.ext.asyncio import AsyncSession

from db.crypto import current_keyring
from db.models import Person, PersonName
from services import khmer

SHORTEST = 3
"""Letters of the shortest beginning; a shorter word is found when it is typed whole."""
_LONGEST = 12  # letters of a word that count; who types more finds who begins the same
_MOST_TYPED = 120
_KEY_BYTES = 12
_BATCH = 500
_BETWEEN_WORDS = regex.compile(r"[^\p{L}\p{M}\p{N}]+")


def list_keys(name: str) -> set[bytes]:
    """All under which a name is found: by each of its words, and by them written as one.

    A name that is all signs and no letter has one as well, by which nobody looks.
    """
    words = _words(name)
    as_one = "".join(words)[:_LONGEST]
    return {_key(beginning) for word in [*words, as_one] for beginning in _beginnings(word)}


def list_typed_keys(typed: str) -> Sequence[bytes]:
    """Under which a name is kept that has all the words typed, whole or their beginnings.

    None of them when nothing was typed that could be a word.
    """
    return list(dict.fromkeys(map(_key, _words(typed[:_MOST_TYPED]))))


def select_called(key: bytes) -> Select[UUID]:
    """Who is found by a key."""
    return select(PersonName.person_id).where(PersonName.key == key)


def is_called(typed: str, person_id: Any) -> Sequence[ColumnElement[bool]]:
    """Conditions by which this person is found by all that was typed: a look-up for each key."""
    return [
        select(literal(True))
        .where(PersonName.key == key, PersonName.person_id == person_id)
        .scalar_subquery()
        for key in list_typed_keys(typed)
    ]


async def index(session: AsyncSession, person: Person) -> None:
    """Keep what a person is found by: to be called wherever a name is set."""
    await session.flush()
    await session.execute(delete(PersonName).where(PersonName.person_id == person.id))
    await _write(session, _rows(person.id, person.centre_id, person.name))


async def fill(session: AsyncSession) -> int:
    """Index everybody who is not yet; how many these were."""
    query = (
        select(Person.id, Person.centre_id, Person.name)
        .where(~exists().where(PersonName.person_id == Person.id))
        .order_by(Person.id)
        .limit(_BATCH)
    )
    count = 0
    found = (await session.execute(query)).all()
    while found:
        await _write(session, [row for one in found for row in _rows(*one)])
        count += len(found)
        found = (await session.execute(query.where(Person.id > found[-1].id))).all()
    return count


async def _write(session: AsyncSession, rows: Sequence[dict[str, object]]) -> None:
    await session.execute(insert(PersonName), rows)


def _rows(person_id: UUID, centre_id: str, name: str) -> list[dict[str, object]]:
    of_person = {"person_id": person_id, "centre_id": centre_id}
    return [{"key": key, **of_person} for key in sorted(list_keys(name))]


def _words(text: str) -> list[str]:
    folded = khmer.loose_words(text)
    return [word[:_LONGEST] for word in _BETWEEN_WORDS.split(folded) if word]


def _beginnings(word: str) -> Iterable[str]:
    return {word, *(word[:length] for length in range(SHORTEST, len(word)))}


def _key(word: str) -> bytes:
    return current_keyring().blind_index(f"name:{word}")[:_KEY_BYTES]
