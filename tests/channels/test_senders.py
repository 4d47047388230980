"""The doors out against carriers that misbehave: what is unsent, unknown, refused, unreachable."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from redis.asyncio import Redis
from served_app import served
from starlette.applications import Starlette
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.channels import sms_out, telegram_out
from bot.channels.sms_out import SmsSender
from bot.channels.telegram_out import SentFile, TelegramSender
from bot.send_limits import SharedScripts, SmsLimits, TelegramLimits
from db.crypto import current_keyring
from services.outbox import OutboxItem
from services.outcomes import Later, Outcome, Refused, Sent, Uncertain, Unreachable

SID = "AC" + "0" * 32
NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
Answer = Callable[[Request], Awaitable[Response]]


def item(channel: str, address: str, **more: Any) -> OutboxItem:
    values: dict[str, Any] = {"text": "សួស្តី", "reply_markup": None, "attempt": 1}
    return OutboxItem(id=77, channel=channel, address=address, created_at=NOW, **(values | more))


def answering(status: int, body: Any) -> Answer:
    async def answer(request: Request) -> Response:
        await request.body()
        return JSONResponse(body, status_code=status)

    return answer


async def silent(request: Request) -> Response:
    await request.body()
    await asyncio.Event().wait()
    raise AssertionError


async def ready() -> None:
    """Nobody keeps a list of what is being sent here."""


FILE_ID = UUID(int=7)


async def open_file(file_id: UUID) -> SentFile | None:
    return SentFile("x.html", b"<p>") if file_id == FILE_ID else None


class Limits(TelegramLimits):
    """No limit; remembers the pauses that were asked for."""

    def __init__(self) -> None:
        scripts = SharedScripts(Redis.from_url("redis://127.0.0.1:1/0"), current_keyring())
        super().__init__(scripts, "1:t", 0)
        self.pauses: list[float] = []

    async def pause(self, after_s: float) -> None:
        self.pauses.append(after_s)


class NoSmsLimits(SmsLimits):
    def __init__(self) -> None:
        scripts = SharedScripts(Redis.from_url("redis://127.0.0.1:1/0"), current_keyring())
        super().__init__(scripts, "2580", 0)
        self.pauses: list[float] = []

    async def pause(self, after_s: float) -> None:
        self.pauses.append(after_s)


def telegram_sender(url: str, limits: Limits | None = None) -> TelegramSender:
    return TelegramSender(url, "1:t", limits=limits or Limits(), open_file=open_file)


@contextlib.asynccontextmanager
async def telegram(answer: Answer, method: str = "sendMessage") -> AsyncIterator[TelegramSender]:
    application = Starlette(routes=[Route(f"/bot1:t/{method}", answer, methods=["POST"])])
    async with served(application) as url, telegram_sender(url) as sender:
        yield sender


def sms_sender(url: str, limits: SmsLimits | None = None) -> SmsSender:
    return SmsSender(
        url,
        SID,
        "token",
        sender="2580",
        public_url="http://p:1",
        limits=limits or NoSmsLimits(),
    )


@contextlib.asynccontextmanager
async def twilio(answer: Answer) -> AsyncIterator[SmsSender]:
    path = f"/2010-04-01/Accounts/{SID}/Messages.json"
    application = Starlette(routes=[Route(path, answer, methods=["GET", "POST"])])
    async with (
        served(application) as url,
        sms_sender(url) as sender,
    ):
        yield sender


def refusal(code: int, description: str, **parameters: Any) -> dict[str, Any]:
    return {"ok": False, "error_code": code, "description": description, "parameters": parameters}


async def test_telegram_gets_text_and_buttons() -> None:
    got: dict[str, str] = {}

    async def answer(request: Request) -> Response:
        got.update({name: str(value) for name, value in (await request.form()).items()})
        message = {"message_id": 5, "date": 1, "chat": {"id": 42, "type": "private"}}
        return JSONResponse({"ok": True, "result": message})

    keyboard = {"inline_keyboard": [[{"text": "OK", "callback_data": "k"}]]}
    async with telegram(answer) as sender:
        assert await sender.send(item("telegram", "42", reply_markup=keyboard), ready) == Sent("5")
    assert (got["chat_id"], got["text"]) == ("42", "សួស្តី")
    assert json.loads(got["reply_markup"]) == keyboard


async def test_telegram_gets_a_file_with_its_words() -> None:
    got: dict[str, Any] = {}

    async def answer(request: Request) -> Response:
        async with request.form() as form:
            upload = form["document"]
            assert isinstance(upload, UploadFile)
            got.update(caption=form["caption"], name=upload.filename, data=await upload.read())
        message = {"message_id": 6, "date": 1, "chat": {"id": 42, "type": "private"}}
        return JSONResponse({"ok": True, "result": message})

    document = {"file_id": str(FILE_ID), "name": "ទិន្នន័យ.html"}
    async with telegram(answer, "sendDocument") as sender:
        assert await sender.send(item("telegram", "42", document=document), ready) == Sent("6")
    assert got == {"caption": "សួស្តី", "name": "ទិន្នន័យ.html", "data": b"<p>"}


async def test_a_file_that_is_gone_is_said_so_before_anything_is_sent() -> None:
    document = {"file_id": str(UUID(int=8)), "name": "x"}
    async with telegram_sender("http://127.0.0.1:1") as sender:
        outcome = await sender.send(item("telegram", "42", document=document), never_ready)
    assert outcome == Refused("file gone")


async def never_ready() -> None:
    raise AssertionError("nothing may be marked as being sent")


async def test_a_carrier_s_patience_is_told_to_all_processes() -> None:
    body = refusal(429, "Too Many Requests", retry_after=3)
    busy = Route("/bot1:t/sendMessage", answering(429, body), methods=["POST"])
    chats, limits = Limits(), NoSmsLimits()
    async with served(Starlette(routes=[busy])) as url, telegram_sender(url, chats) as sender:
        await sender.send(item("telegram", "42"), ready)
    assert chats.pauses == [3.0]
    path = f"/2010-04-01/Accounts/{SID}/Messages.json"
    busy = Route(path, answering(429, twilio_error(20429)), methods=["POST"])
    async with served(Starlette(routes=[busy])) as url, sms_sender(url, limits) as sms:
        await sms.send(item("sms", "+85512345678"), ready)
    assert limits.pauses == [5.0]


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        (403, refusal(403, "Forbidden: bot was blocked by the user"), Unreachable("blocked")),
        (400, refusal(400, "Bad Request: chat not found"), Unreachable("chat gone")),
        (400, refusal(400, "Bad Request: message is too long"), Refused("bad request")),
        (
            429,
            refusal(429, "Too Many Requests: retry after 3", retry_after=3),
            Later(3.0, "throttled", throttled=True, for_everybody=True),
        ),
        (
            401,
            refusal(401, "Unauthorized"),
            Later(300.0, "token refused", throttled=True, for_everybody=True),
        ),
        (500, refusal(500, "Internal Server Error"), Later(5.0, "http 500")),
        (503, refusal(503, "Service Unavailable"), Later(5.0, "http 503")),
        (502, refusal(502, "Bad Gateway"), Uncertain("http 502")),
        (504, refusal(504, "Gateway Timeout"), Uncertain("http 504")),
        (502, "bad gateway", Uncertain("http 502")),
        (504, {"ok": True}, Uncertain("http 504")),
        (413, refusal(413, "Request Entity Too Large"), Refused("http 413")),
        (413, "too large", Refused("http 413")),
        (200, "not the Bot API", Uncertain("unreadable answer")),
    ],
)
async def test_what_telegram_answers(status: int, body: Any, outcome: Outcome) -> None:
    async with telegram(answering(status, body)) as sender:
        assert await sender.send(item("telegram", "42"), ready) == outcome


async def test_a_telegram_that_never_answers_leaves_it_open(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(telegram_out, "_READ_TIMEOUT_S", 0.1)
    async with telegram(silent) as sender:
        assert await sender.send(item("telegram", "42"), ready) == Uncertain("no answer")


@pytest.mark.parametrize(
    ("told", "reason"), [("100", "connection lost"), ("1", "unreadable answer")]
)
async def test_an_answer_of_telegram_that_is_damaged_on_the_way_leaves_it_open(
    told: str, reason: str
) -> None:
    async def answer(request: Request) -> Response:
        await request.body()
        return Response(b"{", headers={"content-length": told})

    async with telegram(answer) as sender:
        assert await sender.send(item("telegram", "42"), ready) == Uncertain(reason)


async def test_a_telegram_that_is_not_there_got_nothing() -> None:
    async with telegram_sender("http://127.0.0.1:1") as sender:
        assert await sender.send(item("telegram", "42"), ready) == Later(5.0, "no connection")


def twilio_message(**more: Any) -> dict[str, Any]:
    message = {"sid": "SM1", "status": "queued", "num_segments": "2", "body": "សួស្តី"}
    return message | {"date_created": "Sun, 22 Nov 2026 09:00:05 +0000"} | more


async def test_an_sms_carries_our_id_to_its_reports() -> None:
    got: dict[str, str] = {}

    async def answer(request: Request) -> Response:
        got.update({name: str(value) for name, value in (await request.form()).items()})
        got["authorization"] = request.headers["authorization"]
        return JSONResponse(twilio_message(), status_code=201)

    async with twilio(answer) as sender:
        assert await sender.send(item("sms", "+85512345678"), ready) == Sent("SM1", 2)
    assert got.pop("authorization").startswith("Basic ")
    assert got == {
        "To": "+85512345678",
        "From": "2580",
        "Body": "សួស្តី",
        "StatusCallback": "http://p:1/sms/status?item=77",
    }


def twilio_error(code: int) -> dict[str, Any]:
    return {"code": code, "message": "no", "more_info": "", "status": 400}


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        (400, twilio_error(21610), Unreachable("stopped")),
        (400, twilio_error(21211), Unreachable("invalid number")),
        (400, twilio_error(21614), Unreachable("not a mobile number")),
        (400, twilio_error(21617), Refused("21617")),
        (400, twilio_error(21606), Later(300.0, "21606", throttled=True, for_everybody=True)),
        (401, twilio_error(20003), Later(300.0, "20003", throttled=True, for_everybody=True)),
        (429, twilio_error(20429), Later(5.0, "throttled", throttled=True, for_everybody=True)),
        (500, {}, Later(5.0, "http 500")),
        (502, "bad gateway", Uncertain("http 502")),
    ],
)
async def test_what_the_sms_carrier_answers(status: int, body: Any, outcome: Outcome) -> None:
    async with twilio(answering(status, body)) as sender:
        assert await sender.send(item("sms", "+85512345678"), ready) == outcome


async def test_an_sms_carrier_that_never_answers_leaves_it_open(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sms_out, "_READ_TIMEOUT_S", 0.1)
    async with twilio(silent) as sender:
        assert await sender.send(item("sms", "+85512345678"), ready) == Uncertain("no answer")


async def test_an_sms_carrier_that_is_not_there_got_nothing() -> None:
    async with sms_sender("http://127.0.0.1:1") as sender:
        assert await sender.send(item("sms", "+85512345678"), ready) == Later(5.0, "no connection")


async def test_the_carrier_is_asked_for_a_message_whose_answer_never_came() -> None:
    listed = [
        twilio_message(sid="SM3"),
        twilio_message(sid="SM2", body="another"),
        twilio_message(sid="SM1"),
        twilio_message(sid="SM0", date_created="Sat, 21 Nov 2026 09:00:00 +0000"),
    ]
    page = {"messages": listed, "next_page_uri": None}
    async with twilio(answering(200, page)) as sender:
        found = await sender.find_sent(item("sms", "+85512345678"))
    assert [sent.provider_id for sent in found] == ["SM1", "SM3"]
