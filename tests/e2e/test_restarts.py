"""Killed in the middle of a form, and Redis emptied in the middle of a form: the form goes on.

Every process of the line dies by SIGKILL at once, its database servers too, as when the power
fails. Then the same command starts it again.
"""

import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import redis

from bot.embedded import start_valkey
from tests.e2e.whole_line import WholeLine, whole_line
from tests.served_app import until

PATIENCE_S = 20.0


@dataclass(frozen=True)
class Phones:
    """The phones of the simulator, used over its control interface."""

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
async def _phones(line: WholeLine) -> AsyncIterator[Phones]:
    async with aiohttp.ClientSession() as http:
        yield Phones(line.url, http)


def _kill_everything(line: WholeLine) -> None:
    processes = line.processes()
    assert len(processes) > 5
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()


def _empty_redis(line: WholeLine) -> None:
    """The server runs already: this only asks where it is."""
    with redis.Redis.from_url(start_valkey(Path(line.environment["DATA_DIR"]))) as client:
        client.flushall()


async def test_forms_go_on_after_kill_9_and_after_a_flush(tmp_path: Path) -> None:
    async with whole_line(tmp_path) as line, _phones(line) as phones:
        sms = (await phones.do("POST", "/phones", {"kind": "sms"}))["id"]
        smart = (await phones.do("POST", "/phones", {"kind": "telegram"}))["id"]
        await phones.text(sms, "hello", "1", "1", "1", "ចាន់ថា")
        await phones.do("POST", f"/phones/{smart}/start", {})
        await until(lambda: phones.messages(smart), PATIENCE_S)
        await phones.after(smart, lambda message: message["from"] == "bot")
        await phones.press(smart, "ខ្មែរ", "ចុះឈ្មោះ", "យល់ព្រម")
        await phones.write(smart, "បុប្ផា")
        age = await phones.screen(smart)
        _kill_everything(line)

    async with whole_line(tmp_path) as line, _phones(line) as phones:
        await phones.write(smart, "៣២")
        assert await phones.screen(smart) != age
        await phones.press(smart, "ស្រី", "ពោធិ៍សាត់")
        await phones.text(sms, "41", "1", "2")
        _empty_redis(line)
        asked_again = await phones.text(sms, "1")
        assert "បន្ត" in asked_again  # "we go on": the number answered a question that was lost
        await phones.text(sms, "1", "1", "1 3", "1", "250")
        assert "លេខកូដ" in await phones.text(sms, "1")
        await phones.write(smart, "បាកាន")
        assert "បន្ត" in await phones.screen(smart)
        await phones.press(smart, "បាកាន")
        listed = await line.command("requests")
        assert "ចាន់ថា" in listed
        assert "បុប្ផា" not in listed
        assert await line.stop() == 0
