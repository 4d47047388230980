"""Questions that wait to be sent, or are tried again: they ask as things are then."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import Agency, OutboxRow, Referral
from services import agencies, undelivered
from services.agencies import AgencyForm, AgencyLine
from services.referrals import reading
from tests.services.centre_at_work import FRIDAY
from tests.services.desk_visitors import see_as, visit
from tests.services.referred import agency_of, asked, do

Change = Callable[[AsyncSession, Agency], Awaitable[None]]
LATER = FRIDAY + timedelta(minutes=1)


def _form_of(line: AgencyLine) -> AgencyForm:
    return AgencyForm(line.name_km, line.name_en, purposes=line.purposes)


async def _save(session: AsyncSession, agency: Agency, **changed: object) -> None:
    chief = await visit(session, "Chief", "administrator", None)
    await see_as(session, chief)
    line = await agencies.get(session, agency.id)
    form = replace(_form_of(line), **changed)  # type: ignore[arg-type]
    await agencies.save(session, chief, agency.id, form, seen=line.updated_at, now=LATER)


async def _make_sensitive(session: AsyncSession, agency: Agency) -> None:
    await _save(session, agency, is_sensitive=True)


async def _make_another(session: AsyncSession, agency: Agency) -> None:
    await _save(session, agency, name_km="ថ្មី", name_en="Another")


async def _end(session: AsyncSession, agency: Agency) -> None:
    chief = await visit(session, "Chief", "administrator", None)
    await see_as(session, chief)
    await agencies.end(session, chief, agency.id, now=LATER)


async def _rows(session: AsyncSession) -> list[tuple[str, str | None]]:
    rows = select(OutboxRow.state, OutboxRow.error_code).order_by(OutboxRow.id)
    return [(state, code) for state, code in await session.execute(rows)]


@pytest.mark.parametrize("change", [_make_sensitive, _make_another, _end])
async def test_no_message_names_an_agency_that_became_another(
    session: AsyncSession, change: Change
) -> None:
    """It is the centre's turn then: somebody asks by phone, or looks for another."""
    _, request, referral = await asked(session)
    await change(session, await agency_of(session, referral))
    assert await _rows(session) == [("withheld", "agency_not_named")]
    assert await undelivered.note_undelivered(session, LATER) == 1
    await session.refresh(request)
    assert request.due_at is not None
    [line] = await reading.list_of(session, request, now=LATER)
    assert (line.state, line.is_lost) == ("asked", True)


async def test_a_slip_that_is_mended_stops_nothing(session: AsyncSession) -> None:
    _, _, referral = await asked(session)
    await _save(session, await agency_of(session, referral), name_en="Job Center")
    assert await _rows(session) == [("waiting", None)]


async def _fail(session: AsyncSession) -> OutboxRow:
    row: OutboxRow = (await session.scalars(select(OutboxRow))).one()
    failed = (
        update(OutboxRow).where(OutboxRow.id == row.id).values(state="failed", updated_at=LATER)
    )
    await session.execute(failed)
    return row


async def test_a_question_of_a_referral_that_ended_is_not_sent_again(
    session: AsyncSession,
) -> None:
    visitor, request, referral = await asked(session)
    row = await _fail(session)
    await do(session, visitor, request, referral, "end")
    assert await undelivered.try_again(session, [row.id], LATER) == set()
    assert await _rows(session) == [("failed", None)]


@pytest.mark.parametrize("change", [_make_sensitive, _end])
async def test_nor_one_that_names_an_agency_that_may_not_be_named(
    session: AsyncSession, change: Change
) -> None:
    _, _, referral = await asked(session)
    row = await _fail(session)
    await change(session, await agency_of(session, referral))
    assert await undelivered.try_again(session, [row.id], LATER) == set()


async def test_a_question_that_still_asks_is_sent_again(session: AsyncSession) -> None:
    await asked(session)
    row = await _fail(session)
    assert await undelivered.try_again(session, [row.id], LATER) == {row.id}


async def test_a_question_that_waits_for_the_morning_is_said_to(session: AsyncSession) -> None:
    _, request, referral = await asked(session)
    morning = FRIDAY + timedelta(hours=12)
    await session.execute(update(OutboxRow).values(not_before=morning))
    [line] = await reading.list_of(session, request, now=FRIDAY)
    assert (line.standing, line.held_until) == ("held", morning)
    [line] = await reading.list_of(session, request, now=morning)
    assert line.standing == "asked"
    assert (await session.get_one(Referral, referral.id)).state == "asked"
