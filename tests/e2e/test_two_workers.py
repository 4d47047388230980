"""Two consumers and two delivery workers at once: what one person sees keeps its order."""

import asyncio
import re
from collections.abc import Coroutine, Iterable, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.counting_carrier import CountingCarrier
from tests.e2e.line_processes import METRICS_TOKEN, NO_LIMIT, Between, between_carriers
from tests.e2e.outbox_rows import Promised, has_ended, list_states, promise_to_many, tally
from tests.served_app import private_message, until
from tests.support import Database

PATIENCE_S = 60.0
# Words that work at any moment, in a row that reads differently from every other place.
SMS_SCRIPT = ("MENU", "HELP", "HELP", "MENU", "HELP", "MENU", "MENU", "MENU")
CHAT_SCRIPT = tuple(f"/{words.lower()}" for words in SMS_SCRIPT)
_IDS = count(1)
_PHONES = count(1)


class Writer:
    """Somebody who writes a whole script, waiting for each answer or not at all."""

    def __init__(self, line: Between, *, sms: bool) -> None:
        number = next(_PHONES)
        self._line = line
        self._sms = sms
        self.to = f"+8551288{number:04}" if sms else str(9_200_000_000 + number)
        self.script = SMS_SCRIPT if sms else CHAT_SCRIPT
        self._already = 0

    async def choose_khmer(self) -> None:
        await self._write_patiently(["hello", "1"] if self._sms else ["/start", "ខ្មែរ"])
        self._already = len(self._texts)

    async def write_patiently(self) -> None:
        await self._write_patiently(self.script)

    async def _write_patiently(self, script: Sequence[str]) -> None:
        for words in script:
            before = len(self._texts)
            await self._post(words)
            await until(lambda before=before: len(self._texts) > before, PATIENCE_S)  # type: ignore[misc]

    async def write_hastily(self) -> None:
        for words in self.script:
            await self._post(words)

    async def _post(self, words: str) -> None:
        doors, number = self._line.doors, next(_IDS)
        if self._sms:
            status, _ = await doors.sms(f"SMin{number}", self.to, words)
        else:
            status = await doors.update(private_message(number, int(self.to), words))
        assert status == 200

    @property
    def _texts(self) -> list[str]:
        return self._line.carrier.texts(self.to)

    @property
    def seen(self) -> list[str]:
        """The answers to the script."""
        return self._texts[self._already :]

    @property
    def is_answered(self) -> bool:
        return len(self.seen) >= len(self.script)


async def all_do(doings: Iterable[Coroutine[Any, Any, None]]) -> None:
    async with asyncio.TaskGroup() as group:
        for doing in doings:
            group.create_task(doing)


async def list_at_work(line: Between, counted: str) -> set[str]:
    """The processes that did something of a kind, as the metrics tell."""
    shown = {"Authorization": f"Bearer {METRICS_TOKEN}"}
    async with line.doors.http.get(f"{line.doors.local_url}/metrics", headers=shown) as answer:
        found = re.findall(
            rf'^{counted}{{.*process="([^"]+)".*}} (\S+)$', await answer.text(), re.M
        )
    return {process for process, times in found if float(times) > 0}


async def both_work(line: Between) -> bool:
    handled = await list_at_work(line, "tralob_updates_handled_total")
    return len(handled) == 2 and len(await list_at_work(line, "tralob_outbox_total")) == 2


async def promise_more(db: Database, before: Sequence[Promised]) -> list[Promised]:
    """All that is promised now, with messages for as many others as were promised before."""
    async with db.new_session.begin() as session:
        more = await promise_to_many(session, people=24, each=10, first=len(before))
    return [*before, *more]


# The races of claims in tests/services are the small run of the same kind.
@pytest.mark.soak
async def test_order_holds_with_two_of_each_worker(
    db: Database, redis_url: str, tmp_path: Path
) -> None:
    carrier = CountingCarrier(answers_after_s=0.01)
    async with between_carriers(db.url, redis_url, tmp_path, carrier, **NO_LIMIT) as line:
        await line.start_web()
        for queue in ("inbox", "outbox", "inbox", "outbox"):
            await line.start("worker", queue)
        patient = {sms: Writer(line, sms=sms) for sms in (True, False)}
        hasty = [Writer(line, sms=bool(number % 2)) for number in range(24)]
        await all_do(writer.choose_khmer() for writer in [*patient.values(), *hasty])
        await all_do(writer.write_patiently() for writer in patient.values())
        promised = await promise_more(db, [])
        await all_do(writer.write_hastily() for writer in hasty)
        await until(lambda: all(writer.is_answered for writer in hasty), PATIENCE_S)
        await until(lambda: has_ended(db.engine), PATIENCE_S)
        async with asyncio.timeout(PATIENCE_S):
            # One of the two may be quick enough to do all before the other looks.
            while not await both_work(line):
                promised = await promise_more(db, promised)
                others = [Writer(line, sms=bool(number % 2)) for number in range(12)]
                await all_do(writer.choose_khmer() for writer in others)
                await until(lambda: has_ended(db.engine), PATIENCE_S)
        found = tally(promised, await list_states(db.engine), carrier.copies())
    assert (found.sent, found.twice) == (len(promised), 0)
    for to in {one.to for one in promised}:
        assert carrier.texts(to) == sorted(carrier.texts(to))
    for writer in hasty:
        assert len(set(writer.seen)) > 1
        like = patient[writer.to.startswith("+")]
        assert writer.seen == like.seen
