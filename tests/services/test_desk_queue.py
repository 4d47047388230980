"""What each tab of the desk's list holds, for whom, in which order."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import Request
from services import addresses, desk_search, requests, threads
from services.accounts.types import Visitor
from services.desk_cursor import Position
from services.desk_filters import Filters
from services.desk_queue import TABS, QueueLine, count_new, count_tabs, find_first_tab, list_page
from services.desk_search import Count
from services.errors import NotAllowed
from tests.services.centre_at_work import FRIDAY, PlainWords, hire, write_from
from tests.services.desk_visitors import NAME, ask, at_desk, register, see_as, visit

LATER = FRIDAY + timedelta(days=14)
EVERYTHING = Filters()


async def _open(
    session: AsyncSession,
    value: str,
    *,
    topic: str = "talk",
    urgency: str = "normal",
    centre: str = "pursat",
    channel: str = "telegram",
    now: datetime = FRIDAY,
) -> Request:
    address = await write_from(session, value, channel)
    return await requests.open_request(
        session, address, topic, centre_id=centre, urgency=urgency, now=now
    )


async def _list(
    session: AsyncSession,
    visitor: Visitor,
    tab: str = "all",
    filters: Filters = EVERYTHING,
    now: datetime = FRIDAY,
) -> list[QueueLine]:
    return list((await list_page(session, visitor, tab, filters, now=now)).lines)


async def test_each_tab_holds_what_its_name_says(session: AsyncSession) -> None:
    staff, other = await hire(session), await hire(session, "Dara")
    free, mine, theirs, waiting, done, withdrawn = [
        await _open(session, str(number)) for number in range(6)
    ]
    for request in (mine, waiting, done):
        await threads.take(session, request.code, staff=staff, now=FRIDAY)
    await threads.take(session, theirs.code, staff=other, now=FRIDAY)
    await threads.wait_for_others(session, waiting.code, staff=staff, now=FRIDAY)
    words = PlainWords()
    await threads.finish(session, done.code, "helped", staff=staff, words=words, now=FRIDAY)
    withdrawn.withdraw(now=FRIDAY)
    visitor = at_desk(staff)
    await see_as(session, visitor)

    held = {
        tab: {line.code for line in await _list(session, visitor, tab, now=LATER)} for tab in TABS
    }

    assert held == {
        "mine": {mine.code, waiting.code},
        "unassigned": {free.code},
        "overdue": {free.code, mine.code, theirs.code},
        "waiting": {waiting.code},
        "all": {free.code, mine.code, theirs.code, waiting.code},
        "done": {done.code, withdrawn.code},
    }
    counted = await count_tabs(session, visitor, EVERYTHING, now=LATER)
    assert counted == {tab: Count(len(codes), False) for tab, codes in held.items()}


async def test_what_is_urgent_comes_first_then_what_is_due_then_what_waits_for_others(
    session: AsyncSession,
) -> None:
    staff = await hire(session)
    second = await _open(session, "2", now=FRIDAY + timedelta(hours=1))
    waiting = await _open(session, "3")
    first = await _open(session, "1")
    low = await _open(session, "4", urgency="low", now=FRIDAY - timedelta(days=9))
    urgent = await _open(session, "5", urgency="urgent", now=FRIDAY + timedelta(hours=2))
    await threads.wait_for_person(session, waiting.code, staff=staff, now=FRIDAY)
    lines = await _list(session, at_desk(staff))
    assert [line.code for line in lines] == [
        request.code for request in (urgent, first, second, waiting, low)
    ]


async def test_what_is_urgent_and_due_in_days_says_until_when_its_centre_is_closed(
    session: AsyncSession,
) -> None:
    visitor = await visit(session)
    saturday = FRIDAY + timedelta(days=1)  # before the Water Festival
    after_it = datetime(2026, 11, 26, 1, 0, tzinfo=UTC)
    urgent = await _open(session, "1", urgency="urgent", now=saturday)
    await _open(session, "2", now=saturday)
    told = {line.code: line.closed_until for line in await _list(session, visitor, now=saturday)}
    assert [told.pop(urgent.code), *told.values()] == [after_it, None]
    for now in (after_it, after_it + timedelta(hours=3)):  # open, and overdue
        assert {line.closed_until for line in await _list(session, visitor, now=now)} == {None}


async def test_what_was_closed_last_comes_first(session: AsyncSession) -> None:
    staff, codes = await hire(session), []
    for number in range(3):
        request = await _open(session, str(number))
        moment = FRIDAY + timedelta(hours=number)
        words = PlainWords()
        await threads.finish(session, request.code, "helped", staff=staff, words=words, now=moment)
        codes.append(request.code)
    lines = await _list(session, at_desk(staff), "done")
    assert [line.code for line in lines] == codes[::-1]


@pytest.mark.parametrize("tab", ["all", "done"])
async def test_pages_follow_one_another_although_requests_come_and_go(
    session: AsyncSession, tab: str
) -> None:
    staff = await hire(session)
    made = []
    for number in range(7):
        urgency = ("urgent", "normal", "low")[number % 3]
        made.append(await _open(session, str(number), urgency=urgency))
    await threads.wait_for_person(session, made[0].code, staff=staff, now=FRIDAY)
    if tab == "done":
        for request in made:
            request.withdraw(now=FRIDAY)
    visitor = at_desk(staff)
    whole = [line.code for line in await _list(session, visitor, tab)]

    seen: list[str] = []
    after: Position | None = None
    while True:
        page = await list_page(session, visitor, tab, EVERYTHING, now=FRIDAY, after=after, size=3)
        seen += [line.code for line in page.lines]
        if page.following is None:
            break
        after = Position.parse(str(page.following))
        assert after == page.following
        newest = await _open(session, f"new {len(seen)}", urgency="urgent")
        if tab == "done":
            newest.withdraw(now=FRIDAY + timedelta(hours=1))

    assert len(seen) == len(whole) == 7
    assert seen == whole


@pytest.mark.parametrize(
    "written",
    ["", "x", "1.2", "3.1.1", "0.1.9999999999999999999", f"0.{'9' * 18}.1", "-1.1.1", "1.1.1.1"],
)
async def test_a_place_that_no_page_named_is_the_beginning(
    session: AsyncSession, written: str
) -> None:
    visitor = await visit(session)
    request = await _open(session, "1")
    page = await list_page(
        session, visitor, "all", EVERYTHING, now=FRIDAY, after=Position.parse(written)
    )
    assert [line.code for line in page.lines] == [request.code]


async def test_nothing_is_counted_beyond_what_is_shown(session: AsyncSession) -> None:
    visitor = await visit(session)
    address = await write_from(session, "1")
    for _ in range(103):
        await requests.open_request(session, address, "talk", centre_id="pursat", now=FRIDAY)
    counted = await count_tabs(session, visitor, EVERYTHING, now=FRIDAY)
    assert (counted["all"], counted["mine"]) == (Count(99, True), Count(0, False))
    assert (
        await count_new(session, visitor, EVERYTHING, since=FRIDAY - timedelta(days=1))
    ).number == 100
    assert (await count_new(session, visitor, EVERYTHING, since=FRIDAY)).number == 0


async def test_a_visitor_sees_their_centre_and_administrators_all_of_them(
    session: AsyncSession,
) -> None:
    here = await _open(session, "1")
    there = await _open(session, "2", centre="preah-vihear")
    visitor = await visit(session)
    boss = await visit(session, "Boss", "administrator", None)
    for looking, seen in ((visitor, {here.code}), (boss, {here.code, there.code})):
        await see_as(session, looking)
        assert {line.code for line in await _list(session, looking)} == seen
        counted = await count_tabs(session, looking, EVERYTHING, now=FRIDAY)
        assert counted["unassigned"].number == len(seen)
    (line,) = await _list(session, boss, filters=Filters(centre="preah-vihear"))
    assert line.code == there.code
    await see_as(session, visitor)
    assert [line.code for line in await _list(session, visitor, filters=Filters(centre="x"))] == [
        here.code
    ]


async def test_the_query_names_the_centre_itself(session: AsyncSession) -> None:
    """Row-level security is the second wall, not the only one."""
    await _open(session, "2", centre="preah-vihear")
    visitor = await visit(session)
    assert await _list(session, visitor) == []
    assert (await count_tabs(session, visitor, EVERYTHING, now=FRIDAY))["all"].number == 0
    assert (
        await count_new(session, visitor, EVERYTHING, since=FRIDAY - timedelta(days=1))
    ).number == 0


async def test_auditors_see_no_requests(session: AsyncSession) -> None:
    auditor = await visit(session, "Eye", "auditor", None)
    with pytest.raises(NotAllowed):
        await _list(session, auditor)
    with pytest.raises(NotAllowed):
        await count_tabs(session, auditor, EVERYTHING, now=FRIDAY)
    with pytest.raises(NotAllowed):
        await count_new(session, auditor, EVERYTHING, since=FRIDAY)


async def test_a_line_says_whose_it_is_and_shows_nobody_whole(session: AsyncSession) -> None:
    staff = await hire(session)
    request = await ask(session)
    await threads.take(session, request.code, staff=staff, now=FRIDAY)
    await threads.reply(session, request.code, "សួស្ដី", staff=staff, words=PlainWords(), now=FRIDAY)
    visitor = at_desk(staff)
    await see_as(session, visitor)
    (line,) = await _list(session, visitor, "mine")
    assert (line.owner_name, line.is_mine, line.can_open) == ("Sok", True, True)
    assert (line.channel, line.last_delivery, line.is_overdue) == ("sms", "waiting", False)
    assert line.who is not None
    assert (line.who.name, line.who.phone) == ("ស្រី•••", "•••111")
    assert line.who.home is not None and "ពោធិ៍សាត់" in line.who.home
    assert NAME not in repr(line) and "ស្រី" not in repr(line)


async def test_administrators_do_not_learn_who_asks_before_it_is_theirs(
    session: AsyncSession,
) -> None:
    request = await ask(session)
    boss = await visit(session, "Boss", "administrator", None)
    (line, *_) = await _list(session, boss)
    assert (line.can_open, line.who) == (False, None)
    assert await _list(session, boss, filters=Filters(name="ស្រីមុំ")) == []
    request.owner_id = boss.staff_id
    await session.flush()
    (line,) = await _list(session, boss, "mine", Filters(name="ស្រីមុំ"))
    assert line.can_open and line.who is not None and line.who.name == "ស្រី•••"


async def test_who_was_handed_over_is_found_and_named_at_the_other_centre(
    session: AsyncSession,
) -> None:
    staff = await hire(session)
    request = await ask(session, await register(session))
    await threads.hand_over(session, request.code, "preah-vihear", staff=staff, now=FRIDAY)
    visitor = await visit(session, "Dara", centre="preah-vihear")
    await see_as(session, visitor)
    for filters in (EVERYTHING, Filters(name="ចាន់"), Filters(place="1503")):
        (line,) = await _list(session, visitor, filters=filters)
        assert line.code == request.code
        assert line.who is not None and line.who.name == "ស្រី•••"


async def test_who_never_registered_has_a_number_if_it_is_a_phone(session: AsyncSession) -> None:
    visitor = await visit(session)
    for channel, value in (("sms", "+85512000678"), ("telegram", "4242")):
        await requests.open_request(
            session,
            await addresses.get_or_create(session, channel, value, now=FRIDAY),
            "talk",
            centre_id="pursat",
            now=FRIDAY,
        )
    lines = await _list(session, visitor)
    assert [(line.who.name, line.who.phone, line.who.home) for line in lines if line.who] == [
        (None, "•••678", None),
        (None, None, None),
    ]


async def test_the_tabs_count_what_the_filters_leave(session: AsyncSession) -> None:
    staff = await hire(session)
    call, talk, done = [
        await _open(session, str(number), topic=topic)
        for number, topic in enumerate(("call", "talk", "call"))
    ]
    words = PlainWords()
    await threads.finish(session, done.code, "helped", staff=staff, words=words, now=FRIDAY)
    await threads.take(session, talk.code, staff=staff, now=FRIDAY)
    visitor = at_desk(staff)
    for filters, expected in (
        (Filters(topic="call"), {"all": 1, "unassigned": 1, "mine": 0, "done": 1}),
        (Filters(code=talk.code), {"all": 1, "unassigned": 0, "mine": 1, "done": 0}),
        (Filters(code=call.code, topic="talk"), {"all": 0, "done": 0}),
    ):
        counted = await count_tabs(session, visitor, filters, now=FRIDAY)
        assert {tab: counted[tab].number for tab in expected} == expected
        assert not any(count.has_more for count in counted.values())


async def test_a_search_without_end_stops_and_says_from_where_to_go_on(
    session: AsyncSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk_search, "WALKS", (1, 3))
    monkeypatch.setattr(desk_search, "COUNT_WALK", 4)
    made = [
        await _open(session, str(number), topic="call" if number in (1, 9) else "talk")
        for number in range(10)
    ]
    for number, request in enumerate(made):
        request.withdraw(now=FRIDAY + timedelta(hours=number))
    await session.flush()
    visitor, filters = await visit(session), Filters(topic="call")
    seen, after, cuts = [], None, []
    while True:
        page = await list_page(session, visitor, "done", filters, now=FRIDAY, after=after)
        seen += [line.code for line in page.lines]
        cuts.append(page.is_cut)
        if page.following is None:
            break
        after = page.following
    assert (seen, cuts) == ([made[9].code, made[1].code], [True, True, False])
    counted = await count_tabs(session, visitor, filters, now=FRIDAY)
    assert (counted["done"], counted["all"]) == (Count(1, True), Count(0, False))


async def test_whom_many_share_a_name_with_is_found_along_the_list(
    session: AsyncSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        await register(session, f"+8551234567{number}")
    visitor, filters = await visit(session), Filters(name="ចាន់ ស្រី", place="1503")
    (few,) = [len(await _list(session, visitor, filters=filters))]
    monkeypatch.setattr(desk_search, "FEW", 2)
    assert len(await _list(session, visitor, filters=filters)) == few == 3
    monkeypatch.setattr(desk_search, "_FEW_OF_A_WORD", 2)
    assert len(await _list(session, visitor, filters=filters)) == 3
    counted = await count_tabs(session, visitor, filters, now=FRIDAY)
    assert (counted["all"], counted["mine"]) == (Count(3, False), Count(0, False))
    assert await _list(session, visitor, filters=Filters(name="ចាន់ ដារ៉ា")) == []


async def test_what_came_in_by_another_way_is_new_too(session: AsyncSession) -> None:
    staff, elsewhere = await hire(session), await hire(session, "Dara", centre="preah-vihear")
    colleague = await hire(session, "Sao")
    visitor = at_desk(staff)
    since, later = FRIDAY, FRIDAY + timedelta(minutes=5)
    handed, reopened, given, own = [await _open(session, str(number)) for number in range(4)]
    handed.centre_id = "preah-vihear"
    await session.flush()
    words = PlainWords()
    await threads.finish(session, reopened.code, "helped", staff=staff, words=words, now=FRIDAY)
    assert (await count_new(session, visitor, EVERYTHING, since=since)).number == 0

    await threads.hand_over(session, handed.code, "pursat", staff=elsewhere, now=later)
    address = await write_from(session, "1")
    await threads.write_to_request(session, address, reopened.code, "still not", now=later)
    await threads.assign(session, given.code, staff, staff=colleague, now=later)
    assert (await count_new(session, visitor, EVERYTHING, since=since)).number == 3
    assert (await count_new(session, at_desk(colleague), EVERYTHING, since=since)).number == 2

    assert not (await count_new(session, visitor, EVERYTHING, since=since)).has_urgent
    await threads.set_urgency(session, given.code, "urgent", staff=colleague, now=later)
    assert (await count_new(session, visitor, EVERYTHING, since=since)).has_urgent

    await threads.assign(session, own.code, staff, staff=staff, now=later)
    assert (await count_new(session, visitor, EVERYTHING, since=since)).number == 3


async def test_the_list_opens_where_there_is_something_to_do(session: AsyncSession) -> None:
    staff = await hire(session)
    visitor, request = at_desk(staff), await _open(session, "1")
    assert await find_first_tab(session, visitor) == "unassigned"
    await threads.take(session, request.code, staff=staff, now=FRIDAY)
    assert await find_first_tab(session, visitor) == "mine"
    request.withdraw(now=FRIDAY)
    await session.flush()
    assert await find_first_tab(session, visitor) == "unassigned"
