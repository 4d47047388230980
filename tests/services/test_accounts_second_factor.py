"""The code after the password: setting it up, using it once, and doing without the phone."""

import asyncio
from collections.abc import Awaitable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import Account, DeskSession
from services import accounts
from services.accounts.second_factor import read_code
from services.errors import DomainError, LockedOut, NotAllowed, WrongCode
from tests.services.centre_at_work import FRIDAY
from tests.services.desk_accounts import (
    DEVICE,
    STEP,
    USERNAME,
    audited,
    code_at,
    half_signed_in,
    hire_with_account,
    set_up,
    visitor_of,
)
from tests.support import Database

LATER = FRIDAY + timedelta(minutes=5)


@pytest.fixture
async def secret(session: AsyncSession) -> str:
    """Of somebody who set the second factor up on Friday."""
    await hire_with_account(session)
    secret, _ = await set_up(session)
    return secret


async def give(session: AsyncSession, code: str, now: datetime = LATER) -> accounts.Confirmed:
    """Sign in anew, with this code."""
    visitor = await half_signed_in(session, now=now)
    return await accounts.confirm(session, visitor, code, device=DEVICE, now=now)


async def refusal(work: Awaitable[Any]) -> type[DomainError]:
    with pytest.raises(DomainError) as refused:
        await work
    return type(refused.value)


async def test_an_authenticator_is_told_who_and_where(session: AsyncSession) -> None:
    await hire_with_account(session)
    visitor = await half_signed_in(session)
    factor = await accounts.new_second_factor(session, visitor, now=FRIDAY)
    address = urlsplit(factor.uri)
    assert (address.scheme, address.netloc, address.path) == ("otpauth", "totp", "/Tralob:sok.dara")
    assert parse_qs(address.query)["secret"] == [factor.secret]
    assert factor.secret not in repr(factor)
    assert await accounts.new_second_factor(session, visitor, now=FRIDAY) == factor


async def test_the_secret_is_kept_with_its_first_code_only(session: AsyncSession) -> None:
    person = await hire_with_account(session)
    visitor = await half_signed_in(session)
    factor = await accounts.new_second_factor(session, visitor, now=FRIDAY)
    wrong = code_at(factor.secret, FRIDAY + 10 * STEP)
    assert await refusal(give(session, wrong, FRIDAY)) is WrongCode
    account = await session.get_one(Account, person.id)
    assert account.second_factor is None
    right = code_at(factor.secret, FRIDAY)
    await accounts.confirm(session, visitor, right, device=DEVICE, now=FRIDAY)
    assert account.second_factor == factor.secret


async def test_two_who_set_up_one_account_do_not_see_the_same_secret(
    session: AsyncSession,
) -> None:
    await hire_with_account(session)
    first, second = await half_signed_in(session), await half_signed_in(session)
    seen = await accounts.new_second_factor(session, first, now=FRIDAY)
    own = await accounts.new_second_factor(session, second, now=FRIDAY)
    assert seen.secret != own.secret
    code = code_at(own.secret, FRIDAY)
    await accounts.confirm(session, second, code, device=DEVICE, now=FRIDAY)
    for now in (FRIDAY, LATER):
        code = code_at(seen.secret, now)
        given = accounts.confirm(session, first, code, device=DEVICE, now=now)
        assert await refusal(given) is WrongCode


async def test_whoever_has_only_the_password_does_not_replace_the_second_factor(
    session: AsyncSession, secret: str
) -> None:
    visitor = await half_signed_in(session)
    assert visitor.has_second_factor
    assert await refusal(accounts.new_second_factor(session, visitor, now=FRIDAY)) is NotAllowed


async def test_a_confirmed_session_is_a_new_one_and_the_half_one_is_over(
    session: AsyncSession,
) -> None:
    await hire_with_account(session)
    half = await accounts.sign_in(
        session, USERNAME, "rice fields in June", device=DEVICE, now=FRIDAY
    )
    visitor = await visitor_of(session, half, FRIDAY)
    factor = await accounts.new_second_factor(session, visitor, now=FRIDAY)
    code = code_at(factor.secret, FRIDAY)
    confirmed = await accounts.confirm(session, visitor, code, device=DEVICE, now=FRIDAY)
    assert confirmed.token != half
    assert confirmed.token not in repr(confirmed)
    assert await accounts.find_visitor(session, half, now=FRIDAY) is None
    again = accounts.confirm(session, visitor, code, device=DEVICE, now=FRIDAY)
    assert await refusal(again) is WrongCode
    assert await audited(session, "refused") == []


@pytest.mark.parametrize(("steps", "is_right"), [(-2, False), (-1, True), (1, True), (2, False)])
async def test_a_clock_may_be_one_step_off(
    session: AsyncSession, secret: str, steps: int, is_right: bool
) -> None:
    code = code_at(secret, LATER + steps * STEP)
    if is_right:
        assert await give(session, code)
    else:
        assert await refusal(give(session, code)) is WrongCode


async def test_no_code_signs_in_twice_nor_does_an_earlier_one(
    session: AsyncSession, secret: str
) -> None:
    code, earlier = code_at(secret, LATER), code_at(secret, LATER - STEP)
    assert await give(session, code)
    for used in (code, earlier):
        assert await refusal(give(session, used)) is WrongCode
    assert await give(session, code_at(secret, LATER + STEP))


async def test_the_code_that_set_it_up_signs_in_no_second_time(
    session: AsyncSession, secret: str
) -> None:
    assert await refusal(give(session, code_at(secret, FRIDAY), FRIDAY)) is WrongCode


async def test_of_two_at_once_with_one_code_one_gets_in(db: Database) -> None:
    async with db.new_session.begin() as session:
        await hire_with_account(session)
        secret, _ = await set_up(session)
        visitors = [await half_signed_in(session, now=LATER) for _ in range(2)]
    code = code_at(secret, LATER)

    async def one(visitor: accounts.Visitor) -> str:
        async with db.new_session.begin() as session:
            try:
                await accounts.confirm(session, visitor, code, device=DEVICE, now=LATER)
            except WrongCode:
                return "refused"
        return "in"

    assert sorted(await asyncio.gather(*map(one, visitors))) == ["in", "refused"]
    async with db.new_session() as session:
        confirmed = select(DeskSession.id).where(DeskSession.confirmed_at == LATER)
        assert len((await session.scalars(confirmed)).all()) == 1


async def test_wrong_codes_and_wrong_passwords_lock_together(
    session: AsyncSession, secret: str
) -> None:
    for error in (*[WrongCode] * 4, LockedOut):
        assert await refusal(give(session, "000 000")) is error
    rows = await audited(session, "refused", "locked")
    assert [row.action for row in rows] == ["refused"] * 5 + ["locked"]
    assert rows[0].fields == ["second_factor"]
    assert await refusal(give(session, code_at(secret, LATER))) is LockedOut


async def test_a_lock_keeps_the_right_code_out_too(session: AsyncSession, secret: str) -> None:
    visitor = await half_signed_in(session, now=LATER)
    for _ in range(5):
        await refusal(accounts.confirm(session, visitor, "000000", device=DEVICE, now=LATER))
    code = code_at(secret, LATER)
    given = accounts.confirm(session, visitor, code, device=DEVICE, now=LATER)
    assert await refusal(given) is LockedOut
    after = LATER + timedelta(minutes=1)
    code = code_at(secret, after)
    assert await accounts.confirm(session, visitor, code, device=DEVICE, now=after)


async def test_a_code_that_nobody_asks_for_any_more_opens_nothing(
    session: AsyncSession, secret: str
) -> None:
    visitor = await half_signed_in(session, now=LATER)
    await accounts.sign_out(session, visitor, now=LATER)
    code = code_at(secret, LATER)
    given = accounts.confirm(session, visitor, code, device=DEVICE, now=LATER)
    assert await refusal(given) is WrongCode


@pytest.mark.parametrize(
    ("typed", "digits"),
    [
        (" 123 456 ", "123456"),
        ("១២៣ ៤៥៦", "123456"),
        ("12345-67890", "1234567890"),
        ("12a456", ""),
        ("", ""),
        ("\x00\ud800", ""),
    ],
)
def test_how_codes_are_typed(typed: str, digits: str) -> None:
    assert read_code(typed) == digits
