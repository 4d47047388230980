"""Only a database server dies, everything else lives: people are answered again by themselves."""

from pathlib import Path

import pytest

from bot.embedded import POSTGRES, VALKEY
from tests.e2e.phones import phones_of
from tests.e2e.whole_line import whole_line
from tests.served_app import until

PATIENCE_S = 60.0


# The short outages of `test_outages` are the small run of the same kind.
@pytest.mark.soak
async def test_people_are_answered_after_a_server_was_killed(tmp_path: Path) -> None:
    async with whole_line(tmp_path) as line, phones_of(line) as phones:
        phone = (await phones.do("POST", "/phones", {"kind": "sms"}))["id"]
        await phones.text(phone, "hello", "1")
        for server in (VALKEY, POSTGRES):
            killed = server.find(tmp_path / "var")
            assert killed is not None
            killed.kill()
            told = f"{server.name} ended by itself and was started again."
            await until(lambda told=told: told in line.printed, PATIENCE_S)  # type: ignore[misc]
            assert await phones.text(phone, "MENU")
        assert line.printed.count("ended by itself") == 2
        assert await line.stop() == 0
