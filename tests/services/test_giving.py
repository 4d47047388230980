"""Who may be given a request, and whom the forms offer."""

import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import Account, Staff
from services import accounts, threads
from services.errors import WorksElsewhere
from services.giving import list_able
from tests.services.centre_at_work import FRIDAY, hire
from tests.services.desk_accounts import hire_with_account, set_up
from tests.services.desk_visitors import ask, at_desk


async def _at_work(
    session: AsyncSession, name: str, role: str = "case_worker", centre: str | None = "pursat"
) -> Staff:
    """Somebody who can sign in."""
    person = await hire_with_account(session, name, name.lower(), role, centre)
    await set_up(session, name.lower())
    return person


async def test_the_forms_offer_whom_one_may_give_to_and_who_can_sign_in(
    session: AsyncSession,
) -> None:
    me = await _at_work(session, "Sok")
    boss = await _at_work(session, "Boss", "administrator", None)
    await _at_work(session, "Chan", "administrator", None)
    await _at_work(session, "Sao", centre="preah-vihear")
    await _at_work(session, "Eye", "auditor", None)
    await hire(session, "Nobody")
    await hire_with_account(session, "Half", "half.way")
    invited = await hire(session, "Invited")
    await accounts.invite(session, invited, "invited", by=None, now=FRIDAY)
    gone = await _at_work(session, "Gone")
    gone.ended_at = FRIDAY

    async def offered(visitor: Staff, centre: str | None) -> set[str]:
        able = await list_able(session, at_desk(visitor), centre)
        return {one.name for one in able}

    assert await offered(me, "pursat") == {"Sok", "Boss", "Chan"}
    assert await offered(boss, "pursat") == {"Sok"}
    assert await offered(boss, None) == {"Sok", "Sao"}
    of_me = update(Account).where(Account.staff_id == me.id)
    await session.execute(of_me.values(password_hash=None))
    assert await offered(boss, "pursat") == set()


@pytest.mark.parametrize(("role", "is_refused"), [("case_worker", False), ("administrator", True)])
async def test_a_centre_gives_to_an_administrator_and_no_administrator_does(
    session: AsyncSession, role: str, is_refused: bool
) -> None:
    request = await ask(session)
    by = await hire(session, "Sok", role, None if role == "administrator" else "pursat")
    boss = await hire(session, "Boss", "administrator", None)
    if is_refused:
        with pytest.raises(WorksElsewhere):
            await threads.assign(session, request.code, boss, staff=by, now=FRIDAY)
    await threads.assign(session, request.code, await hire(session, "Dara"), staff=by, now=FRIDAY)
    if not is_refused:
        await threads.assign(session, request.code, boss, staff=by, now=FRIDAY)
    assert (request.owner_id == boss.id) is not is_refused


@pytest.mark.parametrize(
    ("role", "centre"),
    [("case_worker", "preah-vihear"), ("auditor", None), ("centre_manager", "preah-vihear")],
)
async def test_nobody_gives_to_who_answers_none_of_the_centre_s(
    session: AsyncSession, role: str, centre: str | None
) -> None:
    request, me = await ask(session), await hire(session)
    to = await hire(session, "Dara", role, centre)
    with pytest.raises(WorksElsewhere):
        await threads.assign(session, request.code, to, staff=me, now=FRIDAY)
    assert request.owner_id is None
