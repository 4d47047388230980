"""What somebody changes of their own account: another phone, and who else is signed in."""

from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import Staff
from services import accounts
from services.errors import LockedOut, NotAllowed, UnusableCode, WrongCode, WrongSignIn
from tests.services.centre_at_work import FRIDAY
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
    visitor_of,
    write_codes_down,
)

LATER = FRIDAY + timedelta(minutes=5)
LATEST = LATER + timedelta(minutes=5)


async def at_desk(session: AsyncSession) -> tuple[str, accounts.Visitor]:
    """The secret of their authenticator, and who they are."""
    await hire_with_account(session)
    secret, confirmed = await set_up(session)
    return secret, await visitor_of(session, confirmed.token, FRIDAY)


async def begin(session: AsyncSession, secret: str, visitor: accounts.Visitor) -> str:
    """The proof, and the secret behind it."""
    code = code_at(secret, LATER)
    factor = await accounts.begin_change(session, visitor, PASSWORD, code, now=LATER)
    again = await accounts.go_on_with_change(session, visitor, factor.proof, now=LATER)
    assert again == factor
    assert factor.secret != secret
    assert factor.secret not in repr(factor)
    assert factor.secret not in factor.proof
    return factor.proof


async def signs_in(session: AsyncSession, secret: str) -> bool:
    visitor = await half_signed_in(session, now=LATEST)
    code = code_at(secret, LATEST)
    try:
        await accounts.confirm(session, visitor, code, device=DEVICE, now=LATEST)
    except WrongCode:
        return False
    return True


async def test_the_new_phone_counts_when_its_first_code_was_given(session: AsyncSession) -> None:
    secret, visitor = await at_desk(session)
    proof = await begin(session, secret, visitor)
    new = (await accounts.go_on_with_change(session, visitor, proof, now=LATER)).secret
    with pytest.raises(WrongCode):
        await accounts.finish_change(session, visitor, proof, "000000", now=LATER)
    for _ in range(2):
        code = code_at(new, LATER)
        await accounts.finish_change(session, visitor, proof, code, now=LATER)
    with pytest.raises(NotAllowed):
        await accounts.go_on_with_change(session, visitor, proof, now=LATER)
    assert not await signs_in(session, secret)
    assert await signs_in(session, new)
    assert [row.fields for row in await audited(session, "changed")] == [["second_factor"]]


async def test_the_old_phone_signs_in_until_then(session: AsyncSession) -> None:
    secret, visitor = await at_desk(session)
    await begin(session, secret, visitor)
    assert await signs_in(session, secret)


async def test_who_lost_the_phone_gives_a_code_on_paper(session: AsyncSession) -> None:
    _, visitor = await at_desk(session)
    code, *_ = await write_codes_down(session, visitor)
    assert await accounts.begin_change(session, visitor, PASSWORD, code, now=LATER)
    with pytest.raises(WrongCode):
        await accounts.begin_change(session, visitor, PASSWORD, code, now=LATEST)


@pytest.mark.parametrize("on_paper", [True, False])
async def test_who_presses_twice_has_guessed_nothing(session: AsyncSession, on_paper: bool) -> None:
    secret, visitor = await at_desk(session)
    codes = await write_codes_down(session, visitor)
    code = codes[0] if on_paper else code_at(secret, LATER)
    await accounts.begin_change(session, visitor, PASSWORD, code, now=LATER)
    again = LATER + timedelta(seconds=2)
    factor = await accounts.begin_change(session, visitor, PASSWORD, code, now=again)
    new = code_at(factor.secret, again)
    await accounts.finish_change(session, visitor, factor.proof, new, now=again)
    assert await audited(session, "refused") == []
    assert len(await audited(session, "recognised")) == 2  # at the sign-in, and here


async def test_new_codes_are_made_once_however_often_they_are_asked_for(
    session: AsyncSession,
) -> None:
    secret, visitor = await at_desk(session)
    code = code_at(secret, LATER)
    await accounts.renew_recovery_codes(session, visitor, PASSWORD, code, now=LATER)
    kept = await write_codes_down(session, visitor)
    again = LATER + timedelta(seconds=2)
    await accounts.renew_recovery_codes(session, visitor, PASSWORD, code, now=again)
    assert await accounts.count_recovery_codes(session, visitor.staff_id) == len(kept)


@pytest.mark.parametrize("is_renewed_first", [True, False])
async def test_a_code_that_was_given_for_one_act_is_none_for_another(
    session: AsyncSession, is_renewed_first: bool
) -> None:
    """Whoever looked over a shoulder has a minute, the password and a used code."""
    secret, visitor = await at_desk(session)
    acts = [accounts.renew_recovery_codes, accounts.begin_change]
    first, second = acts if is_renewed_first else reversed(acts)
    code = code_at(secret, LATER)
    await first(session, visitor, PASSWORD, code, now=LATER)
    with pytest.raises(WrongCode):
        await second(session, visitor, PASSWORD, code, now=LATER + timedelta(seconds=20))


async def test_nor_after_that_other_act_was_done_a_moment_before(session: AsyncSession) -> None:
    secret, visitor = await at_desk(session)
    await accounts.begin_change(session, visitor, PASSWORD, code_at(secret, LATER), now=LATER)
    soon = LATER + timedelta(seconds=31)
    code = code_at(secret, soon)
    await accounts.renew_recovery_codes(session, visitor, PASSWORD, code, now=soon)
    with pytest.raises(WrongCode):
        await accounts.begin_change(session, visitor, PASSWORD, code, now=soon)


async def test_a_code_that_was_used_elsewhere_is_a_wrong_one(session: AsyncSession) -> None:
    secret, visitor = await at_desk(session)
    code = code_at(secret, LATER)
    half = await half_signed_in(session, now=LATER)
    done = await accounts.confirm(session, half, code, device=DEVICE, now=LATER)
    elsewhere = await visitor_of(session, done.token, LATER)
    for one in (visitor, elsewhere):
        with pytest.raises(WrongCode):
            await accounts.begin_change(session, one, PASSWORD, code, now=LATER)
    # Nor does it help that this browser has proved itself by the one before.
    before = code_at(secret, LATEST)
    await accounts.begin_change(session, visitor, PASSWORD, before, now=LATEST)
    with pytest.raises(WrongCode):
        await accounts.begin_change(session, elsewhere, PASSWORD, before, now=LATEST)
    with pytest.raises(WrongSignIn):
        await accounts.begin_change(session, visitor, WRONG, before, now=LATEST)


async def test_a_browser_left_open_is_not_enough(session: AsyncSession) -> None:
    secret, visitor = await at_desk(session)
    with pytest.raises(WrongSignIn):
        await accounts.begin_change(session, visitor, WRONG, code_at(secret, LATER), now=LATER)
    with pytest.raises(WrongCode):
        await accounts.begin_change(session, visitor, PASSWORD, "000000", now=LATER)


@pytest.mark.parametrize("proof", ["", "invented", "AAAA", "\ud800", "ក"])
async def test_a_forged_proof_changes_nothing(session: AsyncSession, proof: str) -> None:
    secret, visitor = await at_desk(session)
    with pytest.raises(NotAllowed):
        await accounts.finish_change(session, visitor, proof, "000000", now=LATER)
    with pytest.raises(NotAllowed):
        await accounts.go_on_with_change(session, visitor, proof, now=LATER)
    assert await signs_in(session, secret)


async def test_a_proof_is_good_in_its_own_session_and_for_a_quarter_of_an_hour(
    session: AsyncSession,
) -> None:
    secret, visitor = await at_desk(session)
    proof = await begin(session, secret, visitor)
    other = await half_signed_in(session, now=LATER)
    with pytest.raises(NotAllowed):
        await accounts.finish_change(session, other, proof, "000000", now=LATER)
    late = LATER + timedelta(minutes=15)
    with pytest.raises(NotAllowed):
        await accounts.finish_change(session, visitor, proof, "000000", now=late)


async def test_another_phone_and_a_wish_sign_out_everywhere_else(session: AsyncSession) -> None:
    secret, visitor = await at_desk(session)
    other = await accounts.confirm(
        session,
        await half_signed_in(session, now=LATEST),
        code_at(secret, LATEST),
        device=DEVICE,
        now=LATEST,
    )
    assert await accounts.end_other_sessions(session, visitor, now=LATEST) == 1
    assert await accounts.end_other_sessions(session, visitor, now=LATEST) == 0
    assert await accounts.find_visitor(session, other.token, now=LATEST) is None
    lines = await accounts.list_sessions(session, visitor, now=LATEST)
    assert [line.is_own for line in lines] == [True]
    assert [row.subject for row in await audited(session, "ended")] == ["desk_session"]


@pytest.mark.parametrize("code", ["", "12345", "1234567", "sok dara"])
async def test_what_cannot_be_a_code_is_not_tried_and_counts_for_nothing(
    session: AsyncSession, code: str
) -> None:
    secret, visitor = await at_desk(session)
    proof = await begin(session, secret, visitor)
    for _ in range(6):
        for password in (PASSWORD, WRONG):
            with pytest.raises(UnusableCode):
                await accounts.begin_change(session, visitor, password, code, now=LATER)
        with pytest.raises(UnusableCode):
            await accounts.finish_change(session, visitor, proof, code, now=LATER)
    assert await audited(session, "refused") == []


async def test_what_an_administrator_ended_meanwhile_changes_nothing(session: AsyncSession) -> None:
    """The page was asked for in time, and had to wait for the account."""
    secret, visitor = await at_desk(session)
    proof = await begin(session, secret, visitor)
    new = (await accounts.go_on_with_change(session, visitor, proof, now=LATER)).secret
    person = await session.get_one(Staff, visitor.staff_id)
    await accounts.reset(session, person, by=None, now=LATER)
    with pytest.raises(NotAllowed):
        await accounts.finish_change(session, visitor, proof, code_at(new, LATER), now=LATER)
    proposed = await accounts.find_proposed_codes(session, visitor)
    assert proposed is not None
    with pytest.raises(NotAllowed):
        await accounts.keep_proposed_codes(session, visitor, proposed.after, now=LATER)
    with pytest.raises(NotAllowed):
        await accounts.change_password(session, visitor, PASSWORD, "a new one here", now=LATER)


async def test_a_stranger_who_guesses_keeps_nobody_from_their_own_account(
    session: AsyncSession,
) -> None:
    secret, visitor = await at_desk(session)
    for _ in range(5):
        with pytest.raises((WrongSignIn, LockedOut)):
            await accounts.sign_in(session, USERNAME, WRONG, device="", now=LATER)
    assert await begin(session, secret, visitor)
    await accounts.change_password(session, visitor, PASSWORD, "a new one here", now=LATER)


async def test_guesses_in_a_browser_left_open_close_that_browser_alone(
    session: AsyncSession,
) -> None:
    secret, visitor = await at_desk(session)
    for error in (*[WrongSignIn] * 4, LockedOut):
        with pytest.raises(error):
            await accounts.begin_change(session, visitor, WRONG, "000000", now=LATER)
    with pytest.raises(LockedOut):
        await accounts.change_password(session, visitor, PASSWORD, "a new one here", now=LATER)
    assert await signs_in(session, secret)
