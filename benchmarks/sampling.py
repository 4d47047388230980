"""Where the consumer's time goes: its processor time, sampled, by what the code was doing.

`python -m benchmarks.sampling REPORT` is `python -m bot worker inbox` with a timer that rings every
few milliseconds of processor time and notes to which stage the innermost known frame belongs.
SIGUSR1 forgets what was counted so far: the start is not a turn.
"""

import json
import signal
import sys
from collections import Counter
from pathlib import Path
from types import FrameType

_EVERY_S = 0.003
# By a part of the file's path; the first that fits the innermost frame decides.
_STAGES = (
    ("/asyncpg/", "database"),
    ("/sqlalchemy/", "database"),
    ("/db/", "database"),
    ("/services/direct.py", "database"),
    ("/services/addresses.py", "database"),
    ("/services/consent.py", "database"),
    ("/services/drafts.py", "database"),
    ("/services/registration.py", "database"),
    ("/services/requests.py", "database"),
    ("/services/inbox.py", "database"),
    ("/redis/", "standing"),
    ("/bot/state_store.py", "standing"),
    ("/aiohttp/", "sending"),
    ("/yarl/", "sending"),
    ("/aiogram/client/", "sending"),
    ("/aiogram/", "dialog"),
    ("/aiogram_dialog/", "dialog"),
    ("/dialogs/", "dialog"),
    ("/locales/", "dialog"),
    ("/services/", "dialog"),
    ("/bot/conversation.py", "dialog"),
    ("/bot/dispatcher.py", "dialog"),
    ("/bot/shown.py", "dialog"),
)


def _stage_of(frame: FrameType | None) -> str:
    while frame is not None:
        path = frame.f_code.co_filename
        for part, stage in _STAGES:
            if part in path:
                return stage
        frame = frame.f_back
    return "consumer"


def main() -> None:
    counted: Counter[str] = Counter()

    def sample(_: int, frame: FrameType | None) -> None:
        counted[_stage_of(frame)] += 1

    from bot.config import load_settings  # noqa: PLC0415 - after the timer's own imports
    from bot.worker import run_inbox  # noqa: PLC0415

    signal.signal(signal.SIGUSR1, lambda *_: counted.clear())
    signal.signal(signal.SIGPROF, sample)
    signal.setitimer(signal.ITIMER_PROF, _EVERY_S, _EVERY_S)
    run_inbox(load_settings())
    signal.setitimer(signal.ITIMER_PROF, 0)
    Path(sys.argv[1]).write_text(json.dumps(counted), encoding="utf-8")


if __name__ == "__main__":
    main()
