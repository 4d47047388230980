"""Killed in the middle of a form, and Redis emptied in the middle of a form: the form goes on.

Every process of the line dies by SIGKILL at once, its database servers too, as when the power
fails. Then the same command starts it again.
"""

import contextlib
from pathlib import Path

import psutil
import pytest
import redis

from bot.embedded import start_valkey
from tests.e2e.phones import PATIENCE_S, phones_of
from tests.e2e.whole_line import WholeLine, whole_line
from tests.served_app import until


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


@pytest.mark.soak
async def test_forms_go_on_after_kill_9_and_after_a_flush(tmp_path: Path) -> None:
    async with whole_line(tmp_path) as line, phones_of(line) as phones:
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

    async with whole_line(tmp_path) as line, phones_of(line) as phones:
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
