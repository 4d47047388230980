"""Every message that the carrier has a record of, as its REST API shows them.

Kept apart from what the phones show: emptying a body or deleting a record here takes nothing
from the phone of the person who received it.
"""

import secrets
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

from simulator.twilio.errors import DELIVERY_ERRORS

API_VERSION = "2010-04-01"
FINAL = frozenset({"delivered", "undelivered", "failed", "received", "canceled"})

# The oldest finished records are forgotten beyond this, so that a long training never fills up.
_KEPT = 10_000


def new_sid(prefix: str) -> str:
    """A resource's name in Twilio's form: two letters and 32 hexadecimal digits."""
    return prefix + secrets.token_hex(16)


@dataclass
class Record:
    """One message; times are Unix seconds, `price` what the account paid once it is known."""

    sid: str
    direction: str
    sender: str | None
    to: str
    body: str
    parts: int
    status: str
    created: float
    updated: float
    sent: float | None = None
    price: float | None = None
    error_code: int | None = None
    service_sid: str | None = None
    status_callback: str | None = None
    webhook_due: bool = False

    @property
    def is_final(self) -> bool:
        return self.status in FINAL

    def move_to(self, status: str, at: float) -> None:
        self.status, self.updated = status, at
        if status == "sent":
            self.sent = at


class Ledger:
    """Records by name, oldest first."""

    def __init__(self) -> None:
        self._records: dict[str, Record] = {}

    def __iter__(self) -> Iterator[Record]:
        return iter(self._records.values())

    def find(self, sid: str) -> Record | None:
        return self._records.get(sid)

    def newest_first(self) -> list[Record]:
        return list(reversed(self._records.values()))

    def add(self, record: Record) -> None:
        self._records[record.sid] = record
        if len(self._records) > _KEPT:
            oldest = next((r.sid for r in self if r.is_final and not r.webhook_due), None)
            if oldest is not None:
                del self._records[oldest]

    def remove(self, sid: str) -> None:
        self._records.pop(sid, None)

    def clear(self) -> None:
        self._records.clear()

    def dump(self) -> list[dict[str, Any]]:
        return [asdict(record) for record in self]

    def load(self, rows: list[dict[str, Any]]) -> None:
        known = {field.name for field in fields(Record)}
        for row in rows:
            record = Record(**{name: value for name, value in row.items() if name in known})
            self._records[record.sid] = record


def record_message(
    *, direction: str, sender: str | None, to: str, body: str, parts: int, status: str
) -> Record:
    """A new record with its name and time."""
    now = time.time()
    return Record(new_sid("SM"), direction, sender, to, body, parts, status, now, now)


def account_uri(account_sid: str) -> str:
    return f"/{API_VERSION}/Accounts/{account_sid}"


def as_resource(record: Record, account_sid: str, currency: str) -> dict[str, Any]:
    """The Message resource, member for member as Twilio answers it."""
    uri = f"{account_uri(account_sid)}/Messages/{record.sid}"
    return {
        "account_sid": account_sid,
        "api_version": API_VERSION,
        "body": record.body,
        "date_created": _rfc2822(record.created),
        "date_sent": _rfc2822(record.sent),
        "date_updated": _rfc2822(record.updated),
        "direction": record.direction,
        "error_code": record.error_code,
        "error_message": DELIVERY_ERRORS.get(record.error_code) if record.error_code else None,
        "from": record.sender,
        "messaging_service_sid": record.service_sid,
        "num_media": "0",
        "num_segments": str(record.parts),
        "price": None if record.price is None else f"{-record.price:.5f}",
        "price_unit": currency,
        "sid": record.sid,
        "status": record.status,
        "subresource_uris": {"media": f"{uri}/Media.json"},
        "to": record.to,
        "uri": f"{uri}.json",
    }


def _rfc2822(at: float | None) -> str | None:
    return None if at is None else format_datetime(datetime.fromtimestamp(int(at), UTC))
