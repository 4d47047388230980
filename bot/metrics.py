"""What the running service tells about itself, by channel, never by person."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

REGISTRY = CollectorRegistry()

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
INBOX_DEPTH = Gauge("tralob_inbox_waiting", "Updates not handled yet", registry=REGISTRY)
OUTBOX_DEPTH = Gauge(
    "tralob_outbox_unfinished", "Messages not ended yet", ["channel", "state"], registry=REGISTRY
)


def render() -> bytes:
    """All metrics of this process in Prometheus' text format."""
    return generate_latest(REGISTRY)
