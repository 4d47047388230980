"""What the desk shows: the referrals of a request, the form for a new one, the sheet to give."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import (
    OPEN_STATES,
    PURPOSES,
    SHARED,
    Address,
    Agency,
    Centre,
    OutboxRow,
    Referral,
    Request,
    Staff,
)
from db.models.request_event import RequestEvent
from services import agencies, audit, consent, contact_policy
from services.accounts.types import Visitor
from services.acting import across_centres
from services.agencies import AgencyLine
from services.contact_policy import Forbidden, Purpose
from services.desk_requests.reading import find_last_own_event
from services.desk_requests.rights import get_readable
from services.office_hours import Hours, are_assumed, day_of
from services.outbox import UNSENT
from services.referrals import asking_back, fields, journal, refusals, states
from services.referrals.asking import Told
from services.referrals.asking_back import RecallLine
from services.referrals.errors import NotGivable
from services.referrals.gate import AGENCY_ENDED
from services.referrals.steps import find_reason_against, get_of_request

__all__ = [
    "OPEN_STATES",
    "ReferralForm",
    "ReferralLine",
    "Sheet",
    "get_all",
    "get_form",
    "get_sheet",
    "list_of",
]

# What a request is about says what an agency is first looked for.
_PURPOSE_OF_TOPIC: Final = {"registration": "work"}
_STEPS_OF_MOVES: Final = {
    "agree": "told",
    "give": "give",
    "accept": "accept",
    "decline": "decline",
    "finish": "finish",
    "end": "end",
}


@dataclass(frozen=True, slots=True)
class ReferralLine:
    """A referral as the page of its request shows it.

    `steps` are those of `services.referrals.steps` that are open now; `reason_against` is why it
    may not be given now, None when it may, or when that is past. With `is_lost` the question never
    arrived; `held_until` is until when it waits to be sent. `result` is one of RESULTS, `ended_for`
    one of ENDED_FOR. `recall` is there where the agency must be asked to delete what it has.
    """

    id: int
    agency: AgencyLine
    purpose: str
    shared: Sequence[str]
    need: str | None = field(repr=False)
    state: str
    consent: str | None
    told: Told | None = field(repr=False)
    created_at: datetime
    agreed_at: datetime | None
    given_at: datetime | None
    answer: str | None = field(repr=False)
    reason_against: str | None
    is_lost: bool
    held_until: datetime | None
    result: str | None
    ended_for: str | None
    steps: frozenset[str]
    recall: RecallLine | None = None

    @property
    def standing(self) -> str:
        """Its state; "held" where nobody was asked yet."""
        return "held" if self.state == "asked" and self.held_until is not None else self.state


@dataclass(frozen=True, slots=True)
class ReferralForm:
    """What is needed to begin one.

    `agencies` have those first that fit the purpose and the person's place. `known` is what could
    be told, masked, by the names of SHARED. `refused_on` is the day of a general "no" to being
    passed on that still stands, `refused_agencies` are those of a "no" to an agency by its id.
    `cannot_ask` is why no message can be sent, by `contact_policy`.
    """

    request: Request
    channel: str
    purpose: str
    agencies: Sequence[AgencyLine]
    known: Mapping[str, str] = field(repr=False)
    is_shared: bool
    refused_on: date | None
    refused_agencies: Mapping[int, date]
    cannot_ask: str | None
    seen: int


@dataclass(frozen=True, slots=True)
class Sheet:
    """What is given to the agency: nothing but what was agreed to. `told` is by names of SHARED.

    Without a phone the agency answers the centre, as far as that has told its hours and number.
    `worker` is whom the agency asks for there: the request's owner, else who began the referral.
    """

    referral_id: int
    code: str
    agency: AgencyLine
    centre_id: str
    centre_km: str
    centre_phone: str | None
    centre_hours: Hours | None
    worker: str
    purpose: str
    told: Mapping[str, str] = field(repr=False)
    agreed_at: datetime | None

    @property
    def has_phone(self) -> bool:
        return "phone" in self.told


async def list_of(
    session: AsyncSession, request: Request, *, now: datetime
) -> Sequence[ReferralLine]:
    """Those of a request that the visitor was found to be allowed to read, newest first."""
    query = (
        select(Referral, Agency)
        .join(Agency, Agency.id == Referral.agency_id)
        .where(Referral.request_id == request.id)
        .order_by(Referral.id.desc())
        .execution_options(populate_existing=True)
    )
    found = (await session.execute(query)).all()
    events = await _read_events(session, request, now) if found else {}
    recalls = await asking_back.list_of(session, request, now=now) if found else {}
    lines = [
        await _line(session, request, referral, agency, events.get(referral.id, {}))
        for referral, agency in found
    ]
    return [replace(line, recall=recalls.get(line.id)) for line in lines]


async def get_all(
    session: AsyncSession, visitor: Visitor, code: str, *, now: datetime
) -> tuple[Request, Sequence[ReferralLine]]:
    """The request with all of its referrals; the look is written down. Raises RequestNotFound."""
    request = await get_readable(session, visitor, code)
    lines = await list_of(session, request, now=now)
    await _note_look(session, visitor, "request", request.id, now=now)
    return request, lines


async def get_form(
    session: AsyncSession, visitor: Visitor, code: str, purpose: str, *, now: datetime
) -> ReferralForm:
    """The form, and the look written down; a purpose that is none is the one that the topic says.

    Raises RequestNotFound.
    """
    request = await get_readable(session, visitor, code)
    address = await session.get_one(Address, request.address_id)
    if purpose not in PURPOSES:
        purpose = _PURPOSE_OF_TOPIC.get(request.topic, "")
    async with across_centres(session):
        known = await fields.find_known(session, request, now)
        agreements = await consent.get_state(session, address)
        cannot_ask = await _find_why_not_to_ask(session, request, address, now)
    refused = await refusals.list_to_agencies(session, address)
    general = agreements[consent.SHARING]
    form = ReferralForm(
        request=request,
        channel=address.channel,
        purpose=purpose,
        agencies=await agencies.list_for(session, purpose or None, known.home_code),
        known=fields.masked(known, visitor.language),
        is_shared=address.is_shared is True,
        refused_on=None if general is None or general.given else day_of(general.at),
        refused_agencies={one: day_of(at) for one, at in refused.items()},
        cannot_ask=cannot_ask,
        seen=await find_last_own_event(session, visitor, request),
    )
    await _note_look(session, visitor, "request", request.id, now=now)
    return form


async def get_sheet(
    session: AsyncSession, visitor: Visitor, code: str, referral_id: int, *, now: datetime
) -> Sheet:
    """What may be given, whole; which fields were looked at is written down.

    Raises RequestNotFound, ReferralNotFound and NotGivable.
    """
    request = await get_readable(session, visitor, code)
    referral = await get_of_request(session, request, referral_id)
    agency = await session.get_one(Agency, referral.agency_id)
    if (reason := await find_reason_against(session, request, referral, agency)) is not None:
        raise NotGivable(reason)
    async with across_centres(session):
        known = await fields.find_known(session, request, now)
    told = fields.whole(known, "km") | ({"need": referral.need} if referral.need else {})
    centre = await session.get_one(Centre, request.centre_id)
    worker = await session.get_one(Staff, request.owner_id or referral.made_by)
    shared = referral.shared
    await _note_look(session, visitor, journal.SUBJECT, referral.id, looked_at=shared, now=now)
    return Sheet(
        referral_id=referral.id,
        code=request.code,
        agency=await agencies.get(session, agency.id),
        centre_id=centre.id,
        centre_km=centre.name_km,
        centre_phone=centre.phone_e164,
        centre_hours=None if are_assumed(centre.hours) else centre.hours,
        worker=worker.name,
        purpose=referral.purpose,
        told={name: told[name] for name in SHARED if name in shared and name in told},
        agreed_at=referral.agreed_at,
    )


async def _line(
    session: AsyncSession,
    request: Request,
    referral: Referral,
    agency: Agency,
    event: Mapping[str, Any],
) -> ReferralLine:
    reason = None
    if referral.state == "agreed":
        reason = await find_reason_against(session, request, referral, agency)
    elif referral.state == "asked" and agency.ended_at is not None:
        reason = AGENCY_ENDED
    return ReferralLine(
        id=referral.id,
        agency=await agencies.get(session, agency.id),
        purpose=referral.purpose,
        shared=tuple(referral.shared),
        need=referral.need,
        state=referral.state,
        consent=referral.consent,
        told=None if referral.consent_note is None else Told.of(referral.consent_note),
        created_at=referral.created_at,
        agreed_at=referral.agreed_at,
        given_at=referral.given_at,
        answer=referral.answer,
        reason_against=reason,
        is_lost=event.get("is_lost", False),
        held_until=event.get("held_until"),
        result=event.get("result"),
        ended_for=event.get("reason"),
        steps=_steps(referral, reason),
    )


def _steps(referral: Referral, reason: str | None) -> frozenset[str]:
    possible = {
        step for move, step in _STEPS_OF_MOVES.items() if (referral.state, move) in states.MOVES
    }
    return frozenset(possible - {"give"} if reason is not None else possible)


async def _read_events(
    session: AsyncSession, request: Request, now: datetime
) -> dict[int, dict[str, Any]]:
    """What only the thread knows of each referral: its result, why it ended, what became of the
    question."""
    query = (
        select(RequestEvent, OutboxRow.state, OutboxRow.not_before)
        .outerjoin(OutboxRow, OutboxRow.id == RequestEvent.outbox_id)
        .where(RequestEvent.request_id == request.id, RequestEvent.kind.in_(states.KINDS))
        .order_by(RequestEvent.id)
    )
    told: dict[int, dict[str, Any]] = {}
    for event, outbox_state, not_before in await session.execute(query):
        body = event.body or {}
        about = told.setdefault(body.get("referral", 0), {})
        about |= {name: body[name] for name in ("result", "reason") if name in body}
        if event.kind == states.ASKED:
            about["is_lost"] = outbox_state in UNSENT
            is_held = outbox_state == "waiting" and not_before > now
            about["held_until"] = not_before if is_held else None
    return told


async def _find_why_not_to_ask(
    session: AsyncSession, request: Request, address: Address, now: datetime
) -> str | None:
    decision = await contact_policy.may_contact(
        session,
        address,
        Purpose.FOLLOW_UP,
        now,
        asked_at=request.last_person_at,
        person_id=request.person_id,
    )
    return decision.reason if isinstance(decision, Forbidden) else None


async def _note_look(
    session: AsyncSession,
    visitor: Visitor,
    subject: str,
    subject_id: int,
    *,
    looked_at: Sequence[str] = (),
    now: datetime,
) -> None:
    await audit.record_by(
        session,
        by=visitor.staff_id,
        action="read",
        subject=subject,
        subject_id=subject_id,
        fields=looked_at,
        now=now,
    )
