"""A Bot API server and a Twilio-compatible server of others drive the line by settings alone.

Web, inbox and outbox each run as a process of their own, as they would on machines of their own,
on a PostgreSQL and a Redis given by address.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from sqlalchemy import text

from bot.embedded import start_valkey
from db.engine import create_engine, new_session_factory
from tests.e2e.foreign_carriers import BotApi, Doors, Twilio
from tests.e2e.whole_line import PATIENCE_S, clean_environment, end_servers, free_ports
from tests.served_app import private_message, until
from tests.support import Database, temporary_database

TOKEN = "7654321:third-party"
SECRET = "third-party-secret"
CHAT = 4242424242
NUMBER = "+85512345678"
PROCESSES = (["web"], ["worker", "inbox"], ["worker", "outbox"])
QUESTION = "Please choose a language"


@dataclass(frozen=True)
class Line:
    """The line under test, between the two carriers."""

    telegram: BotApi
    twilio: Twilio
    doors: Doors
    db: Database

    async def told(self, chat: int, method: str, count: int = 1) -> list[dict[str, Any]]:
        """The calls of a method about a chat, once there are so many."""

        def calls() -> list[dict[str, Any]]:
            made = self.telegram.called(method)
            return [params for params in made if str(params["chat_id"]) == str(chat)]

        await until(lambda: len(calls()) >= count, PATIENCE_S)
        return calls()

    async def sms(self, count: int) -> list[dict[str, str]]:
        """The SMS sent, once there are so many."""
        await until(lambda: len(self.twilio.sent) >= count, PATIENCE_S)
        return self.twilio.sent

    async def fate(self) -> str:
        """What the database knows of the last SMS."""
        async with self.db.engine.connect() as connection:
            found = await connection.execute(text("SELECT state FROM outbox ORDER BY id DESC"))
            state: str = found.scalars().first() or ""
            return state


@asynccontextmanager
async def serving(
    db: Database, redis_url: str, folder: Path, *, scheme: str, two_way: bool
) -> AsyncIterator[Line]:
    """The three processes, ready, with both carriers; all ended again by SIGTERM."""
    telegram = BotApi(TOKEN)
    twilio = Twilio("AC" + "a" * 32, "b" * 32)
    (port,) = free_ports(1)
    public_url = f"{scheme}://line.example.org"
    async with AsyncExitStack() as stack:
        api = await stack.enter_async_context(telegram.server())
        carrier = await stack.enter_async_context(twilio.server())
        http = await stack.enter_async_context(aiohttp.ClientSession())
        settings = {
            "DATABASE_URL": db.url,
            "REDIS_URL": redis_url,
            "PORT": str(port),
            "PUBLIC_URL": public_url,
            "SECRET_KEY": "s" * 32,
            "ENCRYPTION_KEYS": "A" * 43,
            "TELEGRAM_BOT_TOKEN": TOKEN,
            "TELEGRAM_API_URL": str(api.make_url("/own")),
            "TELEGRAM_WEBHOOK_SECRET": SECRET,
            "TWILIO_ACCOUNT_SID": twilio.account,
            "TWILIO_AUTH_TOKEN": twilio.auth_token,
            "TWILIO_API_URL": str(carrier.make_url("/own")),
            "SMS_SENDER": "2580",
            "SMS_TWO_WAY": str(two_way).lower(),
        }
        stack.push_async_callback(telegram.let_go)
        for words in PROCESSES:
            await stack.enter_async_context(process(words, settings, folder))
        doors = Doors(http, f"http://127.0.0.1:{port}", public_url, SECRET, twilio)
        await until(lambda: answers(http, f"{doors.local_url}/readyz"), PATIENCE_S)
        yield Line(telegram, twilio, doors, db)


@asynccontextmanager
async def process(words: list[str], settings: dict[str, str], folder: Path) -> AsyncIterator[None]:
    log = folder / f"{'-'.join(words)}.log"
    with log.open("wb") as output:
        running = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "bot",
            *words,
            cwd=folder,
            env=clean_environment() | settings,
            stdout=output,
            stderr=output,
        )
    try:
        yield
        assert running.returncode is None, log.read_text()
    finally:
        if running.returncode is None:
            running.terminate()
        async with asyncio.timeout(PATIENCE_S):
            code = await running.wait()
    assert code == 0, log.read_text()
    assert "Traceback" not in log.read_text(), log.read_text()


async def answers(http: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with http.get(url) as answer:
            return answer.status == 200
    except aiohttp.ClientError:
        return False


@pytest.fixture(scope="module")
async def line(
    request: pytest.FixtureRequest,
    postgres_url: str,
    template: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Line]:
    """One line for all tests that want the same of it: starting it is what takes the time."""
    scheme, two_way = request.param
    folder = tmp_path_factory.mktemp("foreign")
    redis_url = start_valkey(folder)
    try:
        async with temporary_database(postgres_url, template) as url:
            engine = create_engine(url, pool_size=0)
            db = Database(url, engine, new_session_factory(engine))
            async with serving(db, redis_url, folder, scheme=scheme, two_way=two_way) as it:
                yield it
            await engine.dispose()
    finally:
        end_servers(folder)


# Telegram calls it, and its SMS can be replied to.
called = pytest.mark.parametrize("line", [("https", True)], indirect=True, ids=["called"])
# It asks Telegram for updates, and nobody can reply to its SMS.
asking = pytest.mark.parametrize("line", [("http", False)], indirect=True, ids=["asking"])


def press(update_id: int, sent: dict[str, Any], row: int) -> dict[str, Any]:
    """The update of somebody who presses a button of a message that the line sent."""
    keyboard = json.loads(sent["reply_markup"])["inline_keyboard"]
    message = {
        "message_id": 1,
        "date": 1795000000,
        "chat": {"id": CHAT, "type": "private", "first_name": "Sophea"},
        "text": sent["text"],
    }
    query = {
        "id": str(update_id),
        "from": {"id": CHAT, "is_bot": False, "first_name": "Sophea"},
        "chat_instance": "1",
        "data": keyboard[row][0]["callback_data"],
        "message": message,
    }
    return {"update_id": update_id, "callback_query": query}


@called
async def test_a_foreign_bot_api_server_calls_the_webhook_and_is_answered(line: Line) -> None:
    doors, telegram = line.doors, line.telegram
    (webhook,) = await until(lambda: telegram.called("setWebhook"), PATIENCE_S)
    assert webhook["url"] == "https://line.example.org/telegram/webhook"
    assert webhook["secret_token"] == SECRET

    assert await doors.update(private_message(1, CHAT, "/start"), secret="wrong") == 401
    assert await doors.update(private_message(1, CHAT, "/start"), secret="") == 401
    assert await doors.update(b"{") == 400
    assert await doors.update(private_message(1, CHAT, "/start")) == 200
    (sent,) = await line.told(CHAT, "sendMessage")
    assert QUESTION in sent["text"]
    assert await doors.update(private_message(1, CHAT, "/start")) == 200

    assert await doors.update(press(2, sent, row=1)) == 200
    await until(lambda: telegram.called("answerCallbackQuery"), PATIENCE_S)
    (edited,) = await line.told(CHAT, "editMessageText")
    assert "Migrant Worker Resource Centre" in edited["text"]
    assert len(await line.told(CHAT, "sendMessage")) == 1, "the second delivery was answered"
    assert telegram.called("getUpdates") == []


@called
async def test_a_foreign_sms_server_brings_takes_and_reports_messages(line: Line) -> None:
    doors, twilio = line.doors, line.twilio
    inbound = f"{doors.public_url}/sms/inbound"
    form = {"MessageSid": "SM1", "From": NUMBER, "Body": "hello"}
    assert (await doors.form(inbound, form, signed_for=f"{doors.local_url}/sms/inbound"))[0] == 403

    status, body = await doors.sms("SM1", NUMBER, "hello")
    assert (status, body.endswith("<Response/>")) == (200, True)
    assert (await doors.sms("SM1", NUMBER, "hello"))[0] == 200
    first = (await line.sms(1))[0]
    assert (first["To"], first["From"]) == (NUMBER, "2580")
    assert "2 English" in first["Body"]

    assert (await doors.sms("SM2", NUMBER, "2"))[0] == 200
    second = (await line.sms(2))[1]
    assert "1 Register" in second["Body"], "the second delivery was answered"

    report = {"MessageSid": twilio.sid_of(2), "MessageStatus": "delivered"}
    callback = second["StatusCallback"]
    assert callback.startswith(f"{doors.public_url}/sms/status")
    assert (await doors.form(callback, report, signed_for=inbound))[0] == 403
    assert (await doors.form(callback, report))[0] == 200
    assert await line.fate() == "delivered"
    late = report | {"MessageStatus": "sent"}
    assert (await doors.form(callback, late))[0] == 200
    assert await line.fate() == "delivered"


@asking
async def test_a_foreign_bot_api_server_is_asked_for_updates(line: Line) -> None:
    telegram = line.telegram
    await until(lambda: telegram.called("getUpdates"), PATIENCE_S)
    assert telegram.called("setWebhook") == []
    assert len(telegram.called("deleteWebhook")) == 1

    telegram.give(private_message(5, CHAT, "/start"))
    assert QUESTION in (await line.told(CHAT, "sendMessage"))[0]["text"]
    await until(lambda: telegram.called("getUpdates")[-1].get("offset") == 6, PATIENCE_S)

    assert await line.doors.update(private_message(6, CHAT, "/menu")) == 200
    await line.told(CHAT, "sendMessage", 2)


@asking
async def test_where_nobody_can_reply_no_sms_asks_for_it(line: Line) -> None:
    assert (await line.doors.sms("SM1", NUMBER, "សួស្ដី"))[0] == 200
    body = (await line.sms(1))[0]["Body"]
    assert "លេខកូដ" in body
    assert "ផ្ញើ" not in body
    assert "1 " not in body
