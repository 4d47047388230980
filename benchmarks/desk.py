"""How quickly the staff desk answers among 20,000, 200,000 and 1,000,000 requests.

The real web process over real HTTP with a signed-in case worker: each tab of the list, a search by
name, by code and by place, the page of a request, and taking one. Run it with
`python -m benchmarks.desk` (`--write` puts the table into docs/benchmarks.md); making a million
requests takes about five minutes and three gigabytes, and nothing is left behind.
"""

import argparse
import asyncio
import re
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from uuid import UUID

import aiohttp
import pyotp
import uvloop

from benchmarks import desk_data, systems
from benchmarks.desk_report import describe, write
from benchmarks.people import People
from benchmarks.sink import serve_sink
from benchmarks.systems import Program
from benchmarks.turns import own_servers
from bot.embedded.paths import postgres_url
from db.crypto import Keyring, derive_key, use_keyring
from db.engine import create_engine, new_session_factory
from db.models import Staff
from desk.security import SESSION_COOKIE
from services import accounts

SIZES = (20_000, 200_000, 1_000_000)
ROUNDS = 40  # of 20,000 requests some 70 are free to be taken at one centre
WARM_UP = 5
TOO_LONG_S = 1800
_CENTRE = "pursat"
_PASSWORD = "rice field at dawn"
_TOKEN = re.compile(r'name="form-token" value="([0-9a-f]+)"')
_FOLLOWING = re.compile(r'href="([^"]*after=[^"]*)"')
_CODE = re.compile(r"/desk/requests/([0-9]{8})")

Times = dict[str, list[float]]


async def sign_in(data_dir: Path, worker: UUID) -> str:
    """The token of a session of this case worker, password and second factor given."""
    engine, now = create_engine(postgres_url(data_dir), pool_size=1), datetime.now(UTC)
    async with new_session_factory(engine).begin() as session:
        person = await session.get_one(Staff, worker)
        token = await accounts.invite(session, person, "worker", by=None, now=now)
        await accounts.accept(session, token, _PASSWORD, now=now)
        half = await accounts.sign_in(session, "worker", _PASSWORD, device="", now=now)
        visitor = await accounts.find_visitor(session, half, now=now)
        assert visitor is not None
        factor = await accounts.new_second_factor(session, visitor, now=now)
        code = pyotp.TOTP(factor.secret).at(now)
        done = await accounts.confirm(session, visitor, code, device="", now=now)
    await engine.dispose()
    return done.token


@dataclass(frozen=True)
class Browser:
    """A case worker's: one request at a time, as one person makes them."""

    http: aiohttp.ClientSession
    url: str

    async def get(self, path: str) -> str:
        async with self.http.get(f"{self.url}{path}") as answer:
            body = await answer.text()
            assert answer.status == 200, (path, answer.status)
            return body

    async def post(self, path: str, form: dict[str, str]) -> None:
        async with self.http.post(f"{self.url}{path}", data=form, allow_redirects=False) as answer:
            await answer.read()
            assert answer.status == 303, (path, answer.status)


QUEUE = {
    f"queue, {tab}": f"/desk/queue?tab={tab}"
    for tab in ("mine", "unassigned", "overdue", "waiting", "all", "done")
}
SEARCH = {
    "search, whole name": f"/desk/queue?tab=all&name={desk_data.WHOLE_NAME}",
    "search, beginning of a name": f"/desk/queue?tab=all&name={desk_data.WHOLE_NAME[:3]}",
    "search, done by name": f"/desk/queue?tab=done&name={desk_data.WHOLE_NAME}",
    "search, code": "/desk/queue?tab=all&code=1234",
    "search, commune": "/desk/queue?tab=all&place=150301",
    "search, done, nobody lives there": "/desk/queue?tab=done&place=13",
    "search, done, rare": "/desk/queue?tab=done&topic=call&channel=sms&language=en&urgency=urgent",
    "search, topic and channel": "/desk/queue?tab=all&topic=call&channel=sms",
}


async def measure(browser: Browser, rounds: int) -> Times:
    """Seconds of each kind of page, sorted."""
    times: Times = {}
    for name, path in {**QUEUE, **SEARCH}.items():
        times[name] = await _time(partial(browser.get, path), rounds)
    codes = await _list_free(browser, WARM_UP + rounds)
    pages, taken = iter(codes), iter(codes)
    times["request page"] = await _time(
        lambda: browser.get(f"/desk/requests/{next(pages)}"), rounds
    )
    token = _find(_TOKEN, await browser.get("/desk/account"))
    times["take"] = await _time(
        lambda: browser.post(
            f"/desk/requests/{next(taken)}/do/take", {"form-token": token, "seen": "0"}
        ),
        rounds,
    )
    return times


async def _time(act: Callable[[], Awaitable[object]], rounds: int) -> list[float]:
    seconds = []
    for number in range(WARM_UP + rounds):
        began = time.perf_counter()
        await act()
        if number >= WARM_UP:
            seconds.append(time.perf_counter() - began)
    return sorted(seconds)


async def _list_free(browser: Browser, wanted: int) -> list[str]:
    """Codes of requests that nobody has taken, page by page."""
    codes: list[str] = []
    path = "/desk/queue?tab=unassigned"
    while len(codes) < wanted:
        shown = await browser.get(path)
        codes += _CODE.findall(shown)
        path = _find(_FOLLOWING, shown).replace("&amp;", "&")
    return codes[:wanted]


def _find(pattern: re.Pattern[str], page: str) -> str:
    found = pattern.search(page)
    assert found is not None, pattern.pattern
    return found[1]


async def compare(sizes: Sequence[int], rounds: int) -> dict[int, Times]:
    """The times for each number of requests, the smallest first."""
    use_keyring(Keyring([systems.ENCRYPTION_KEY], derive_key(systems.SECRET_KEY, b"blind-index")))
    measured: dict[int, Times] = {}
    with own_servers() as data_dir:
        server, api_url = await serve_sink(People().call)
        environment = systems.tralob_environment(data_dir, api_url)
        systems.run_to_end(data_dir, environment, "-m", "bot", "release")
        workers, before, token = await desk_data.hire(data_dir), 0, ""
        for size in sizes:
            await desk_data.grow(data_dir, workers, before, size)
            token = token or await sign_in(data_dir, workers[_CENTRE][0])
            print(f"{size:,} requests made", file=sys.stderr)
            measured[size], before = await _measure_served(data_dir, api_url, token, rounds), size
        server.close()
    return measured


async def _measure_served(data_dir: Path, api_url: str, token: str, rounds: int) -> Times:
    port = systems.free_port()
    environment = {**systems.tralob_environment(data_dir, api_url), "PORT": str(port)}
    program = Program("Tralob", port, {"web": ["-m", "bot", "web"]}, environment)
    # By https such cookies have this name; the proxy that speaks it is not there.
    headers = {"Cookie": f"__Host-{SESSION_COOKIE}={token}"}
    async with (
        systems.started(program, data_dir),
        aiohttp.ClientSession(headers=headers) as http,
    ):
        return await measure(Browser(http, f"http://127.0.0.1:{port}"), rounds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="*", default=list(SIZES))
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="of each page")
    parser.add_argument("--write", action="store_true", help="into docs/benchmarks.md")
    given = parser.parse_args()

    async def within_bounds() -> dict[int, Times]:
        async with asyncio.timeout(TOO_LONG_S):
            return await compare(sorted(given.sizes), given.rounds)

    described = describe(uvloop.run(within_bounds()), queue=tuple(QUEUE))
    print(described)
    if given.write:
        write(described)


if __name__ == "__main__":
    main()
