"""Two phones of one person take something back in the same moment."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import Address, Referral, Request
from services import consent, requests, taking_back
from tests.served_app import until
from tests.services.centre_at_work import FRIDAY, write_from
from tests.services.desk_visitors import ask, register, visit
from tests.services.referred import begin, make_agency, wanted
from tests.support import Database, waits_for_lock

Act = Callable[[AsyncSession, Address], Awaitable[object]]


async def _stop(session: AsyncSession, address: Address) -> None:
    await taking_back.stop(session, address.id, now=FRIDAY)


async def _agree_no_more(session: AsyncSession, address: Address) -> None:
    await taking_back.answer_purpose(
        session, address, consent.SHARING, False, "sharing-1", now=FRIDAY
    )


async def _two_phones(db: Database) -> tuple[int, int, int]:
    """The ids of both, each with a question whether its request may be passed on, and of the
    request that is asked about on the first."""
    async with db.new_session.begin() as session:
        visitor, agency = await visit(session), await make_agency(session)
        first = await register(session)
        second = await write_from(session, "42")
        second.person_id = first.person_id
        await session.flush()
        asked = [
            await ask(session, first),
            await requests.ask_for_call(session, second, now=FRIDAY),
        ]
        for request in asked:
            await begin(session, visitor, request, wanted(agency))
        return first.id, second.id, asked[0].id


@pytest.mark.parametrize("act", [_stop, _agree_no_more])
async def test_both_end_what_is_open_and_neither_fails(db: Database, act: Act) -> None:
    first, second, request_id = await _two_phones(db)

    async def take_back(address_id: int) -> None:
        async with db.new_session.begin() as session:
            await act(session, await session.get_one(Address, address_id))

    # Whoever holds the request keeps the first phone in the midst of it until the second is there.
    async with db.new_session.begin() as holder:
        held = select(Request).where(Request.id == request_id).with_for_update()
        await holder.execute(held)
        one = asyncio.create_task(take_back(first))
        await until(lambda: waits_for_lock(holder))
        other = asyncio.create_task(take_back(second))
        await until(lambda: waits_for_lock(holder, 2))
    await asyncio.gather(one, other)
    async with db.new_session() as session:
        states = (await session.scalars(select(Referral.state))).all()
    assert states == ["ended", "ended"]
