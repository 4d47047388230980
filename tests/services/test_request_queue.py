from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from services import demo, requests, threads
from services.request_queue import list_requests
from tests.services.centre_at_work import FRIDAY, hire, write_from


async def test_the_list_is_urgent_first_then_what_is_due_first(session: AsyncSession) -> None:
    address = await write_from(session)
    for topic, hours, urgency in (
        ("b", 1, "normal"),
        ("a", 2, "normal"),
        ("d", 3, "low"),
        ("c", 0, "urgent"),
    ):
        moment = FRIDAY + timedelta(hours=4 - hours)
        await requests.open_request(
            session, address, topic, centre_id="pursat", urgency=urgency, now=moment
        )
    lines = await list_requests(session, centre="pursat")
    assert [line.topic for line in lines] == ["c", "a", "b", "d"]
    assert await list_requests(session, centre="preah-vihear") == []


async def test_the_list_says_whose_it_is_and_can_be_narrowed(session: AsyncSession) -> None:
    me = await hire(session)
    mine = await threads.talk(session, await write_from(session), "hello", now=FRIDAY)
    other = await threads.talk(session, await write_from(session, "43"), "hello", now=FRIDAY)
    await threads.take(session, mine.code, staff=me, now=FRIDAY)
    (line,) = await list_requests(session, state="taken")
    assert (line.code, line.owner_name, line.state) == (mine.code, "Sok", "taken")
    await threads.wait_for_person(session, mine.code, staff=me, now=FRIDAY)
    assert other.due_at is not None
    late = other.due_at + timedelta(minutes=1)
    assert await list_requests(session, overdue_at=FRIDAY) == []
    (line,) = await list_requests(session, overdue_at=late)
    assert (line.code, line.due_at) == (other.code, other.due_at)


async def test_the_list_names_people_and_their_places(session: AsyncSession) -> None:
    await demo.load(session, now=FRIDAY)
    lines = await list_requests(session)
    assert all(line.name and line.home and line.is_demo for line in lines)
    assert len({line.centre_id for line in lines}) == 3
