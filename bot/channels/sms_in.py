"""What a Twilio-compatible carrier posts to us: incoming SMS and reports on outgoing ones."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

from multidict import MultiDict
from twilio.request_validator import RequestValidator

CHANNEL = "sms"
INBOUND_PATH = "/sms/inbound"
STATUS_PATH = "/sms/status"
LARGEST_FORM = 64 * 1024
_MOST_FIELDS = 200

_E164 = re.compile(r"\+[1-9]\d{5,14}")
_CAMBODIAN = re.compile(r"855\d{8,9}")
_SID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_KEPT = ("MessageSid", "From", "Body")

_STATES = {
    "accepted": "sent",
    "scheduled": "sent",
    "queued": "sent",
    "sending": "sent",
    "sent": "sent",
    "delivered": "delivered",
    "read": "delivered",
    "undelivered": "undelivered",
    "failed": "failed",
    "canceled": "failed",
}


class MalformedFormError(ValueError):
    """A field that every request of this kind has is missing or senseless."""


@dataclass(frozen=True, slots=True)
class InboundSms:
    """An SMS as the inbox keeps it; ``number`` is in E.164."""

    provider_id: str
    number: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class StatusReport:
    """What a carrier says about a message of ours; ``state`` is one of the outbox's."""

    provider_id: str
    state: str
    error_code: str | None
    item_id: int | None


def read_form(body: bytes) -> MultiDict[str]:
    """Decode a form. Raises MalformedFormError."""
    try:
        text = body.decode()
        fields = parse_qsl(
            text, keep_blank_values=True, max_num_fields=_MOST_FIELDS, errors="strict"
        )
    except ValueError:
        raise MalformedFormError("not a form") from None
    return MultiDict(fields)


def is_genuine(
    auth_token: str, public_url: str, path_and_query: str, form: MultiDict[str], signature: str
) -> bool:
    """Check a request's signature against the address that the carrier was told."""
    validator = RequestValidator(auth_token)
    return bool(validator.validate(public_url + path_and_query, form, signature))


def read_inbound(form: Mapping[str, str]) -> InboundSms | None:
    """Read an SMS; None when its sender is a name or a service, which nobody can answer.

    Raises MalformedFormError.
    """
    sid = form.get("MessageSid", "")
    if _SID.fullmatch(sid) is None or not form.get("From"):
        raise MalformedFormError("no MessageSid or no From")
    number = _to_e164(form["From"])
    if number is None:
        return None
    kept = {name: form[name] for name in _KEPT if name in form} | {"From": number}
    return InboundSms(sid, number, json.dumps(kept, ensure_ascii=False).encode())


def _to_e164(sender: str) -> str | None:
    number = re.sub(r"[\s()-]", "", sender)
    if _CAMBODIAN.fullmatch(number):
        number = f"+{number}"
    return number if _E164.fullmatch(number) else None


def read_status(form: Mapping[str, str], item: str | None) -> StatusReport | None:
    """Read a report; None for a status that says nothing new. Raises MalformedFormError.

    ``item`` is our own id, which the address given to the carrier carries in its query.
    """
    sid = form.get("MessageSid") or form.get("SmsSid") or ""
    status = form.get("MessageStatus") or form.get("SmsStatus")
    if _SID.fullmatch(sid) is None or not status:
        raise MalformedFormError("no MessageSid or no MessageStatus")
    state = _STATES.get(status.lower())
    if state is None:
        return None
    error = form.get("ErrorCode", "")
    item_id = int(item) if item is not None and re.fullmatch(r"\d{1,18}", item) else None
    return StatusReport(sid, state, error if error.isdecimal() else None, item_id)
