"""What the running service tells about itself, by channel, never by person.

Only the web process has an address to be asked at, so the others leave their numbers in Redis for a
moment and it hands them on, each with the name of its process.
"""

import asyncio
import contextlib
import os
import socket
from collections.abc import Iterable, Mapping

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Metric,
    generate_latest,
)
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector
from redis.asyncio import Redis
from redis.exceptions import RedisError

REGISTRY = CollectorRegistry()
_SHARED = CollectorRegistry()  # the queues are everybody's: only who is asked tells of them

RECEIVED = Counter(
    "tralob_updates_received", "Updates stored in the inbox", ["channel"], registry=REGISTRY
)
DUPLICATES = Counter(
    "tralob_updates_duplicate", "Updates delivered once more", ["channel"], registry=REGISTRY
)
SKIPPED = Counter(
    "tralob_updates_skipped", "Updates that are nobody's message", ["channel"], registry=REGISTRY
)
REFUSED = Counter(
    "tralob_updates_refused", "Requests turned away at a door", ["door", "why"], registry=REGISTRY
)
HANDLED = Counter("tralob_updates_handled", "Updates handled", ["channel"], registry=REGISTRY)
FAILED = Counter(
    "tralob_updates_failed", "Attempts to handle that failed", ["channel"], registry=REGISTRY
)
HANDLING = Histogram(
    "tralob_handling_seconds",
    "Time to handle one update",
    ["channel"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60),
    registry=REGISTRY,
)
SENDING = Histogram(
    "tralob_sending_seconds",
    "Time that a carrier took to answer",
    ["channel"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60),
    registry=REGISTRY,
)
OUTCOMES = Counter(
    "tralob_outbox", "Messages by what became of them", ["channel", "outcome"], registry=REGISTRY
)
SEND_LIMIT_LOCAL = Gauge(
    "tralob_send_limit_local",
    "1 while Redis is away and this process keeps to a small share of its own",
    registry=REGISTRY,
)
LIMIT_WAIT = Histogram(
    "tralob_send_limit_wait_seconds",
    "Time that a message waited for its turn",
    ["channel", "lane"],
    buckets=(0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
    registry=REGISTRY,
)
THROTTLED = Counter(
    "tralob_throttled", "How often a carrier asked for patience", ["channel"], registry=REGISTRY
)
INBOX_DEPTH = Gauge("tralob_inbox_waiting", "Updates not handled yet", registry=_SHARED)
OUTBOX_DEPTH = Gauge(
    "tralob_outbox_unfinished", "Messages not ended yet", ["channel", "state"], registry=_SHARED
)


_KEY = "metrics:"
_KEPT_S = 20
_PUBLISHED_EVERY_S = 5.0


class _Together(Collector):
    """The metrics of several processes, told apart by a label."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = texts

    def collect(self) -> Iterable[Metric]:
        families: dict[str, Metric] = {}
        for process, text in self._texts.items():
            for found in text_string_to_metric_families(text):
                family = families.setdefault(
                    found.name, Metric(found.name, found.documentation, found.type)
                )
                for sample in found.samples:
                    labels = {**sample.labels, "process": process}
                    family.add_sample(sample.name, labels, sample.value)
        return families.values()


def process_name(kind: str, pid: int | None = None) -> str:
    """What a process of this machine is called among those of all; without a pid, this one.

    In containers every pid is 1: without the machine two workers would overwrite one another.
    """
    return f"{kind}-{socket.gethostname()}-{os.getpid() if pid is None else pid}"


def key_of(process: str) -> str:
    """Where in Redis a process leaves its numbers."""
    return _KEY + process


async def publish(redis: Redis, process: str) -> None:
    """Leave this process's numbers where the web process finds them, for ever."""
    while True:
        # Without Redis nobody can fetch them: not worth a line every five seconds.
        with contextlib.suppress(RedisError):
            await redis.set(key_of(process), generate_latest(REGISTRY), ex=_KEPT_S)
        await asyncio.sleep(_PUBLISHED_EVERY_S)


async def render(redis: Redis, process: str) -> bytes:
    """The metrics of all processes in Prometheus' text format; without Redis, of this one."""
    texts = {process: generate_latest(REGISTRY).decode()}
    with contextlib.suppress(RedisError):
        async for key in redis.scan_iter(match=_KEY + "*", count=100):
            text = await redis.get(key)
            if isinstance(text, bytes):
                texts[key.decode().removeprefix(_KEY)] = text.decode()
    together = CollectorRegistry()
    together.register(_Together(texts))
    return generate_latest(_SHARED) + generate_latest(together)
