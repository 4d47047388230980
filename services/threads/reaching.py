"""How the person of a request can be reached.

A message may be withheld, or never arrive; somebody who asks by SMS to be called is known by the
number alone. So whoever works on a request sees every number there is, and what speaks against it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import Address, Person, Request, RequestEvent

SMS, REGISTERED, LEFT = "sms", "registered", "left"
_MOST_LEFT = 5


@dataclass(frozen=True, slots=True)
class Number:
    """A number in E.164, and from where it is known: SMS, REGISTERED or LEFT with the request."""

    e164: str = field(repr=False)
    known_from: str


@dataclass(frozen=True, slots=True)
class Ways:
    """Whom to reach and how. `numbers` begin with what was left last; none stands there twice.

    `is_shared` says whether others read that phone too, None if it was never told. With
    `is_blocked` no message arrives there; after `has_stopped` only answers may be sent.
    """

    name: str | None = field(repr=False)
    channel: str
    numbers: Sequence[Number]
    is_shared: bool | None
    has_stopped: bool
    is_blocked: bool


async def find_ways(session: AsyncSession, request: Request) -> Ways:
    """All ways that are known."""
    address = await session.get_one(Address, request.address_id, populate_existing=True)
    person = None if request.person_id is None else await session.get(Person, request.person_id)
    known = [Number(e164, LEFT) for e164 in await _list_left(session, request)]
    if address.channel == "sms":
        known.append(Number(address.value, SMS))
    if person is not None and person.phone is not None:
        known.append(Number(person.phone, REGISTERED))
    once: dict[str, Number] = {}
    for number in known:
        once.setdefault(number.e164, number)
    return Ways(
        name=None if person is None else person.name,
        channel=address.channel,
        numbers=tuple(once.values()),
        is_shared=address.is_shared,
        has_stopped=address.stopped_at is not None,
        is_blocked=_is_blocked(address),
    )


def _is_blocked(address: Address) -> bool:
    """As the contact policy sees it: nobody wrote from it since."""
    if address.blocked_at is None:
        return False
    return address.last_in_at is None or address.last_in_at <= address.blocked_at


async def _list_left(session: AsyncSession, request: Request) -> Sequence[str]:
    """The numbers given with the request, the last one first."""
    query = (
        select(RequestEvent.body)
        .where(RequestEvent.request_id == request.id, RequestEvent.kind == "phone_number")
        .order_by(RequestEvent.id.desc())
        .limit(_MOST_LEFT)
    )
    return [body["phone_e164"] for body in await session.scalars(query) if body]
