"""The doors over real HTTP: who is let in, what is kept, and what a stranger learns."""

import asyncio
import io
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest
from served_app import SECRET, Carrier, make_app, make_settings, private_message, served
from sqlalchemy import text
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from bot.web import create_web, may_read_metrics
from db.crypto import current_keyring
from services import addresses, outbox
from tests.support import database_url

GOOD = {"X-Telegram-Bot-Api-Secret-Token": SECRET}
WEBHOOK = "/telegram/webhook"
INBOUND = "/sms/inbound"
SMS = {"MessageSid": "SM1", "From": "+85512345678", "To": "2580", "Body": "ជួយ", "NumMedia": "0"}


@dataclass
class Served:
    url: str
    engine: Any
    client: aiohttp.ClientSession

    async def rows(self) -> list[Any]:
        async with self.engine.connect() as connection:
            return list(await connection.execute(text("SELECT * FROM inbox ORDER BY id")))

    async def post(self, path: str, **request: Any) -> tuple[int, str]:
        async with self.client.post(self.url + path, **request) as answer:
            return answer.status, await answer.text()

    async def get(self, path: str) -> tuple[int, str]:
        async with self.client.get(self.url + path) as answer:
            return answer.status, await answer.text()


@pytest.fixture
async def web(db: Any, redis_url: str) -> AsyncIterator[Served]:
    async with (
        make_app(db.engine, redis_url) as app,
        served(create_web(app)) as url,
        aiohttp.ClientSession() as client,
    ):
        yield Served(url, db.engine, client)


async def test_an_update_is_kept_encrypted(web: Served) -> None:
    update = private_message(7)
    assert (await web.post(WEBHOOK, json=update, headers=GOOD))[0] == 200
    (row,) = await web.rows()
    assert (row.channel, row.provider_id, row.done_at) == ("telegram", "100000:7", None)
    assert "សួស្តី".encode() not in row.payload
    assert json.loads(current_keyring().decrypt(row.payload)) == update
    assert row.address_key == current_keyring().blind_index("telegram:4242424242")


async def test_a_second_delivery_changes_nothing(web: Served) -> None:
    for _ in range(3):
        assert (await web.post(WEBHOOK, json=private_message(7), headers=GOOD))[0] == 200
    assert len(await web.rows()) == 1


async def endless() -> AsyncIterator[bytes]:
    yield b"{"
    await asyncio.Event().wait()


@pytest.mark.parametrize("headers", [{}, {"X-Telegram-Bot-Api-Secret-Token": "wrong"}])
async def test_a_wrong_secret_is_refused_before_the_body_is_read(
    web: Served, headers: dict[str, str]
) -> None:
    async with (
        asyncio.timeout(30),
        web.client.post(web.url + WEBHOOK, data=endless(), headers=headers) as answer,
    ):
        assert answer.status == 401
    assert await web.rows() == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"update_id": "7"}',
        b'{"message": {}}',
        b"\xff\xfe",
        b"[" * 99999,
    ],
)
async def test_a_malformed_update_is_refused_without_a_trace(web: Served, body: bytes) -> None:
    status, answer = await web.post(WEBHOOK, data=body, headers=GOOD)
    assert (status, answer) == (400, "malformed update")


async def test_an_update_over_a_megabyte_is_refused(web: Served) -> None:
    status, _ = await web.post(WEBHOOK, data=io.BytesIO(b" " * (1024 * 1024 + 1)), headers=GOOD)
    assert status == 413


@pytest.mark.parametrize(
    "change",
    [
        {"message": {"chat": {"id": -100, "type": "supergroup"}, "text": "hi"}},
        {"channel_post": {"chat": {"id": -100, "type": "channel"}, "text": "hi"}},
        {"inline_query": {"id": "1", "query": "x"}},
        {"message": 5},
        {"callback_query": {"id": "1", "data": "x"}},
    ],
)
async def test_what_is_no_private_chat_is_acknowledged_and_dropped(
    web: Served, change: dict[str, Any]
) -> None:
    assert (await web.post(WEBHOOK, json={"update_id": 1, **change}, headers=GOOD))[0] == 200
    assert await web.rows() == []


async def test_a_signed_sms_is_kept_once(web: Served) -> None:
    for _ in range(2):
        status, body = await web.post(INBOUND, data=SMS, headers=Carrier().headers(INBOUND, SMS))
        assert (status, body) == (200, '<?xml version="1.0" encoding="UTF-8"?><Response/>')
    (row,) = await web.rows()
    assert (row.channel, row.provider_id) == ("sms", "SM1")
    kept = json.loads(current_keyring().decrypt(row.payload))
    assert (kept["From"], kept["Body"]) == ("+85512345678", "ជួយ")


@pytest.mark.parametrize("path", [INBOUND, "/sms/status"])
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Twilio-Signature": "wrong"},
        Carrier(token="another").headers(INBOUND, SMS),
        Carrier(public_url="https://tralob.example:8000").headers(INBOUND, SMS),
        Carrier(public_url="http://tralob.example:9000").headers(INBOUND, SMS),
        Carrier().headers(f"{INBOUND}?x=1", SMS),
        Carrier().headers(INBOUND, SMS | {"Body": "other"}),
    ],
)
async def test_a_wrong_signature_is_refused(
    web: Served, path: str, headers: dict[str, str]
) -> None:
    assert (await web.post(path, data=SMS, headers=headers)) == (403, "wrong signature")
    assert await web.rows() == []


@pytest.mark.parametrize("path", [INBOUND, "/sms/status"])
@pytest.mark.parametrize("headers", [{}, {"X-Twilio-Signature": ""}])
async def test_without_a_signature_the_body_is_not_read(
    web: Served, path: str, headers: dict[str, str]
) -> None:
    async with (
        asyncio.timeout(30),
        web.client.post(web.url + path, data=endless(), headers=headers) as answer,
    ):
        assert answer.status == 403


@pytest.mark.parametrize("body", [b"\xff\xfe", b"Body=%FF", b"a&" * 300])
async def test_a_form_that_cannot_be_read_proves_no_sender(web: Served, body: bytes) -> None:
    headers = {"X-Twilio-Signature": "wrong", "Content-Type": "application/x-www-form-urlencoded"}
    assert await web.post(INBOUND, data=body, headers=headers) == (403, "wrong signature")


async def test_without_a_token_no_signature_is_right(db: Any, redis_url: str) -> None:
    forged = Carrier(token="").headers(INBOUND, SMS)
    async with (
        make_app(db.engine, redis_url, twilio_auth_token="") as app,
        served(create_web(app)) as url,
        aiohttp.ClientSession() as client,
        client.post(url + INBOUND, data=SMS, headers=forged) as answer,
    ):
        assert answer.status == 403


@pytest.mark.parametrize("missing", ["MessageSid", "From"])
async def test_a_signed_sms_without_its_fields_is_malformed(web: Served, missing: str) -> None:
    form = {name: value for name, value in SMS.items() if name != missing}
    headers = Carrier().headers(INBOUND, form)
    assert (await web.post(INBOUND, data=form, headers=headers))[0] == 400


async def test_a_form_over_64_kilobytes_is_refused(web: Served) -> None:
    form = SMS | {"Body": "x" * 65536}
    headers = Carrier().headers(INBOUND, form)
    assert (await web.post(INBOUND, data=form, headers=headers))[0] == 413


async def test_a_sender_with_a_name_is_acknowledged_and_dropped(web: Served) -> None:
    form = SMS | {"From": "Smart"}
    headers = Carrier().headers(INBOUND, form)
    assert (await web.post(INBOUND, data=form, headers=headers))[0] == 200
    assert await web.rows() == []


async def test_ready_only_when_database_and_redis_answer(web: Served, db: Any) -> None:
    assert await web.get("/healthz") == (200, "alive\n")
    assert (await web.get("/readyz"))[0] == 200
    async with (
        make_app(db.engine, "redis://127.0.0.1:1/0") as app,
        served(create_web(app)) as url,
        web.client.get(url + "/readyz") as answer,
    ):
        assert answer.status == 503
        assert await answer.json() == {"database": "ok", "redis": "no answer"}


@pytest.mark.parametrize("away", ["no server", "refuses"])
async def test_a_carrier_is_told_to_come_back_when_nothing_can_be_kept(
    redis_url: str, postgres_url: str, away: str
) -> None:
    from db.engine import create_engine

    nowhere = "postgresql://nobody@127.0.0.1:1/none"
    refusing = database_url(postgres_url, "none")
    engine = create_engine(nowhere if away == "no server" else refusing)
    async with (
        make_app(engine, redis_url) as app,
        served(create_web(app)) as url,
        aiohttp.ClientSession() as client,
    ):
        async with client.post(url + WEBHOOK, json=private_message(1), headers=GOOD) as answer:
            assert (answer.status, await answer.text()) == (503, "try again later")
        async with client.get(url + "/readyz") as answer:
            assert (await answer.json())["database"] == "no answer"
    await engine.dispose()


async def test_metrics_count_by_channel_and_name_nobody(web: Served) -> None:
    for update_id in (1, 1):
        await web.post(WEBHOOK, json=private_message(update_id), headers=GOOD)
    status, body = await web.get("/metrics")
    assert status == 200
    assert 'tralob_updates_received_total{channel="telegram",process="web-' in body
    assert 'tralob_updates_duplicate_total{channel="telegram"' in body
    assert "tralob_inbox_waiting" in body
    assert "4242424242" not in body


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"])
async def test_metrics_are_for_this_machine_alone(web: Served, header: str) -> None:
    async with web.client.get(web.url + "/metrics", headers={header: "127.0.0.1"}) as answer:
        assert (answer.status, await answer.text()) == (403, "not for you\n")
    assert "/metrics" not in (await web.get("/"))[1]


@pytest.mark.parametrize(
    ("host", "public_url", "may_read"),
    [
        ("127.0.0.1", "http://tralob.example", True),
        ("::1", "http://tralob.example", True),
        ("127.0.0.1", "https://tralob.example", False),
        ("10.0.0.7", "http://tralob.example", False),
        ("::2", "http://tralob.example", False),
        ("somewhere", "http://tralob.example", False),
        (None, "http://tralob.example", False),
    ],
)
def test_metrics_are_for_nobody_on_another_machine(
    host: str | None, public_url: str, may_read: bool
) -> None:
    client = None if host is None else (host, 1)
    request = Request({"type": "http", "headers": [], "client": client})
    assert may_read_metrics(request, make_settings(public_url=public_url)) is may_read


async def test_with_a_token_metrics_are_for_who_shows_it(db: Any, redis_url: str) -> None:
    token = "shown to Prometheus alone"
    async with (
        make_app(db.engine, redis_url, metrics_token=token) as app,
        served(create_web(app)) as url,
        aiohttp.ClientSession() as client,
    ):
        for shown, status in (
            ({}, 403),
            ({"Authorization": "Bearer wrong"}, 403),
            ({"Authorization": f"Bearer {token}"}, 200),
            ({"Authorization": f"Bearer {token}", "X-Forwarded-For": "10.0.0.7"}, 200),
        ):
            async with client.get(url + "/metrics", headers=shown) as answer:
                assert answer.status == status


async def test_the_first_page_leads_on(web: Served) -> None:
    status, body = await web.get("/")
    assert status == 200
    assert "ត្រឡប់" in body


async def _echo(request: Request) -> Response:
    return Response(request.url.query.encode() + b"|" + await request.body(), status_code=201)


async def _events(_: Request) -> Response:
    async def one_then_silence() -> AsyncIterator[bytes]:
        yield b"data: 1\n\n"
        await asyncio.Event().wait()

    return StreamingResponse(one_then_silence(), media_type="text/event-stream")


async def test_the_simulator_is_reached_through_the_same_address(db: Any, redis_url: str) -> None:
    simulator = Starlette(
        routes=[
            Route("/simulator/api/echo", _echo, methods=["POST"]),
            Route("/simulator/api/events", _events),
        ]
    )
    async with served(simulator) as behind, aiohttp.ClientSession() as client:
        port = int(behind.rsplit(":", 1)[1])
        async with (
            make_app(db.engine, redis_url, simulator=True, simulator_port=port) as app,
            served(create_web(app)) as url,
        ):
            async with client.post(url + "/simulator/api/echo?a=1", data=b"x" * 300000) as answer:
                assert answer.status == 201
                assert await answer.read() == b"a=1|" + b"x" * 300000
            async with client.get(url + "/simulator/api/events") as answer:
                assert answer.content_type == "text/event-stream"
                assert await answer.content.readline() == b"data: 1\n"


async def test_a_simulator_that_is_not_up_is_said_so(db: Any, redis_url: str) -> None:
    async with (
        make_app(db.engine, redis_url, simulator=True, simulator_port=1) as app,
        served(create_web(app)) as url,
        aiohttp.ClientSession() as client,
        client.get(url + "/simulator") as answer,
    ):
        assert answer.status == 503
        assert "not running" in await answer.text()


async def test_a_signed_report_finds_its_message_by_either_id(web: Served, db: Any) -> None:
    async with db.new_session.begin() as session:
        address = await addresses.get_or_create(
            session, "sms", "+85512345678", now=datetime.now(UTC)
        )
        for _ in range(2):
            await outbox.enqueue(
                session, address_id=address.id, channel="sms", text="x", purpose="test"
            )
    async with db.engine.begin() as connection:
        await connection.execute(text("UPDATE outbox SET state = 'sending' WHERE id = 1"))
        await connection.execute(
            text("UPDATE outbox SET state = 'sent', provider_id = 'SM2' WHERE id = 2")
        )
    for path, sid in (("/sms/status?item=1", "SM1"), ("/sms/status", "SM2")):
        form = {"MessageSid": sid, "MessageStatus": "delivered"}
        status, _ = await web.post(path, data=form, headers=Carrier().headers(path, form))
        assert status == 200
    async with db.engine.connect() as connection:
        found = await connection.execute(text("SELECT provider_id, state FROM outbox ORDER BY id"))
        assert [tuple(row) for row in found] == [("SM1", "delivered"), ("SM2", "delivered")]


async def test_a_report_on_nothing_of_ours_is_acknowledged(
    web: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.doors._PAUSES_S", (0.0,))
    form = {"MessageSid": "SM404", "MessageStatus": "delivered"}
    headers = Carrier().headers("/sms/status", form)
    assert (await web.post("/sms/status", data=form, headers=headers))[0] == 200
