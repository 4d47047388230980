"""A Bot API and a Twilio-compatible server that keep count: what arrived, for whom, in which order.

A message has arrived once its request was read, whether or not anybody hears the answer: so it is
with a real carrier, and only so can it be told whether something was sent twice.
"""

import asyncio
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

ACCOUNT = "AC" + "c" * 32
AUTH_TOKEN = "t" * 32
BOT_TOKEN = "7654321:counting"
SENDER = "2580"
_SHOWING = {"sendMessage", "editMessageText"}


@dataclass(frozen=True)
class Arrival:
    """One message that the carrier has: ``to`` is a chat id or a number in E.164."""

    to: str
    text: str
    sid: str
    at: datetime


@dataclass
class CountingCarrier:
    """Takes everything, after ``answers_after_s``: a process may be killed while it waits.

    ``shown`` counts what each chat was shown, new messages and changed ones.
    """

    answers_after_s: float = 0.0
    arrived: list[Arrival] = field(default_factory=list)
    shown: Counter[str] = field(default_factory=Counter)
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    def server(self) -> TestServer:
        app = web.Application()
        app.router.add_post(f"/bot{BOT_TOKEN}/{{method}}", self._call)
        messages = f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
        app.router.add_post(messages, self._create)
        app.router.add_get(messages, self._list)
        return TestServer(app)

    def copies(self) -> Counter[tuple[str, str]]:
        """How often each (address, text) arrived."""
        return Counter((one.to, one.text) for one in self.arrived)

    def texts(self, to: str) -> list[str]:
        """What one address got, in order."""
        return [one.text for one in self.arrived if one.to == to]

    async def until(self, count: int, timeout_s: float = 60.0) -> None:
        """Wait until so many messages have arrived."""
        async with asyncio.timeout(timeout_s), self._changed:
            await self._changed.wait_for(lambda: len(self.arrived) >= count)

    async def _keep(self, to: str, text: str) -> Arrival:
        arrival = Arrival(to, text, f"SM{len(self.arrived):032x}", datetime.now(UTC))
        async with self._changed:
            self.arrived.append(arrival)
            self._changed.notify_all()
        await asyncio.sleep(self.answers_after_s)
        return arrival

    # --- the Bot API ---

    async def _call(self, request: web.Request) -> web.Response:
        method, fields = request.match_info["method"], await _fields(request)
        result: Any = True
        if method == "getMe":
            result = {"id": 7654321, "is_bot": True, "first_name": "Tralob", "username": "x_bot"}
        elif method in _SHOWING:
            result = await self._show(method, fields)
        return web.json_response({"ok": True, "result": result})

    async def _show(self, method: str, fields: Mapping[str, Any]) -> dict[str, Any]:
        """An edit changes what somebody has already: it is no arrival, but it is shown."""
        chat, number = str(fields["chat_id"]), int(fields.get("message_id", len(self.arrived) + 1))
        self.shown[chat] += 1
        if method == "sendMessage":
            await self._keep(chat, fields["text"])
        return {
            "message_id": number,
            "date": 1795000000,
            "chat": {"id": int(fields["chat_id"]), "type": "private"},
            "text": fields["text"],
        }

    # --- SMS ---

    async def _create(self, request: web.Request) -> web.Response:
        form = await _fields(request)
        return web.json_response(_resource(await self._keep(form["To"], form["Body"])), status=201)

    async def _list(self, request: web.Request) -> web.Response:
        """The newest come first."""
        found = [_resource(one) for one in reversed(self.arrived) if one.to == request.query["To"]]
        size = int(request.query.get("PageSize", 50))
        page = {"messages": found[:size], "page": 0, "page_size": size, "next_page_uri": None}
        return web.json_response(page)


def _resource(arrival: Arrival) -> dict[str, Any]:
    return {
        "sid": arrival.sid,
        "account_sid": ACCOUNT,
        "to": arrival.to,
        "from": SENDER,
        "body": arrival.text,
        "status": "queued",
        "num_segments": "1",
        "direction": "outbound-api",
        "date_created": format_datetime(arrival.at),
    }


async def _fields(request: web.Request) -> dict[str, Any]:
    """The parameters, in whichever of the allowed ways they came."""
    if request.content_type == "application/json":
        return dict(json.loads(await request.read() or b"{}"))
    return {name: str(value) for name, value in (await request.post()).items()}
