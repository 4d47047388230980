"""Who is at the desk, for how long, and what ends it."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from services import accounts, staff
from services.errors import SessionNotFound, StaffNotFound, UnknownLanguage, UnusableRole
from tests.served_app import until
from tests.services.centre_at_work import FRIDAY, hire
from tests.services.desk_accounts import (
    DEVICE,
    PASSWORD,
    USERNAME,
    audited,
    code_at,
    half_signed_in,
    hire_with_account,
    set_up,
    signed_in,
    visitor_of,
)
from tests.support import Database, waits_for_lock

MINUTE = timedelta(minutes=1)
HALF_AN_HOUR = 30 * MINUTE
SECOND = timedelta(seconds=1)


@pytest.fixture
async def token(session: AsyncSession) -> str:
    """Of a session that was confirmed on Friday."""
    await hire_with_account(session)
    _, confirmed = await set_up(session)
    return confirmed.token


async def test_a_session_is_over_after_half_an_hour_without_anybody(
    session: AsyncSession, token: str
) -> None:
    last = FRIDAY + HALF_AN_HOUR - SECOND
    assert await accounts.find_visitor(session, token, now=last)
    assert await accounts.find_visitor(session, token, now=last + HALF_AN_HOUR - SECOND)
    idle = last + 2 * HALF_AN_HOUR
    assert await accounts.find_visitor(session, token, now=idle) is None


async def test_a_session_is_over_after_half_a_day_however_busy(
    session: AsyncSession, token: str
) -> None:
    now = FRIDAY
    while now < FRIDAY + timedelta(hours=12):
        assert await accounts.find_visitor(session, token, now=now)
        now += 29 * MINUTE
    assert await accounts.find_visitor(session, token, now=FRIDAY + timedelta(hours=12)) is None


async def test_that_an_expired_session_was_used_is_written_down_once(
    session: AsyncSession, token: str
) -> None:
    visitor = await visitor_of(session, token, FRIDAY)
    for _ in range(2):
        assert await accounts.find_visitor(session, token, now=FRIDAY + HALF_AN_HOUR) is None
    assert await accounts.find_visitor(session, token, now=FRIDAY) is None
    (row,) = await audited(session, "expired")
    assert (row.actor, row.actor_id) == ("staff", str(visitor.staff_id))
    assert (row.subject, row.subject_id) == ("desk_session", str(visitor.session_id))


async def test_that_a_session_was_used_after_its_end_is_written_down_once(
    session: AsyncSession, token: str
) -> None:
    visitor = await visitor_of(session, token, FRIDAY)
    await accounts.sign_out(session, visitor, now=FRIDAY)
    for _ in range(2):
        assert await accounts.find_visitor(session, token, now=FRIDAY + MINUTE) is None
    (row,) = await audited(session, "expired")
    assert (row.actor_id, row.subject_id) == (str(visitor.staff_id), str(visitor.session_id))


async def test_being_there_is_written_once_a_minute(
    session: AsyncSession, token: str, statements: list[str]
) -> None:
    statements.clear()
    for seconds in (0, 30, 59):
        await accounts.find_visitor(session, token, now=FRIDAY + seconds * SECOND)
    assert not [sent for sent in statements if sent.startswith("UPDATE")]
    await accounts.find_visitor(session, token, now=FRIDAY + MINUTE)
    assert len([sent for sent in statements if sent.startswith("UPDATE")]) == 1


async def test_what_waits_for_its_code_waits_half_an_hour_at_most(session: AsyncSession) -> None:
    await hire_with_account(session)
    half = await accounts.sign_in(session, USERNAME, PASSWORD, device=DEVICE, now=FRIDAY)
    assert await accounts.find_visitor(session, half, now=FRIDAY + HALF_AN_HOUR - SECOND)
    assert await accounts.find_visitor(session, half, now=FRIDAY + HALF_AN_HOUR) is None


@pytest.mark.parametrize("forged", ["", "x", "\x00", "\ud800", "ក" * 5000])
async def test_a_forged_token_is_nobody_s(session: AsyncSession, token: str, forged: str) -> None:
    assert await accounts.find_visitor(session, forged, now=FRIDAY) is None
    assert await accounts.find_visitor(session, token[:-1], now=FRIDAY) is None


async def test_signing_out_ends_this_session_and_is_written_down_once(
    session: AsyncSession, token: str
) -> None:
    visitor = await visitor_of(session, token, FRIDAY)
    for _ in range(2):
        await accounts.sign_out(session, visitor, now=FRIDAY)
    assert await accounts.find_visitor(session, token, now=FRIDAY) is None
    (row,) = await audited(session, "signed_out")
    assert (row.actor_id, row.subject_id) == (str(visitor.staff_id), str(visitor.session_id))


async def test_staff_see_where_they_are_signed_in_and_end_it(session: AsyncSession) -> None:
    await hire_with_account(session)
    secret, first = await set_up(session)
    later = FRIDAY + 5 * MINUTE
    half = await half_signed_in(session, now=later)
    second = await accounts.confirm(
        session, half, code_at(secret, later), device="Chrome\x00\n" + "x" * 500, now=later
    )
    await half_signed_in(session, now=later)
    visitor = await visitor_of(session, second.token, later)
    here, there = await accounts.list_sessions(session, visitor, now=later)
    assert (here.is_own, there.is_own) == (True, False)
    assert (there.device, there.created_at, there.last_seen_at) == (DEVICE, FRIDAY, FRIDAY)
    assert (here.device[:8], len(here.device)) == ("Chromexx", 120)
    await accounts.end_session(session, visitor, there.id, now=later)
    assert await accounts.find_visitor(session, first.token, now=later) is None
    assert [line.id for line in await accounts.list_sessions(session, visitor, now=later)] == [
        visitor.session_id
    ]
    (row,) = await audited(session, "ended")
    assert (row.subject, row.subject_id) == ("desk_session", str(there.id))


async def test_nobody_ends_a_session_of_somebody_else(session: AsyncSession, token: str) -> None:
    await hire_with_account(session, "Chan", "chan")
    chan = await signed_in(session, "chan")
    mine = await visitor_of(session, token, FRIDAY)
    for forged in (mine.session_id, uuid4()):
        with pytest.raises(SessionNotFound):
            await accounts.end_session(session, chan, forged, now=FRIDAY)
    assert await accounts.find_visitor(session, token, now=FRIDAY)
    rows = await audited(session, "refused")
    assert [(row.actor_id, row.subject) for row in rows] == [
        (str(chan.staff_id), "desk_session")
    ] * 2


@pytest.mark.parametrize(
    ("role", "centre", "fields"),
    [
        ("centre_manager", "pursat", ["role"]),
        ("case_worker", "preah-vihear", ["centre_id"]),
        ("auditor", None, ["role", "centre_id"]),
    ],
)
async def test_another_role_or_centre_ends_the_sessions(
    session: AsyncSession, token: str, role: str, centre: str | None, fields: list[str]
) -> None:
    person = await staff.get_by_name(session, "Sok")
    await half_signed_in(session)
    await staff.change_role(session, person, role, centre, now=FRIDAY)
    assert await accounts.find_visitor(session, token, now=FRIDAY) is None
    visitor = await half_signed_in(session)
    assert (visitor.role, visitor.centre_id) == (role, centre)
    (row,) = await audited(session, "changed")
    assert (row.subject, row.subject_id, row.fields) == ("staff", str(person.id), fields)


async def test_a_change_that_changes_nothing_ends_nothing(
    session: AsyncSession, token: str
) -> None:
    person = await staff.get_by_name(session, "Sok")
    await staff.change_role(session, person, "case_worker", "pursat", now=FRIDAY)
    with pytest.raises(UnusableRole):
        await staff.change_role(session, person, "centre_manager", None, now=FRIDAY)
    assert await accounts.find_visitor(session, token, now=FRIDAY)
    assert await audited(session, "changed") == []


async def test_who_has_left_is_signed_out_and_gets_no_other_role(
    session: AsyncSession, token: str
) -> None:
    person = await staff.get_by_name(session, "Sok")
    await staff.end(session, person, now=FRIDAY)
    assert await accounts.find_visitor(session, token, now=FRIDAY) is None
    with pytest.raises(StaffNotFound):
        await staff.change_role(session, person, "auditor", None, now=FRIDAY)


async def test_a_role_that_ended_in_another_way_ends_the_session_too(
    session: AsyncSession, token: str
) -> None:
    person = await staff.get_by_name(session, "Sok")
    person.ended_at = FRIDAY
    await session.flush()
    assert await accounts.find_visitor(session, token, now=FRIDAY) is None


async def test_what_ends_one_s_sessions_ends_nobody_else_s(
    session: AsyncSession, token: str
) -> None:
    await staff.end(session, await hire(session, "Chan"), now=FRIDAY)
    await accounts.reset(
        session, await hire_with_account(session, "Dara", "dara"), by=None, now=FRIDAY
    )
    assert await accounts.find_visitor(session, token, now=FRIDAY)


async def test_the_desk_speaks_the_language_that_was_chosen(
    session: AsyncSession, token: str
) -> None:
    visitor = await visitor_of(session, token, FRIDAY)
    for _ in range(2):
        await accounts.set_language(session, visitor, "en", now=FRIDAY)
    assert (await visitor_of(session, token, FRIDAY)).language == "en"
    assert [row.fields for row in await audited(session, "changed")] == [["language"]]
    with pytest.raises(UnknownLanguage):
        await accounts.set_language(session, visitor, "xx", now=FRIDAY)


async def test_who_signs_in_while_their_role_changes_is_signed_out(db: Database) -> None:
    async with db.new_session.begin() as session:
        await hire_with_account(session)
        secret, _ = await set_up(session)
        visitor = await half_signed_in(session, now=FRIDAY + MINUTE)

    async def change_role() -> None:
        async with db.new_session.begin() as session:
            person = await staff.get_by_name(session, "Sok")
            await staff.change_role(session, person, "auditor", None, now=FRIDAY + MINUTE)

    async with db.new_session.begin() as session:
        code = code_at(secret, FRIDAY + MINUTE)
        confirmed = await accounts.confirm(
            session, visitor, code, device=DEVICE, now=FRIDAY + MINUTE
        )
        changing = asyncio.ensure_future(change_role())
        await until(lambda: waits_for_lock(session))
    await changing
    async with db.new_session.begin() as session:
        assert await accounts.find_visitor(session, confirmed.token, now=FRIDAY + MINUTE) is None
