"""Cards are edited by a job: what cannot be edited now is tried again, and patience is no try."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import select, text

from bot.bootstrap import App
from bot.staff_cards.editing import MOST_TRIES, CardEditing
from bot.staff_cards.words import CatalogueCardWords
from db.models import Address, OutboxRow, Request
from services import jobs, my_data, threads
from services.outcomes import Later
from services.staff_cards.sending import send_due
from services.staff_cards.words import CardMessage
from tests.served_app import make_app
from tests.services.centre_at_work import FRIDAY, hire
from tests.services.staff_chats import ask_urgently, chat_of, work_with_chat
from tests.support import Database

WORDS = CatalogueCardWords("https://desk.example/desk")


class Carrier:
    """Says what it was told to; remembers what was to be edited."""

    def __init__(self) -> None:
        self.outcome: Later | None = None
        self.edited: list[tuple[str, str, str]] = []

    async def edit(self, chat: str, message_id: str, message: CardMessage) -> Later | None:
        self.edited.append((chat, message_id, message.text))
        return self.outcome


@pytest.fixture
async def app(db: Database, redis_url: str) -> AsyncIterator[App]:
    async with make_app(db.engine, redis_url, database_url=db.url) as made:
        yield made


async def _taken(app: App, state: str = "sent") -> Request:
    """Sok has a card of a request that Dara has taken."""
    async with app.new_session.begin() as session:
        await work_with_chat(session)
        request = await ask_urgently(session)
        await send_due(session, WORDS, FRIDAY)
        for row in await session.scalars(
            select(OutboxRow).where(OutboxRow.purpose == "staff_card")
        ):
            row.state, row.provider_id = state, "77"
        await threads.take(session, request.code, staff=await hire(session, "Dara"), now=FRIDAY)
        return request


async def _edit(app: App, carrier: Any, request: Request, tries: int = 0) -> None:
    await CardEditing(app, carrier, WORDS).edit(request.id, tries)


async def _forget_promises(app: App) -> None:
    async with app.new_session.begin() as session:
        await session.execute(text("DELETE FROM procrastinate_jobs"))


async def test_the_card_says_what_became_of_it(app: App) -> None:
    request, carrier = await _taken(app), Carrier()
    await _edit(app, carrier, request)
    ((chat, message, said),) = carrier.edited
    assert (chat, message) == (chat_of("Sok"), "77")
    assert said.endswith(WORDS.outcome("km", "colleague"))


async def _promised(app: App, job: str = jobs.SHOW_CARDS) -> list[tuple[Any, Any]]:
    """What each promised look is told, and in how many seconds it begins."""
    query = text(
        "SELECT args, round(extract(epoch FROM scheduled_at - now())) FROM procrastinate_jobs"
        " WHERE task_name = :name AND lock = queueing_lock"
    )
    async with app.new_session() as session:
        return [(row[0], row[1]) for row in await session.execute(query, {"name": job})]


@pytest.mark.parametrize(("tries", "after_s"), [(0, 10), (2, 1000)])
async def test_what_cannot_be_edited_is_tried_again_ever_later(
    app: App, tries: int, after_s: int
) -> None:
    request, carrier = await _taken(app), Carrier()
    await _forget_promises(app)
    carrier.outcome = Later(10, "http 502")
    await _edit(app, carrier, request, tries)
    ((said, waits),) = await _promised(app)
    assert said == {"request_id": request.id, "tries": tries + 1}
    assert after_s - 2 <= waits <= after_s


async def test_what_can_never_be_edited_is_given_up(app: App) -> None:
    request, carrier = await _taken(app), Carrier()
    await _forget_promises(app)
    carrier.outcome = Later(10, "http 401")
    await _edit(app, carrier, request, MOST_TRIES - 1)
    assert await _promised(app) == []


async def test_what_is_on_its_way_is_waited_for(app: App) -> None:
    request, carrier = await _taken(app, "sending"), Carrier()
    await _forget_promises(app)
    await _edit(app, carrier, request)
    ((said, waits),) = await _promised(app)
    assert said == {"request_id": request.id, "tries": 0}
    assert waits > 0


async def test_a_carrier_that_asks_for_patience_gets_it(app: App) -> None:
    request, carrier = await _taken(app), Carrier()
    await _forget_promises(app)
    carrier.outcome = Later(7, "throttled", throttled=True)
    await _edit(app, carrier, request)
    ((said, waits),) = await _promised(app)
    assert said == {"request_id": request.id, "tries": 0}
    assert 5 <= waits <= 7


async def test_the_card_of_a_deleted_request_says_so_as_soon_as_it_can(app: App) -> None:
    request, carrier = await _taken(app), Carrier()
    await _forget_promises(app)
    async with app.new_session.begin() as session:
        address = await session.get_one(Address, request.address_id)
        await my_data.delete_everything(session, address, now=FRIDAY)
    ((said, _),) = await _promised(app, jobs.SHOW_CARD_MESSAGE)
    await _forget_promises(app)
    carrier.outcome = Later(10, "http 502")
    await CardEditing(app, carrier, WORDS).edit_message(**said)
    assert carrier.edited == [(chat_of("Sok"), "77", WORDS.outcome("km", "gone"))]
    ((later, _),) = await _promised(app, jobs.SHOW_CARD_MESSAGE)
    assert later == {**said, "tries": 1}
