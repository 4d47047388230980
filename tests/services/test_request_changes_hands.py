"""A request that goes to a colleague or to another centre, and who learns of it."""

import json
from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from bot.message_words import CatalogueWords
from db.crypto import current_keyring
from db.models import Address, OutboxRow, Request
from services import addresses, centres, desk_requests, sms_text, threads, undelivered
from services.desk_requests import Move, Moved
from services.errors import (
    AnsweredMeanwhile,
    DomainError,
    EmptyText,
    MoveNotAllowed,
    TakenMeanwhile,
    TextTooLong,
)
from services.outbox import list_unsent
from services.reasons import LONGEST_REASON
from tests.services.centre_at_work import FRIDAY, events_of, hire, kinds_of, outbox
from tests.services.desk_visitors import ask, at_desk, register, see_as, visit

LATER = FRIDAY + timedelta(hours=1)
NIGHT = FRIDAY + timedelta(hours=14)
OVERTAKEN_ROW = ("withheld", "overtaken")
WORDS = CatalogueWords()


async def _hand_over(session: AsyncSession, request: Request, reason: str = "her home") -> Moved:
    visitor = await visit(session)
    await see_as(session, visitor)
    move = Move("hand_over", "preah-vihear", reason)
    moved = await desk_requests.do(session, visitor, request.code, move, words=WORDS, now=LATER)
    await see_as(session, await visit(session, "Boss", "administrator", None))
    return moved


def _said(row: OutboxRow) -> dict[str, str]:
    """The words, and those for a phone that others read too."""
    assert row.body is not None
    said: dict[str, str] = json.loads(current_keyring().decrypt(row.body))
    return said


async def _asked(session: AsyncSession) -> tuple[Address, Request]:
    address = await register(session)
    return address, await ask(session, address)


async def test_the_other_centre_reads_why_and_the_person_which_centre_it_is(
    session: AsyncSession,
) -> None:
    _, request = await _asked(session)
    moved = await _hand_over(session, request)
    (row,) = await outbox(session)
    assert moved.sent is not None
    assert (moved.sent.outbox_id, row.purpose) == (row.id, "follow_up")
    assert "មជ្ឈមណ្ឌលព្រះវិហារជួយបងបន្ត" in _said(row)["text"]
    note, handed = (await events_of(session, request))[-2:]
    assert (note.kind, note.internal, note.body) == ("note", True, {"text": "her home"})
    assert (handed.kind, handed.outbox_id) == ("handed_over", row.id)


@pytest.mark.parametrize(
    ("reason", "error"), [(" \u200b", EmptyText), ("x" * (LONGEST_REASON + 1), TextTooLong)]
)
async def test_nothing_is_handed_over_without_a_reason(
    session: AsyncSession, reason: str, error: type[DomainError]
) -> None:
    _, request = await _asked(session)
    with pytest.raises(error):
        await _hand_over(session, request, reason)
    assert request.centre_id == "pursat"


async def test_who_said_stop_is_not_told(session: AsyncSession) -> None:
    address, request = await _asked(session)
    await addresses.stop(session, address.id, now=LATER)
    moved = await _hand_over(session, request)
    assert moved.sent is not None
    assert (moved.sent.outbox_id, moved.sent.withheld) == (None, "stopped")
    assert (await kinds_of(session, request))[-1] == "handed_over"


async def _handed_over_at_night(session: AsyncSession, *centres: str) -> tuple[Address, Request]:
    address, request = await _asked(session)
    boss = await hire(session, "Boss", "administrator", None)
    for centre in centres:
        told = await threads.hand_over(
            session, request.code, centre, staff=boss, now=NIGHT, words=WORDS
        )
        assert told.not_before is not None
    return address, request


async def _states(session: AsyncSession) -> list[tuple[str, str | None]]:
    return [(row.state, row.error_code) for row in await outbox(session)]


async def test_in_the_morning_only_the_last_centre_is_told(session: AsyncSession) -> None:
    _, request = await _handed_over_at_night(session, "preah-vihear", "pursat")
    assert await _states(session) == [OVERTAKEN_ROW, ("waiting", None)]
    # It was meant to be so: nobody needs to look after it.
    assert await undelivered.note_undelivered(session, NIGHT) == 0
    assert await list_unsent(session) == []
    thread = await threads.get_thread(session, request.code)
    assert [event.delivery for event in thread.events[-2:]] == ["overtaken", "waiting"]


async def test_who_withdraws_at_night_is_told_of_no_centre(session: AsyncSession) -> None:
    address, request = await _handed_over_at_night(session, "preah-vihear")
    await threads.withdraw(session, address, request.code, now=NIGHT)
    assert await _states(session) == [OVERTAKEN_ROW]


async def test_who_is_asked_whether_help_came_is_told_before_who_was_to_help(
    session: AsyncSession,
) -> None:
    _, request = await _handed_over_at_night(session, "preah-vihear")
    them = await hire(session, "Sao", centre="preah-vihear")
    await threads.finish(session, request.code, "helped", staff=them, words=WORDS, now=NIGHT)
    told, asked = await outbox(session)
    assert (told.state, asked.state) == ("waiting", "waiting")
    assert told.not_before <= asked.not_before


async def test_on_a_phone_that_others_read_no_centre_is_named(session: AsyncSession) -> None:
    _, request = await _asked(session)
    await _hand_over(session, request)
    (row,) = await outbox(session)
    assert "ព្រះវិហារ" not in _said(row)["neutral"]


async def test_the_word_to_the_person_is_one_sms_whichever_centre_it_is(
    session: AsyncSession,
) -> None:
    for centre in await centres.list_all(session):
        for language in ("km", "en"):
            said = WORDS.handed_over(language, "sms", "12345678", centre.short_name(language))
            assert sms_text.count(said.text).parts == 1


async def test_the_thread_knows_from_whom_something_was_taken_over(session: AsyncSession) -> None:
    _, request = await _asked(session)
    sok, sao = await hire(session), await hire(session, "Sao")
    await threads.take(session, request.code, staff=sok, now=LATER)
    await threads.assign(session, request.code, sao, staff=sao, now=LATER)
    taken, assigned = (await events_of(session, request))[-2:]
    assert "from" not in (taken.body or {})
    assert assigned.body is not None
    assert (assigned.body["from"], assigned.body["to"]) == (str(sok.id), str(sao.id))


async def test_who_replies_to_what_was_taken_over_is_asked_once_more(
    session: AsyncSession,
) -> None:
    _, request = await _asked(session)
    sok, sao = await hire(session), await hire(session, "Sao")
    visitor = at_desk(sok)
    await threads.take(session, request.code, staff=sok, now=LATER)

    async def send(read: int) -> Moved:
        form = Move("reply", "Please come", read=read)
        return await desk_requests.do(session, visitor, request.code, form, words=WORDS, now=LATER)

    read = (await desk_requests.get_page(session, visitor, request.code, now=LATER)).read
    await threads.assign(session, request.code, sao, staff=sao, now=LATER)
    with pytest.raises(TakenMeanwhile):
        await send(read)
    page = await desk_requests.get_page(session, visitor, request.code, now=LATER)
    assert (page.owner_name, page.owned_since) == ("Sao", LATER)
    assert (await send(page.read)).sent is not None


async def test_who_rang_up_about_what_was_nobody_s_has_taken_it(session: AsyncSession) -> None:
    _, request = await _asked(session)
    sok, sao = await hire(session), await hire(session, "Sao")
    visitor = at_desk(sok)
    read = (await desk_requests.get_page(session, visitor, request.code, now=LATER)).read
    await threads.note_call(session, request.code, "not_reached", staff=sao, now=LATER)
    form = Move("reply", "Please come", read=read)
    with pytest.raises(TakenMeanwhile):
        await desk_requests.do(session, visitor, request.code, form, words=WORDS, now=LATER)


async def test_other_words_after_a_reply_that_went_out_are_asked_about(
    session: AsyncSession,
) -> None:
    """The line broke after the first: whoever wrote it believes that nothing was sent."""
    _, request = await _asked(session)
    visitor = await visit(session)
    page = await desk_requests.get_page(session, visitor, request.code, now=LATER)
    first, other = [
        Move("reply", words, seen=page.seen, read=page.read) for words in ("Come", "Come today")
    ]
    await desk_requests.do(session, visitor, request.code, first, words=WORDS, now=LATER)
    again = await desk_requests.do(session, visitor, request.code, first, words=WORDS, now=LATER)
    assert again.again
    with pytest.raises(AnsweredMeanwhile):
        await desk_requests.do(session, visitor, request.code, other, words=WORDS, now=LATER)
    assert len(await outbox(session)) == 1


async def test_what_came_back_to_its_owner_is_gone_on_with_and_not_taken(
    session: AsyncSession,
) -> None:
    _, request = await _asked(session)
    sok, sao = await hire(session), await hire(session, "Sao")
    await threads.finish(session, request.code, "helped", staff=sok, words=WORDS, now=LATER)
    await threads.reopen(session, request.code, staff=sok, now=LATER)
    for one, offered in ((sok, "go_on"), (sao, "take")):
        page = await desk_requests.get_page(session, at_desk(one), request.code, now=LATER)
        assert page.moves & {"take", "go_on"} == {offered}
    with pytest.raises(MoveNotAllowed):
        await threads.go_on(session, request.code, staff=sao, now=LATER)
    assert (request.state, request.owner_id) == ("reopened", sok.id)
    await threads.go_on(session, request.code, staff=sok, now=LATER)
    assert (request.state, request.owner_id) == ("taken", sok.id)
