"""A card on its whole way: from its cause over delivery to a phone, and from a press back to it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from sqlalchemy import select

from bot.bootstrap import App
from bot.channels.telegram_edits import TelegramEdits
from bot.channels.telegram_name import BotName
from bot.channels.telegram_out import TelegramSender
from bot.channels.telegram_session import new_telegram_bot
from bot.conversation import Conversation, build_conversation
from bot.delivery import Delivery
from bot.staff_cards.editing import CardEditing
from bot.staff_cards.words import CatalogueCardWords, find_desk_url
from bot.supervision import Tasks
from bot.worker import telegram_limits
from db.models import OutboxRow, Request, StaffCard
from locales.catalogue import load_catalogue
from services import threads
from services.inbox import InboxItem
from services.staff_cards import linking
from services.staff_cards.climbing import climb
from services.staff_cards.sending import send_due
from tests.people import NOW
from tests.served_app import make_app, until
from tests.services.centre_at_work import hire
from tests.services.desk_visitors import at_desk
from tests.services.staff_chats import ask_urgently, employ, told_to, work_with_chat
from tests.simulator.running import TOKEN, Simulator, run_simulator
from tests.support import Database


def words(key: str, **values: object) -> str:
    return load_catalogue().text(key, "km", **values)


@pytest.fixture
async def carrier() -> AsyncIterator[Simulator]:
    async with run_simulator() as it:
        yield it


@pytest.fixture
async def app(db: Database, redis_url: str, carrier: Simulator) -> AsyncIterator[App]:
    settings: dict[str, Any] = {
        "telegram_bot_token": TOKEN,
        "telegram_api_url": carrier.url,
        "telegram_per_s": 0,
        "public_url": "https://desk.example",
        "database_url": db.url,
    }
    async with make_app(db.engine, redis_url, **settings) as made:
        yield made


@asynccontextmanager
async def _conversation(app: App) -> AsyncIterator[Conversation]:
    bot = new_telegram_bot(TOKEN, app.settings.telegram_api_url)
    conversation = replace(build_conversation(app, bot), now=lambda: NOW)
    yield conversation
    await conversation.close()


async def _hear(carrier: Simulator, conversation: Conversation) -> None:
    """Whatever the phones did reaches the conversation."""
    for update in await carrier.take_updates():
        await conversation.handle(InboxItem(update["update_id"], "telegram", update, 1))


@asynccontextmanager
async def _delivering(app: App) -> AsyncIterator[None]:
    async def no_file(_: object) -> None:
        return None

    settings = app.settings
    sender = TelegramSender(
        settings.telegram_api_url,
        settings.telegram_bot_token,
        limits=telegram_limits(app),
        open_file=no_file,
    )
    tasks, stopping = Tasks(), asyncio.Event()
    async with sender:
        tasks.start(
            Delivery(app.engine, {"telegram": sender}, poll_s=0.05).run(stopping), name="delivery"
        )
        try:
            yield
        finally:
            stopping.set()
            await tasks.finish(5)


async def _send(app: App, after: timedelta = timedelta(0)) -> None:
    async with app.new_session.begin() as session:
        await climb(session, NOW + after)
        await send_due(session, CatalogueCardWords(find_desk_url(app.settings)), NOW + after)


async def _link(app: App, carrier: Simulator, conversation: Conversation) -> dict[str, Any]:
    """The phone of a case worker who has linked it by what the page shows."""
    phone: dict[str, Any] = await carrier.add_started_phone()
    async with app.new_session.begin() as session:
        person = await employ(session)
        made = await linking.new_link(session, at_desk(person), now=NOW)
    await carrier.act(phone, "text", text=f"/start {made.start}")
    await _hear(carrier, conversation)
    assert (await carrier.messages(phone))[-1]["text"] == words("desk-card-linked", username="sok")
    return phone


async def test_an_urgent_request_rings_and_is_taken_on_the_phone(
    app: App, carrier: Simulator
) -> None:
    async with _conversation(app) as conversation, _delivering(app):
        phone = await _link(app, carrier, conversation)
        async with app.new_session.begin() as session:
            request = await ask_urgently(session, "9000", now=NOW)
        await _send(app)
        before = await carrier.messages(phone)
        card = await until(lambda: _newer(carrier, phone, before))
        (take,), (opens, _) = card["inline_keyboard"]
        assert opens["url"] == f"https://desk.example/desk/requests/{request.code}"
        assert request.code[:4] in card["text"]
        pressed = {"message_id": card["message_id"], "data": take["callback_data"]}
        await carrier.act(phone, "press", **pressed)
        await _hear(carrier, conversation)
        shown = (await carrier.messages(phone))[-1]
        assert words("desk-card-taken") in shown["text"]
        assert [[button["text"] for button in row] for row in shown["inline_keyboard"]] == [
            [words("desk-card-open")]
        ]
    async with app.new_session.begin() as session:
        assert (await session.get_one(Request, request.id)).state == "taken"


async def test_the_card_on_a_phone_says_that_a_colleague_took_it(
    app: App, carrier: Simulator
) -> None:
    async with (
        _conversation(app) as conversation,
        _delivering(app),
        aiohttp.ClientSession() as http,
    ):
        phone = await _link(app, carrier, conversation)
        async with app.new_session.begin() as session:
            request = await ask_urgently(session, "9000", now=NOW)
        before = await carrier.messages(phone)
        await _send(app)
        card = await until(lambda: _newer(carrier, phone, before))
        await until(lambda: _is_sent(app))
        async with app.new_session.begin() as session:
            dara = await hire(session, "Dara")
            await threads.take(session, request.code, staff=dara, now=NOW)
        edits = TelegramEdits(http, app.settings.telegram_api_url, TOKEN, telegram_limits(app))
        editing = CardEditing(app, edits, CatalogueCardWords(find_desk_url(app.settings)))
        for _ in range(2):  # what says so already stays as it is
            await editing.edit(request.id)
        shown = (await carrier.messages(phone))[-1]
    assert shown["message_id"] == card["message_id"]
    assert shown["text"].endswith(words("desk-card-colleague"))
    assert "Dara" not in shown["text"]


async def _is_sent(app: App) -> bool:
    async with app.new_session() as session:
        query = select(OutboxRow.id).where(
            OutboxRow.purpose == "staff_card", OutboxRow.provider_id.is_not(None)
        )
        return await session.scalar(query) is not None


async def _newer(
    carrier: Simulator, phone: dict[str, Any], before: list[dict[str, Any]]
) -> dict[str, Any] | None:
    messages = await carrier.messages(phone)
    return messages[-1] if len(messages) > len(before) else None


async def test_a_card_that_the_phone_refuses_climbs_to_the_manager(
    app: App, carrier: Simulator
) -> None:
    async with _conversation(app) as conversation, _delivering(app):
        phone = await _link(app, carrier, conversation)
        async with app.new_session.begin() as session:
            await work_with_chat(session, "Manager", "centre_manager", now=NOW)
            request = await ask_urgently(session, "9000", now=NOW)
        # Telegram knows of it before we do.
        await carrier.act(phone, "block")
        await _send(app)

        async def is_known() -> bool:
            async with app.new_session.begin() as session:
                await climb(session, NOW)
                cards = (await session.scalars(select(StaffCard.ended_at))).all()
                return any(ended is not None for ended in cards)

        await until(is_known)
    async with app.new_session.begin() as session:
        levels = [level for _, level, _ in await told_to(session, request)]
        assert levels == ["worker", "manager"]


async def test_a_stop_of_the_person_leaves_the_cards(app: App, carrier: Simulator) -> None:
    async with _conversation(app) as conversation, _delivering(app):
        phone = await _link(app, carrier, conversation)
        await carrier.act(phone, "text", text="/stop")
        await _hear(carrier, conversation)
        before = await carrier.messages(phone)
        async with app.new_session.begin() as session:
            request = await ask_urgently(session, "9000", now=NOW)
        await _send(app)
        card = await until(lambda: _newer(carrier, phone, before))
        assert request.code[:4] in card["text"]


# The name of the bot


async def test_the_name_of_the_bot_is_asked_for_once(carrier: Simulator) -> None:
    name = BotName(carrier.url, TOKEN)
    found = {await name.find() for _ in range(3)}
    assert found == {carrier.telegram.state.bot.username}


@pytest.mark.parametrize("token", ["1:wrong", "not a token"])
async def test_without_an_answer_there_is_no_name(carrier: Simulator, token: str) -> None:
    assert await BotName(carrier.url, token).find() is None
    assert await BotName("http://127.0.0.1:1", TOKEN).find() is None
