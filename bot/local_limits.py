"""What a process allows itself while Redis, which shares the limits, is away.

Nobody knows then how many others send: each takes a small fixed share of the whole.
"""

from collections import deque
from collections.abc import Callable
from typing import Final

SHARE: Final = 5
"""One part in so many: that many busy processes stay within the limit together."""

_MOST_CHATS = 10_000


class LocalWindow:
    """So many messages within any second; bulk leaves half of them to dialogs."""

    def __init__(self, per_s: int, clock: Callable[[], float]) -> None:
        self._most = max(2, per_s // SHARE)
        self._clock = clock
        self._sent: deque[float] = deque()

    def ask(self, *, bulk: bool) -> float:
        """Seconds to wait; 0 when it may go now and is counted."""
        now = self._clock()
        while self._sent and self._sent[0] <= now - 1:
            self._sent.popleft()
        over = len(self._sent) - (self._most // 2 if bulk else self._most)
        if over >= 0:
            return self._sent[over] + 1 - now
        self._sent.append(now)
        return 0.0


class LocalParts:
    """So many parts a second, one message after the other."""

    def __init__(self, per_s: int, clock: Callable[[], float]) -> None:
        self._per_s = per_s / SHARE
        self._clock = clock
        self._free_at = 0.0

    def ask(self, parts: int) -> float:
        """Seconds to wait; 0 when it may go now and is counted."""
        now = self._clock()
        if self._free_at > now:
            return self._free_at - now
        self._free_at = now + parts / self._per_s
        return 0.0


class LocalChats:
    """One message a second in each chat, after a burst."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._free_at: dict[str, float] = {}

    def ask(self, chat: str, burst: int, longest: float) -> float:
        """Seconds to wait; up to ``longest`` the place is taken."""
        now = self._clock()
        if len(self._free_at) > _MOST_CHATS:
            self._free_at = {one: at for one, at in self._free_at.items() if at > now}
        free_at = max(self._free_at.get(chat, 0.0), now)
        pause = max(0.0, free_at - (burst - 1) - now)
        if pause <= longest:
            self._free_at[chat] = free_at + 1
        return pause
