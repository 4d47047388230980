"""Both carriers as a process of their own: on its processor time nothing of ours depends.

`python -m benchmarks.delivery_sink` prints its address and serves until SIGTERM. `/counted` tells
how much it took, and when (seconds of the machine's monotonic clock).
"""

import asyncio
import signal
import time
from typing import Any

import uvloop

from benchmarks.sink import serve_answers

_BOT = {"id": 100001, "is_bot": True, "first_name": "Tralob", "username": "tralob_bot"}
COUNTED = "/counted"
_CREATED = 201


class _Carriers:
    """Takes every message of both kinds and counts."""

    def __init__(self) -> None:
        self._taken = 0
        self._last = 0.0

    def answer(self, path: str, fields: dict[str, Any]) -> tuple[int, Any]:
        if path == COUNTED:
            return 200, {"taken": self._taken, "last": self._last}
        if path.endswith("/getMe"):
            return 200, {"ok": True, "result": _BOT}
        if path.endswith("/sendMessage"):
            return 200, {"ok": True, "result": self._message(fields)}
        if path.endswith("/Messages.json"):
            return _CREATED, self._sms(fields)
        return 200, {"ok": True, "result": True}

    def _take(self) -> int:
        self._taken += 1
        self._last = time.monotonic()
        return self._taken

    def _message(self, fields: dict[str, Any]) -> dict[str, Any]:
        return {
            "message_id": self._take(),
            "date": int(time.time()),
            "chat": {"id": int(fields["chat_id"]), "type": "private", "first_name": "Sok"},
            "from": _BOT,
            "text": fields["text"],
        }

    def _sms(self, fields: dict[str, Any]) -> dict[str, Any]:
        return {
            "sid": f"SM{self._take():032x}",
            "to": fields["To"],
            "from": fields["From"],
            "body": fields["Body"],
            "status": "queued",
            "num_segments": "1",
            "direction": "outbound-api",
        }


async def _serve() -> None:
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    server, url = await serve_answers(_Carriers().answer)
    print(url, flush=True)
    await stopping.wait()
    server.close()


if __name__ == "__main__":
    uvloop.run(_serve())
