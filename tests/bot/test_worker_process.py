"""The delivery worker as a process: small, quick to stop, and silent about people."""

import asyncio
import os
import pickle
import signal
import sys
from datetime import UTC, datetime
from typing import Any

import psutil
from served_app import make_settings, served, until
from sqlalchemy import text
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from services import addresses, outbox

NOW = datetime(2026, 11, 22, tzinfo=UTC)
NUMBER = "+85512345678"
WORDS = "សួស្តី សុភា"
MOST_MB = 140

_WORKER = """
import pickle, sys
from bot.worker import run_outbox
run_outbox(pickle.loads(bytes.fromhex(sys.argv[1])))
print(sorted({name.split(".")[0] for name in sys.modules if name.startswith("aiogram")}))
"""


async def refuse_once_then_take(request: Request) -> Response:
    await request.body()
    state = request.app.state
    state.asked += 1
    if state.asked == 1:
        return JSONResponse({"code": 21617, "message": f"{NUMBER} {WORDS}"}, status_code=400)
    return JSONResponse({"sid": f"SM{state.asked}", "num_segments": "1"}, status_code=201)


async def states(db: Any) -> list[str]:
    async with db.engine.connect() as connection:
        found = await connection.execute(text("SELECT state FROM outbox ORDER BY id"))
        return [row.state for row in found]


async def test_the_delivery_worker_is_small_and_keeps_people_out_of_its_log(
    db: Any, redis_url: str
) -> None:
    carrier = Starlette(
        routes=[Route("/2010-04-01/{rest:path}", refuse_once_then_take, methods=["POST"])]
    )
    carrier.state.asked = 0
    async with served(carrier) as url:
        settings = make_settings(
            database_url=db.url, redis_url=redis_url, twilio_api_url=url, log_level="debug"
        )
        worker = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            _WORKER,
            pickle.dumps(settings).hex(),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            async with db.new_session.begin() as session:
                address = await addresses.get_or_create(session, "sms", NUMBER, now=NOW)
                for _ in range(20):
                    await outbox.enqueue(
                        session, address_id=address.id, channel="sms", text=WORDS, purpose="dialog"
                    )
            await until(lambda: _all_ended(db), 60)
            megabytes = psutil.Process(worker.pid).memory_info().rss / 2**20
        finally:
            os.kill(worker.pid, signal.SIGTERM)
            out, err = await worker.communicate()
    assert await states(db) == ["failed"] + ["sent"] * 19
    assert worker.returncode == 0
    assert out.decode().strip() == "[]", "delivery must not carry aiogram"
    assert megabytes < MOST_MB
    log = err.decode()
    assert "message_not_sent" in log
    for secret in (NUMBER[1:], NUMBER[4:], "សុភា", "token"):
        assert secret not in log


async def _all_ended(db: Any) -> bool:
    return not {"waiting", "sending"} & set(await states(db))
