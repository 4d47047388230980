"""Keeping the replies that are written often: what may stand in them, and two who write at once."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import CannedReply
from services.accounts.types import Visitor
from services.desk_requests import canned
from services.desk_requests.canned import CannedReplyNotFound
from services.errors import ChangedMeanwhile, NotAllowed, UnusableForm
from tests.services.centre_at_work import FRIDAY
from tests.services.desk_visitors import audited, see_as, visit
from tests.support import Database

LATER = FRIDAY + timedelta(hours=1)


async def _manager(session: AsyncSession, centre: str = "pursat") -> Visitor:
    return await visit(session, f"Boss {centre}", "centre_manager", centre)


async def _change(
    session: AsyncSession, visitor: Visitor, reply: CannedReply, **told: str
) -> CannedReply:
    words = {"title": "Hello", "text_km": "សួស្តី", "text_en": ""} | told
    seen = reply.updated_at
    return await canned.change(session, visitor, reply.id, **words, seen=seen, now=LATER)


@pytest.mark.parametrize(
    ("words", "unknown"),
    [
        ("{phone}", "{phone}"),
        ("{name", "{"),
        ("name}", "}"),
        ("{}", "{}"),
        ("{name!r:>9}{0}", "{name!r:>9}"),
        ("{{name}}", "{"),
        ("{name} {code} {centre}", None),
    ],
)
async def test_only_what_is_known_can_be_filled_in(
    session: AsyncSession, words: str, unknown: str | None
) -> None:
    assert canned.find_unknown(words) == unknown
    keeper = await _manager(session)
    if unknown is None:
        assert (await canned.add(session, keeper, "Hello", words, words, now=FRIDAY)).id
        return
    with pytest.raises(UnusableForm) as refused:
        await canned.add(session, keeper, "Hello", words, words, now=FRIDAY)
    assert refused.value.faults == {"text_km": "placeholder", "text_en": "placeholder"}


async def test_a_reply_needs_a_title_and_khmer_words_of_some_length(session: AsyncSession) -> None:
    keeper = await _manager(session)
    with pytest.raises(UnusableForm) as refused:
        await canned.add(session, keeper, " ", " ", "Hello", now=FRIDAY)
    assert refused.value.faults == {"title": "missing", "text_km": "missing"}
    with pytest.raises(UnusableForm) as refused:
        await canned.add(session, keeper, "x" * 81, "x" * 1001, "x" * 1001, now=FRIDAY)
    assert refused.value.faults == dict.fromkeys(("title", "text_km", "text_en"), "long")


async def test_what_nobody_sees_is_taken_out_of_its_words(session: AsyncSession) -> None:
    keeper = await _manager(session)
    words = "\u202eសួស្តី\x07"
    reply = await canned.add(session, keeper, f" {words}", words, words, now=FRIDAY)
    assert {reply.title, reply.text_km, reply.text_en} == {"សួស្តី"}
    with pytest.raises(UnusableForm) as refused:
        await canned.add(session, keeper, "\u202e", "\u200b", None, now=FRIDAY)
    assert refused.value.faults == {"title": "missing", "text_km": "missing"}


async def test_they_stand_in_the_order_of_a_khmer_dictionary(session: AsyncSession) -> None:
    keeper = await _manager(session)
    for title in ("ខ្ញុំ", "កូន", "ឆ្លើយ"):
        await canned.add(session, keeper, title, "សួស្តី", None, now=FRIDAY)
    found = await canned.list_replies(session, "pursat")
    assert [reply.title for reply in found] == ["កូន", "ខ្ញុំ", "ឆ្លើយ"]


async def test_of_two_who_change_it_at_once_the_second_is_told(session: AsyncSession) -> None:
    keeper = await _manager(session)
    reply = await canned.add(session, keeper, "Hello", "សួស្តី", None, now=FRIDAY)
    assert (await canned.add(session, keeper, " Hello ", "សួស្តី ", "", now=LATER)).id == reply.id
    changed = await canned.change(
        *(session, keeper, reply.id),
        title="Hello",
        text_km="ជំរាបសួរ",
        text_en=None,
        seen=FRIDAY,
        now=LATER,
    )
    assert changed.updated_at == LATER
    with pytest.raises(ChangedMeanwhile):
        await canned.change(
            *(session, keeper, reply.id),
            title="Hello",
            text_km="សួស្តីបង",
            text_en=None,
            seen=FRIDAY,
            now=LATER,
        )
    await _change(session, keeper, changed, text_km="ជំរាបសួរ")
    assert await audited(session) == [
        ("added", "canned_reply", str(reply.id), ["text_en", "text_km", "title"]),
        ("changed", "canned_reply", str(reply.id), ["text_km"]),
    ]


async def test_who_keeps_it_changes_it_and_nobody_else(session: AsyncSession) -> None:
    here, there = await _manager(session), await _manager(session, "preah-vihear")
    chief = await visit(session, "Chief", "administrator", None)
    reply = await canned.add(session, here, "Hello", "សួស្តី", None, now=FRIDAY)
    shared = await canned.add(session, chief, "For all", "សួស្តី", None, now=FRIDAY)
    for visitor, other in ((there, reply), (chief, reply), (here, shared)):
        with pytest.raises(CannedReplyNotFound):
            await canned.get_own(session, visitor, other.id)
        with pytest.raises(CannedReplyNotFound):
            await _change(session, visitor, other)
    with pytest.raises(NotAllowed):
        await _change(session, await visit(session, "Sok"), reply)
    await see_as(session, here)
    assert (await canned.get_own(session, here, reply.id)).title == "Hello"


async def test_one_that_is_ended_stays_ended(session: AsyncSession) -> None:
    keeper = await _manager(session)
    reply = await canned.add(session, keeper, "Hello", "សួស្តី", None, now=FRIDAY)
    for _ in range(2):
        await canned.end(session, keeper, reply.id, now=LATER)
    with pytest.raises(CannedReplyNotFound):
        await canned.get_own(session, keeper, reply.id)
    with pytest.raises(CannedReplyNotFound):
        await _change(session, keeper, reply)
    assert [row[0] for row in await audited(session)] == ["added", "ended"]


async def test_a_form_that_comes_twice_at_once_makes_one_reply(db: Database) -> None:
    async with db.new_session.begin() as session:
        keeper = await _manager(session)

    async def send() -> int:
        async with db.new_session.begin() as session:
            return (await canned.add(session, keeper, "Hello", "សួស្តី", None, now=FRIDAY)).id

    assert len(set(await asyncio.gather(*(send() for _ in range(4))))) == 1
