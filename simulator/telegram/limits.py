"""Telegram's limits on sending: 30 messages a second in all, and after a burst one in a chat.

Telegram does not publish the burst of a chat; 20 at once was taken because real bots are seen to
get through a screenful before they are held. A refused message does not count.
"""

import math
import time
from collections import deque
from collections.abc import Callable

PER_SECOND = 30
CHAT_BURST = 20


class Limits:
    """Counts what was sent, with a clock that tests may turn by hand."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._sent: deque[float] = deque()
        self._chats: dict[int, tuple[float, float]] = {}

    def wait(self, chat_id: int) -> int:
        """Whole seconds until a message to the chat may go; 0 when it may go now and is counted."""
        now = self._clock()
        while self._sent and self._sent[0] <= now - 1:
            self._sent.popleft()
        tokens, since = self._chats.get(chat_id, (float(CHAT_BURST), now))
        tokens = min(CHAT_BURST, tokens + now - since)
        missing = max(
            1 - tokens,
            self._sent[0] + 1 - now if len(self._sent) >= PER_SECOND else 0,
        )
        if missing > 0:
            self._chats[chat_id] = (tokens, now)
            return max(1, math.ceil(missing))
        self._chats[chat_id] = (tokens - 1, now)
        self._sent.append(now)
        return 0
