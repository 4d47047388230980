"""Forms about staff: all faults at once, names that are corrected, and who may see a team."""

import asyncio

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import Staff
from services import accounts, staff, staff_form, staff_list
from services.errors import ChangedMeanwhile, NotAllowed, UnusableForm
from services.staff_form import AlreadyAdded, StaffForm
from tests.services.centre_at_work import FRIDAY, hire
from tests.services.desk_accounts import USERNAME, audited, hire_with_account, signed_in
from tests.support import Database

NEW = StaffForm("Chan Dara", "chan.dara", "case_worker", "pursat")


@pytest.fixture
async def sao(session: AsyncSession) -> Staff:
    """An administrator."""
    return await hire(session, "Sao", "administrator", None)


async def faults_of(session: AsyncSession, sao: Staff, form: StaffForm) -> dict[str, str]:
    with pytest.raises(UnusableForm) as refused:
        await staff_form.add(session, form, by=sao.id, now=FRIDAY)
    return refused.value.faults


@pytest.mark.parametrize(
    ("form", "faults"),
    [
        (
            StaffForm(),
            {"name": "missing", "username": "missing", "role": "role", "centre": "centre"},
        ),
        (
            StaffForm("\u202e", "no spaces", "case_worker", ""),
            {"name": "missing", "username": "username", "centre": "centre"},
        ),
        (StaffForm("Chan", "chan", "case_worker", "all"), {"centre": "centre"}),
        (StaffForm("Chan", "chan", "case_worker", "moon"), {"centre": "centre"}),
        (StaffForm("C" * 81, "chan", "king", "moon"), {"name": "long", "role": "role"}),
        (
            StaffForm("SAO", USERNAME, "auditor", "moon"),
            {"name": "namesake", "username": "username_taken"},
        ),
    ],
)
async def test_all_faults_are_told_at_once(
    session: AsyncSession, sao: Staff, form: StaffForm, faults: dict[str, str]
) -> None:
    await hire_with_account(session)
    assert await faults_of(session, sao, form) == faults
    assert len(await staff.list_staff(session)) == 2


@pytest.mark.parametrize("centre", ["", "all", "pursat"])
async def test_who_works_for_all_centres_has_none(
    session: AsyncSession, sao: Staff, centre: str
) -> None:
    form = StaffForm("Chan", "chan", "auditor", centre)
    person, token = await staff_form.add(session, form, by=sao.id, now=FRIDAY)
    assert person.centre_id is None
    assert await accounts.find_invited(session, token, now=FRIDAY)


async def test_of_one_form_that_comes_twice_at_once_one_adds(db: Database) -> None:
    async with db.new_session.begin() as session:
        sao = await hire(session, "Sao", "administrator", None)

    async def add() -> object:
        async with db.new_session.begin() as session:
            try:
                person, _ = await staff_form.add(session, NEW, by=sao.id, now=FRIDAY)
            except AlreadyAdded as error:
                return error.staff_id
            return person.id

    one, other = await asyncio.gather(add(), add())
    assert one == other


async def test_a_name_that_is_corrected_keeps_everything_else(
    session: AsyncSession, sao: Staff
) -> None:
    person = await hire_with_account(session)
    visitor = await signed_in(session)
    form = StaffForm("  Sok   Dara ", USERNAME)
    for _ in range(2):
        await staff_form.rename(session, person, form, by=sao.id, now=FRIDAY)
    assert person.name == "Sok Dara"
    assert len(await accounts.list_sessions(session, visitor, now=FRIDAY)) == 1
    other = StaffForm("SOK DARA", "dara")
    await staff_form.rename(session, person, other, by=sao.id, now=FRIDAY)
    assert await accounts.list_sessions(session, visitor, now=FRIDAY) == []
    assert await accounts.find_username(session, person) == "dara"
    rows = [(row.subject, row.fields) for row in await audited(session, "changed")]
    assert rows == [("staff", ["name"]), ("staff", ["name"]), ("account", ["username"])]


async def test_administrators_correct_their_own_name_and_nothing_else(
    session: AsyncSession, sao: Staff
) -> None:
    form = StaffForm("Sao Chenda", "another.username", "auditor")
    await staff_form.rename(session, sao, form, by=sao.id, now=FRIDAY)
    assert (sao.name, sao.role) == ("Sao Chenda", "administrator")
    assert await accounts.find_username(session, sao) is None
    (row,) = await audited(session, "changed")
    assert (row.subject, row.actor_id, row.fields) == ("staff", str(sao.id), ["name"])


async def test_who_may_not_be_renamed(session: AsyncSession, sao: Staff) -> None:
    person = await hire(session)
    with pytest.raises(NotAllowed):
        await staff_form.rename(session, sao, NEW, by=person.id, now=FRIDAY)
    with pytest.raises(UnusableForm) as refused:
        await staff_form.rename(session, person, StaffForm("sao"), by=sao.id, now=FRIDAY)
    assert refused.value.faults == {"name": "namesake"}
    await staff.end(session, person, now=FRIDAY)
    with pytest.raises(ChangedMeanwhile):
        await staff_form.rename(session, person, NEW, by=sao.id, now=FRIDAY)


async def test_a_manager_sees_the_own_team_and_nobody_else_does(
    session: AsyncSession, sao: Staff
) -> None:
    manager = await hire(session, "Vanna", "centre_manager")
    worker = await hire(session)
    await hire(session, "Chan", "case_worker", "preah-vihear")

    async def names(by: Staff) -> list[str]:
        lines = await staff_list.list_lines(session, by=by.id, now=FRIDAY, centre="preah-vihear")
        return [line.name for line in lines]

    assert await names(manager) == ["Sok", "Vanna"]
    assert await names(sao) == ["Chan"]
    with pytest.raises(NotAllowed):
        await names(worker)
    with pytest.raises(NotAllowed):
        await staff_list.get_line(session, worker.id, by=manager.id, now=FRIDAY)
    await staff.end(session, manager, now=FRIDAY)
    with pytest.raises(NotAllowed):
        await names(manager)


async def test_who_is_the_last_administrator(session: AsyncSession, sao: Staff) -> None:
    worker = await hire(session)
    assert await staff.is_last_administrator(session, sao)
    assert not await staff.is_last_administrator(session, worker)
    other = await hire(session, "Chan", "administrator", None)
    assert not await staff.is_last_administrator(session, sao)
    await staff.end(session, other, now=FRIDAY)
    assert await staff.is_last_administrator(session, sao)
    assert not await staff.is_last_administrator(session, other)
