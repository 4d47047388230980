"""Whoever works on a request sees every number by which its person can be reached."""

from datetime import datetime
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import Address
from services import addresses, registration, requests, threads
from services.threads.reaching import LEFT, REGISTERED, SMS, Number, Ways, find_ways
from tests.services.centre_at_work import FRIDAY, write_from
from tests.support import save_draft

OWN, LENT, HOME = "+85511222333", "+85512345678", "+85599000111"
ANSWERS: dict[str, Any] = {
    "consent": "registration-1",
    "name": "សុខា",
    "age": None,
    "sex": "female",
    "province": "22",
    "district": None,
    "commune": None,
    "phone_e164": HOME,
    "wanted_provinces": [],
    "sectors": [],
    "salary": None,
}


async def _call(session: AsyncSession, address: Address, *left: str) -> Ways:
    request = await requests.ask_for_call(session, address, now=FRIDAY)
    for number in left:
        await requests.add_phone_number(session, request.code, address, number, now=FRIDAY)
    return await find_ways(session, request)


async def test_who_asks_by_sms_is_called_at_that_number(session: AsyncSession) -> None:
    ways = await _call(session, await write_from(session, OWN, "sms"))
    assert ways == Ways(None, "sms", (Number(OWN, SMS),), None, False, False)


async def test_the_number_left_last_comes_first_and_none_twice(session: AsyncSession) -> None:
    address = await write_from(session, OWN, "sms")
    await save_draft(session, address.id, registration.FORM, ANSWERS)
    await registration.register(session, address, now=FRIDAY)
    ways = await _call(session, address, LENT, OWN)
    assert ways.name == "សុខា"
    assert [(number.e164, number.known_from) for number in ways.numbers] == [
        (OWN, LEFT),
        (LENT, LEFT),
        (HOME, REGISTERED),
    ]


@pytest.mark.parametrize(
    ("last_in_at", "is_blocked"), [(FRIDAY, True), (FRIDAY.replace(hour=9), False)]
)
async def test_what_speaks_against_it_is_said(
    session: AsyncSession, last_in_at: datetime, is_blocked: bool
) -> None:
    address = await write_from(session)
    await threads.talk(session, address, "hello", now=FRIDAY)
    address.last_in_at = last_in_at
    await session.flush()
    await addresses.set_shared(session, address.id, True)
    await addresses.stop(session, address.id, now=FRIDAY)
    await addresses.mark_blocked(session, address.id, now=FRIDAY)
    ways = await _call(session, address)
    assert (ways.is_shared, ways.has_stopped, ways.is_blocked) == (True, True, is_blocked)
    assert ways.numbers == ()
