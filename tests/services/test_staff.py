import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import AuditRow, Request
from services import demo, staff
from services.errors import (
    EmptyText,
    NotAllowed,
    StaffNameTaken,
    StaffNotFound,
    TextTooLong,
    UnknownCentre,
    UnusableRole,
)
from tests.services.centre_at_work import FRIDAY, hire


async def test_staff_are_found_by_name_however_it_is_written(session: AsyncSession) -> None:
    person = await hire(session, " Sok  Dara ")
    assert person.name == "Sok Dara"
    assert await staff.find_by_name(session, "sok dara") is person
    assert await staff.find_by_name(session, "Sok") is None
    with pytest.raises(StaffNameTaken):
        await hire(session, "SOK DARA", centre="preah-vihear")


async def test_who_has_left_is_not_found_and_the_name_is_free(session: AsyncSession) -> None:
    person = await hire(session)
    await staff.end(session, person, now=FRIDAY)
    await staff.end(session, person, now=FRIDAY)
    with pytest.raises(StaffNotFound):
        await staff.get_by_name(session, "Sok")
    assert await staff.list_staff(session) == []
    assert await staff.list_staff(session, with_ended=True) == [person]
    assert (await hire(session)).id != person.id


async def test_staff_are_listed_by_centre(session: AsyncSession) -> None:
    here, everywhere = await hire(session), await hire(session, "Sao", "administrator", None)
    assert await staff.list_staff(session, "pursat") == [here]
    assert set(await staff.list_staff(session)) == {here, everywhere}


@pytest.mark.parametrize(
    ("name", "role", "centre", "error"),
    [
        ("Sok", "king", "pursat", UnusableRole),
        ("Sok", "case_worker", None, UnusableRole),
        (" ", "case_worker", "pursat", EmptyText),
        ("\u202e", "case_worker", "pursat", EmptyText),
        ("S" * 81, "case_worker", "pursat", TextTooLong),
        ("Sok", "case_worker", "nowhere", UnknownCentre),
    ],
)
async def test_nobody_is_hired_for_nothing(
    session: AsyncSession, name: str, role: str, centre: str | None, error: type[Exception]
) -> None:
    with pytest.raises(error):
        await hire(session, name, role, centre)


async def test_the_audit_says_that_somebody_came_and_went_but_not_who(
    session: AsyncSession,
) -> None:
    person = await hire(session)
    await staff.end(session, person, now=FRIDAY)
    rows = (await session.scalars(select(AuditRow).order_by(AuditRow.id))).all()
    assert [(row.action, row.subject, row.subject_id) for row in rows] == [
        ("added", "staff", str(person.id)),
        ("ended", "staff", str(person.id)),
    ]


@pytest.mark.parametrize(
    ("role", "centre", "may"),
    [
        ("case_worker", "pursat", True),
        ("centre_manager", "pursat", True),
        ("administrator", None, True),
        ("case_worker", "preah-vihear", False),
        ("auditor", None, False),
    ],
)
async def test_who_may_act_on_a_request(
    session: AsyncSession, role: str, centre: str | None, may: bool
) -> None:
    person = await hire(session, role=role, centre=centre)
    request = Request(centre_id="pursat")
    if may:
        staff.check_may_act(person, request)
        await staff.end(session, person, now=FRIDAY)
    with pytest.raises(NotAllowed):
        staff.check_may_act(person, request)


async def test_each_centre_has_an_invented_member_of_staff(session: AsyncSession) -> None:
    assert await demo.load(session, now=FRIDAY)
    assert not await demo.load(session, now=FRIDAY)
    for centre in ("pursat", "preah-vihear", "oddar-meanchey"):
        person = await demo.get_staff(session, centre)
        assert (person.name, person.centre_id) == (f"Demo ({centre})", centre)
