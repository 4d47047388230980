from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from services import addresses, demo, requests, threads
from services.request_queue import list_requests
from tests.services.centre_at_work import FRIDAY, PlainWords, hire, outbox, write_from


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


async def test_the_list_says_what_became_of_the_last_message(session: AsyncSession) -> None:
    me, address = await hire(session), await write_from(session)
    code = (await threads.talk(session, address, "hello", now=FRIDAY)).code

    async def read() -> str | None:
        (line,) = await list_requests(session)
        return line.last_delivery

    assert await read() is None
    for state, shown in (("sent", "sent"), ("unreachable", "unreachable"), ("failed", "failed")):
        await threads.reply(session, code, "hello", staff=me, words=PlainWords(), now=FRIDAY)
        (*_, last) = await outbox(session)
        last.state = state
        await session.flush()
        assert await read() == shown
    await addresses.stop(session, address.id, now=FRIDAY)
    await threads.reply(session, code, "hello", staff=me, words=PlainWords(), now=FRIDAY)
    assert await read() == "withheld"


async def test_the_list_names_people_and_their_places(session: AsyncSession) -> None:
    await demo.load(session, now=FRIDAY)
    lines = await list_requests(session)
    assert all(line.name and line.home and line.is_demo for line in lines)
    assert len({line.centre_id for line in lines}) == 3
