"""The way in: password, code, what is said of wrong ones, and what they cost."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from argon2 import PasswordHasher
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import Account, AuditRow, DeskSession
from services import accounts, staff
from services.accounts import lockout, passwords
from services.errors import (
    DomainError,
    LockedOut,
    NotAllowed,
    UnusableCode,
    WeakPassword,
    WrongCode,
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
    signed_in,
    visitor_of,
)
from tests.support import Database

MINUTE = timedelta(minutes=1)


@pytest.fixture
def verified(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The hashes that passwords were compared with."""
    compared: list[str] = []
    verify = PasswordHasher.verify

    def note(self: PasswordHasher, kept: Any, password: Any) -> Any:
        compared.append(kept)
        return verify(self, kept, password)

    monkeypatch.setattr(PasswordHasher, "verify", note)
    return compared


async def guess(
    session: AsyncSession, username: str, password: str = WRONG, at: Any = FRIDAY
) -> Any:
    """What a wrong attempt is told."""
    with pytest.raises(DomainError) as refused:
        await accounts.sign_in(session, username, password, device=DEVICE, now=at)
    return refused.value


async def test_the_password_alone_opens_nothing_but_the_way_to_the_code(
    session: AsyncSession,
) -> None:
    person = await hire_with_account(session)
    visitor = await half_signed_in(session)
    assert (visitor.staff_id, visitor.name, visitor.username) == (person.id, "Sok", USERNAME)
    assert (visitor.role, visitor.centre_id, visitor.language) == ("case_worker", "pursat", "km")
    assert not visitor.is_confirmed
    assert not visitor.has_second_factor
    assert "Sok'" not in repr(visitor)
    with pytest.raises(NotAllowed):
        await accounts.change_password(session, visitor, PASSWORD, "another good one", now=FRIDAY)


async def test_password_and_code_sign_in(session: AsyncSession) -> None:
    await hire_with_account(session)
    visitor = await signed_in(session)
    assert visitor.is_confirmed
    assert visitor.has_second_factor


@pytest.mark.parametrize("typed", [USERNAME, " Sok.Dara ", "SOK.DARA"])
async def test_a_username_is_the_same_however_it_is_written(
    session: AsyncSession, typed: str
) -> None:
    await hire_with_account(session)
    assert (await half_signed_in(session, typed)).username == USERNAME


async def test_of_an_unknown_username_nothing_else_is_said_and_a_hash_is_verified(
    session: AsyncSession, verified: list[str]
) -> None:
    await hire_with_account(session)
    invited = await hire(session, "Chan")
    await accounts.invite(session, invited, "chan", by=None, now=FRIDAY)
    gone = await hire_with_account(session, "Dara", "dara")
    await staff.end(session, gone, now=FRIDAY)
    verified.clear()
    for username, password in (
        (USERNAME, WRONG),
        ("nobody", WRONG),
        ("chan", ""),
        ("dara", PASSWORD),
        ("\x00", "\ud800"),
        ("ឈ្មោះ" * 1000, "x" * 5000),
    ):
        assert type(await guess(session, username, password)) is WrongSignIn
    assert len(verified) == 6
    costs = {tuple(kept.split("$")[:4]) for kept in verified}
    assert len(costs) == 1


@pytest.mark.parametrize("username", [USERNAME, "nobody"])
async def test_the_delay_grows_with_each_wrong_attempt_known_username_or_not(
    session: AsyncSession, username: str
) -> None:
    await hire_with_account(session)
    at = FRIDAY
    for _ in range(4):
        assert type(await guess(session, username, at=at)) is WrongSignIn
    for minutes in (1, 2, 4, 8, 16, 32, 60, 60):
        until = at + timedelta(minutes=minutes)
        assert (await guess(session, username, at=at)).until == until
        early = await guess(session, username, PASSWORD, at=until - timedelta(seconds=1))
        assert early.until == until
        at = until


async def test_while_locked_nothing_is_tried_counted_or_written_down(
    session: AsyncSession, verified: list[str]
) -> None:
    await hire_with_account(session)
    for username in (USERNAME, "nobody"):
        for _ in range(5):
            await guess(session, username)
    verified.clear()
    before = len(await audited(session, "refused", "locked"))
    for username in (USERNAME, "nobody"):
        for _ in range(3):
            until = (await guess(session, username, PASSWORD)).until
            assert until == FRIDAY + MINUTE
    assert verified == []
    assert len(await audited(session, "refused", "locked")) == before


@pytest.mark.parametrize("username", [USERNAME, "nobody"])
async def test_guesses_at_once_are_no_more_guesses_than_one_after_another(
    db: Database, username: str, verified: list[str]
) -> None:
    async with db.new_session.begin() as session:
        await hire_with_account(session)

    async def one() -> type[DomainError]:
        async with db.new_session() as session:
            return type(await guess(session, username))

    said = await asyncio.gather(*(one() for _ in range(9)))
    assert (said.count(WrongSignIn), said.count(LockedOut)) == (4, 5)
    assert len(verified) == 5


async def test_one_locked_out_locks_nobody_else_out(session: AsyncSession) -> None:
    await hire_with_account(session)
    for username in ("nobody", "no-one"):
        for _ in range(5):
            await guess(session, username)
    assert type(await guess(session, "somebody")) is WrongSignIn
    assert await half_signed_in(session)


async def test_after_the_delay_the_right_ones_sign_in_and_all_is_forgiven(
    session: AsyncSession,
) -> None:
    await hire_with_account(session)
    for _ in range(5):
        await guess(session, USERNAME)
    await signed_in(session, now=FRIDAY + MINUTE)
    for _ in range(4):
        assert type(await guess(session, USERNAME, at=FRIDAY + MINUTE)) is WrongSignIn


async def test_the_right_password_takes_the_wrong_ones_off_the_count(session: AsyncSession) -> None:
    await hire_with_account(session)
    for _ in range(4):
        await guess(session, USERNAME)
    await half_signed_in(session)
    for _ in range(4):
        assert type(await guess(session, USERNAME)) is WrongSignIn
    assert type(await guess(session, USERNAME)) is LockedOut


async def test_the_right_password_takes_no_wrong_code_off_the_count(session: AsyncSession) -> None:
    await hire_with_account(session)
    await set_up(session)
    for error in (*[WrongCode] * 4, LockedOut):
        visitor = await half_signed_in(session)
        with pytest.raises(error):
            await accounts.confirm(session, visitor, "000000", device=DEVICE, now=FRIDAY)


@pytest.mark.parametrize("code", ["", "12345", "1234567", "sok dara"])
async def test_what_cannot_be_a_code_counts_for_nothing(session: AsyncSession, code: str) -> None:
    await hire_with_account(session)
    await set_up(session)
    visitor = await half_signed_in(session)
    for _ in range(6):
        with pytest.raises(UnusableCode):
            await accounts.confirm(session, visitor, code, device=DEVICE, now=FRIDAY)
    assert await audited(session, "refused") == []


async def test_a_wrong_attempt_counts_although_the_caller_s_transaction_fails(
    db: Database,
) -> None:
    async with db.new_session.begin() as session:
        person = await hire_with_account(session)
    for username in (USERNAME, "nobody"):
        with pytest.raises(WrongSignIn):
            async with db.new_session.begin() as session:
                await accounts.sign_in(session, username, WRONG, device=DEVICE, now=FRIDAY)
    async with db.new_session() as session:
        account = await session.get_one(Account, person.id)
        assert account.wrong_attempts == 1
        assert len(await audited(session, "refused")) == 2


async def test_the_audit_has_ids_and_fields_but_no_name_that_does_not_exist(
    session: AsyncSession,
) -> None:
    person = await hire_with_account(session)
    for username in (USERNAME, "my secret password"):
        for _ in range(5):
            await guess(session, username)
    mine, unknown = [
        [row for row in await audited(session, "refused", "locked") if row.subject_id == found]
        for found in (
            str(person.id),
            *{row.subject_id for row in await audited(session, "locked")} - {str(person.id)},
        )
    ]
    for rows in (mine, unknown):
        assert [row.action for row in rows] == ["refused"] * 5 + ["locked"]
        assert {(row.actor, row.actor_id, row.subject) for row in rows} == {
            ("system", None, "account")
        }
        assert rows[0].fields == ["password_hash"]
    everything = [
        f"{row.actor_id} {row.action} {row.subject} {row.subject_id} {row.fields}"
        for row in await session.scalars(select(AuditRow))
    ]
    for said in ("secret", "password ", USERNAME, PASSWORD, "Sok"):
        assert not any(said in row for row in everything)


async def test_signing_in_is_written_down_step_by_step(session: AsyncSession) -> None:
    person = await hire_with_account(session)
    visitor = await signed_in(session)
    rows = await audited(session, "recognised", "set", "signed_in")
    assert [(row.action, row.subject, row.fields) for row in rows] == [
        ("recognised", "desk_session", []),
        ("set", "account", ["second_factor"]),
        ("signed_in", "desk_session", []),
    ]
    assert {(row.actor, row.actor_id) for row in rows} == {("staff", str(person.id))}
    assert rows[-1].subject_id == str(visitor.session_id)


async def test_a_new_password_ends_every_session_and_the_old_password(
    session: AsyncSession,
) -> None:
    await hire_with_account(session)
    secret, confirmed = await set_up(session)
    visitor = await visitor_of(session, confirmed.token, FRIDAY)
    later = FRIDAY + MINUTE
    half = await accounts.sign_in(session, USERNAME, PASSWORD, device=DEVICE, now=later)
    new = "mountains in the morning"
    await accounts.change_password(session, visitor, PASSWORD, new, now=later)
    for token in (confirmed.token, half):
        assert await accounts.find_visitor(session, token, now=later) is None
    assert type(await guess(session, USERNAME, PASSWORD, at=later)) is WrongSignIn
    again = await accounts.sign_in(session, USERNAME, new, device=DEVICE, now=later)
    visitor = await visitor_of(session, again, later)
    code = code_at(secret, later)
    assert await accounts.confirm(session, visitor, code, device=DEVICE, now=later)
    (row,) = await audited(session, "changed")
    assert (row.subject, row.fields) == ("account", ["password_hash"])


async def test_a_new_password_needs_the_old_one_and_wrong_ones_count(
    session: AsyncSession,
) -> None:
    await hire_with_account(session)
    visitor = await signed_in(session)
    for new, reason in (("short", "short"), (PASSWORD, "same")):
        with pytest.raises(WeakPassword) as refused:
            await accounts.change_password(session, visitor, PASSWORD, new, now=FRIDAY)
        assert refused.value.reason == reason
    for error in (*[WrongSignIn] * 4, LockedOut):
        with pytest.raises(error):
            await accounts.change_password(session, visitor, WRONG, "a new one here", now=FRIDAY)
    with pytest.raises(LockedOut):
        await accounts.change_password(session, visitor, PASSWORD, "a new one here", now=FRIDAY)


async def test_what_the_database_keeps_signs_nobody_in(session: AsyncSession) -> None:
    person = await hire_with_account(session)
    token = await accounts.sign_in(session, USERNAME, PASSWORD, device=DEVICE, now=FRIDAY)
    account = await session.get_one(Account, person.id)
    (row,) = (await session.scalars(select(DeskSession))).all()
    assert account.password_hash is not None
    assert account.password_hash.startswith("$argon2id$")
    assert token.encode() not in row.token_hash
    assert await accounts.find_visitor(session, row.token_hash.hex(), now=FRIDAY) is None


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("nine char", "short"),
        ("x" * 201, "long"),
        ("sok.dara12345", "username"),
        ("2026-SOK.DARA!", "username"),
        ("Password123", "common"),
        ("0123456789", "common"),
        ("012-345-6789", "common"),
        ("ababababab", "common"),
        ("          ", "common"),
    ],
)
def test_passwords_that_are_guessed_first_are_refused(password: str, reason: str) -> None:
    with pytest.raises(WeakPassword) as refused:
        passwords.check(password, USERNAME)
    assert refused.value.reason == reason
    assert password not in str(refused.value)


@pytest.mark.parametrize(
    "password", ["ten chars!", PASSWORD, "ទឹកទន្លេឡើងខ្ពស់", "sok.dara eats mangoes"]
)
def test_other_passwords_may_be_used(password: str) -> None:
    passwords.check(password, USERNAME)


async def test_a_password_is_the_same_however_the_keyboard_composes_it() -> None:
    kept = await passwords.hash_password("caf\u00e9 by the river")
    assert await passwords.verify("cafe\u0301 by the river", kept)
    assert not await passwords.verify("cafe by the river", kept)
    assert not await passwords.verify("anything", "not a hash")


@pytest.mark.parametrize(
    ("wrong", "minutes"), [(0, 0), (4, 0), (5, 1), (6, 2), (10, 32), (11, 60), (30000, 60)]
)
def test_how_long_a_lock_lasts(wrong: int, minutes: int) -> None:
    assert lockout.get_delay(wrong) == timedelta(minutes=minutes)
