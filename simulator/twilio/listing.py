"""The list of messages: Twilio's filters, and its pages that stay put while messages come in."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from starlette.datastructures import QueryParams

from simulator.twilio.errors import invalid_parameter
from simulator.twilio.ledger import Record

_DEFAULT_SIZE = 50
_MAX_SIZE = 1000
_DAY = timedelta(days=1)
_FILTERS = ("To", "From", "DateSent", "DateSent<", "DateSent>")


@dataclass(frozen=True)
class _Place:
    """Which page was asked for; `after` or `before` name the message at its edge."""

    number: int
    size: int
    after: str | None = None
    before: str | None = None


def list_page(records: list[Record], query: QueryParams, uri: str) -> tuple[list[Record], Any]:
    """The messages of the page asked for, out of `records` newest first, and Twilio's page members.

    Raises TwilioError for a filter or page that cannot be understood.
    """
    place = _place(query)
    filters = _filters(query)
    found = [record for record in records if all(keeps(record) for keeps in filters)]
    start = _start(found, place)
    page = found[start : start + place.size]
    kept = {name: query[name] for name in _FILTERS if name in query}

    def link(number: int, token: str | None = None) -> str:
        where = {"PageSize": str(place.size), "Page": str(number)}
        return f"{uri}?{urlencode(kept | where | ({'PageToken': token} if token else {}))}"

    has_next = start + place.size < len(found)
    has_previous = start > 0 and place.number > 0
    first = place.number * place.size
    return page, {
        "page": place.number,
        "page_size": place.size,
        "start": first,
        "end": first + max(len(page) - 1, 0),
        "uri": link(place.number),
        "first_page_uri": link(0),
        "next_page_uri": link(place.number + 1, "PA" + page[-1].sid) if has_next else None,
        "previous_page_uri": link(place.number - 1, "PB" + page[0].sid)
        if has_previous and page
        else None,
    }


def _place(query: QueryParams) -> _Place:
    size = min(_number(query, "PageSize", _DEFAULT_SIZE, at_least=1), _MAX_SIZE)
    number = _number(query, "Page", 0, at_least=0)
    token = query.get("PageToken", "")
    if token and token[:2] not in {"PA", "PB"}:
        raise invalid_parameter("Invalid PageToken")
    after = token[2:] if token.startswith("PA") else None
    before = token[2:] if token.startswith("PB") else None
    return _Place(number, size, after, before)


def _number(query: QueryParams, name: str, default: int, *, at_least: int) -> int:
    text = query.get(name, "")
    if not text:
        return default
    if not (text.isascii() and text.isdecimal() and at_least <= int(text[:9])):
        raise invalid_parameter(f"Invalid {name}")
    return int(text[:9])


def _start(found: list[Record], place: _Place) -> int:
    edge = place.after or place.before
    if edge is None:
        return place.number * place.size
    at = next((i for i, record in enumerate(found) if record.sid == edge), None)
    if at is None:
        raise invalid_parameter("Invalid PageToken")
    return at + 1 if place.after else max(at - place.size, 0)


def _filters(query: QueryParams) -> list[Callable[[Record], bool]]:
    checks: list[Callable[[Record], bool]] = []
    if to := query.get("To"):
        checks.append(lambda record: record.to == to)
    if sender := query.get("From"):
        checks.append(lambda record: record.sender == sender)
    if day := query.get("DateSent"):
        begin = _moment("DateSent", day).replace(hour=0, minute=0, second=0)
        checks.append(lambda record: begin <= _sent(record) < begin + _DAY)
    if until := query.get("DateSent<"):
        end = _moment("DateSent<", until)
        checks.append(lambda record: _sent(record) <= end)
    if since := query.get("DateSent>"):
        first = _moment("DateSent>", since)
        checks.append(lambda record: _sent(record) >= first)
    return checks


def _sent(record: Record) -> datetime:
    """A message that is not sent yet is listed by the time at which it was created."""
    at = record.created if record.sent is None else record.sent
    return datetime.fromtimestamp(int(at), UTC)


def _moment(name: str, text: str) -> datetime:
    """A date means midnight in GMT, as does a time without a zone."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise invalid_parameter(f"Invalid {name}") from error
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
