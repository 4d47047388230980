"""Reading a thread: somebody who wrote ten thousand messages stops nobody's work."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services import addresses, threads
from services.threads.reading import get_thread


async def test_of_a_long_thread_the_latest_events_are_read(
    session: AsyncSession, now: datetime
) -> None:
    address = await addresses.get_or_create(session, "telegram", "42", now=now)
    for number in range(4):
        code = (await threads.talk(session, address, f"text {number}", now=now)).code
    thread = await get_thread(session, code, most=2)
    assert [event.text for event in thread.events] == ["text 2", "text 3"]
    assert thread.left_out == 3  # that it was opened, and two texts
    whole = await get_thread(session, code)
    assert (len(whole.events), whole.left_out) == (5, 0)
    exact = await get_thread(session, code, most=5)
    assert (len(exact.events), exact.left_out) == (5, 0)
