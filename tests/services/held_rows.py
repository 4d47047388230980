"""What somebody leaves with us who registers and lives with us for a while."""

from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import (
    Address,
    Consent,
    Draft,
    File,
    InboxRow,
    OutboxRow,
    Person,
    PersonName,
    Profile,
    Question,
    Request,
    RequestEvent,
)
from services import addresses, inbox, messages
from services.contact_policy import Purpose
from tests.registered import come_and_register
from tests.support import driver_of, save_draft

OF_PEOPLE = (
    Consent,
    Draft,
    File,
    InboxRow,
    OutboxRow,
    Person,
    PersonName,
    Profile,
    Question,
    Request,
    RequestEvent,
)


async def come(session: AsyncSession, value: str, now: datetime) -> Address:
    """Somebody writes, registers, and lives with us for a while."""
    address, request = await come_and_register(session, value, now)
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
