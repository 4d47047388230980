"""What nobody looks at climbs, what somebody has seen does not, and the last level hears daily."""

from datetime import datetime, timedelta

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import OutboxRow, Request, StaffCard
from services import addresses, threads
from services.office_hours import CAMBODIA
from services.staff_cards.climbing import climb
from services.staff_cards.sending import LOOK_WITHIN, send_due
from tests.services.centre_at_work import FRIDAY, PlainWords, write_from
from tests.services.staff_chats import (
    HeardWords,
    ask_urgently,
    cards_of,
    chat_of,
    find_boss,
    messages_to,
    told_to,
    work_with_chat,
)
from tests.support import Database

AFTER = FRIDAY + LOOK_WITHIN["urgent"]


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=CAMBODIA)


async def tick(session: AsyncSession, now: datetime) -> None:
    """What the clock brings each minute."""
    await climb(session, now)
    await send_due(session, HeardWords(), now)


async def names(session: AsyncSession, request: Request) -> list[str]:
    return [name for _, _, name in await told_to(session, request)]


async def _whole_ladder(session: AsyncSession) -> Request:
    await work_with_chat(session, "Sok")
    await work_with_chat(session, "Manager", "centre_manager")
    await work_with_chat(session, "Admin", "administrator", None)
    request = await ask_urgently(session)
    await tick(session, FRIDAY)
    return request


async def test_unseen_it_climbs_to_the_managers_and_then_to_the_administrators(
    session: AsyncSession,
) -> None:
    request = await _whole_ladder(session)
    await tick(session, AFTER - timedelta(minutes=1))
    assert await names(session, request) == ["Sok"]
    await tick(session, AFTER)
    assert await names(session, request) == ["Sok", "Manager"]
    await tick(session, AFTER + LOOK_WITHIN["urgent"])
    assert await names(session, request) == ["Sok", "Manager", "Admin"]
    for name in ("Sok", "Manager", "Admin"):
        assert len(await messages_to(session, name)) == 1


async def test_the_last_level_is_told_again_once_a_day_and_nobody_else(
    session: AsyncSession,
) -> None:
    request = await _whole_ladder(session)
    for minutes in range(15, 24 * 60, 15):
        await tick(session, FRIDAY + timedelta(minutes=minutes))
    assert await names(session, request) == ["Sok", "Manager", "Admin", "Admin"]
    assert len(await messages_to(session, "Admin")) == 1
    # Saturday to Wednesday it is closed.
    await tick(session, at(26, 7, 59))
    assert len(await messages_to(session, "Admin")) == 1
    await tick(session, at(26, 8))
    assert len(await messages_to(session, "Admin")) == 2


async def test_only_open_hours_count(session: AsyncSession) -> None:
    await work_with_chat(session, "Sok")
    await work_with_chat(session, "Manager", "centre_manager")
    request = await ask_urgently(session, now=at(20, 16, 50))
    await tick(session, at(20, 16, 50))
    await tick(session, at(20, 18))
    await tick(session, at(26, 8, 4))
    assert await names(session, request) == ["Sok"]
    await tick(session, at(26, 8, 5))
    assert await names(session, request) == ["Sok", "Manager"]


async def test_one_who_has_seen_it_is_enough(session: AsyncSession) -> None:
    await work_with_chat(session, "Dara")
    request = await _whole_ladder(session)
    first, *_ = await cards_of(session, request)
    await session.execute(
        update(StaffCard).where(StaffCard.id == first.id).values(seen_at=FRIDAY, climb_at=None)
    )
    await tick(session, AFTER)
    assert sorted(await names(session, request)) == ["Dara", "Sok"]


async def test_what_was_taken_answered_or_closed_does_not_climb(session: AsyncSession) -> None:
    me = await work_with_chat(session, "Sok")
    await work_with_chat(session, "Manager", "centre_manager")
    boss = await find_boss(session)
    taken, answered, closed, withdrawn = [await ask_urgently(session, chat) for chat in "6789"]
    await tick(session, FRIDAY)
    await threads.take(session, taken.code, staff=me, now=FRIDAY)
    words = {"staff": boss, "words": PlainWords(), "now": FRIDAY}
    await threads.reply(session, answered.code, "hello", **words)
    await threads.finish(session, closed.code, "helped", **words)
    person = await write_from(session, "9")
    await threads.withdraw(session, person, withdrawn.code, now=FRIDAY)
    await tick(session, AFTER)
    for request in (taken, answered, closed, withdrawn):
        assert await names(session, request) == ["Sok"]
        (card,) = await cards_of(session, request)
        assert (card.climb_at, card.ended_at) == (None, AFTER)


async def test_a_card_that_never_arrived_climbs_at_once(session: AsyncSession) -> None:
    request = await _whole_ladder(session)
    await session.execute(update(OutboxRow).values(state="unreachable"))
    await tick(session, FRIDAY + timedelta(minutes=1))
    assert await names(session, request) == ["Sok", "Manager"]


async def test_as_long_as_one_of_a_level_can_see_it_nobody_above_is_rung_up(
    session: AsyncSession,
) -> None:
    await work_with_chat(session, "Dara")
    request = await _whole_ladder(session)
    (message,) = await messages_to(session, "Dara")
    await session.execute(
        update(OutboxRow).where(OutboxRow.id == message.id).values(state="failed")
    )
    await tick(session, FRIDAY + timedelta(minutes=1))
    assert sorted(await names(session, request)) == ["Dara", "Sok"]
    await tick(session, AFTER)
    assert sorted(await names(session, request)) == ["Dara", "Manager", "Sok"]


async def test_a_chat_blocked_before_it_was_sent_climbs_at_once(session: AsyncSession) -> None:
    await work_with_chat(session, "Sok")
    await work_with_chat(session, "Manager", "centre_manager")
    request = await ask_urgently(session)
    chat = await addresses.find(session, "telegram", chat_of("Sok"))
    assert chat is not None
    await addresses.mark_blocked(session, chat.id, now=FRIDAY + timedelta(seconds=1))
    session.expire_all()
    for minute in (1, 2):
        await tick(session, FRIDAY + timedelta(minutes=minute))
    assert await names(session, request) == ["Sok", "Manager"]
    assert len(await messages_to(session, "Manager")) == 1


async def test_one_who_is_owner_and_manager_is_told_once(session: AsyncSession) -> None:
    boss = await work_with_chat(session, "Manager", "centre_manager")
    await work_with_chat(session, "Admin", "administrator", None)
    request = await threads.talk(session, await write_from(session), "x", now=FRIDAY)
    await threads.take(session, request.code, staff=boss, now=FRIDAY)
    other = await find_boss(session)
    await threads.set_urgency(session, request.code, "urgent", staff=other, now=FRIDAY)
    await tick(session, FRIDAY)
    await tick(session, AFTER)
    assert await names(session, request) == ["Manager", "Admin"]


async def test_two_workers_at_once_tell_each_once(db: Database) -> None:
    async with db.new_session.begin() as session:
        request = await _whole_ladder(session)
    async with db.new_session.begin() as one, db.new_session.begin() as other:
        assert await climb(one, AFTER) == 1
        assert await climb(other, AFTER) == 0
    async with db.new_session.begin() as session:
        await tick(session, AFTER)
        assert await names(session, request) == ["Sok", "Manager"]
        assert len(await messages_to(session, "Manager")) == 1


async def test_a_run_that_is_cut_short_leaves_nothing_half_done(db: Database) -> None:
    async with db.new_session.begin() as session:
        await work_with_chat(session)
        request = await ask_urgently(session)
    async with db.new_session() as session:
        await send_due(session, HeardWords(), FRIDAY)  # and the process dies
    async with db.new_session.begin() as session:
        assert await messages_to(session, "Sok") == []
        await tick(session, FRIDAY)
        assert len(await messages_to(session, "Sok")) == 1
        assert await names(session, request) == ["Sok"]
