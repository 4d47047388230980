"""Days on which centres are closed, as the desk shows and keeps them."""

import re
from contextlib import AsyncExitStack
from datetime import date, timedelta

import pytest
from sqlalchemy import select

from db.models import AuditRow, ClosedDay
from services.office_hours import CAMBODIA, list_holidays
from tests.desk.at_the_desk import Desk

DAYS = "/desk/days"


def _today(desk: Desk) -> date:
    return desk.clock.now.astimezone(CAMBODIA).date()


async def _kept(desk: Desk) -> list[tuple[date, str | None, bool]]:
    async with desk.new_session() as session:
        rows = await session.scalars(select(ClosedDay).order_by(ClosedDay.day))
        return [(row.day, row.centre_id, row.is_open) for row in rows]


async def test_a_manager_closes_their_centre_on_some_days_and_everybody_there_sees_it(
    desk: Desk,
) -> None:
    first = _today(desk) + timedelta(days=1)
    form = {"first": first.isoformat(), "last": (first + timedelta(days=1)).isoformat()}
    async with AsyncExitStack() as stack:
        boss = await stack.enter_async_context(desk.at_work("boss", "centre_manager"))
        for _ in range(2):
            answer = await boss.post(DAYS, form | {"label": "ទឹកជំនន់ <b>"})
            assert answer.to == f"{DAYS}?done=closed"
        assert await _kept(desk) == [
            (first, "pursat", False),
            (first + timedelta(days=1), "pursat", False),
        ]
        body = (await boss.get(answer.to)).body
        assert body.count("ទឹកជំនន់ &lt;b&gt;") == 2
        assert "ពោធិ៍សាត់" in body
        assert "ទឹកជំនន់ &lt;b&gt;" in (await boss.get("/desk/centres/pursat")).body
        sok = await stack.enter_async_context(desk.at_work("sok", "case_worker"))
        body = (await sok.get(DAYS)).body
        assert "ទឹកជំនន់" in body
        assert 'method="post" action="/desk/days' not in body
        there = await stack.enter_async_context(
            desk.at_work("sao", "centre_manager", "preah-vihear")
        )
        assert "ទឹកជំនន់ &lt;b&gt;" not in (await there.get(DAYS)).body
        gone = {"day": first.isoformat(), "centre": "pursat"}
        assert (await there.post(f"{DAYS}/back", gone)).status == 404
        assert (await there.post(DAYS, form | {"label": "x", "centre": "pursat"})).status == 404
        assert (await boss.post(f"{DAYS}/back", gone | {"day": "soon"})).status == 404
        for _ in range(2):
            assert (await boss.post(f"{DAYS}/back", gone)).to == f"{DAYS}?done=back"
    assert len(await _kept(desk)) == 1


@pytest.mark.parametrize(
    ("typed", "fields"),
    [
        ({"first": "", "label": ""}, ["first", "label"]),
        ({"first": "tomorrow"}, ["first"]),
        ({"first": "2020-01-01"}, ["first"]),
        ({"last": "2020-01-01"}, ["last"]),
    ],
)
async def test_what_cannot_be_is_said_beside_its_field_and_nothing_typed_is_lost(
    desk: Desk, typed: dict[str, str], fields: list[str]
) -> None:
    form = {"first": _today(desk).isoformat(), "last": "", "label": "ប្រជុំ"} | typed
    async with desk.at_work("boss", "centre_manager") as browser:
        answer = await browser.post(DAYS, form)
        assert answer.status == 422
        assert re.findall(r'id="(\w+)-fault">', answer.body) == fields
        assert all(f'value="{told}"' in answer.body for told in form.values())
    assert await _kept(desk) == []


async def test_an_administrator_moves_a_holiday_for_all(desk: Desk) -> None:
    today = _today(desk)
    holiday = next(iter(list_holidays(today, today + timedelta(days=360), "en")))
    strike = {"day": holiday.isoformat(), "centre": ""}
    moved = {"first": (holiday + timedelta(days=7)).isoformat(), "label": "Moved"}
    async with AsyncExitStack() as stack:
        chief = await stack.enter_async_context(desk.at_work("chief", "administrator"))
        for _ in range(2):
            assert (await chief.post(f"{DAYS}/open", strike)).to == f"{DAYS}?done=open"
        assert (await chief.post(DAYS, moved | {"centre": ""})).status == 303
        assert (await chief.post(DAYS, moved | {"centre": "mars"})).status == 404
        assert await _kept(desk) == [
            (holiday, None, True),
            (holiday + timedelta(days=7), None, False),
        ]
        boss = await stack.enter_async_context(desk.at_work("boss", "centre_manager"))
        body = (await boss.get(DAYS)).body
        assert "ធ្វើការធម្មតា" in body
        assert "Moved" in body
        assert f'name="day" value="{holiday.isoformat()}"' not in body
        assert (await boss.post(f"{DAYS}/back", strike)).status == 403
        assert (await chief.post(f"{DAYS}/back", strike)).status == 303
    assert len(await _kept(desk)) == 1
    async with desk.new_session() as session:
        rows = select(AuditRow.action, AuditRow.subject, AuditRow.subject_id).where(
            AuditRow.action == "refused"
        )
        noted = [tuple(row) for row in await session.execute(rows)]
    assert noted == [("refused", "centre", None)] * 2
