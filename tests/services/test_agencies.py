"""Agencies: who may say what they are, what of them may be told, and two who write at once."""

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from services import agencies
from services.accounts.types import Visitor
from services.agencies import AgencyForm, AgencyLine, AgencyNotFound
from services.errors import ChangedMeanwhile, NotAllowed, UnusableForm
from tests.services.centre_at_work import FRIDAY
from tests.services.desk_visitors import audited, visit

SCHOOL = AgencyForm("សាលាជំនាញ", "Skills school", purposes=["training", "work"], places=["15"])
LATER = FRIDAY + timedelta(minutes=5)
TODAY = date(2026, 11, 20)


async def _administrator(session: AsyncSession, name: str = "Chan") -> Visitor:
    return await visit(session, name, "administrator", None)


async def _add(
    session: AsyncSession, visitor: Visitor, form: AgencyForm = SCHOOL, now: datetime = FRIDAY
) -> AgencyLine:
    return await agencies.save(session, visitor, None, form, seen=None, now=now)


async def _change(
    session: AsyncSession, visitor: Visitor, line: AgencyLine, form: AgencyForm
) -> AgencyLine:
    return await agencies.save(session, visitor, line.id, form, seen=line.updated_at, now=LATER)


async def test_what_fits_comes_first_and_the_rest_after_it(session: AsyncSession) -> None:
    visitor = await _administrator(session)
    forms = [
        SCHOOL,
        replace(SCHOOL, name_km="ក សាលា", places=["22"]),
        replace(SCHOOL, name_km="ខ ច្បាប់", purposes=["legal"], places=[]),
        replace(SCHOOL, name_km="គ ទូទាំងប្រទេស", places=[]),
    ]
    for form in forms:
        await _add(session, visitor, form)
    lines = await agencies.list_for(session, "training", "150301")
    assert [(line.name_km, line.fits) for line in lines] == [
        ("គ ទូទាំងប្រទេស", True),
        ("សាលាជំនាញ", True),
        ("ក សាលា", False),
        ("ខ ច្បាប់", False),
    ]
    assert all(line.fits for line in await agencies.list_for(session))


async def test_a_number_is_told_only_while_somebody_has_called_it_lately(
    session: AsyncSession,
) -> None:
    visitor = await _administrator(session)
    line = await _add(session, visitor, replace(SCHOOL, phone="០១២ 345 678"))
    assert (line.phone, line.phone_state(FRIDAY)) == ("+85512345678", "unconfirmed")
    assert line.phone_for_message(FRIDAY) is None
    called = replace(SCHOOL, phone="012 345 678", confirmed_on=TODAY)
    line = await _change(session, visitor, line, called)
    assert (line.confirmed_by, line.phone_state(FRIDAY)) == ("Chan", "confirmed")
    assert line.phone_for_message(FRIDAY) == "+85512345678"
    assert line.phone_state(FRIDAY + timedelta(days=180)) == "confirmed"
    assert line.phone_state(FRIDAY + timedelta(days=181)) == "stale"
    assert line.phone_for_message(FRIDAY + timedelta(days=181)) is None


async def test_a_new_number_is_not_confirmed_by_the_day_of_the_old_one(
    session: AsyncSession,
) -> None:
    visitor = await _administrator(session)
    before = replace(SCHOOL, phone="1297", confirmed_on=TODAY - timedelta(days=3))
    line = await _add(session, visitor, before)
    assert agencies.display_phone(line.phone or "") == "1297"
    with pytest.raises(UnusableForm) as refused:
        await _change(session, visitor, line, replace(before, phone="012 345 678"))
    assert refused.value.faults == {"confirmed_on": "other_number"}
    line = await _change(session, visitor, line, replace(before, confirmed_on=TODAY))
    with pytest.raises(UnusableForm):
        called_today = replace(before, phone="012 345 678", confirmed_on=TODAY)
        await _change(session, visitor, line, called_today)
    line = await _change(session, visitor, line, replace(called_today, is_called=True))
    assert (line.phone_state(FRIDAY), line.confirmed_on) == ("confirmed", TODAY)
    line = await _change(session, visitor, line, replace(before, is_called=True))
    other = replace(before, phone="012 345 678", confirmed_on=None)
    line = await _change(session, visitor, line, other)
    assert (line.phone_state(FRIDAY), line.confirmed_by) == ("unconfirmed", None)
    assert agencies.display_phone(line.phone or "") == "012 345 678"
    without = replace(before, phone=" ")
    assert (await _change(session, visitor, line, without)).confirmed_on is None


async def test_what_nobody_sees_is_taken_out_of_its_words(session: AsyncSession) -> None:
    visitor = await _administrator(session)
    form = replace(SCHOOL, name_en="\u202eSkills\x07  school", note="\u200e1\r\n2")
    line = await _add(session, visitor, form)
    assert (line.name_en, line.note) == ("Skills school", "1\n2")
    with pytest.raises(UnusableForm) as refused:
        await _add(session, visitor, replace(SCHOOL, name_km="\u200b\u202e"))
    assert refused.value.faults == {"name_km": "missing"}


async def test_a_sensitive_one_has_no_name_in_a_message(session: AsyncSession) -> None:
    visitor = await _administrator(session)
    plain = await _add(session, visitor)
    assert plain.name_for_message("km") == "សាលាជំនាញ"
    assert plain.name_for_message("en") == "Skills school"
    hidden = await _change(session, visitor, plain, replace(SCHOOL, is_sensitive=True))
    assert hidden.name_for_message("km") is None


@pytest.mark.parametrize(
    ("changed", "faults"),
    [
        ({"name_km": " ", "name_en": "x" * 201}, {"name_km": "missing", "name_en": "long"}),
        ({"purposes": []}, {"purposes": "missing"}),
        ({"purposes": ["work", "magic"]}, {"purposes": "unknown"}),
        ({"places": ["15", "9999"]}, {"places": "unknown"}),
        ({"phone": "call us"}, {"phone": "number"}),
        ({"phone": "012 345 678 / 012 345 679"}, {"phone": "number"}),
        ({"phone": "1297", "confirmed_on": date(2026, 11, 21)}, {"confirmed_on": "future"}),
        ({"note": "x" * 2001}, {"note": "long"}),
    ],
)
async def test_what_cannot_be_kept_is_refused_field_by_field(
    session: AsyncSession, changed: dict[str, object], faults: dict[str, str]
) -> None:
    visitor = await _administrator(session)
    with pytest.raises(UnusableForm) as refused:
        await _add(session, visitor, replace(SCHOOL, **changed))  # type: ignore[arg-type]
    assert refused.value.faults == faults


async def test_the_same_form_twice_is_one_agency_and_another_of_its_name_is_refused(
    session: AsyncSession,
) -> None:
    visitor = await _administrator(session)
    line = await _add(session, visitor)
    assert (await _add(session, visitor, now=LATER)).id == line.id
    with pytest.raises(UnusableForm) as refused:
        await _add(session, visitor, replace(SCHOOL, note="another"))
    assert refused.value.faults == {"name_km": "taken"}
    other = await _add(session, visitor, replace(SCHOOL, name_km="ផ្សេង"))
    with pytest.raises(UnusableForm) as refused:
        await _change(session, visitor, other, SCHOOL)
    assert refused.value.faults == {"name_km": "taken"}


async def test_of_two_who_change_it_at_once_the_second_is_told(session: AsyncSession) -> None:
    first, second = await _administrator(session), await _administrator(session, "Dara")
    line = await _add(session, first)
    form = replace(SCHOOL, note="ask for Sokha")
    changed = await _change(session, first, line, form)
    with pytest.raises(ChangedMeanwhile):
        await _change(session, second, line, replace(SCHOOL, note="ask for Bopha"))
    assert (await _change(session, first, line, form)).updated_at == changed.updated_at
    assert await audited(session) == [
        (
            *("added", "agency", str(line.id)),
            [
                *("confirmed_on", "is_sensitive", "name_en", "name_km", "note", "phone_e164"),
                *("places", "purposes"),
            ],
        ),
        ("changed", "agency", str(line.id), ["note"]),
    ]


async def test_one_that_is_ended_is_offered_no_more_and_can_be_taken_up_again(
    session: AsyncSession,
) -> None:
    visitor = await _administrator(session)
    line = await _add(session, visitor)
    for _ in range(2):
        await agencies.end(session, visitor, line.id, now=LATER)
    assert await agencies.list_for(session) == []
    assert [one.id for one in await agencies.list_ended(session)] == [line.id]
    assert (await agencies.get(session, line.id)).is_ended
    with pytest.raises(UnusableForm) as refused:
        await _add(session, visitor, now=LATER)
    assert refused.value.faults == {"name_km": "taken"}
    for _ in range(2):
        await agencies.take_up(session, visitor, line.id, now=LATER)
    assert [one.id for one in await agencies.list_for(session)] == [line.id]
    assert [row[0] for row in await audited(session)] == ["added", "ended", "changed"]


@pytest.mark.parametrize("role", ["case_worker", "safety_focal_point", "centre_manager", "auditor"])
async def test_only_administrators_write(session: AsyncSession, role: str) -> None:
    line = await _add(session, await _administrator(session))
    visitor = await visit(session, "Sok", role, None if role == "auditor" else "pursat")
    with pytest.raises(NotAllowed):
        await _add(session, visitor)
    with pytest.raises(NotAllowed):
        await agencies.end(session, visitor, line.id, now=LATER)
    with pytest.raises(NotAllowed):
        await agencies.take_up(session, visitor, line.id, now=LATER)
    assert not agencies.may_keep(visitor)


async def test_what_is_not_there_is_said(session: AsyncSession) -> None:
    visitor = await _administrator(session)
    with pytest.raises(AgencyNotFound):
        await agencies.get(session, 1)
    with pytest.raises(AgencyNotFound):
        await agencies.save(session, visitor, 1, SCHOOL, seen=FRIDAY, now=LATER)
