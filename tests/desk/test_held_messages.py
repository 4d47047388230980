"""What quiet hours hold back: the desk says when it goes out, and not that it does."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from db.models import OutboxRow
from tests.desk.at_the_desk import Desk
from tests.services.desk_visitors import ask

EIGHT = datetime(2026, 11, 23, 1, tzinfo=UTC)
"""In the morning of the 23rd, in Cambodia."""


@pytest.mark.parametrize(
    ("before", "said"),
    [
        (timedelta(hours=3), "នឹងផ្ញើ 08:00"),
        (timedelta(hours=10), "នឹងផ្ញើ 23 វិច្ឆិកា 08:00"),
        (timedelta(0), "កំពុងផ្ញើ"),
    ],
)
async def test_a_held_message_says_when_it_goes_out(
    desk: Desk, before: timedelta, said: str
) -> None:
    desk.clock.now = EIGHT - before
    async with desk.new_session.begin() as session:
        code = (await ask(session)).code
    async with desk.at_work("sok", "case_worker") as browser:
        await browser.post(f"/desk/requests/{code}/do/reply", {"value": "សួស្ដីបង", "seen": "0"})
        async with desk.new_session.begin() as session:
            await session.execute(update(OutboxRow).values(state="waiting", not_before=EIGHT))
        shown = (await browser.get(f"/desk/requests/{code}")).body
    assert f">{said}</span>" in shown


async def test_who_hands_over_at_night_reads_when_the_person_is_told(desk: Desk) -> None:
    desk.clock.now = EIGHT - timedelta(hours=10)
    async with desk.new_session.begin() as session:
        code = (await ask(session)).code
    async with desk.at_work("sok", "case_worker") as browser:
        form = {"value": "preah-vihear", "reason": "ជិតផ្ទះ", "seen": "0"}
        answer = await browser.post(f"/desk/requests/{code}/do/hand_over", form)
        shown = await browser.get((await browser.get(answer.to)).to)
    assert "នៅ 23 វិច្ឆិកា 08:00 យើងនឹងប្រាប់អ្នកស្នើសុំ" in shown.body
