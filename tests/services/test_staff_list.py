"""The staff as an administrator sees them, and links, locks and late invitations."""

from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import Staff
from services import accounts, staff, staff_list, threads
from services.accounts.invitations import find_last
from services.demo import staff_name
from services.errors import ChangedMeanwhile, LockedOut, NotAllowed, StaffNotFound, WrongSignIn
from services.staff_list import StaffLine
from tests.services.centre_at_work import FRIDAY, hire
from tests.services.desk_accounts import (
    DEVICE,
    USERNAME,
    WRONG,
    audited,
    half_signed_in,
    hire_with_account,
    signed_in,
)
from tests.services.desk_visitors import ask

LATER = FRIDAY + timedelta(minutes=5)


@pytest.fixture
async def sao(session: AsyncSession) -> Staff:
    """An administrator."""
    return await hire(session, "Sao", "administrator", None)


async def line_of(session: AsyncSession, sao: Staff, person: Staff) -> StaffLine:
    return await staff_list.get_line(session, person.id, by=sao.id, now=LATER)


async def test_how_an_account_stands_from_the_first_link_to_work(
    session: AsyncSession, sao: Staff
) -> None:
    person = await hire(session)
    line = await line_of(session, sao, person)
    assert (line.username, line.invitation, line.last_seen_at) == (None, None, None)
    token = await accounts.invite(session, person, USERNAME, by=sao.id, now=FRIDAY)
    line = await line_of(session, sao, person)
    assert (line.username, line.invitation) == (USERNAME, staff_list.OPEN)
    assert line.invited_until == FRIDAY + accounts.INVITATION_LASTS
    late = FRIDAY + accounts.INVITATION_LASTS
    over = await staff_list.get_line(session, person.id, by=sao.id, now=late)
    assert over.invitation == staff_list.EXPIRED
    await accounts.accept(session, token, "rice fields in June", now=FRIDAY)
    await signed_in(session)
    request = await ask(session)
    await threads.take(session, request.code, staff=person, now=FRIDAY)
    line = await line_of(session, sao, person)
    assert line.has_password
    assert line.has_second_factor
    assert (line.invitation, line.last_seen_at, line.open_requests) == (None, FRIDAY, 1)
    assert "Sok" not in repr(line)


async def test_the_list_by_centre_and_role_and_who_has_left(
    session: AsyncSession, sao: Staff
) -> None:
    sok, chan = await hire(session), await hire(session, "Chan", "auditor", None)

    async def names(**asked: object) -> list[str]:
        lines = await staff_list.list_lines(session, by=sao.id, now=LATER, **asked)  # type: ignore[arg-type]
        return [line.name for line in lines]

    assert await names() == ["Chan", "Sao", "Sok"]
    assert not (await staff_list.get_line(session, sok.id, by=sao.id, now=LATER)).is_made_up
    demo = await hire(session, staff_name("preah-vihear"), centre="preah-vihear")
    assert (await staff_list.get_line(session, demo.id, by=sao.id, now=LATER)).is_made_up
    await staff.end(session, demo, now=FRIDAY)
    assert await names(centre="pursat") == ["Sok"]
    assert await names(role="auditor") == ["Chan"]
    assert await names(role="king") == ["Chan", "Sao", "Sok"]
    await staff.end(session, sok, now=LATER)
    assert await names(centre="pursat") == []
    assert await names(ended=True) == ["Demo (preah-vihear)", "Sok"]
    rows = await audited(session, "listed")
    assert {row.actor_id for row in rows} == {str(sao.id)}
    with pytest.raises(NotAllowed):
        await staff_list.list_lines(session, by=chan.id, now=LATER)
    with pytest.raises(NotAllowed):
        await staff_list.get_line(session, sok.id, by=chan.id, now=LATER)


async def test_who_is_not_there_is_not_found(session: AsyncSession, sao: Staff) -> None:
    request = await ask(session)
    assert request.person_id is not None
    with pytest.raises(StaffNotFound):
        await staff_list.get_line(session, request.person_id, by=sao.id, now=LATER)


async def test_a_form_that_comes_again_makes_no_second_link(
    session: AsyncSession, sao: Staff
) -> None:
    person = await hire_with_account(session)
    last = await find_last(session, person.id)
    assert last is not None

    async def again(*, with_reset: bool = False) -> str:
        return await accounts.invite_again(
            session,
            person,
            USERNAME,
            seen=last.id,
            by=sao.id,
            now=LATER,
            with_reset=with_reset,
        )

    token = await again()
    for with_reset in (False, True):
        with pytest.raises(ChangedMeanwhile):
            await again(with_reset=with_reset)
    assert await accounts.find_invited(session, token, now=LATER)
    assert await half_signed_in(session)


async def test_a_reset_leaves_the_new_link_as_the_only_way_in(
    session: AsyncSession, sao: Staff
) -> None:
    person = await hire_with_account(session)
    await signed_in(session)
    last = await find_last(session, person.id)
    assert last is not None
    await accounts.invite_again(
        session, person, USERNAME, seen=last.id, by=sao.id, now=LATER, with_reset=True
    )
    line = await line_of(session, sao, person)
    assert not line.has_password
    assert not line.has_second_factor
    assert line.invitation == staff_list.OPEN
    rows = await audited(session, "reset", "invited")
    assert [row.actor_id for row in rows][-2:] == [str(sao.id)] * 2


async def test_nobody_makes_a_link_for_themselves(session: AsyncSession, sao: Staff) -> None:
    with pytest.raises(NotAllowed):
        await accounts.invite_again(session, sao, "sao", seen=None, by=sao.id, now=LATER)


async def test_an_administrator_lets_somebody_try_again(session: AsyncSession, sao: Staff) -> None:
    person = await hire_with_account(session)
    for error in (*[WrongSignIn] * 4, LockedOut):
        with pytest.raises(error):
            await accounts.sign_in(session, USERNAME, WRONG, device=DEVICE, now=LATER)
    assert (await line_of(session, sao, person)).locked_until is not None
    with pytest.raises(NotAllowed):
        await accounts.unlock(session, person, by=person.id, now=LATER)
    for _ in range(2):
        await accounts.unlock(session, person, by=sao.id, now=LATER)
    assert (await line_of(session, sao, person)).locked_until is None
    assert await half_signed_in(session, now=LATER)
    assert [row.fields for row in await audited(session, "unlocked")] == [["locked_until"]]


async def test_a_link_that_is_opened_after_its_time_is_written_down_once(
    session: AsyncSession,
) -> None:
    person = await hire(session)
    token = await accounts.invite(session, person, USERNAME, by=None, now=FRIDAY)
    late = FRIDAY + accounts.INVITATION_LASTS
    for moment in (FRIDAY, late, late):
        await accounts.find_invited(session, token, now=moment)
    await accounts.find_invited(session, "invented", now=late)
    rows = await audited(session, "expired")
    assert [(row.subject, row.actor) for row in rows] == [("invitation", "system")]
    last = await find_last(session, person.id)
    assert last is not None
    assert rows[0].subject_id == str(last.id)


async def test_a_used_link_is_none_that_came_too_late(session: AsyncSession) -> None:
    person = await hire(session)
    token = await accounts.invite(session, person, USERNAME, by=None, now=FRIDAY)
    await accounts.accept(session, token, "rice fields in June", now=FRIDAY)
    late = FRIDAY + accounts.INVITATION_LASTS
    assert await accounts.find_invited(session, token, now=late) is None
    assert await audited(session, "expired") == []
