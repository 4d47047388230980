"""Codes on paper: shown until they are written down, each good for one sign-in."""

import asyncio
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import RecoveryCode
from services import accounts
from services.accounts.recovery_codes import RecoveryCodes
from services.errors import LockedOut, NotAllowed, WrongCode, WrongSignIn
from tests.services.centre_at_work import FRIDAY
from tests.services.desk_accounts import (
    DEVICE,
    PASSWORD,
    WRONG,
    audited,
    code_at,
    half_signed_in,
    hire_with_account,
    set_up,
    signed_in,
    visitor_of,
    write_codes_down,
)
from tests.support import Database

LATER = FRIDAY + timedelta(minutes=5)
IN_KHMER = str.maketrans("0123456789", "០១២៣៤៥៦៧៨៩")


async def give(session: AsyncSession, code: str, now: datetime = LATER) -> accounts.Confirmed:
    """Sign in anew, with this code."""
    visitor = await half_signed_in(session, now=now)
    return await accounts.confirm(session, visitor, code, device=DEVICE, now=now)


async def propose(session: AsyncSession, visitor: accounts.Visitor) -> RecoveryCodes:
    proposed = await accounts.find_proposed_codes(session, visitor)
    assert proposed is not None
    return proposed


async def test_codes_are_shown_until_they_are_written_down(session: AsyncSession) -> None:
    await hire_with_account(session)
    visitor = await signed_in(session)
    shown = await propose(session, visitor)
    assert len(set(shown.codes)) == 10
    assert all(len(code) == 11 and code.replace(" ", "").isdigit() for code in shown.codes)
    assert shown.codes[0] not in repr(shown)
    assert await propose(session, visitor) == shown
    with pytest.raises(WrongCode):
        await give(session, shown.codes[0])
    assert await write_codes_down(session, visitor) == shown.codes
    assert await accounts.find_proposed_codes(session, visitor) is None
    kept = (await session.scalars(select(RecoveryCode.code_hash))).all()
    assert not any(code.replace(" ", "") in row for code in shown.codes for row in kept)
    assert [row.fields for row in await audited(session, "set")][1:] == [["recovery_codes"]]


async def test_who_never_wrote_them_down_is_shown_others_at_the_next_sign_in(
    session: AsyncSession,
) -> None:
    await hire_with_account(session)
    secret, confirmed = await set_up(session)
    assert confirmed.needs_recovery_codes
    first = await propose(session, await visitor_of(session, confirmed.token, FRIDAY))
    again = await give(session, code_at(secret, LATER))
    assert again.needs_recovery_codes
    visitor = await visitor_of(session, again.token, LATER)
    assert (await propose(session, visitor)).codes != first.codes
    await write_codes_down(session, visitor, LATER)
    much_later = LATER + timedelta(minutes=5)
    third = await give(session, code_at(secret, much_later), much_later)
    assert not third.needs_recovery_codes


async def test_nobody_sees_codes_before_the_second_factor(session: AsyncSession) -> None:
    await hire_with_account(session)
    visitor = await half_signed_in(session)
    with pytest.raises(NotAllowed):
        await accounts.find_proposed_codes(session, visitor)
    with pytest.raises(NotAllowed):
        await accounts.keep_proposed_codes(session, visitor, 0, now=FRIDAY)


async def test_written_down_twice_at_once_they_are_kept_once(db: Database) -> None:
    async with db.new_session.begin() as session:
        await hire_with_account(session)
        visitor = await signed_in(session)

    async def keep() -> bool:
        async with db.new_session.begin() as session:
            return await accounts.keep_proposed_codes(session, visitor, 0, now=FRIDAY)

    assert sorted(await asyncio.gather(keep(), keep())) == [False, True]
    async with db.new_session() as session:
        assert await accounts.count_recovery_codes(session, visitor.staff_id) == 10


async def test_each_code_signs_in_once(session: AsyncSession) -> None:
    await hire_with_account(session)
    visitor = await signed_in(session)
    first, second, *_ = await write_codes_down(session, visitor)
    assert await give(session, first)
    with pytest.raises(WrongCode):
        await give(session, first)
    assert await give(session, second.replace(" ", "").translate(IN_KHMER))
    assert await accounts.count_recovery_codes(session, visitor.staff_id) == 8
    assert [row.subject for row in await audited(session, "used")] == ["recovery_code"] * 2


async def test_a_code_is_its_owner_s_alone(session: AsyncSession) -> None:
    await hire_with_account(session)
    await signed_in(session)
    await hire_with_account(session, "Chan", "chan")
    theirs = await write_codes_down(session, await signed_in(session, "chan"))
    with pytest.raises(WrongCode):
        await give(session, theirs[0])


async def test_new_codes_end_the_old_ones_and_none_of_them_comes_back(
    session: AsyncSession,
) -> None:
    await hire_with_account(session)
    secret, confirmed = await set_up(session)
    visitor = await visitor_of(session, confirmed.token, FRIDAY)
    old = await write_codes_down(session, visitor)
    code = code_at(secret, LATER)
    await accounts.renew_recovery_codes(session, visitor, PASSWORD, code, now=LATER)
    with pytest.raises(WrongCode):
        await give(session, old[0])
    new = await write_codes_down(session, visitor, LATER)
    assert not set(old) & set(new)
    assert not await accounts.keep_proposed_codes(session, visitor, 0, now=LATER)
    assert await give(session, new[0])
    assert [row.fields for row in await audited(session, "changed")] == [["recovery_codes"]]


async def test_new_codes_need_password_and_code(session: AsyncSession) -> None:
    await hire_with_account(session)
    secret, confirmed = await set_up(session)
    visitor = await visitor_of(session, confirmed.token, FRIDAY)
    await write_codes_down(session, visitor)
    code = code_at(secret, LATER)
    with pytest.raises(WrongSignIn):
        await accounts.renew_recovery_codes(session, visitor, WRONG, code, now=LATER)
    with pytest.raises(WrongCode):
        await accounts.renew_recovery_codes(session, visitor, PASSWORD, "000000", now=LATER)
    for _ in range(2):
        with pytest.raises(WrongCode):
            await accounts.renew_recovery_codes(session, visitor, PASSWORD, "000000", now=LATER)
    with pytest.raises(LockedOut):
        await accounts.renew_recovery_codes(session, visitor, PASSWORD, "000000", now=LATER)
    assert await accounts.count_recovery_codes(session, visitor.staff_id) == 10
