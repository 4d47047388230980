"""Links by which staff choose a password: for whom, how often, how long."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import Account, Invitation, RecoveryCode
from services import accounts, staff
from services.errors import (
    InvitationOver,
    LockedOut,
    NotAllowed,
    UnusableUsername,
    UsernameTaken,
    WeakPassword,
    WrongSignIn,
)
from tests.services.centre_at_work import FRIDAY, hire
from tests.services.desk_accounts import (
    DEVICE,
    PASSWORD,
    USERNAME,
    WRONG,
    audited,
    code_at,
    half_signed_in,
    hire_with_account,
    set_up,
)
from tests.support import Database

THREE_DAYS = timedelta(days=3)
NEW = "mountains in the morning"


async def test_a_link_says_whom_it_invites_and_gives_a_password(session: AsyncSession) -> None:
    person = await hire(session)
    token = await accounts.invite(session, person, " Sok.Dara ", by=None, now=FRIDAY)
    invited = await accounts.find_invited(session, token, now=FRIDAY)
    assert invited == accounts.Invited(name="Sok", username=USERNAME)
    await accounts.accept(session, token, PASSWORD, now=FRIDAY)
    assert (await half_signed_in(session)).staff_id == person.id
    rows = await audited(session, "invited", "accepted")
    assert [(row.actor, row.subject_id, row.fields) for row in rows] == [
        ("system", str(person.id), []),
        ("staff", str(person.id), ["password_hash"]),
    ]
    (kept,) = (await session.scalars(select(Invitation))).all()
    assert token.encode() not in kept.token_hash


async def test_a_link_works_once(session: AsyncSession) -> None:
    person = await hire(session)
    token = await accounts.invite(session, person, USERNAME, by=None, now=FRIDAY)
    await accounts.accept(session, token, PASSWORD, now=FRIDAY)
    assert await accounts.find_invited(session, token, now=FRIDAY) is None
    with pytest.raises(InvitationOver):
        await accounts.accept(session, token, NEW, now=FRIDAY)


async def test_of_two_who_follow_a_link_at_once_one_chooses_the_password(db: Database) -> None:
    async with db.new_session.begin() as session:
        person = await hire(session)
        token = await accounts.invite(session, person, USERNAME, by=None, now=FRIDAY)

    async def choose(password: str) -> str:
        async with db.new_session.begin() as session:
            try:
                await accounts.accept(session, token, password, now=FRIDAY)
            except InvitationOver:
                return "over"
        return "chosen"

    assert sorted(await asyncio.gather(*map(choose, (PASSWORD, NEW)))) == ["chosen", "over"]


async def test_a_link_lasts_three_days(session: AsyncSession) -> None:
    person = await hire(session)
    token = await accounts.invite(session, person, USERNAME, by=None, now=FRIDAY)
    over = FRIDAY + THREE_DAYS
    assert await accounts.find_invited(session, token, now=over - timedelta(seconds=1))
    assert await accounts.find_invited(session, token, now=over) is None
    with pytest.raises(InvitationOver):
        await accounts.accept(session, token, PASSWORD, now=over)


async def test_a_new_link_ends_the_earlier_ones_of_theirs_alone(session: AsyncSession) -> None:
    sok, chan = await hire(session), await hire(session, "Chan")
    other = await accounts.invite(session, chan, "chan", by=None, now=FRIDAY)
    first = await accounts.invite(session, sok, USERNAME, by=None, now=FRIDAY)
    second = await accounts.invite(session, sok, USERNAME, by=None, now=FRIDAY)
    assert await accounts.find_invited(session, first, now=FRIDAY) is None
    assert await accounts.find_invited(session, second, now=FRIDAY)
    assert await accounts.find_invited(session, other, now=FRIDAY)


@pytest.mark.parametrize("forged", ["", "x", "\x00", "\ud800"])
async def test_a_forged_link_is_over(session: AsyncSession, forged: str) -> None:
    assert await accounts.find_invited(session, forged, now=FRIDAY) is None
    with pytest.raises(InvitationOver):
        await accounts.accept(session, forged, PASSWORD, now=FRIDAY)


async def test_a_weak_password_leaves_the_link_as_it_was(session: AsyncSession) -> None:
    person = await hire(session)
    token = await accounts.invite(session, person, USERNAME, by=None, now=FRIDAY)
    with pytest.raises(WeakPassword):
        await accounts.accept(session, token, "password123", now=FRIDAY)
    assert await accounts.find_invited(session, token, now=FRIDAY)


async def test_the_link_of_who_has_left_is_over_and_they_get_no_other(
    session: AsyncSession,
) -> None:
    person = await hire(session)
    token = await accounts.invite(session, person, USERNAME, by=None, now=FRIDAY)
    await staff.end(session, person, now=FRIDAY)
    assert await accounts.find_invited(session, token, now=FRIDAY) is None
    with pytest.raises(InvitationOver):
        await accounts.accept(session, token, PASSWORD, now=FRIDAY)
    with pytest.raises(NotAllowed):
        await accounts.invite(session, person, USERNAME, by=None, now=FRIDAY)


@pytest.mark.parametrize(
    "username", ["", "ab", "1abc", "sok dara", "សុខ", "a" * 33, "sok\x00", "so\n"]
)
async def test_usernames_that_nobody_can_have(session: AsyncSession, username: str) -> None:
    person = await hire(session)
    with pytest.raises(UnusableUsername):
        await accounts.invite(session, person, username, by=None, now=FRIDAY)


async def test_a_username_is_one_person_s(session: AsyncSession) -> None:
    sok, chan = await hire(session), await hire(session, "Chan")
    await accounts.invite(session, sok, USERNAME, by=None, now=FRIDAY)
    with pytest.raises(UsernameTaken):
        await accounts.invite(session, chan, USERNAME, by=None, now=FRIDAY)
    await accounts.invite(session, chan, "chan", by=None, now=FRIDAY)
    with pytest.raises(UsernameTaken):
        await accounts.invite(session, chan, USERNAME, by=None, now=FRIDAY)
    assert await accounts.find_username(session, chan) == "chan"


async def test_a_new_link_may_give_a_new_username(session: AsyncSession) -> None:
    person = await hire_with_account(session)
    assert await accounts.find_username(session, await hire(session, "Chan")) is None
    await accounts.invite(session, person, "dara", by=None, now=FRIDAY)
    assert await accounts.find_username(session, person) == "dara"
    assert (await half_signed_in(session, "dara")).username == "dara"


@pytest.mark.parametrize(
    ("role", "may"),
    [
        ("administrator", True),
        ("centre_manager", False),
        ("case_worker", False),
        ("safety_focal_point", False),
        ("auditor", False),
    ],
)
async def test_administrators_alone_invite_and_reset(
    session: AsyncSession, role: str, may: bool
) -> None:
    centre = None if role in ("administrator", "auditor") else "pursat"
    by = await hire(session, "Chan", role, centre)
    person = await hire_with_account(session)
    if may:
        await accounts.invite(session, person, USERNAME, by=by.id, now=FRIDAY)
        await accounts.reset(session, person, by=by.id, now=FRIDAY)
        rows = await audited(session, "invited", "reset")
        assert [row.actor_id for row in rows] == [None, str(by.id), str(by.id)]
        await staff.end(session, by, now=FRIDAY)
    with pytest.raises(NotAllowed):
        await accounts.invite(session, person, USERNAME, by=by.id, now=FRIDAY)
    with pytest.raises(NotAllowed):
        await accounts.reset(session, person, by=by.id, now=FRIDAY)


async def test_a_new_link_leaves_password_and_sessions_until_it_is_used(
    session: AsyncSession,
) -> None:
    person = await hire_with_account(session)
    secret, confirmed = await set_up(session)
    token = await accounts.invite(session, person, USERNAME, by=None, now=FRIDAY)
    assert await accounts.find_visitor(session, confirmed.token, now=FRIDAY)
    assert await half_signed_in(session)
    await accounts.accept(session, token, NEW, now=FRIDAY)
    assert await accounts.find_visitor(session, confirmed.token, now=FRIDAY) is None
    with pytest.raises(WrongSignIn):
        await half_signed_in(session)
    later = FRIDAY + timedelta(minutes=1)
    half = await accounts.sign_in(session, USERNAME, NEW, device=DEVICE, now=later)
    visitor = await accounts.find_visitor(session, half, now=later)
    assert visitor is not None
    assert visitor.has_second_factor
    assert await accounts.confirm(
        session, visitor, code_at(secret, later), device=DEVICE, now=later
    )


async def test_a_link_opens_a_locked_account(session: AsyncSession) -> None:
    person = await hire_with_account(session)
    for error in (*[WrongSignIn] * 4, LockedOut):
        with pytest.raises(error):
            await accounts.sign_in(session, USERNAME, WRONG, device=DEVICE, now=FRIDAY)
    token = await accounts.invite(session, person, USERNAME, by=None, now=FRIDAY)
    await accounts.accept(session, token, PASSWORD, now=FRIDAY)
    assert await half_signed_in(session)


async def test_after_a_reset_neither_phone_nor_codes_nor_the_password_open_anything(
    session: AsyncSession,
) -> None:
    person = await hire_with_account(session)
    _, confirmed = await set_up(session)
    await accounts.reset(session, person, by=None, now=FRIDAY)
    assert await accounts.find_visitor(session, confirmed.token, now=FRIDAY) is None
    assert (await session.scalars(select(RecoveryCode))).all() == []
    account = await session.get_one(Account, person.id)
    assert (account.second_factor, account.used_step) == (None, None)
    with pytest.raises(WrongSignIn):
        await half_signed_in(session)
    token = await accounts.invite(session, person, USERNAME, by=None, now=FRIDAY)
    await accounts.accept(session, token, PASSWORD, now=FRIDAY)
    visitor = await half_signed_in(session)
    assert not visitor.has_second_factor
    assert (await set_up(session))[1].needs_recovery_codes
    (row,) = await audited(session, "reset")
    assert row.fields == ["password_hash", "second_factor"]


async def test_there_is_nothing_to_reset_before_an_invitation(session: AsyncSession) -> None:
    await accounts.reset(session, await hire(session), by=None, now=FRIDAY)
    assert await audited(session, "reset") == []
