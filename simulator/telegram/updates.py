"""Updates on their way to the bot: one queue, fetched by long poll or pushed to a webhook.

An update stays until the bot confirms it, by a higher offset or by answering the webhook with 2xx,
and so outlives a restart of either side.
"""

import asyncio
from collections.abc import Awaitable, Callable

import aiohttp

from simulator.phones import JSON
from simulator.state import QueuedUpdate
from simulator.telegram.errors import BotApiError
from simulator.world import World

NOT_BY_DEFAULT = {"chat_member", "message_reaction", "message_reaction_count"}
FIRST_PAUSE = 0.2
LONGEST_PAUSE = 5.0
CALL_TIMEOUT = 60


class UpdateQueue:
    """The queue and its two ways out; only one is open at a time."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._state = world.state.telegram
        self._wake = asyncio.Event()
        self._poll: asyncio.Future[None] | None = None
        world.at_stop.append(self.wake)

    @property
    def pending(self) -> int:
        return len(self._state.updates)

    def add(self, kind: str, content: JSON) -> None:
        """Queue an update unless the bot asked not to get its kind."""
        allowed = self._state.allowed_updates
        if kind not in allowed if allowed else kind in NOT_BY_DEFAULT:
            return
        update_id = self._state.next_update_id
        self._state.next_update_id += 1
        faults = self._world.faults.telegram
        copies = 1
        if faults.duplicate_next:
            faults.duplicate_next -= 1
            self._world.faults_changed()
            copies = 2
        payload = {"update_id": update_id, kind: content}
        self._state.updates.append(QueuedUpdate(update_id, payload, copies))
        self._world.changed()
        self.wake()

    def drop_all(self) -> None:
        self._state.updates.clear()
        self._world.changed()

    def wake(self) -> None:
        """Let whoever waits for updates look again."""
        self._wake.set()
        if self._poll and not self._poll.done():
            self._poll.set_result(None)

    # Long polling

    async def fetch(self, offset: int, limit: int, seconds: float) -> list[JSON]:
        """Updates from `offset` on; waits up to that many seconds for the first.

        A second call ends the first with 409, as Telegram does: the newer poller wins.
        """
        self.end_poll(
            "terminated by other getUpdates request; "
            "make sure that only one bot instance is running"
        )
        self._confirm(offset)
        if not self._state.updates and not self._world.stopping.is_set():
            await self._wait(seconds)
        return [u.payload for u in self._state.updates[:limit] for _ in range(u.copies)]

    async def _wait(self, seconds: float) -> None:
        mine = self._poll = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(seconds):
                await mine
        except TimeoutError:
            return
        finally:
            if self._poll is mine:
                self._poll = None

    def end_poll(self, reason: str) -> None:
        """Answer a waiting getUpdates with 409."""
        if self._poll and not self._poll.done():
            self._poll.set_exception(BotApiError(409, f"Conflict: {reason}"))
        self._poll = None

    def _confirm(self, offset: int) -> None:
        updates = self._state.updates
        if offset < 0:
            del updates[:offset]
        elif offset:
            updates[:] = [u for u in updates if u.update_id >= offset]
        self._world.changed()

    # Webhook

    async def push(self, on_answer: Callable[[JSON], Awaitable[None]]) -> None:
        """Deliver to the webhook, one at a time and in order, for as long as the world runs.

        A method call in the webhook's answer is handed to `on_answer`.
        """
        timeout = aiohttp.ClientTimeout(total=CALL_TIMEOUT)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            pause = FIRST_PAUSE
            while True:
                self._wake.clear()
                if not self._state.webhook.url or not self._state.updates:
                    await self._wake.wait()
                elif await self._deliver(session, self._state.updates[0], on_answer):
                    pause = FIRST_PAUSE
                else:
                    await asyncio.sleep(pause)
                    pause = min(pause * 2, LONGEST_PAUSE)

    async def _deliver(
        self,
        session: aiohttp.ClientSession,
        update: QueuedUpdate,
        on_answer: Callable[[JSON], Awaitable[None]],
    ) -> bool:
        """Whether the update is done with."""
        try:
            for _ in range(update.copies):
                answer = await self._post(session, update.payload)
                if answer:
                    await on_answer(answer)
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            self._note_error(error)
            return False
        if update in self._state.updates:
            self._state.updates.remove(update)
            self._world.changed()
        return True

    async def _post(self, session: aiohttp.ClientSession, payload: JSON) -> JSON | None:
        webhook = self._state.webhook
        secret = webhook.secret_token or self._world.config.telegram_secret
        headers = {"X-Telegram-Bot-Api-Secret-Token": secret} if secret else {}
        async with session.post(webhook.url, json=payload, headers=headers) as response:
            response.raise_for_status()
            if response.content_type != "application/json":
                return None
            body = await response.json()
            return body if isinstance(body, dict) and "method" in body else None

    def _note_error(self, error: Exception) -> None:
        webhook = self._state.webhook
        webhook.last_error_date = int(self._world.now())
        if isinstance(error, aiohttp.ClientResponseError):
            text = f"Wrong response from the webhook: {error.status} {error.message}"
        elif isinstance(error, TimeoutError):
            text = "Read timeout expired"
        else:
            text = "Connection failed"
        webhook.last_error_message = text
        self._world.changed()
