"""Nobody is kept out by a stranger who guesses: a browser that was let in has a lock of its own."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from services import accounts
from services.accounts import known_browsers
from services.errors import DomainError, LockedOut, WrongCode, WrongSignIn
from tests.services.centre_at_work import FRIDAY
from tests.services.desk_accounts import (
    DEVICE,
    PASSWORD,
    USERNAME,
    WRONG,
    audited,
    code_at,
    hire_with_account,
    set_up,
    visitor_of,
)

LATER = FRIDAY + timedelta(minutes=5)


async def guess(session: AsyncSession, known: str = "", password: str = WRONG) -> type[DomainError]:
    with pytest.raises(DomainError) as refused:
        await accounts.sign_in(session, USERNAME, password, device=DEVICE, known=known, now=LATER)
    return type(refused.value)


async def enter(session: AsyncSession, secret: str, known: str, now: Any = LATER) -> str:
    """Sign in from a browser that is known; what it has noted then."""
    half = await accounts.sign_in(session, USERNAME, PASSWORD, device=DEVICE, known=known, now=now)
    visitor = await visitor_of(session, half, now)
    code = code_at(secret, now)
    done = await accounts.confirm(session, visitor, code, device=DEVICE, known=known, now=now)
    return done.known


async def test_a_stranger_who_guesses_locks_strangers_out_alone(session: AsyncSession) -> None:
    await hire_with_account(session)
    secret, first = await set_up(session)
    for _ in range(5):
        await guess(session)
    assert await guess(session, password=PASSWORD) is LockedOut
    assert await enter(session, secret, first.known)
    assert await guess(session, password=PASSWORD) is LockedOut


async def test_a_known_browser_is_locked_by_its_own_attempts(session: AsyncSession) -> None:
    await hire_with_account(session)
    secret, first = await set_up(session)
    said = [await guess(session, first.known) for _ in range(5)]
    assert said == [*[WrongSignIn] * 4, LockedOut]
    assert await guess(session, first.known, PASSWORD) is LockedOut
    rows = await audited(session, "refused", "locked")
    assert {row.subject for row in rows} == {"desk_session"}
    assert [row.action for row in rows] == ["refused"] * 5 + ["locked"]
    assert await enter(session, secret, "")


async def test_wrong_codes_count_for_the_browser_too_until_it_is_let_in(
    session: AsyncSession,
) -> None:
    await hire_with_account(session)
    secret, first = await set_up(session)
    half = await accounts.sign_in(
        session, USERNAME, PASSWORD, device=DEVICE, known=first.known, now=LATER
    )
    visitor = await visitor_of(session, half, LATER)
    for _ in range(4):
        with pytest.raises(WrongCode):
            await accounts.confirm(
                session, visitor, "000000", device=DEVICE, known=first.known, now=LATER
            )
    known = await enter(session, secret, first.known)
    assert await guess(session, first.known) is LockedOut
    assert await guess(session, known) is WrongSignIn


async def test_the_right_password_takes_the_wrong_ones_of_the_browser_off(
    session: AsyncSession,
) -> None:
    await hire_with_account(session)
    _, first = await set_up(session)
    for _ in range(2):
        for _ in range(4):
            assert await guess(session, first.known) is WrongSignIn
        await accounts.sign_in(
            session, USERNAME, PASSWORD, device=DEVICE, known=first.known, now=LATER
        )


async def test_a_note_is_worth_something_for_one_account_alone(session: AsyncSession) -> None:
    person = await hire_with_account(session)
    _, done = await set_up(session)
    assert known_browsers.find(done.known, person.id) is not None
    assert known_browsers.find(done.known, uuid4()) is None


@pytest.mark.parametrize("forged", ["", ".", "x", "0" * 96, "ក" * 96, "." * 5000, "\ud800"])
async def test_what_we_did_not_note_is_no_note(session: AsyncSession, forged: str) -> None:
    person = await hire_with_account(session)
    assert known_browsers.find(forged, person.id) is None
    noted = known_browsers.add(forged, uuid4(), person.id)
    assert known_browsers.find(noted, person.id) is not None


def test_a_browser_keeps_the_last_few_and_of_each_the_last() -> None:
    people = [uuid4() for _ in range(7)]
    notes = ""
    for person in people:
        for session_id in (uuid4(), last := uuid4()):
            notes = known_browsers.add(notes, session_id, person)
        assert known_browsers.find(notes, person) == last
    assert [known_browsers.find(notes, person) is not None for person in people] == [
        *[False] * 2,
        *[True] * 5,
    ]
