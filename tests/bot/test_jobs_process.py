"""The jobs' worker as a process: light, quick to stop, and killed without a loss."""

import asyncio
import contextlib
import pickle
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import psutil
from served_app import make_settings, until
from sqlalchemy import text

from db.crypto import current_keyring
from services import jobs
from services.file_store import FileMissing, FileStore
from tests.support import INSTALLATION

MOST_MB = 180

_WORKER = """
import pickle, sys
from bot.jobs import stalled
from bot.worker import run_jobs
stalled._LOOK_EVERY_S = 0.1
run_jobs(pickle.loads(bytes.fromhex(sys.argv[1])))
print(sorted({name.split(".")[0] for name in sys.modules if name.startswith("aiogram")}))
"""
_DOING = "SELECT count(*) FROM procrastinate_jobs WHERE status = 'doing' AND task_name = 'purge'"
_LEFT = "SELECT count(*) FROM procrastinate_jobs WHERE task_name = ANY('{purge,delete_files}')"
_LONG_AGO = "UPDATE procrastinate_workers SET last_heartbeat = now() - interval '1 minute'"


@contextlib.asynccontextmanager
async def worker(settings: Any) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", _WORKER, pickle.dumps(settings).hex()),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def number(db: Any, query: str) -> int:
    async with db.new_session() as session:
        return int(await session.scalar(text(query)))


async def test_a_worker_killed_in_the_middle_loses_no_job(
    db: Any, redis_url: str, tmp_path: Path
) -> None:
    settings = make_settings(database_url=db.url, redis_url=redis_url, files_url=tmp_path.as_uri())
    store = FileStore(settings.files_url, current_keyring(), INSTALLATION)
    name = await store.put(b"bytes")
    async with worker(settings) as first, db.engine.begin() as blocking:
        await blocking.execute(text("LOCK TABLE draft IN ACCESS EXCLUSIVE MODE"))
        async with db.new_session.begin() as session:
            await jobs.defer(session, "purge", lock="purge", timestamp=0)
        await until(lambda: number(db, _DOING), 30)
        first.send_signal(signal.SIGKILL)
        await first.wait()
    async with db.new_session.begin() as session:
        await jobs.defer(session, jobs.DELETE_FILES, names=[name])
        await session.execute(text(_LONG_AGO))

    async with worker(settings) as second:
        await until(lambda: is_done(db), 30)
        megabytes = psutil.Process(second.pid).memory_info().rss / 2**20
        second.send_signal(signal.SIGTERM)
        async with asyncio.timeout(5):
            out, err = await second.communicate()
    assert second.returncode == 0
    assert out.decode().strip() == "[]", "jobs must not carry aiogram"
    assert megabytes < MOST_MB
    assert "job_taken_up" in err.decode()
    assert name not in err.decode()
    await is_gone(store, name)


async def is_done(db: Any) -> bool:
    return await number(db, _LEFT) == 0


async def is_gone(store: FileStore, name: str) -> None:
    try:
        await store.get(name)
    except FileMissing:
        return
    raise AssertionError("the file is still there")
