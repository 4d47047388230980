"""The phones of the simulator, used over its control interface instead of its page."""

import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import aiohttp

from tests.e2e.whole_line import WholeLine
from tests.served_app import until

PATIENCE_S = 20.0


@dataclass(frozen=True)
class Phones:
    """Hands on every phone of one line."""

    url: str
    http: aiohttp.ClientSession

    async def do(self, verb: str, path: str, body: Any = None) -> Any:
        url = f"{self.url}/simulator/api{path}"
        async with self.http.request(verb, url, json=body) as response:
            assert response.status < 300, await response.text()
            return await response.json() if response.status != 204 else None

    async def messages(self, phone: str) -> list[dict[str, Any]]:
        state = await self.do("GET", "/state")
        found: list[dict[str, Any]]
        (found,) = [each["messages"] for each in state["phones"] if each["id"] == phone]
        return found

    async def after(self, phone: str, is_there: Callable[[dict[str, Any]], bool]) -> None:
        async def newest_fits() -> bool:
            messages = await self.messages(phone)
            return bool(messages) and is_there(messages[-1])

        await until(newest_fits, PATIENCE_S)

    async def text(self, phone: str, *texts: str) -> str:
        """Send one SMS after the other, each after the answer; the last answer."""
        for text in texts:
            await self.do("POST", f"/phones/{phone}/sms", {"body": text})
            await self.after(phone, lambda message: message["from"] == "centre")
        newest: str = (await self.messages(phone))[-1]["body"]
        return newest

    async def write(self, phone: str, text: str) -> None:
        await self.do("POST", f"/phones/{phone}/text", {"text": text})
        await self.after(phone, lambda message: message["from"] == "bot")

    async def press(self, phone: str, *labels: str) -> None:
        """Press a button of the newest screen, and wait until the screen is another one."""
        for label in labels:
            before = (await self.messages(phone))[-1]
            (data,) = [
                button["callback_data"]
                for row in before["inline_keyboard"] or []
                for button in row
                if button["text"] == label
            ]
            body = {"message_id": before["message_id"], "data": data}
            await self.do("POST", f"/phones/{phone}/press", body)
            await self.after(phone, lambda message, old=before: message != old)  # type: ignore[misc]

    async def screen(self, phone: str) -> str:
        newest: str = (await self.messages(phone))[-1]["text"]
        return newest


@contextlib.asynccontextmanager
async def phones_of(line: WholeLine) -> AsyncIterator[Phones]:
    async with aiohttp.ClientSession() as http:
        yield Phones(line.url, http)
