"""A chat is linked once, by its owner's hand, for as long as the role lasts."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import AuditRow, ChatLink, OutboxRow, Staff, StaffChat
from services import accounts, addresses, codes, my_data, staff
from services.errors import NotAllowed
from services.staff_cards import linking, notices
from services.staff_cards.linking import Linked, NotLinked
from services.staff_cards.pressing import is_card
from tests.services.centre_at_work import FRIDAY, write_from
from tests.services.desk_visitors import at_desk
from tests.services.staff_chats import (
    HeardWords,
    chat_of,
    employ,
    link,
    messages_to,
    work_with_chat,
)

LATER = FRIDAY + timedelta(minutes=5)


async def _refused(session: AsyncSession) -> list[tuple[str, str | None, str]]:
    """(actor, its id, kind of subject) of all that was refused."""
    query = select(AuditRow.actor, AuditRow.actor_id, AuditRow.subject)
    query = query.where(AuditRow.action == "refused").order_by(AuditRow.id)
    return [tuple(row) for row in await session.execute(query)]


async def _audit(session: AsyncSession, *actions: str) -> list[tuple[str, str]]:
    query = select(AuditRow.action, AuditRow.subject).where(AuditRow.action.in_(actions))
    return [tuple(row) for row in await session.execute(query.order_by(AuditRow.id))]


@pytest.mark.parametrize("way", ["start", "code"])
async def test_link_or_number_links_the_chat_it_comes_from(session: AsyncSession, way: str) -> None:
    me = await employ(session)
    made = await linking.new_link(session, at_desk(me), now=FRIDAY)
    assert await linking.knows_code(session, made.code)
    chat = await write_from(session, "1")
    said = made.start if way == "start" else made.code
    assert await linking.link(session, chat, said, now=LATER) == Linked("sok", "km")
    found = await linking.find_chat(session, me.id)
    assert found is not None
    assert (found.linked_at, found.is_reachable) == (LATER, True)
    assert await _audit(session, "linked") == [("linked", "staff_chat")]


async def test_the_same_message_handled_twice_says_the_same(session: AsyncSession) -> None:
    me = await employ(session)
    made = await linking.new_link(session, at_desk(me), now=FRIDAY)
    chat = await write_from(session, "1")
    for _ in range(2):
        assert isinstance(await linking.link(session, chat, made.start, now=LATER), Linked)
    assert await session.scalar(select(func.count()).select_from(StaffChat)) == 1


async def test_only_hashes_are_kept(session: AsyncSession) -> None:
    me = await employ(session)
    made = await linking.new_link(session, at_desk(me), now=FRIDAY)
    row = (await session.scalars(select(ChatLink))).one()
    kept = row.token_hash + row.code_hash
    assert made.code.encode() not in kept
    assert made.start.removeprefix(linking.START).encode() not in kept


async def test_a_link_that_another_chat_has_used_is_over(session: AsyncSession) -> None:
    me = await employ(session)
    made = await linking.new_link(session, at_desk(me), now=FRIDAY)
    await linking.link(session, await write_from(session, "1"), made.start, now=LATER)
    other = await write_from(session, "2")
    for _ in range(2):
        assert await linking.link(session, other, made.start, now=LATER) == NotLinked("over")
    assert await _refused(session) == [
        ("person", None, "chat_link"),
        ("person", None, "staff_chat"),
    ]


async def test_a_link_is_over_after_ten_minutes(session: AsyncSession) -> None:
    me = await employ(session)
    made = await linking.new_link(session, at_desk(me), now=FRIDAY)
    chat, late = await write_from(session, "1"), FRIDAY + linking.LASTS
    assert await linking.link(session, chat, made.code, now=late) == NotLinked("over")


async def test_a_newer_link_ends_the_older(session: AsyncSession) -> None:
    me = await employ(session)
    old = await linking.new_link(session, at_desk(me), now=FRIDAY)
    await linking.new_link(session, at_desk(me), now=LATER)
    chat = await write_from(session, "1")
    assert await linking.link(session, chat, old.start, now=LATER) == NotLinked("over")


@pytest.mark.parametrize("said", ["staff-invented", "staff-", "123", "000000000000"])
async def test_what_was_never_made_is_over(session: AsyncSession, said: str) -> None:
    chat = await write_from(session, "1")
    assert await linking.link(session, chat, said, now=LATER) == NotLinked("over")
    assert not await linking.knows_code(session, said)
    await linking.link(session, chat, "staff-invented-too", now=LATER)
    assert await _refused(session) == [("person", None, "chat_link")]


async def test_a_link_of_who_has_left_links_nothing(session: AsyncSession) -> None:
    me = await employ(session)
    made = await linking.new_link(session, at_desk(me), now=FRIDAY)
    await session.execute(update(Staff).where(Staff.id == me.id).values(ended_at=LATER))
    chat = await write_from(session, "1")
    assert await linking.link(session, chat, made.start, now=LATER) == NotLinked("over")
    assert await linking.find_chat(session, me.id) is None


async def test_a_chat_belongs_to_one_member_of_staff(session: AsyncSession) -> None:
    first, second = await work_with_chat(session), await employ(session, "Dara")
    assert await link(session, second, chat_of("Sok")) == NotLinked("of_another")
    assert await _refused(session) == [("staff", str(first.id), "chat_link")]
    assert await linking.find_chat(session, first.id) is not None
    assert await linking.find_chat(session, second.id) is None


async def test_another_chat_takes_the_place_of_the_first_which_is_told(
    session: AsyncSession,
) -> None:
    me = await work_with_chat(session)
    old = (await session.scalars(select(StaffChat.address_id))).one()
    assert isinstance(await link(session, me, "77"), Linked)
    await notices.tell_unlinked(session, old, me.id, HeardWords(), now=LATER)
    assert len(await messages_to(session, "Sok")) == 1


async def test_who_is_on_duty_at_night_stays_so_with_another_chat(session: AsyncSession) -> None:
    me = await work_with_chat(session)
    await linking.choose_hours(session, me.id, at_any_hour=True, now=FRIDAY)
    await link(session, me, "4711")
    chat = await linking.find_chat(session, me.id)
    assert chat is not None
    assert chat.at_any_hour


async def test_auditors_and_half_signed_in_staff_get_no_link(session: AsyncSession) -> None:
    auditor = await employ(session, "Aud", "auditor", None)
    half = replace(at_desk(await employ(session)), is_confirmed=False)
    for visitor in (at_desk(auditor), half):
        with pytest.raises(NotAllowed):
            await linking.new_link(session, visitor, now=FRIDAY)


@pytest.mark.parametrize("how", ["role", "centre", "end", "reset"])
async def test_the_link_ends_with_the_role(session: AsyncSession, how: str) -> None:
    me = await work_with_chat(session)
    await notices.send_test(session, me.id, HeardWords(), now=FRIDAY)
    waiting = await linking.new_link(session, at_desk(me), now=FRIDAY)
    match how:
        case "role":
            await staff.change_role(session, me, "centre_manager", "pursat", now=LATER)
        case "centre":
            await staff.change_role(session, me, "case_worker", "preah-vihear", now=LATER)
        case "end":
            await staff.end(session, me, now=LATER)
        case "reset":
            await accounts.reset(session, me, by=None, now=LATER)
    assert await linking.find_chat(session, me.id) is None
    (card,) = await messages_to(session, "Sok")
    assert (card.state, card.error_code) == ("withheld", "unlinked")
    assert await _audit(session, "unlinked") == [("unlinked", "staff_chat")]
    chat = await write_from(session, "9")
    assert await linking.link(session, chat, waiting.start, now=LATER) == NotLinked("over")


async def test_a_new_password_leaves_the_chat_linked(session: AsyncSession) -> None:
    me = await work_with_chat(session)
    await accounts.end_all(session, me.id, now=LATER)
    assert await linking.find_chat(session, me.id) is not None


async def test_a_chat_that_is_linked_again_is_not_told_that_it_is_not(
    session: AsyncSession,
) -> None:
    me = await work_with_chat(session)
    old = (await session.scalars(select(StaffChat.address_id))).one()
    await linking.unlink(session, me.id, now=LATER)
    await link(session, me, chat_of("Sok"), now=LATER)
    await notices.tell_unlinked(session, old, me.id, HeardWords(), now=LATER)
    assert await messages_to(session, "Sok") == []


async def test_unlinked_twice_it_is_unlinked_once(session: AsyncSession) -> None:
    me = await work_with_chat(session)
    assert await linking.unlink(session, me.id, by=me.id, now=LATER)
    assert not await linking.unlink(session, me.id, by=me.id, now=LATER)
    assert len(await _audit(session, "unlinked")) == 1


async def test_whoever_deletes_everything_in_the_chat_ends_the_link(session: AsyncSession) -> None:
    me = await work_with_chat(session)
    chat = await addresses.find(session, "telegram", chat_of("Sok"))
    assert chat is not None
    await my_data.delete_everything(session, chat, now=LATER)
    assert await linking.find_chat(session, me.id) is None
    assert await _audit(session, "unlinked") == [("unlinked", "staff_chat")]


async def test_who_links_anew_after_deleting_everything_is_not_forgotten(
    session: AsyncSession,
) -> None:
    me = await work_with_chat(session)
    chat = await addresses.find(session, "telegram", chat_of("Sok"))
    assert chat is not None
    await my_data.delete_everything(session, chat, now=LATER)
    await link(session, me, chat_of("Sok"), now=LATER)

    async def forget(_key: bytes) -> None:
        raise AssertionError("nobody is forgotten")

    much_later = LATER + timedelta(hours=2)
    await my_data.forget_addresses(session, much_later, forget_standing=forget)
    assert await linking.find_chat(session, me.id) is not None


async def test_a_test_card_comes_once_a_minute(session: AsyncSession) -> None:
    me = await work_with_chat(session)
    for seconds in (0, 20, 70):
        now = FRIDAY + timedelta(seconds=seconds)
        await notices.send_test(session, me.id, HeardWords(), now=now)
    sent = await messages_to(session, "Sok")
    assert len(sent) == 2
    await session.execute(
        update(OutboxRow).where(OutboxRow.id == sent[0].id).values(provider_id="5")
    )
    assert await is_card(session, sent[0].address_id, "5")
    assert not await is_card(session, sent[0].address_id, "6")


async def test_the_number_is_long_and_has_a_check_digit(session: AsyncSession) -> None:
    me = await employ(session)
    made = await linking.new_link(session, at_desk(me), now=FRIDAY)
    assert len(made.code) == linking.CODE_LENGTH
    wrong = made.code[:-1] + str((int(made.code[-1]) + 1) % 10)
    assert not codes.is_valid(wrong, length=linking.CODE_LENGTH)
    assert not await linking.knows_code(session, wrong)
