"""Somebody who agreed and registered, for the tests of what is kept about people."""

from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from db.models import Address, Request
from services import addresses, consent
from services.registration import FORM, register
from tests.support import save_draft

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
    "salary": {"amount": 250, "currency": "USD"},
}


async def come_and_register(
    session: AsyncSession, value: str, now: datetime
) -> tuple[Address, Request]:
    """Somebody writes on Telegram, agrees, and registers."""
    address = await addresses.get_or_create(session, "telegram", value, now=now)
    await addresses.touch(session, address, now=now)
    await consent.record(session, address, consent.SERVICE, True, "registration-1", now=now)
    await save_draft(session, address.id, FORM, ANSWERS)
    request = await register(session, address, now=now)
    await session.refresh(address)
    return address, request
