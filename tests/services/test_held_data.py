"""My data: all of it shown, all of it deleted, and nothing of anybody else."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import (
    Address,
    AuditRow,
    Consent,
    Draft,
    File,
    InboxRow,
    OutboxRow,
    Person,
    Profile,
    Question,
    Request,
    RequestEvent,
)
from services import addresses, consent, inbox, messages, my_data, staff, threads
from services.contact_policy import Purpose
from services.errors import RequestNotFound
from services.registration import FORM, register
from tests.served_app import until
from tests.support import Database, driver_of, save_draft, waits_for_lock

ANSWERS: dict[str, Any] = {
    "consent": "registration-1",
    "name": "សុខា",
    "age": 34,
    "sex": "female",
    "province": "22",
    "district": "2201",
    "commune": "220101",
    "phone_e164": "+85512345678",
    "wanted_provinces": ["22"],
    "sectors": ["garment"],
    "salary": None,
}
OF_PEOPLE = (
    Consent,
    Draft,
    File,
    InboxRow,
    OutboxRow,
    Person,
    Profile,
    Question,
    Request,
    RequestEvent,
)


Tell = Callable[[AsyncSession, Address, datetime], Awaitable[None]]


class Standings:
    """Where conversations stand, as Redis would have it."""

    def __init__(self, *keys: bytes) -> None:
        self.keys = set(keys)

    async def forget(self, key: bytes) -> None:
        self.keys.discard(key)


async def come(session: AsyncSession, value: str, now: datetime) -> Address:
    """Somebody writes, registers, and lives with us for a while."""
    address = await addresses.get_or_create(session, "telegram", value, now=now)
    await addresses.touch(session, address, now=now)
    await consent.record(session, address, consent.SERVICE, True, "registration-1", now=now)
    await save_draft(session, address.id, FORM, ANSWERS)
    request = await register(session, address, now=now)
    await session.refresh(address)
    await save_draft(session, address.id, "other", {"said": "x"})
    await inbox.store(await driver_of(session), "telegram", f"done:{value}", value, b"{}")
    await session.execute(
        update(InboxRow).where(InboxRow.provider_id == f"done:{value}").values(done_at=now)
    )
    request.record("note", now=now, internal=True, body={"text": "for staff"})
    file = File(
        request_id=request.id,
        centre_id=request.centre_id,
        address_id=address.id,
        kind="photo",
        state="kept",
        stored_name=f"name-of-{value}",
    )
    session.add(file)
    await session.flush()
    told = await messages.send(
        session, address, Purpose.REPLY, "x", now=now, asked_at=now, neutral_text="y"
    )
    assert isinstance(told, messages.Queued)
    request.record("person_file", now=now, actor="person", file_id=file.id)
    request.record("staff_message", now=now, body={"text": "hello"}, outbox_id=told.outbox_id)
    session.add(
        Question(
            address_id=address.id,
            letter="K",
            kind="help_came",
            options=["yes", "no"],
            request_id=request.id,
        )
    )
    await session.flush()
    return address


async def add_phone(session: AsyncSession, address: Address, now: datetime) -> Address:
    """A second address of the same person, with messages of its own."""
    phone = await addresses.get_or_create(session, "sms", "+85512345678", now=now)
    phone.person_id = address.person_id
    await session.flush()
    driver = await driver_of(session)
    await inbox.store(driver, "sms", "SM-open", phone.value, b"{}")
    await save_draft(session, phone.id, "other", {"said": "y"})
    await messages.send(session, phone, Purpose.REPLY, "x", now=now, neutral_text="y")
    return phone


async def count_all(session: AsyncSession) -> dict[str, int]:
    return {
        model.__tablename__: await session.scalar(select(func.count()).select_from(model)) or 0
        for model in OF_PEOPLE
    }


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


async def test_deleting_twice_is_as_once(session: AsyncSession, now: datetime) -> None:
    address = await come(session, "42", now)
    await my_data.delete_everything(session, address, now=now)
    assert await my_data.delete_everything(session, address, now=now) == []
    assert set((await count_all(session)).values()) == {0}


async def test_what_the_caller_holds_is_as_new_too(db: Database, now: datetime) -> None:
    async with db.new_session.begin() as session:
        held = await come(session, "42", now)
    async with db.new_session.begin() as session:
        await my_data.delete_everything(session, held, now=now)
    assert (held.person_id, held.last_in_at, held.forget_at) == (None, None, now)
    async with db.new_session.begin() as session:
        row = await session.get_one(Address, held.id)
        assert (row.person_id, row.created_at) == (None, now)


# The address itself


async def _deleted(session: AsyncSession, now: datetime) -> tuple[Address, Standings]:
    address = await come(session, "42", now)
    await my_data.delete_everything(session, address, now=now)
    await session.refresh(address)
    return address, Standings(address.value_index)


@pytest.mark.parametrize(
    ("after", "gone"), [(timedelta(minutes=2), True), (timedelta(seconds=119), False)]
)
async def test_the_address_goes_when_the_answer_had_its_time(
    session: AsyncSession, now: datetime, after: timedelta, gone: bool
) -> None:
    _, standings = await _deleted(session, now)
    count = await my_data.forget_addresses(session, now + after, forget_standing=standings.forget)
    assert (count, standings.keys == set()) == (int(gone), gone)
    left = await session.scalar(select(func.count()).select_from(Address))
    assert left == int(not gone)


async def test_the_address_stays_until_the_last_answer_has_left(
    session: AsyncSession, now: datetime
) -> None:
    address, standings = await _deleted(session, now)
    later = now + timedelta(hours=1)
    await messages.send(session, address, Purpose.DIALOG, "deleted", now=now)
    for state, count in [("waiting", 0), ("sending", 0), ("sent", 1)]:
        await session.execute(update(OutboxRow).values(state=state))
        told = await my_data.forget_addresses(session, later, forget_standing=standings.forget)
        assert told == count
    assert set((await count_all(session)).values()) == {0}
    assert not standings.keys


async def test_who_writes_again_is_somebody_new_and_is_not_lost(
    session: AsyncSession, now: datetime
) -> None:
    address, standings = await _deleted(session, now)
    again = datetime.now(UTC) + timedelta(minutes=1)
    await session.execute(update(Address).values(forget_at=datetime.now(UTC)))
    driver = await driver_of(session)
    await inbox.store(driver, "telegram", "old", "42", b"{}")
    await inbox.store(driver, "telegram", "new", "42", b"{}")
    for name, at in [("old", again - timedelta(hours=1)), ("new", again)]:
        await session.execute(
            update(InboxRow).where(InboxRow.provider_id == name).values(received_at=at, done_at=at)
        )
    await addresses.touch(session, address, now=again)
    await save_draft(session, address.id, FORM, {"name": "x"})
    await my_data.forget_addresses(
        session, again + timedelta(hours=1), forget_standing=standings.forget
    )
    await session.refresh(address)
    assert (address.forget_at, address.last_in_at) == (None, again)
    assert standings.keys
    assert list(await session.scalars(select(InboxRow.provider_id))) == ["new"]
    assert (await count_all(session))["draft"] == 1


@pytest.mark.parametrize("ended", ["done_at", "failed_at"])
async def test_a_message_that_waits_to_be_handled_is_waited_for(
    session: AsyncSession, now: datetime, ended: str
) -> None:
    _, standings = await _deleted(session, now)
    await inbox.store(await driver_of(session), "telegram", "new", "42", b"{}")
    later = now + timedelta(hours=1)
    assert not await my_data.forget_addresses(session, later, forget_standing=standings.forget)
    assert list(await session.scalars(select(InboxRow.provider_id))) == ["new"]
    await session.execute(update(InboxRow).values({ended: now}))
    assert await my_data.forget_addresses(session, later, forget_standing=standings.forget)
    assert (await count_all(session))["inbox"] == 0
    assert not standings.keys


async def test_a_second_tap_on_delete_everything_keeps_nothing(
    session: AsyncSession, now: datetime
) -> None:
    """It says that the address wrote again, and tells nothing."""
    address, standings = await _deleted(session, now)
    await addresses.touch(session, address, now=now + timedelta(seconds=1))
    await my_data.forget_addresses(
        session, now + timedelta(hours=1), forget_standing=standings.forget
    )
    assert not standings.keys
    assert await session.scalar(select(func.count()).select_from(Address)) == 0


async def test_nobody_is_forgotten_in_the_middle_of_a_conversation(
    session: AsyncSession, now: datetime
) -> None:
    address, standings = await _deleted(session, now)
    back = now + timedelta(minutes=10)
    await addresses.touch(session, address, now=back)
    for after, count in ((timedelta(minutes=14), 0), (timedelta(minutes=15), 1)):
        told = await my_data.forget_addresses(
            session, back + after, forget_standing=standings.forget
        )
        assert told == count


async def _register_again(session: AsyncSession, address: Address, now: datetime) -> None:
    await save_draft(session, address.id, FORM, ANSWERS)
    await register(session, address, now=now)


async def _agree(session: AsyncSession, address: Address, now: datetime) -> None:
    await consent.record(session, address, consent.NEWS, True, "1", now=now)


async def _talk(session: AsyncSession, address: Address, now: datetime) -> None:
    await threads.talk(session, address, "new words", now=now)


async def _begin(session: AsyncSession, address: Address, now: datetime) -> None:
    await save_draft(session, address.id, FORM, {"name": "x"})


async def _stop(session: AsyncSession, address: Address, now: datetime) -> None:
    await addresses.stop(session, address.id, now=now)


async def _share(session: AsyncSession, address: Address, now: datetime) -> None:
    await addresses.set_shared(session, address.id, False)


@pytest.mark.parametrize("tell", [_register_again, _agree, _talk, _begin, _stop, _share])
async def test_who_tells_something_after_deleting_is_somebody_new(
    session: AsyncSession, now: datetime, tell: Tell
) -> None:
    address, standings = await _deleted(session, now)
    await tell(session, address, now + timedelta(minutes=1))
    await my_data.forget_addresses(
        session, now + timedelta(days=1), forget_standing=standings.forget
    )
    await session.refresh(address)
    assert address.forget_at is None
    assert standings.keys


async def test_the_overview_counts_without_reading(
    session: AsyncSession, now: datetime, statements: list[str]
) -> None:
    address = await come(session, "42", now)
    await add_phone(session, address, now)
    request = (await session.scalars(select(Request))).one()
    for text_ in ("one", "two"):
        await threads.write_to_request(session, address, request.code, text_, now=now)
    await come(session, "77", now)
    await _talk(session, address, now)
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


async def test_an_address_that_is_being_spoken_with_is_left_for_the_next_time(
    db: Database, now: datetime
) -> None:
    async with db.new_session.begin() as session:
        address, standings = await _deleted(session, now)
    later = now + timedelta(hours=1)
    async with db.new_session.begin() as consumer, db.new_session.begin() as session:
        driver = await driver_of(consumer)
        assert await inbox.lock_addresses(driver, [address.value_index])
        assert not await my_data.forget_addresses(session, later, forget_standing=standings.forget)
        await inbox.unlock_addresses(driver, [address.value_index])
    async with db.new_session.begin() as session:
        assert await my_data.forget_addresses(session, later, forget_standing=standings.forget)
    assert not standings.keys


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
