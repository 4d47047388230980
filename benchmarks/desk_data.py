"""Requests by the hundred thousand, as a desk would have them after some years.

Written by COPY past triggers and checks, so that a million take minutes; with every index in place.
Each person has two requests, each request a thread of three events.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count, product
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID, uuid4

from asyncpg import Connection
from sqlalchemy import make_url, select

from bot.embedded.paths import postgres_url
from db.crypto import current_keyring
from db.engine import create_engine, new_session_factory
from db.models import Staff
from services import staff
from services.codes import new_code
from services.direct import own_connection
from services.names import list_keys
from services.places import load_gazetteer

SHARE_OPEN = 0.03
WORKERS = 10
WHOLE_NAME = "សុខា លី"
_CENTRES = {"oddar-meanchey": "22", "pursat": "15", "preah-vihear": "13"}
# fmt: off
_FIRST = tuple(
    one + other
    for one, other in product(
        (
            "សុខ", "ចាន់", "វិចិត្រ", "ស្រី", "ដារ៉ា", "បុប្ផា", "រតនា", "សំ", "ពិសី", "ធារ៉ា",
            "ម៉ាលី", "វណ្ណ", "សុភ", "ភារម្យ", "រដ្ឋ", "មករា", "ភក្ដី", "គន្ធា", "ណារ៉េត", "សីហា",
        ),
        ("", "ា", "មុំ", "លីន", "នី", "ថា", "រ័ត្ន", "អាង", "ពេជ្រ", "ដា", "រស្មី", "សួន"),
    )
)
_LAST = (
    "ស៊ុំ", "កែវ", "ហេង", "លី", "ម៉ៅ", "នួន", "ប៊ុន", "ចេង", "ទេព", "ឆាយ",
    "សៅ", "អ៊ុក", "ឃឹម", "ផាន់", "រស់", "ជា", "ហ៊ុន", "សេង", "គង់", "ណុប",
)
# fmt: on
_OPEN_STATES = (
    *("new", "new", "new", "taken", "taken", "waiting_person", "waiting_others", "reopened"),
)
_BATCH = 20_000
_COLUMNS = {
    "address": ("id", "channel", "value", "value_index", "person_id", "language"),
    "person": ("id", "centre_id", "name", "sex", "home_code", "phone", "phone_index"),
    "person_name": ("key", "person_id", "centre_id"),
    "request": (
        *("id", "code", "topic", "state", "urgency", "centre_id", "person_id", "address_id"),
        *("owner_id", "due_at", "climb_at", "outcome", "last_person_at", "created_at"),
        "updated_at",
    ),
    "request_event": (
        *("id", "request_id", "centre_id", "kind", "at", "body", "internal", "actor", "staff_id"),
    ),
}

Rows = dict[str, list[tuple[Any, ...]]]


async def hire(data_dir: Path) -> dict[str, list[UUID]]:
    """The case workers of each centre."""
    engine = create_engine(postgres_url(data_dir), pool_size=1)
    async with new_session_factory(engine).begin() as session:
        if await session.scalar(select(Staff.id).limit(1)) is None:
            for centre, number in product(_CENTRES, range(WORKERS)):
                name = f"Worker {number} of {centre}"
                await staff.add(session, name, "case_worker", centre, now=datetime.now(UTC))
        found = await staff.list_staff(session)
        workers = {
            centre: [one.id for one in found if one.centre_id == centre] for centre in _CENTRES
        }
    await engine.dispose()
    return workers


async def grow(data_dir: Path, workers: dict[str, list[UUID]], first: int, last: int) -> None:
    """Add the requests numbered from `first` up to `last`, and let the planner know."""
    superuser = make_url(postgres_url(data_dir)).set(username="postgres")
    engine = create_engine(superuser.render_as_string(), role=None, pool_size=0)
    try:
        async with own_connection(engine) as connection:
            await connection.execute("SET session_replication_role = replica")
            given = {row["code"] for row in await connection.fetch("SELECT code FROM request")}
            # Whoever was measured before has made events since.
            last_event = await connection.fetchval("SELECT coalesce(max(id), 0) FROM request_event")
            event_ids = count(last_event + 1)
            maker = _Maker(workers, _codes(given), event_ids, Random(first))
            for start in range(first, last, _BATCH):
                await _copy(connection, maker.make(range(start, min(start + _BATCH, last))))
            for table in _COLUMNS:
                await _count_on(connection, table)
                await connection.execute(f"VACUUM (ANALYZE) {table}")
    finally:
        await engine.dispose()


async def _copy(connection: Connection, rows: Rows) -> None:
    for table, columns in _COLUMNS.items():
        await connection.copy_records_to_table(table, records=rows[table], columns=columns)


async def _count_on(connection: Connection, table: str) -> None:
    if _COLUMNS[table][0] == "id" and table != "person":
        await connection.execute(
            f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), max(id)) FROM {table}"
        )


class _Maker:
    """Makes people and their requests; what repeats is sealed once."""

    def __init__(
        self,
        workers: dict[str, list[UUID]],
        new_codes: Iterator[str],
        event_ids: Iterator[int],
        rng: Random,
    ) -> None:
        self._workers = workers
        self._new_codes = new_codes
        self._event_ids = event_ids
        self._rng = rng
        self._now = datetime.now(UTC)
        self._seal = current_keyring().encrypt
        self._names = [f"{last} {first}" for last, first in product(_LAST, _FIRST)]
        self._sealed = {name: self._seal(name.encode()) for name in self._names}
        self._keys = {name: sorted(list_keys(name)) for name in self._names}
        self._words = self._seal('{"text": "ខ្ញុំចង់បានការងារធ្វើនៅជិតផ្ទះ"}'.encode())
        self._homes = {centre: _communes(province) for centre, province in _CENTRES.items()}

    def make(self, numbers: Sequence[int]) -> Rows:
        rows: Rows = {table: [] for table in _COLUMNS}
        person: tuple[UUID, str] | None = None
        for number in numbers:
            if person is None or number % 2 == 0:
                person = self._register(rows, number)
            self._ask(rows, number, *person)
        return rows

    def _register(self, rows: Rows, number: int) -> tuple[UUID, str]:
        pick, person_id = self._rng.choice, uuid4()
        centre, name = pick(list(_CENTRES)), pick(self._names)
        channel = "sms" if self._rng.random() < 0.2 else "telegram"
        value = self._seal(f"+85512{number:06}".encode())
        index = b"address %d" % number
        phone = (value, index) if channel == "sms" else (None, None)
        rows["person"].append(
            (person_id, centre, self._sealed[name], "female", pick(self._homes[centre]), *phone)
        )
        rows["person_name"] += [(key, person_id, centre) for key in self._keys[name]]
        language = "en" if self._rng.random() < 0.04 else "km"
        rows["address"].append((number + 1, channel, value, index, person_id, language))
        return person_id, centre

    def _ask(self, rows: Rows, number: int, person_id: UUID, centre: str) -> None:
        rng, row_id = self._rng, number + 1
        created = self._now - timedelta(days=700 * rng.random())
        is_open = rng.random() < SHARE_OPEN
        if is_open:
            created = self._now - timedelta(days=20 * rng.random())
        state = rng.choice(_OPEN_STATES) if is_open else "done"
        owner = None if state == "new" else rng.choice(self._workers[centre])
        due = None
        if is_open and not state.startswith("waiting"):
            due = self._now + timedelta(hours=72 * rng.random() - 24)
        (urgency,) = rng.choices(("urgent", "normal", "low"), (5, 85, 10))
        (topic,) = rng.choices(("registration", "talk", "call"), (60, 25, 15))
        closed = created + timedelta(days=10 * rng.random())
        rows["request"].append(
            (
                *(row_id, next(self._new_codes), topic, state, urgency, centre, person_id),
                *(row_id - (row_id + 1) % 2, owner, due, due),
                *(None if is_open else "helped", created, created, created if is_open else closed),
            )
        )
        self._tell(rows, row_id, centre, created, owner)

    def _tell(self, rows: Rows, row_id: int, centre: str, at: datetime, owner: UUID | None) -> None:
        last = ("staff_message", "staff", owner) if owner else ("person_message", "person", None)
        for kind, actor, by in (
            ("opened", "person", None),
            ("person_message", "person", None),
            last,
        ):
            rows["request_event"].append(
                (next(self._event_ids), row_id, centre, kind, at, self._words, False, actor, by)
            )


def _communes(province: str) -> list[str]:
    return [
        place.code
        for place in load_gazetteer()
        if place.level == 3 and place.code.startswith(province)
    ]


def _codes(given: set[str]) -> Iterator[str]:
    while True:
        code = new_code()
        if code not in given:
            given.add(code)
            yield code
