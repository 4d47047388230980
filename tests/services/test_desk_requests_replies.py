"""Drafts, what a reply costs, replies written often, and files, at the desk."""

import asyncio
import json
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from bot.message_words import CatalogueWords
from db.crypto import Keyring, current_keyring
from db.models import File, ReplyDraft, Request
from services import codes, desk_requests, files, sms_text, staff, threads
from services.accounts.types import Visitor
from services.acting import acting
from services.desk_requests import Move, canned
from services.desk_requests.canned import CannedReplyEnded, CannedReplyNotFound
from services.desk_requests.drafts import LONGEST_DRAFT
from services.errors import EmptyText, NotAllowed, RequestNotFound, TextTooLong
from services.file_store import FileStore
from services.files import FileNotFound
from simulator.telegram.files import read_sample
from tests.served_app import until
from tests.services.centre_at_work import FRIDAY, PlainWords, outbox, write_from
from tests.services.desk_visitors import NAME, ask, audited, register, see_as, visit
from tests.support import INSTALLATION, Database, waits_for_lock

LATER = FRIDAY + timedelta(hours=1)
WORDS = PlainWords()


async def _save(session: AsyncSession, request: Request, words: str, **values: object) -> None:
    await desk_requests.save_draft(
        session,
        values["visitor"],  # type: ignore[arg-type]
        request.code,
        words,
        seen=int(values.get("seen", 0)),  # type: ignore[call-overload]
        words=WORDS,
        now=LATER,
    )


async def test_a_draft_is_there_when_the_page_opens_again(session: AsyncSession) -> None:
    request, visitor = await ask(session), await visit(session)
    for words in ("សួ", "សួស្តី"):
        await _save(session, request, words, visitor=visitor)
    page = await desk_requests.get_page(session, visitor, request.code, now=LATER)
    assert page.draft == "សួស្តី"
    others = await desk_requests.get_page(
        session, await visit(session, "Sao"), request.code, now=LATER
    )
    assert others.draft is None


async def test_a_draft_lies_sealed_in_the_database(session: AsyncSession) -> None:
    request, visitor = await ask(session), await visit(session)
    await _save(session, request, "secret words", visitor=visitor)
    stored = await session.scalar(text("SELECT text FROM reply_draft"))
    assert b"secret" not in stored


async def test_a_draft_ends_when_it_is_emptied_or_sent(session: AsyncSession) -> None:
    request, visitor = await ask(session), await visit(session)
    await _save(session, request, "Yes", visitor=visitor)
    await _save(session, request, " \n", visitor=visitor)
    assert await _count_drafts(session) == 0
    await _save(session, request, "Yes", visitor=visitor)
    await desk_requests.do(
        session, visitor, request.code, Move("reply", "Yes"), words=WORDS, now=LATER
    )
    assert await _count_drafts(session) == 0


async def test_what_was_sent_does_not_come_back_as_a_draft(session: AsyncSession) -> None:
    """The last pause in typing may be told to us after the reply itself."""
    request, visitor = await ask(session), await visit(session)
    await desk_requests.do(
        session, visitor, request.code, Move("reply", "Yes"), words=WORDS, now=LATER
    )
    await _save(session, request, "Yes ", visitor=visitor)
    assert await _count_drafts(session) == 0
    page = await desk_requests.get_page(session, visitor, request.code, now=LATER)
    await _save(session, request, "Yes", visitor=visitor, seen=page.seen)
    assert await _count_drafts(session) == 1


async def test_a_draft_that_is_told_while_its_reply_goes_out_does_not_outlive_it(
    db: Database,
) -> None:
    async with db.new_session.begin() as session:
        request, visitor = await ask(session), await visit(session)

    async def save() -> None:
        async with acting(db.new_session, visitor) as session:
            await _save(session, request, "Yes", visitor=visitor)

    async with acting(db.new_session, visitor) as session:
        await desk_requests.do(
            session, visitor, request.code, Move("reply", "Yes"), words=WORDS, now=LATER
        )
        saving = asyncio.ensure_future(save())

        async def is_there() -> bool:
            return saving.done() or await waits_for_lock(session)

        await until(is_there)
    await saving
    async with db.new_session() as session:
        assert await _count_drafts(session) == 0


async def test_a_draft_hides_with_its_request_and_goes_when_that_goes_elsewhere(
    session: AsyncSession,
) -> None:
    request, visitor = await ask(session), await visit(session)
    await _save(session, request, "Yes", visitor=visitor)
    for centre, seen in ((None, 1), ("pursat", 1), ("preah-vihear", 0)):
        role = "administrator" if centre is None else "case_worker"
        await see_as(session, await visit(session, f"In {centre}", role, centre))
        assert await _count_drafts(session) == seen
    await see_as(session, visitor)
    move = Move("hand_over", "preah-vihear", reason="her home")
    await desk_requests.do(session, visitor, request.code, move, words=WORDS, now=LATER)
    await see_as(session, await visit(session, "Boss", "administrator", None))
    assert await _count_drafts(session) == 0


async def test_who_leaves_leaves_no_draft(session: AsyncSession) -> None:
    request, visitor = await ask(session), await visit(session)
    stays = await visit(session, "Sao")
    for one in (visitor, stays):
        await _save(session, request, "Yes", visitor=one)
    await staff.end(session, await staff.get(session, visitor.staff_id), now=LATER)
    assert (await session.scalars(select(ReplyDraft.staff_id))).all() == [stays.staff_id]


async def _count_drafts(session: AsyncSession) -> int:
    return await session.scalar(select(func.count()).select_from(ReplyDraft)) or 0


async def test_no_draft_of_what_is_not_theirs_and_none_without_end(session: AsyncSession) -> None:
    request = await ask(session)
    with pytest.raises(RequestNotFound):
        them = await visit(session, "Sao", centre="preah-vihear")
        await _save(session, request, "hello", visitor=them)
    with pytest.raises(TextTooLong):
        await _save(session, request, "x" * (LONGEST_DRAFT + 1), visitor=await visit(session))


@pytest.mark.parametrize(
    "words",
    ["Yes", "សួស្តីបង", "x" * 150, "ក" * 70, "“quoted” 🙏"],
    ids=["short", "khmer", "long", "long khmer", "doubled by a letter"],
)
@pytest.mark.parametrize(("language", "is_shared"), [("km", None), ("en", False), (None, True)])
async def test_the_parts_counted_are_those_that_go_out(
    session: AsyncSession, words: str, language: str | None, is_shared: bool | None
) -> None:
    address = await register(session)
    address.language, address.is_shared = language, is_shared
    request, visitor = await ask(session, address), await visit(session)
    catalogue = CatalogueWords()
    size = await desk_requests.save_draft(
        session, visitor, request.code, words, seen=0, words=catalogue, now=LATER
    )
    await desk_requests.do(
        session, visitor, request.code, Move("reply", words), words=catalogue, now=LATER
    )
    (row,) = await outbox(session)
    sent = json.loads(current_keyring().decrypt(row.body))["neutral" if is_shared else "text"]
    counted = sms_text.count(sent)
    assert (size.parts, size.units) == (counted.parts, counted.units)
    assert sent == sms_text.clean(sent)
    assert size.fits


async def test_no_letter_doubles_the_price_by_itself(session: AsyncSession) -> None:
    address = await register(session)
    address.language = "en"
    request, visitor = await ask(session, address), await visit(session)
    catalogue = CatalogueWords()
    plain, curly = [
        desk_requests.count_parts(words * 9, "sms", "en", request.code, catalogue)
        for words in ('It\'s "fine" - ', "It’s “fine” – ")
    ]
    assert (curly.parts, curly.units) == (plain.parts, plain.units)
    with pytest.raises(EmptyText):
        await desk_requests.do(
            session, visitor, request.code, Move("reply", "🙏"), words=catalogue, now=LATER
        )


@pytest.mark.parametrize(("channel", "value"), [("telegram", "42"), ("sms", "+85511222333")])
async def test_a_reply_fits_exactly_when_it_can_be_sent(
    session: AsyncSession, channel: str, value: str
) -> None:
    request = await ask(session, await write_from(session, value, channel))
    visitor = await visit(session)
    empty = desk_requests.count_parts("", channel, None, request.code, WORDS)
    around = len(WORDS.reply(None, channel, request.code, "").text)
    assert (empty.parts > 0) is (channel == "sms")
    longest = "ក" * (empty.most - around)
    for words, fits in ((longest, True), (longest + "ក", False)):
        size = desk_requests.count_parts(words, channel, None, request.code, WORDS)
        assert size.fits is fits
        move = Move("reply", words)
        if fits:
            await desk_requests.do(session, visitor, request.code, move, words=WORDS, now=LATER)
        else:
            with pytest.raises(TextTooLong):
                await desk_requests.do(session, visitor, request.code, move, words=WORDS, now=LATER)


async def test_a_reply_written_often_is_filled_in_for_this_person(session: AsyncSession) -> None:
    address = await register(session)
    request, manager = await ask(session, address), await visit(session, "Boss", "centre_manager")
    reply = await canned.add(
        session, manager, "Come", "បង {name} សូមមក {centre} ({code})", "{name}: {code}", now=FRIDAY
    )
    visitor = await visit(session)
    await see_as(session, visitor)
    filled = await canned.fill(session, visitor, request.code, reply.id, now=LATER)
    assert filled.startswith(f"បង {NAME} សូមមក ")
    assert codes.display(request.code) in filled
    assert "{" not in filled
    assert (await audited(session))[-1] == ("read", "person", str(request.person_id), ["name"])
    address.language = "en"
    await session.flush()
    filled = await canned.fill(session, visitor, request.code, reply.id, now=LATER)
    assert filled == f"{NAME}: {codes.display(request.code)}"


async def test_who_never_registered_leaves_no_gap(session: AsyncSession) -> None:
    request, manager = await ask(session, await write_from(session)), await _manager(session)
    reply = await canned.add(session, manager, "Hello", "បង {name} សូមមក", None, now=FRIDAY)
    assert await canned.fill(session, manager, request.code, reply.id, now=LATER) == "បង សូមមក"


async def _manager(session: AsyncSession, centre: str = "pursat") -> Visitor:
    return await visit(session, f"Boss {centre}", "centre_manager", centre)


async def test_a_centre_is_offered_its_own_replies_and_those_of_all(session: AsyncSession) -> None:
    boss = await visit(session, "Chief", "administrator", None)
    here, there = await _manager(session), await _manager(session, "preah-vihear")
    for keeper, title in ((boss, "c all"), (here, "b here"), (there, "a there")):
        await canned.add(session, keeper, title, "សួស្តី", None, now=FRIDAY)
    request = await ask(session)
    await see_as(session, here)
    page = await desk_requests.get_page(session, here, request.code, now=LATER)
    assert [reply.title for reply in page.canned] == ["b here", "c all"]
    await canned.end(session, here, page.canned[0].id, now=LATER)
    left = await canned.list_replies(session, "pursat")
    assert [reply.title for reply in left] == ["c all"]
    with pytest.raises(CannedReplyEnded):
        await canned.fill(session, here, request.code, page.canned[0].id, now=LATER)
    with pytest.raises(CannedReplyNotFound):
        await canned.end(session, here, page.canned[1].id, now=LATER)


async def test_another_centres_reply_is_not_found(session: AsyncSession) -> None:
    there, here = await _manager(session, "preah-vihear"), await _manager(session)
    reply = await canned.add(session, there, "Hello", "សួស្តី", None, now=FRIDAY)
    request = await ask(session)
    with pytest.raises(CannedReplyNotFound):
        await canned.fill(session, here, request.code, reply.id, now=LATER)
    with pytest.raises(CannedReplyNotFound):
        await canned.end(session, here, reply.id, now=LATER)


async def test_only_managers_and_administrators_say_which_replies_there_are(
    session: AsyncSession,
) -> None:
    reply = await canned.add(session, await _manager(session), "Hi", "សួស្តី", None, now=FRIDAY)
    for role in ("case_worker", "safety_focal_point", "auditor"):
        visitor = await visit(session, role, role, None if role == "auditor" else "pursat")
        with pytest.raises(NotAllowed):
            await canned.add(session, visitor, "Hello", "សួស្តី", None, now=FRIDAY)
        with pytest.raises(NotAllowed):
            await canned.end(session, visitor, reply.id, now=LATER)


async def test_a_file_is_shown_with_its_own_request_only(
    session: AsyncSession, tmp_path: Path, keyring: Keyring
) -> None:
    store = FileStore((tmp_path / "files").as_uri(), keyring, INSTALLATION)
    address = await register(session)
    request = await threads.attach_file(session, address, "photo", "a file", now=FRIDAY)
    file = (await session.scalars(select(File))).one()
    await files.keep(session, store, file.id, read_sample("photo"))
    other = (await threads.list_mine(session, address))[-1].code
    assert other != request.code
    visitor = await visit(session)

    kept = await desk_requests.read_file(session, store, visitor, request.code, file.id, now=LATER)
    assert kept.media_type == "image/jpeg"
    assert await audited(session) == [("read", "file", str(file.id), [])]
    with pytest.raises(FileNotFound):
        await desk_requests.read_file(session, store, visitor, other, file.id, now=LATER)
    them = await visit(session, "Sao", centre="preah-vihear")
    with pytest.raises(RequestNotFound):
        await desk_requests.read_file(session, store, them, request.code, file.id, now=LATER)
