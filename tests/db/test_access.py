"""Who sees which rows: the rules hold in the database itself, whatever the program asks."""

from collections.abc import AsyncIterator
from datetime import date, datetime

import pytest
from sqlalchemy import func, make_url, select, text
from sqlalchemy.exc import ProgrammingError

from db.engine import UnsafeRoleError, check_connection, check_role, create_engine
from db.models import Base, Consent, Person, Profile, Request, RequestEvent
from services import addresses, consent, requests, threads
from tests.support import Database

OF_A_CENTRE = (Person, Profile, Consent, Request, RequestEvent)


@pytest.fixture
async def two_centres(db: Database, now: datetime) -> AsyncIterator[Database]:
    """One registered person at each of two centres, everything about them written."""
    async with db.new_session.begin() as session:
        for number, (centre, commune) in enumerate(
            [("pursat", "150301"), ("preah-vihear", "130101")]
        ):
            address = await addresses.get_or_create(session, "telegram", str(number), now=now)
            person = Person(
                centre_id=centre, name="Demo", sex="female", home_code=commune, is_demo=True
            )
            person.tell_age(30, date(2026, 11, 22))
            session.add(person)
            await session.flush()
            address.person_id = person.id
            session.add(Profile(person_id=person.id, centre_id=centre))
            await consent.record(session, address, consent.SERVICE, True, "1", now=now)
            await requests.open_request(session, address, "registration", centre_id=centre, now=now)
    yield db


async def _count(url: str, centre: str | None) -> dict[str, int]:
    engine = create_engine(url, centre=centre, pool_size=0)
    async with engine.connect() as connection:
        counts = {
            model.__tablename__: await connection.scalar(select(func.count()).select_from(model))
            for model in OF_A_CENTRE
        }
    await engine.dispose()
    return {name: count or 0 for name, count in counts.items()}


@pytest.mark.parametrize(
    ("centre", "seen"), [(None, 0), ("", 0), ("pursat", 1), ("elsewhere", 0), ("all", 2)]
)
async def test_a_connection_sees_the_rows_of_its_centre_only(
    two_centres: Database, centre: str | None, seen: int
) -> None:
    counts = await _count(two_centres.url, centre)
    assert counts == {model.__tablename__: seen for model in OF_A_CENTRE}


async def test_a_centre_cannot_write_rows_of_another(two_centres: Database) -> None:
    engine = create_engine(two_centres.url, centre="pursat", pool_size=0)
    async with engine.connect() as connection:
        with pytest.raises(ProgrammingError, match="row-level security"):
            await connection.execute(text("UPDATE request SET centre_id = 'preah-vihear'"))
    await engine.dispose()


@pytest.mark.parametrize(
    "change",
    ["UPDATE request_event SET kind = 'x'", "DELETE FROM request_event", "DELETE FROM consent"],
)
async def test_what_happened_and_what_was_agreed_to_stay(
    two_centres: Database, change: str
) -> None:
    async with two_centres.engine.connect() as connection:
        with pytest.raises(ProgrammingError, match="permission denied"):
            await connection.execute(text(change))


async def test_a_person_who_moves_takes_everything_along(two_centres: Database) -> None:
    async with two_centres.new_session.begin() as session:
        address = await addresses.find(session, "telegram", "0")
        assert address is not None
        person = await session.get_one(Person, address.person_id)
        person.centre_id = "preah-vihear"
    counts = await _count(two_centres.url, "preah-vihear")
    assert (counts["person"], counts["profile"], counts["consent"]) == (2, 2, 2)


async def test_the_apps_role_may_run(db: Database) -> None:
    await check_role(db.engine)


async def test_an_owner_may_not_run(db: Database) -> None:
    engine = create_engine(db.url, role="tralob_owner", pool_size=0)
    with pytest.raises(UnsafeRoleError, match="tralob_owner is an owner"):
        await check_role(engine)
    await engine.dispose()


async def test_a_superuser_may_not_run(db: Database) -> None:
    engine = create_engine(_as_superuser(db), role=None, pool_size=0)
    with pytest.raises(UnsafeRoleError, match="a superuser"):
        await check_role(engine)
    await engine.dispose()


async def test_a_role_with_bypassrls_may_not_run(db: Database) -> None:
    engine = create_engine(_as_superuser(db), role=None, pool_size=0)
    async with engine.connect() as connection:
        await connection.execute(text("CREATE ROLE test_bypasses BYPASSRLS"))
        await connection.execute(text("SET LOCAL ROLE test_bypasses"))
        with pytest.raises(UnsafeRoleError, match="test_bypasses is BYPASSRLS"):
            await check_connection(connection)
        await connection.rollback()
    await engine.dispose()


def _as_superuser(db: Database) -> str:
    return make_url(db.url).set(username="postgres").render_as_string()


async def test_every_table_can_be_used_by_the_app_and_belongs_to_the_owner(db: Database) -> None:
    query = text(
        "SELECT tablename, tableowner, has_table_privilege('tralob_app', tablename, 'SELECT')"
        " FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version'"
    )
    async with db.engine.connect() as connection:
        tables = {name: (owner, usable) for name, owner, usable in await connection.execute(query)}
    assert set(tables.values()) == {("tralob_owner", True)}
    # Beside ours there are the tables of the jobs' library alone.
    others = set(tables) - set(Base.metadata.tables)
    assert set(Base.metadata.tables) <= set(tables)
    assert all(name.startswith("procrastinate_") for name in others)


async def test_every_table_with_a_centre_hides_its_rows(db: Database) -> None:
    """A later table of a centre's rows cannot forget its policy."""
    query = text("SELECT relname FROM pg_class WHERE relrowsecurity AND relforcerowsecurity")
    async with db.engine.connect() as connection:
        hidden = set(await connection.scalars(query))
    # Until when another centre should answer depends on its closed days.
    public = {"centre_area", "staff", "closed_day"}
    with_centre = {
        name for name, table in Base.metadata.tables.items() if "centre_id" in table.columns
    }
    assert hidden == with_centre - public | {"reply_draft"}  # as its request is


async def test_a_dump_names_nobody(db: Database, now: datetime) -> None:
    name, number = "សុខា ចាន់", "+85512345678"
    async with db.new_session.begin() as session:
        address = await addresses.get_or_create(session, "sms", number, now=now)
        person = Person(centre_id="pursat", name=name, sex="male", home_code="150301")
        person.tell_age(30, date(2026, 11, 22))
        person.set_phone(number)
        session.add(person)
        await threads.talk(session, address, "my boss keeps my wages", now=now)
        await threads.attach_file(session, address, "voice", "a voice note", now=now)
    async with db.engine.connect() as connection:
        dump = ""
        for table in Base.metadata.tables:
            rows = await connection.execute(text(f'SELECT t::text FROM "{table}" t'))
            dump += "\n".join(rows.scalars())
    for told in (name, number, number[1:], "12345678", "a voice note", "my boss keeps my wages"):
        assert told not in dump
        assert told.encode().hex() not in dump
