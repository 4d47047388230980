"""What a new installation begins with: kind words that fit, and no number that nobody called."""

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.message_words import CatalogueWords
from db.models import Agency, CannedReply
from locales.wording import Wording, faults
from services import agencies, demo, starters
from services.desk_requests import canned, count_parts
from tests.services.centre_at_work import FRIDAY
from tests.services.desk_visitors import NAME, visit

LATER = FRIDAY + timedelta(days=1)
LONGEST_CENTRE = {
    "km": "មជ្ឈមណ្ឌលធនធានពលករចំណាកស្រុក ខេត្តឧត្តរមានជ័យ",
    "en": "Migrant Worker Resource Centre Oddar Meanchey",
}


def test_every_reply_is_two_sms_at_most_whoever_reads_it() -> None:
    for row in starters.read(starters.REPLIES):
        for language in ("km", "en"):
            values = {"name": NAME, "code": "1234 5678", "centre": LONGEST_CENTRE[language]}
            words = canned.filled(row[f"text_{language}"], values)
            assert canned.find_unknown(row[f"text_{language}"]) is None
            size = count_parts(words, "sms", language, "12345678", CatalogueWords())
            assert size.parts <= 2, (row["title"], language, size)


def test_every_reply_is_worded_as_the_line_speaks() -> None:
    for row in starters.read(starters.REPLIES):
        for language in ("km", "en"):
            wording = Wording(row["title"], language, row[f"text_{language}"], True, True)
            assert faults(wording) == [], row["title"]


async def test_they_are_loaded_once_and_what_was_ended_does_not_come_back(
    session: AsyncSession,
) -> None:
    assert await starters.load(session, now=FRIDAY) == ["canned_replies.csv", "agencies.csv"]
    chief = await visit(session, "Chief", "administrator", None)
    offered = await canned.list_replies(session, None)
    assert len(offered) == len(starters.read(starters.REPLIES)) >= 8
    for reply in offered:
        await canned.end(session, chief, reply.id, now=LATER)
    for line in await agencies.list_for(session):
        await agencies.end(session, chief, line.id, now=LATER)
    assert await starters.load(session, now=LATER) == []
    assert await canned.list_replies(session, None) == []


async def test_a_centre_s_own_replies_do_not_stand_in_for_those_of_all(
    session: AsyncSession,
) -> None:
    keeper = await visit(session, "Boss", "centre_manager")
    await canned.add(session, keeper, "Hello", "សួស្តី", None, now=FRIDAY)
    await demo.load(session, now=FRIDAY)
    assert await starters.load(session, now=FRIDAY) == ["canned_replies.csv", "agencies.csv"]


async def test_no_agency_comes_with_a_number(session: AsyncSession) -> None:
    await starters.load(session, now=FRIDAY)
    lines = await agencies.list_for(session)
    assert len(lines) == len(starters.read(starters.AGENCIES))
    assert {line.phone_state(FRIDAY) for line in lines} == {"none"}
    assert all(set(line.purposes) <= set(agencies.PURPOSES) for line in lines)
    assert all(line.note for line in lines)


async def test_demo_agencies_say_that_they_are_a_demo(session: AsyncSession) -> None:
    await demo.load(session, now=FRIDAY)
    assert not await demo.load(session, now=LATER)
    lines = await agencies.list_for(session)
    assert len(lines) == 2
    assert all(line.is_demo and "Demo" in line.name_km and "Demo" in line.name_en for line in lines)
    replies = await session.scalars(select(CannedReply))
    assert replies.all() == []
    assert len((await session.scalars(select(Agency))).all()) == 2
