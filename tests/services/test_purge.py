"""Each kind of row goes when its time is over, and not a day before."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import Account, ReplyDraft
from services import addresses, jobs, purge
from tests.services.centre_at_work import hire
from tests.services.desk_visitors import ask

ROWS = {
    "outbox bodies": (
        30,
        "INSERT INTO outbox (address_id, channel, purpose, body, state, updated_at)"
        " VALUES (:address, 'sms', 'test', 'x', 'sent', :at)",
        "SELECT count(*) FROM outbox WHERE body IS NOT NULL",
    ),
    "outbox rows": (
        400,
        "INSERT INTO outbox (address_id, channel, purpose, state, updated_at)"
        " VALUES (:address, 'sms', 'test', 'failed', :at)",
        "SELECT count(*) FROM outbox",
    ),
    "handled updates": (
        30,
        "INSERT INTO inbox (channel, provider_id, address_key, done_at)"
        " VALUES ('sms', 'p', 'k', :at)",
        "SELECT count(*) FROM inbox",
    ),
    "payloads of failed updates": (
        90,
        "INSERT INTO inbox (channel, provider_id, address_key, payload, failed_at)"
        " VALUES ('sms', 'p', 'k', 'x', :at)",
        "SELECT count(*) FROM inbox WHERE payload IS NOT NULL",
    ),
    "failed updates": (
        400,
        "INSERT INTO inbox (channel, provider_id, address_key, failed_at)"
        " VALUES ('sms', 'p', 'k', :at)",
        "SELECT count(*) FROM inbox",
    ),
    "drafts": (
        90,
        "INSERT INTO draft (address_id, form, updated_at) VALUES (:address, 'registration', :at)",
        "SELECT count(*) FROM draft",
    ),
    "sources of lost files": (
        30,
        "INSERT INTO file (address_id, kind, state, source, created_at)"
        " VALUES (:address, 'photo', 'lost', 'x', :at)",
        "SELECT count(*) FROM file WHERE source IS NOT NULL",
    ),
}
OF_STAFF = {
    "sessions of the desk": (
        "INSERT INTO desk_session (token_hash, staff_id, device, created_at, last_seen_at,"
        " expires_at, ended_at) VALUES (:token, :staff, '', :at, :at, :expires, :ends)",
        "SELECT count(*) FROM desk_session",
    ),
    "invitations": (
        "INSERT INTO invitation (token_hash, staff_id, created_at, expires_at, used_at)"
        " VALUES (:token, :staff, :at, :expires, :ends)",
        "SELECT count(*) FROM invitation",
    ),
    "links for Telegram": (
        "INSERT INTO chat_link (token_hash, code_hash, staff_id, created_at, expires_at, used_at)"
        " VALUES (:token, :token, :staff, :at, :expires, :ends)",
        "SELECT count(*) FROM chat_link",
    ),
}
STILL_OPEN = (
    "INSERT INTO outbox (address_id, channel, purpose, body, state, updated_at)"
    " VALUES (:address, 'sms', 'test', 'x', :state, :at)"
)
EXPORT = (
    "INSERT INTO file (address_id, kind, state, stored_name, expires_at)"
    " VALUES (:address, 'document', 'kept', :name, :at)"
)


@pytest.fixture
async def address_id(session: AsyncSession, now: datetime) -> int:
    return (await addresses.get_or_create(session, "sms", "+85512345678", now=now)).id


@pytest.mark.parametrize("rule", ROWS)
async def test_a_row_stays_until_its_time_is_over(
    rule: str, session: AsyncSession, address_id: int, now: datetime
) -> None:
    days, insert, count = ROWS[rule]
    await add(session, insert, address=address_id, at=now - timedelta(days=days))
    assert await purge.purge(session, rule, now=now) == 0
    assert await session.scalar(text(count)) == 1
    assert await purge.purge(session, rule, now=now + timedelta(seconds=1)) == 1
    assert await session.scalar(text(count)) == 0
    assert await purge.purge(session, rule, now=now + timedelta(seconds=1)) == 0


@pytest.mark.parametrize("rule", OF_STAFF)
async def test_ways_into_the_desk_stay_90_days_after_they_ended(
    rule: str, session: AsyncSession, now: datetime
) -> None:
    person = await hire(session)
    session.add(Account(staff_id=person.id, username="sok", created_at=now, updated_at=now))
    await session.flush()
    insert, count = OF_STAFF[rule]
    day = timedelta(days=1)
    soon, later = now + day, now + 2 * day
    for number, (expires, ends) in enumerate(
        [(soon, None), (later, soon), (soon, later), (now + 100 * day, None)]
    ):
        values = {"token": bytes([number]), "staff": person.id, "expires": expires, "ends": ends}
        await add(session, insert, at=now, **values)
    over = soon + timedelta(days=90)
    assert await purge.purge(session, rule, now=over) == 0
    assert await purge.purge(session, rule, now=over + timedelta(seconds=1)) == 3
    assert await session.scalar(text(count)) == 1


async def test_what_staff_began_to_write_stays_90_days(
    session: AsyncSession, now: datetime
) -> None:
    person = await hire(session)
    request = await ask(session)
    session.add(ReplyDraft(staff_id=person.id, request_id=request.id, text="…", updated_at=now))
    await session.flush()
    over = now + timedelta(days=90)
    assert await purge.purge(session, "drafts of replies", now=over) == 0
    assert await purge.purge(session, "drafts of replies", now=over + timedelta(seconds=1)) == 1


@pytest.mark.parametrize("state", ["waiting", "sending"])
async def test_a_message_that_must_still_go_out_is_never_purged(
    state: str, session: AsyncSession, address_id: int, now: datetime
) -> None:
    at = now - timedelta(days=1000)
    await add(session, STILL_OPEN, address=address_id, state=state, at=at)
    for rule in purge.RULES:
        await purge.purge(session, rule, now=now)
    assert await session.scalar(text("SELECT count(body) FROM outbox")) == 1


async def test_a_batch_takes_no_more_than_it_may(
    session: AsyncSession, address_id: int, now: datetime
) -> None:
    _, insert, _ = ROWS["outbox bodies"]
    for _ in range(3):
        await add(session, insert, address=address_id, at=now - timedelta(days=31))
    taken = [await purge.purge(session, "outbox bodies", now=now, most=2) for _ in range(3)]
    assert taken == [2, 1, 0]


async def test_an_expired_export_goes_with_its_bytes(
    session: AsyncSession, address_id: int, now: datetime
) -> None:
    await add(session, EXPORT, address=address_id, name="old", at=now - timedelta(seconds=1))
    await add(session, EXPORT, address=address_id, name="new", at=now + timedelta(seconds=1))
    assert await purge.purge(session, purge.EXPIRED_FILES, now=now) == 1
    assert list(await session.scalars(text("SELECT stored_name FROM file"))) == ["new"]
    promised = await session.execute(text("SELECT task_name, args FROM procrastinate_jobs"))
    assert [tuple(row) for row in promised] == [(jobs.DELETE_FILES, {"names": ["old"]})]


async def test_ended_jobs_go_after_a_week_and_failed_ones_stay_longer(
    session: AsyncSession, now: datetime
) -> None:
    for status in ("succeeded", "failed", "todo", "doing"):
        job_id = await jobs.defer(session, "job", names=[])
        await add(session, f"UPDATE procrastinate_jobs SET status = '{status}' WHERE id = {job_id}")
    await add(session, "UPDATE procrastinate_events SET at = :at", at=now)
    in_a_week = now + timedelta(days=7, seconds=1)
    await purge_all(session, in_a_week)
    assert await left(session) == ["doing", "failed", "todo"]
    await purge_all(session, now + timedelta(days=90, seconds=1))
    assert await left(session) == ["doing", "todo"]


async def add(session: AsyncSession, statement: str, **values: Any) -> None:
    await session.execute(text(statement), values)


async def purge_all(session: AsyncSession, now: datetime) -> None:
    for rule in purge.RULES:
        await purge.purge(session, rule, now=now)


async def left(session: AsyncSession) -> list[str]:
    found = await session.scalars(text("SELECT status::text FROM procrastinate_jobs"))
    return sorted(found)
