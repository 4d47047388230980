"""Who hears of what: the owner or the workers, else the next above; each once, in the day."""

import json
from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from db.crypto import current_keyring
from db.models import Account, OutboxRow
from services import addresses, escalation, registration, staff, threads
from services.office_hours import CAMBODIA
from services.staff_cards import linking
from services.staff_cards.climbing import climb
from services.staff_cards.sending import MOST_SINGLE, send_due
from services.staff_cards.standing import list_edits
from services.staff_cards.words import told_topic
from tests.services.centre_at_work import FRIDAY, PlainWords, hire, write_from
from tests.services.desk_visitors import register
from tests.services.staff_chats import (
    HeardWords,
    ask_urgently,
    cards_of,
    chat_of,
    find_boss,
    link,
    messages_to,
    told_to,
    work_with_chat,
)
from tests.support import save_draft

LATER = FRIDAY + timedelta(minutes=10)


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=CAMBODIA)


async def test_an_urgent_request_is_told_to_those_who_may_take_it(session: AsyncSession) -> None:
    await work_with_chat(session, "Sok")
    await work_with_chat(session, "Safe", "safety_focal_point")
    await work_with_chat(session, "Other", centre="preah-vihear")
    await work_with_chat(session, "Manager", "centre_manager")
    request = await ask_urgently(session)
    assert sorted(await told_to(session, request)) == [
        ("urgent", "worker", "Safe"),
        ("urgent", "worker", "Sok"),
    ]


async def test_a_normal_request_is_told_to_nobody(session: AsyncSession) -> None:
    await work_with_chat(session)
    request = await threads.talk(session, await write_from(session), "x", now=FRIDAY)
    assert await cards_of(session, request) == []


async def test_its_owner_alone_hears_of_what_has_one(session: AsyncSession) -> None:
    await work_with_chat(session, "Sok")
    owner, boss = await work_with_chat(session, "Owner"), await find_boss(session)
    request = await threads.talk(session, await write_from(session), "x", now=FRIDAY)
    await threads.take(session, request.code, staff=owner, now=FRIDAY)
    await threads.set_urgency(session, request.code, "urgent", staff=boss, now=FRIDAY)
    assert await told_to(session, request) == [("urgent", "owner", "Owner")]


async def test_who_made_it_urgent_knows(session: AsyncSession) -> None:
    owner = await work_with_chat(session, "Owner")
    request = await threads.talk(session, await write_from(session), "x", now=FRIDAY)
    await threads.take(session, request.code, staff=owner, now=FRIDAY)
    await threads.set_urgency(session, request.code, "urgent", staff=owner, now=FRIDAY)
    assert await cards_of(session, request) == []


@pytest.mark.parametrize(
    ("linked", "heard"),
    [
        ("centre_manager", ("urgent", "manager", "Someone")),
        ("administrator", ("urgent", "administrator", "Someone")),
    ],
)
async def test_where_nobody_has_linked_a_chat_the_next_above_hears(
    session: AsyncSession, linked: str, heard: tuple[str, str, str]
) -> None:
    await hire(session, "Sok")
    centre = None if linked == "administrator" else "pursat"
    await work_with_chat(session, "Someone", linked, centre)
    assert await told_to(session, await ask_urgently(session)) == [heard]


async def test_without_any_chat_nothing_breaks(session: AsyncSession) -> None:
    await hire(session, "Sok")
    request = await ask_urgently(session)
    await escalation.climb(session, at(27, 9))
    assert await cards_of(session, request) == []


async def test_a_chat_that_has_blocked_us_counts_as_none(session: AsyncSession) -> None:
    await work_with_chat(session, "Sok")
    await work_with_chat(session, "Manager", "centre_manager")
    chat = await addresses.find(session, "telegram", chat_of("Sok"))
    assert chat is not None
    await addresses.mark_blocked(session, chat.id, now=LATER)
    request = await ask_urgently(session)
    assert await told_to(session, request) == [("urgent", "manager", "Manager")]


async def test_handed_over_it_is_told_at_the_other_centre_and_no_more_at_the_first(
    session: AsyncSession,
) -> None:
    await work_with_chat(session, "Here")
    await work_with_chat(session, "There", centre="preah-vihear")
    request, boss = await ask_urgently(session), await find_boss(session)
    await threads.hand_over(session, request.code, "preah-vihear", staff=boss, now=LATER)
    await send_due(session, HeardWords(), LATER)
    assert len(await messages_to(session, "There")) == 1
    assert await messages_to(session, "Here") == []


async def test_a_registration_that_goes_to_another_centre_is_told_there(
    session: AsyncSession,
) -> None:
    await work_with_chat(session, "Here")
    await work_with_chat(session, "There", centre="preah-vihear")
    address, boss = await register(session), await find_boss(session)
    request = await registration.find_registration(session, address.id)
    assert request is not None
    await threads.set_urgency(session, request.code, "urgent", staff=boss, now=FRIDAY)
    await send_due(session, HeardWords(), FRIDAY)
    await session.execute(update(OutboxRow).values(state="sent", provider_id="7"))
    await registration.begin_correction(session, address)
    moved = {"province": "13", "district": "1301", "commune": "130101"}
    await save_draft(session, address.id, registration.FORM, moved)
    await registration.register(session, address, now=LATER)
    await send_due(session, HeardWords(), LATER)
    assert len(await messages_to(session, "There")) == 1
    (edit,) = (await list_edits(session, request.id, HeardWords())).due
    assert (edit.chat, edit.message.text) == (chat_of("Here"), "km None elsewhere")
    promised = select(func.count()).select_from(text("procrastinate_jobs"))
    is_look = text("task_name = 'show_cards'")
    assert await session.scalar(promised.where(is_look)) == 1


async def test_reopened_it_is_told_again(session: AsyncSession) -> None:
    me, boss = await work_with_chat(session), await find_boss(session)
    request = await ask_urgently(session)
    done = {"staff": boss, "words": PlainWords(), "now": LATER}
    await threads.finish(session, request.code, "helped", **done)
    person = await write_from(session)
    later = LATER + timedelta(hours=1)
    await threads.confirm_help(session, person, request.code, False, now=later)
    names = [name for _, _, name in await told_to(session, request)]
    assert names == [me.name, me.name]


async def test_what_becomes_normal_and_urgent_again_is_told_once(session: AsyncSession) -> None:
    await work_with_chat(session)
    request, boss = await ask_urgently(session), await find_boss(session)
    for urgency in ("normal", "urgent"):
        await threads.set_urgency(session, request.code, urgency, staff=boss, now=LATER)
    assert len(await cards_of(session, request)) == 1


async def test_given_back_by_who_leaves_it_is_told_to_the_others(session: AsyncSession) -> None:
    leaving = await work_with_chat(session, "Leaving")
    await work_with_chat(session, "Sok")
    request = await ask_urgently(session)
    await send_due(session, HeardWords(), FRIDAY)
    await threads.take(session, request.code, staff=leaving, now=FRIDAY)
    await climb(session, FRIDAY + timedelta(minutes=15))
    await staff.end(session, leaving, now=LATER)
    await send_due(session, HeardWords(), LATER)
    assert len(await messages_to(session, "Sok")) == 2


# Overdue


async def test_overdue_it_is_told_level_by_level_as_it_climbs(session: AsyncSession) -> None:
    owner = await work_with_chat(session, "Owner")
    await work_with_chat(session, "Manager", "centre_manager")
    await work_with_chat(session, "Admin", "administrator", None)
    request = await threads.talk(session, await write_from(session), "x", now=FRIDAY)
    await threads.take(session, request.code, staff=owner, now=LATER)
    for moment in (at(26, 10), at(26, 16), at(27, 11)):
        await escalation.climb(session, moment)
    assert await told_to(session, request) == [
        ("overdue", "owner", "Owner"),
        ("overdue", "manager", "Manager"),
        ("overdue", "administrator", "Admin"),
    ]


async def test_overdue_without_an_owner_it_is_told_to_the_manager(session: AsyncSession) -> None:
    await work_with_chat(session, "Sok")
    await work_with_chat(session, "Manager", "centre_manager")
    request = await threads.talk(session, await write_from(session), "x", now=FRIDAY)
    await escalation.climb(session, at(26, 10))
    assert await told_to(session, request) == [("overdue", "manager", "Manager")]


# Messages


async def test_the_message_says_nothing_of_the_person(session: AsyncSession) -> None:
    await work_with_chat(session)
    request, words = await ask_urgently(session), HeardWords()
    await send_due(session, words, LATER)
    (told,) = words.told
    assert (told.code, told.cause, told.topic) == (request.code, "urgent", "talk")
    assert told.since == FRIDAY
    assert told.may_take
    (message,) = await messages_to(session, "Sok")
    assert (message.purpose, message.state, message.person_id) == ("staff_card", "waiting", None)


@pytest.mark.parametrize(
    ("topic", "told"), [("registration", "registration"), ("safety", None), ("", None)]
)
def test_only_plain_topics_are_named(topic: str, told: str | None) -> None:
    assert told_topic(topic) == told


async def test_sent_twice_it_is_one_message(session: AsyncSession) -> None:
    await work_with_chat(session)
    await ask_urgently(session)
    for _ in range(2):
        await send_due(session, HeardWords(), LATER)
    assert len(await messages_to(session, "Sok")) == 1


async def test_at_night_a_card_waits_for_the_morning(session: AsyncSession) -> None:
    await work_with_chat(session)
    await ask_urgently(session, now=at(20, 21))
    for moment, count in ((at(20, 21, 5), 0), (at(26, 7, 59), 0), (at(26, 8), 1)):
        await send_due(session, HeardWords(), moment)
        assert len(await messages_to(session, "Sok")) == count


async def test_who_has_chosen_so_hears_of_what_is_urgent_in_the_night(
    session: AsyncSession,
) -> None:
    me = await work_with_chat(session, "Sok")
    await work_with_chat(session, "Dara")
    assert await linking.choose_hours(session, me.id, at_any_hour=True, now=FRIDAY)
    await ask_urgently(session, now=at(20, 21))
    await send_due(session, HeardWords(), at(20, 21))
    assert len(await messages_to(session, "Sok")) == 1
    assert await messages_to(session, "Dara") == []


async def test_what_somebody_took_in_the_night_is_not_sent(session: AsyncSession) -> None:
    me = await work_with_chat(session)
    request = await ask_urgently(session, now=at(20, 21))
    await threads.take(session, request.code, staff=me, now=at(20, 22))
    await send_due(session, HeardWords(), at(26, 8))
    (card,) = await cards_of(session, request)
    assert (card.ended_at, card.outbox_id) == (at(26, 8), None)
    assert await messages_to(session, "Sok") == []


async def test_who_works_elsewhere_by_the_morning_hears_nothing_of_it(
    session: AsyncSession,
) -> None:
    """Their chat is linked again for the new centre, and this is a request of the old one."""
    me = await work_with_chat(session, "Sok")
    await work_with_chat(session, "Manager", "centre_manager")
    request = await ask_urgently(session, now=at(20, 21))
    await staff.change_role(session, me, "case_worker", "preah-vihear", now=at(20, 22))
    await link(session, me, chat_of("Sok"), now=at(20, 22))
    for minute in (0, 1):
        await send_due(session, HeardWords(), at(26, 8, minute))
    assert await messages_to(session, "Sok") == []
    assert [name for _, _, name in await told_to(session, request)] == ["Sok", "Manager"]
    assert len(await messages_to(session, "Manager")) == 1


async def test_a_burst_is_five_messages_and_one_that_counts_the_rest(
    session: AsyncSession,
) -> None:
    await work_with_chat(session)
    words = HeardWords()
    for number in range(12):
        await ask_urgently(session, str(number))
    await send_due(session, words, LATER)
    assert len(words.told) == MOST_SINGLE
    assert [(group.urgent, group.overdue) for group in words.counted] == [(7, 0)]
    assert len(await messages_to(session, "Sok")) == MOST_SINGLE + 1


async def test_what_comes_right_after_a_burst_waits_and_comes_together(
    session: AsyncSession,
) -> None:
    await work_with_chat(session)
    words = HeardWords()
    for number in range(MOST_SINGLE + 1):
        await ask_urgently(session, str(number))
        await send_due(session, words, FRIDAY)
    # The rows have the time of the database's clock.
    await session.execute(update(OutboxRow).values(created_at=FRIDAY))
    for number in range(10, 17):
        await ask_urgently(session, str(number))
    await send_due(session, words, FRIDAY + timedelta(minutes=9))
    assert len(words.told) == MOST_SINGLE + 1
    await send_due(session, words, FRIDAY + timedelta(minutes=10))
    assert len(words.told) == 2 * MOST_SINGLE + 1
    assert [group.urgent for group in words.counted] == [2]


async def test_each_reads_in_their_own_language(session: AsyncSession) -> None:
    me = await work_with_chat(session)
    await session.execute(update(Account).where(Account.staff_id == me.id).values(language="en"))
    request = await ask_urgently(session)
    await send_due(session, HeardWords(), LATER)
    (message,) = await messages_to(session, "Sok")
    assert message.body is not None
    sent = json.loads(current_keyring().decrypt(message.body))
    assert sent["text"] == f"en urgent {request.code}"
