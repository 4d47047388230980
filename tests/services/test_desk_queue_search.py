"""Whom a search of the desk's list finds, by name or number, and what is written down of it."""

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from services import threads
from services.accounts.types import Visitor
from services.desk_filters import Filters
from services.desk_queue import QueueLine, count_tabs, list_page
from services.desk_search import Count
from tests.services.centre_at_work import FRIDAY, write_from
from tests.services.desk_visitors import ask, audited, see_as, visit

EVERYTHING = Filters()


async def _list(
    session: AsyncSession,
    visitor: Visitor,
    filters: Filters = EVERYTHING,
) -> list[QueueLine]:
    return list((await list_page(session, visitor, "all", filters, now=FRIDAY)).lines)


async def test_looking_for_a_name_is_written_down_without_the_name(session: AsyncSession) -> None:
    visitor = await visit(session)
    await _list(session, visitor)
    await _list(session, visitor, filters=Filters(name="ស្រីមុំ"))
    assert await audited(session) == [("searched", "person", None, ["name"])]


async def test_who_works_elsewhere_is_not_told_by_what_their_filter_finds(
    session: AsyncSession,
) -> None:
    await ask(session)
    boss = await visit(session, "Boss", "administrator", None)
    await see_as(session, boss)
    assert await _list(session, boss) != []
    for filters in (Filters(place="150301"), Filters(name="ស្រីមុំ")):
        assert await _list(session, boss, filters=filters) == []
        counted = await count_tabs(session, boss, filters, now=FRIDAY)
        assert {count.number for count in counted.values()} == {0}


@pytest.mark.parametrize("typed", ["099 000 111", "+85599000111", "០៩៩០០០១១១", "012-345-678"])
async def test_a_whole_number_finds_whose_it_is_at_one_s_own_centre(
    session: AsyncSession, typed: str
) -> None:
    visitor, stranger = await visit(session), await visit(session, "Chan", centre="preah-vihear")
    filters = Filters.parse({"phone": typed})
    code = (await ask(session)).code
    written = await threads.talk(
        session, await write_from(session, "+85512111112", "sms"), "Please call", now=FRIDAY
    )
    await see_as(session, visitor)
    found = {line.code for line in await _list(session, visitor, filters=filters)}
    assert (code in found, written.code in found) == (True, False)
    counted = await count_tabs(session, visitor, filters, now=FRIDAY)
    assert counted["all"] == Count(len(found), False)
    assert ("searched", "person", None, ["phone"]) in await audited(session)
    (other,) = await _list(session, visitor, filters=Filters(phone="+85512111112"))
    assert other.code == written.code
    await see_as(session, stranger)
    assert await _list(session, stranger, filters=filters) == []
    assert Filters.parse({"phone": typed[:-3]}).phone is None
