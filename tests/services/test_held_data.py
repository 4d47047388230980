"""My data: all of it shown, all of it deleted, and nothing of anybody else."""

import asyncio
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import Address, AuditRow, File, Request
from services import addresses, consent, my_data, staff, threads
from services.errors import RequestNotFound
from services.registration import FORM
from tests.served_app import until
from tests.services.held_rows import add_phone, come, count_all
from tests.support import Database, save_draft, waits_for_lock


async def _jobs(session: AsyncSession) -> list[tuple[str, Any]]:
    rows = await session.execute(text("SELECT task_name, args FROM procrastinate_jobs"))
    return [(row.task_name, row.args) for row in rows]


async def test_everything_of_the_person_is_shown_and_no_note(
    session: AsyncSession, now: datetime
) -> None:
    address = await come(session, "42", now)
    phone = await add_phone(session, address, now)
    await come(session, "77", now)
    for seen_from in (address, phone):
        data = await my_data.collect(session, seen_from)
        assert {one.value for one in data.addresses} == {"42", "+85512345678"}
        assert data.person is not None
        assert (data.person.name, data.person.id) == ("សុខា", address.person_id)
        assert data.profile is not None
        assert data.profile.sectors == ["garment"]
        assert [(one.purpose, one.given) for one in data.consents] == [("service", True)]
        (held,) = data.requests
        assert [event.kind for event in held.events] == [
            "opened",
            "person_file",
            "staff_message",
        ]
        assert [file.stored_name for file in data.files] == ["name-of-42"]
        assert [draft.answers for draft in data.drafts] == [{"said": "x"}, {"said": "y"}]


async def test_of_who_never_registered_what_there_is_is_shown(
    session: AsyncSession, now: datetime
) -> None:
    address = await addresses.get_or_create(session, "telegram", "42", now=now)
    await consent.record(session, address, consent.NEWS, True, "1", now=now)
    data = await my_data.collect(session, address)
    assert (data.person, data.profile, data.requests) == (None, None, [])
    assert len(data.consents) == 1


async def test_deleting_leaves_an_address_as_new_and_an_audit_row(
    session: AsyncSession, now: datetime
) -> None:
    address = await come(session, "42", now)
    await addresses.set_language(session, address.id, "en")
    await addresses.set_shared(session, address.id, True)
    await addresses.stop(session, address.id, now=now)
    person_id = address.person_id
    names = await my_data.delete_everything(session, address, now=now)
    assert names == ["name-of-42"]
    assert await _jobs(session) == [("delete_files", {"names": ["name-of-42"]})]
    assert set((await count_all(session)).values()) == {0}
    left = (await session.scalars(select(Address))).one()
    await session.refresh(left)
    assert (left.id, left.value, left.language) == (address.id, "42", "en")
    assert (left.person_id, left.is_shared, left.stopped_at, left.last_in_at) == (None,) * 4
    assert (left.created_at, left.forget_at) == (now, now)
    noted = (await session.scalars(select(AuditRow))).one()
    assert (noted.actor, noted.actor_id, noted.action) == ("person", str(person_id), "deleted")
    assert (noted.subject, noted.subject_id, noted.fields) == ("person", str(person_id), [])


async def test_deleting_reaches_every_address_of_the_person_and_nobody_else(
    session: AsyncSession, now: datetime
) -> None:
    other = await come(session, "77", now)
    before = await count_all(session)
    address = await come(session, "42", now)
    phone = await add_phone(session, address, now)
    await my_data.delete_everything(session, phone, now=now)
    # What the phone itself sent is still being handled.
    assert await count_all(session) == before | {"inbox": before["inbox"] + 1}
    await session.refresh(other)
    assert (other.forget_at, other.person_id is None) == (None, False)
    marked = await session.scalars(select(Address.id).where(Address.forget_at == now))
    assert set(marked) == {address.id, phone.id}


async def test_what_other_phones_of_the_person_sent_is_deleted_unread(
    session: AsyncSession, now: datetime
) -> None:
    address = await come(session, "42", now)
    await add_phone(session, address, now)
    await my_data.delete_everything(session, address, now=now)
    assert (await count_all(session))["inbox"] == 0


async def test_who_never_registered_can_delete_too(session: AsyncSession, now: datetime) -> None:
    address = await addresses.get_or_create(session, "telegram", "42", now=now)
    await consent.record(session, address, consent.NEWS, True, "1", now=now)
    await save_draft(session, address.id, FORM, {"name": "x"})
    assert await my_data.delete_everything(session, address, now=now) == []
    assert set((await count_all(session)).values()) == {0}
    noted = (await session.scalars(select(AuditRow))).one()
    assert (noted.actor_id, noted.subject, noted.subject_id) == (
        None,
        "address",
        str(address.id),
    )


async def _deletions(session: AsyncSession) -> int:
    return await session.scalar(select(func.count()).select_from(AuditRow)) or 0


async def test_deleting_twice_is_as_once(session: AsyncSession, now: datetime) -> None:
    address = await come(session, "42", now)
    await my_data.delete_everything(session, address, now=now)
    assert await my_data.delete_everything(session, address, now=now) == []
    assert set((await count_all(session)).values()) == {0}
    assert await _deletions(session) == 1


async def test_who_told_something_since_deletes_that_too(
    session: AsyncSession, now: datetime
) -> None:
    address = await come(session, "42", now)
    await my_data.delete_everything(session, address, now=now)
    await save_draft(session, address.id, FORM, {"name": "x"})
    await my_data.delete_everything(session, address, now=now)
    assert set((await count_all(session)).values()) == {0}
    assert await _deletions(session) == 2


async def test_what_the_caller_holds_is_as_new_too(db: Database, now: datetime) -> None:
    async with db.new_session.begin() as session:
        held = await come(session, "42", now)
    async with db.new_session.begin() as session:
        await my_data.delete_everything(session, held, now=now)
    assert (held.person_id, held.last_in_at, held.forget_at) == (None, None, now)
    async with db.new_session.begin() as session:
        row = await session.get_one(Address, held.id)
        assert (row.person_id, row.created_at) == (None, now)


async def test_the_overview_counts_without_reading(
    session: AsyncSession, now: datetime, statements: list[str]
) -> None:
    address = await come(session, "42", now)
    await add_phone(session, address, now)
    request = (await session.scalars(select(Request))).one()
    for text_ in ("one", "two"):
        await threads.write_to_request(session, address, request.code, text_, now=now)
    await come(session, "77", now)
    await threads.talk(session, address, "new words", now=now)
    statements.clear()
    seen = await my_data.get_overview(session, address, most_requests=2)
    assert not any("body" in statement for statement in statements)
    assert [(one.request.topic, one.messages) for one in seen.requests] == [
        ("talk", 1),
        ("registration", 3),
    ]
    assert (seen.request_count, seen.file_count, len(seen.drafts)) == (2, 1, 2)
    fewer = await my_data.get_overview(session, address, most_requests=1)
    assert (len(fewer.requests), fewer.request_count) == (1, 2)
    assert seen.person is not None
    assert {purpose for purpose, one in seen.consents.items() if one and one.given} == {"service"}


async def test_a_file_that_was_being_fetched_is_deleted_with_its_row(
    session: AsyncSession, now: datetime
) -> None:
    address = await addresses.get_or_create(session, "telegram", "42", now=now)
    waiting = UUID("0d9fbb0f-53ba-4dcc-9a0e-9f7a3d1f9d52")
    session.add(
        File(id=waiting, address_id=address.id, kind="document", state="waiting", source="AgAD")
    )
    await session.flush()
    assert await my_data.delete_everything(session, address, now=now) == []
    assert (await count_all(session))["file"] == 0
    assert await _jobs(session) == []


async def test_staff_who_answer_during_a_deletion_find_no_request(
    db: Database, now: datetime
) -> None:
    """The address they wait for comes back under its old id, but without anything."""
    async with db.new_session.begin() as session:
        writer = await staff.add(session, "Dara", "administrator", None, now=now)
        held = await come(session, "42", now)
        code = (await session.scalars(select(Request.code))).one()

    async def answer() -> None:
        async with db.new_session.begin() as session:
            await threads.add_note(session, code, "words", staff=writer, now=now)

    async with db.new_session.begin() as session:
        await my_data.delete_everything(session, held, now=now)
        answering = asyncio.ensure_future(answer())
        await until(lambda: waits_for_lock(session))
    with pytest.raises(RequestNotFound):
        await answering
