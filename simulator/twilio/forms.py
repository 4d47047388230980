"""What a request to create or change a message says, checked in Twilio's order and words."""

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

from starlette.requests import Request

from simulator.twilio import errors
from simulator.twilio.numbers import recipient_error
from simulator.twilio.segments import utf16_units

_MAX_FORM_BYTES = 64 * 1024
_SERVICE_SID = re.compile(r"MG[0-9a-fA-F]{32}")
_VALIDITY = range(1, 36_001)


async def read_form(request: Request) -> dict[str, str]:
    """The posted form. Raises TwilioError when it is too large or is not one."""
    raw = b""
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > _MAX_FORM_BYTES:
            raise errors.invalid_parameter("The request is too large")
    try:
        pairs = parse_qsl(
            raw.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=100
        )
    except ValueError as error:
        raise errors.invalid_parameter("The request is not a form in UTF-8") from error
    return dict(pairs)


@dataclass(frozen=True)
class NewMessage:
    """A message that may be sent, once its recipient turns out to want it."""

    to: str
    body: str
    service_sid: str | None
    status_callback: str | None


def parse_new_message(form: dict[str, str], *, own_sender: str) -> NewMessage:
    """Raises TwilioError."""
    to = _recipient(form.get("To", ""))
    service_sid = _service(form.get("MessagingServiceSid"))
    sender = form.get("From")
    if not sender and not service_sid:
        raise errors.from_missing()
    if sender == to:
        raise errors.to_is_from()
    if sender and sender != own_sender:
        raise errors.from_not_ours(sender)
    _check_validity(form.get("ValidityPeriod"))
    return NewMessage(to, _body(form), service_sid, _callback(form.get("StatusCallback")))


def check_redaction(form: dict[str, str]) -> None:
    """Raises TwilioError unless the form empties a body and does nothing else."""
    if form.get("Status") == "canceled" and "Body" not in form:
        raise errors.cannot_be_canceled()
    if "Status" in form or form.get("Body") != "":
        raise errors.invalid_update()


def _recipient(to: str) -> str:
    if not to:
        raise errors.to_missing()
    if error := recipient_error(to):
        raise error
    return to


def _service(sid: str | None) -> str | None:
    if not sid:
        return None
    if not _SERVICE_SID.fullmatch(sid):
        raise errors.service_not_found()
    return sid


def _body(form: dict[str, str]) -> str:
    body = form.get("Body", "")
    if not body:
        raise errors.body_missing()
    if utf16_units(body) > errors.MAX_BODY_UNITS:
        raise errors.body_too_long()
    return body


def _callback(url: str | None) -> str | None:
    if not url:
        return None
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise errors.callback_invalid()
    return url


def _check_validity(seconds: str | None) -> None:
    if seconds is None:
        return
    if not (seconds.isdecimal() and int(seconds[:6]) in _VALIDITY):
        raise errors.invalid_parameter("ValidityPeriod must be between 1 and 36000 seconds")
