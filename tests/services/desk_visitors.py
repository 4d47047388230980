"""Staff at the desk, and a registered person's request, for the tests of its services."""

from uuid import uuid4

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import Address, AuditRow, Request, Staff
from services import registration, threads
from services.accounts.types import Visitor
from tests.services.centre_at_work import FRIDAY, hire, write_from
from tests.support import save_draft

NAME, PHONE, HOME_PHONE = "ស្រីមុំ ចាន់", "+85512345678", "+85599000111"


def at_desk(staff: Staff, language: str = "km") -> Visitor:
    """They have signed in, with the second factor."""
    return Visitor(
        staff_id=staff.id,
        session_id=uuid4(),
        name=staff.name,
        username=staff.name.lower(),
        role=staff.role,
        centre_id=staff.centre_id,
        language=language,
        is_confirmed=True,
        has_second_factor=True,
    )


async def visit(
    session: AsyncSession,
    name: str = "Sok",
    role: str = "case_worker",
    centre: str | None = "pursat",
) -> Visitor:
    """Somebody new at the desk."""
    return at_desk(await hire(session, name, role, centre))


async def see_as(session: AsyncSession, visitor: Visitor) -> None:
    """From here on the session sees what `services.acting` lets them see."""
    await session.flush()
    centre = "" if visitor.role == "auditor" else visitor.centre_id or "all"
    await session.execute(select(func.set_config("tralob.centre", centre, True)))


async def register(session: AsyncSession, value: str = PHONE, channel: str = "sms") -> Address:
    """Somebody of Pursat who has registered; that is their first request."""
    address = await write_from(session, value, channel)
    answers = {
        "consent": "registration-1",
        "name": NAME,
        "age": 30,
        "sex": "female",
        "province": "15",
        "district": "1503",
        "commune": "150301",
        "phone_e164": HOME_PHONE,
        "wanted_provinces": ["12"],
        "sectors": ["garment"],
        "salary": {"amount": 210, "currency": "USD"},
    }
    await save_draft(session, address.id, registration.FORM, answers)
    await registration.register(session, address, now=FRIDAY)
    return address


async def ask(session: AsyncSession, address: Address | None = None) -> Request:
    """A request of Pursat with words of the person."""
    address = address or await register(session)
    return await threads.talk(session, address, "ខ្ញុំចង់បានការងារ", now=FRIDAY)


async def audited(session: AsyncSession) -> list[tuple[str, str, str | None, list[str]]]:
    """(action, subject, its id, fields) of all that staff did, in order."""
    query = select(AuditRow).where(AuditRow.actor == "staff").order_by(AuditRow.id)
    return [
        (row.action, row.subject, row.subject_id, row.fields)
        for row in await session.scalars(query)
    ]
