"""Every message that the carrier has a record of, as its REST API shows them.

Kept apart from what the phones show: emptying a body or deleting a record here takes nothing
from the phone of the person who received it.
"""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any, Literal

from pydantic import TypeAdapter, ValidationError

from simulator.state import DamagedStateError
from simulator.twilio.errors import DELIVERY_ERRORS

API_VERSION = "2010-04-01"
FINAL = frozenset({"delivered", "undelivered", "failed", "received"})

# The oldest finished records are forgotten beyond this, so that a long training never fills up.
_KEPT = 5_000

Direction = Literal["inbound", "outbound-api", "outbound-reply"]


def new_sid(prefix: str) -> str:
    """A resource's name in Twilio's form: two letters and 32 hexadecimal digits."""
    return prefix + secrets.token_hex(16)


@dataclass
class Record:
    """One message. Times are Unix seconds; `price` is what the account paid, once known.

    `fate` is the error code that a message under way will end with, None if it will arrive.
    `webhook_due` says that the application has not yet taken a message that came in, `told` which
    status of an outgoing one it was last told.
    """

    sid: str
    direction: Direction
    sender: str | None
    to: str
    body: str
    parts: int
    status: str
    created: float
    updated: float
    sent: float | None = None
    price: float | None = None
    fate: int | None = None
    error_code: int | None = None
    service_sid: str | None = None
    status_callback: str | None = None
    told: str | None = None
    webhook_due: bool = False

    @property
    def is_final(self) -> bool:
        return self.status in FINAL

    @property
    def is_settled(self) -> bool:
        """Whether nothing more happens to it by itself."""
        known = not self.webhook_due if self.direction == "inbound" else self.told == self.status
        return self.is_final and known


_RECORDS: TypeAdapter[dict[str, Record]] = TypeAdapter(dict[str, Record])


class Ledger:
    """Records by name, oldest first, within a dictionary that is saved with the world.

    Raises DamagedStateError when that dictionary holds something else.
    """

    def __init__(self, store: dict[str, Any]) -> None:
        self._store = store
        try:
            store["messages"] = _RECORDS.validate_python(store.get("messages", {}))
        except ValidationError as error:
            message = "the SMS of the simulator's state are damaged: move its file away"
            raise DamagedStateError(message) from error

    @property
    def _records(self) -> dict[str, Record]:
        # Looked up each time: a reset of the world empties the dictionary around it.
        records: dict[str, Record] = self._store.setdefault("messages", {})
        return records

    def __iter__(self) -> Iterator[Record]:
        return iter(list(self._records.values()))

    def __contains__(self, record: Record) -> bool:
        return record.sid in self._records

    def find(self, sid: str) -> Record | None:
        return self._records.get(sid)

    def newest_first(self) -> list[Record]:
        return list(reversed(self._records.values()))

    def add(self, record: Record) -> None:
        self._records[record.sid] = record
        if len(self._records) > _KEPT:
            oldest = next((known.sid for known in self if known.is_settled), None)
            if oldest is not None:
                self.remove(oldest)

    def remove(self, sid: str) -> None:
        self._records.pop(sid, None)


def account_uri(account_sid: str) -> str:
    """Where everything of an account lies."""
    return f"/{API_VERSION}/Accounts/{account_sid}"


def as_resource(record: Record, account_sid: str, currency: str) -> dict[str, Any]:
    """The Message resource, member for member as Twilio answers it."""
    uri = f"{account_uri(account_sid)}/Messages/{record.sid}"
    # A messaging service counts the parts only when it has chosen a sender.
    parts = 0 if record.status == "accepted" else record.parts
    return {
        "account_sid": account_sid,
        "api_version": API_VERSION,
        "body": record.body,
        "date_created": _rfc2822(record.created),
        "date_sent": _rfc2822(record.sent),
        "date_updated": _rfc2822(record.updated),
        "direction": record.direction,
        "error_code": record.error_code,
        "error_message": None if record.error_code is None else DELIVERY_ERRORS[record.error_code],
        "from": record.sender,
        "messaging_service_sid": record.service_sid,
        "num_media": "0",
        "num_segments": str(parts),
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
