"""A referral is begun: staff say to whom, what for and what is told; the person says yes or no.

They are asked by a message, or have told staff. Nothing is given before the yes.
"""

import json
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import PURPOSES, SHARED, Address, Agency, Referral, Request
from services import messages, plain_text, questions
from services.accounts.types import Visitor
from services.acting import across_centres
from services.contact_policy import Purpose
from services.desk_requests.replays import note_repeated, was_done
from services.desk_requests.rights import get_staff, hold_readable
from services.errors import UnusableForm
from services.message_words import AskedQuestion, MessageWords, Passing
from services.messages import Queued, Withheld
from services.office_hours import day_of
from services.referrals import fields, gate, journal, refusals, states
from services.referrals.ending import end
from services.referrals.gate import MESSAGE, TOLD
from services.staff import check_may_act

TOLD_HOW: Final = ("phone", "in_person")
ASKED_IN: Final = "referral-2"
"""The version of the words by which the message asks (`message-may-refer…`)."""
TOLD_IN: Final = "referral-told-1"
"""The version of what the desk tells staff to say before they note a yes."""
LONGEST_NOTE: Final = 500
"""Characters."""
UNKNOWN: Final = "unknown"
"""The fault of what no form of ours offers: somebody made it up, or it is gone since."""


@dataclass(frozen=True, slots=True)
class Told:
    """The person said yes to a member of staff: on which day, TOLD_HOW, and what else to know."""

    on: date | None
    how: str
    note: str = field(default="", repr=False)

    def as_text(self) -> str:
        """As it is kept."""
        on = None if self.on is None else self.on.isoformat()
        return json.dumps({"on": on, "how": self.how, "note": self.note}, ensure_ascii=False)

    @classmethod
    def of(cls, kept: str) -> "Told":
        told = json.loads(kept)
        return cls(date.fromisoformat(told["on"]), told["how"], told["note"])


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a form asks for. With `told` the person has said yes, else they are asked by a message.

    `through_us`: the agency answers the centre, and needs no way to reach the person.
    `asked_again`: they have said no to this agency, and want to be asked once more.
    """

    agency_id: int
    purpose: str
    shared: tuple[str, ...]
    need: str = field(default="", repr=False)
    through_us: bool = False
    asked_again: bool = False
    told: Told | None = None


@dataclass(frozen=True, slots=True)
class Begun:
    """What came of it. `again`: the same form had done it before. `not_before` holds the message.

    Without `is_asked` the person had said yes already.
    """

    request: Request
    is_asked: bool
    again: bool = False
    not_before: datetime | None = None


async def begin(
    session: AsyncSession,
    visitor: Visitor,
    code: str,
    wanted: Wanted,
    *,
    seen: int,
    words: MessageWords,
    now: datetime,
) -> Begun:
    """Ask the person, or note their yes; what was open with this agency before is void.

    `seen` as in `RequestPage`. Raises RequestNotFound, NotAllowed, MoveNotAllowed for a request
    that is over, and UnusableForm: agency (missing, unknown), purpose (missing, unknown), shared
    (unknown, no_way), need (missing, long), consent (sensitive, or why the contact policy forbids
    the message), asked_again (refused_before), told_on (missing, future, refused_since), told_how
    (missing, unknown), told_note (long).
    """
    request = await hold_readable(session, visitor, code)
    check_may_act(await get_staff(session, visitor), request)
    request.check("wait_for_person")
    address = await session.get_one(Address, request.address_id)
    if await _was_begun(session, visitor, request, wanted, seen=seen):
        await note_repeated(session, visitor, request, now=now)
        return Begun(request, wanted.told is None, again=True)
    agency = await _check(session, request, address, wanted, now)
    await _end_earlier(session, visitor, request, agency, now)
    referral = _new(visitor, request, wanted, now)
    session.add(referral)
    if wanted.told is not None:
        await session.flush()
        body = states.event_body(referral, agency, consent=TOLD)
        request.record(_kind(wanted), now=now, by=visitor.staff_id, body=body)
        sent = None
    else:
        sent = await _ask(session, request, referral, agency, wanted, words=words, now=now)
    await journal.note(session, referral, _kind(wanted), by=visitor.staff_id, now=now)
    return Begun(request, sent is not None, not_before=sent.not_before if sent else None)


async def _was_begun(
    session: AsyncSession, visitor: Visitor, request: Request, wanted: Wanted, *, seen: int
) -> bool:
    """Whether this form came before: the event has the choices, the referral the words."""
    shared = list(fields.in_order(wanted.shared))
    same = {"agency": wanted.agency_id, "purpose": wanted.purpose, "shared": shared}
    if not await was_done(session, visitor, request, _kind(wanted), same, seen=seen):
        return False
    query = select(Referral).where(
        Referral.request_id == request.id,
        Referral.agency_id == wanted.agency_id,
        Referral.made_by == visitor.staff_id,
    )
    note = None if wanted.told is None else wanted.told.as_text()
    return any(
        one.need == _need_of(wanted) and note in (None, one.consent_note)
        for one in await session.scalars(query)
    )


def _kind(wanted: Wanted) -> str:
    return states.ASKED if wanted.told is None else "referral_agreed"


def _need_of(wanted: Wanted) -> str | None:
    return plain_text.clean(wanted.need) if "need" in wanted.shared else None


def _new(visitor: Visitor, request: Request, wanted: Wanted, now: datetime) -> Referral:
    told = wanted.told
    return Referral(
        request_id=request.id,
        centre_id=request.centre_id,
        agency_id=wanted.agency_id,
        purpose=wanted.purpose,
        shared=list(fields.in_order(wanted.shared)),
        need=_need_of(wanted),
        state="asked" if told is None else "agreed",
        consent=None if told is None else TOLD,
        consent_version=ASKED_IN if told is None else TOLD_IN,
        consent_note=None if told is None else told.as_text(),
        agreed_at=None if told is None else now,
        made_by=visitor.staff_id,
        created_at=now,
        updated_at=now,
    )


async def _ask(
    session: AsyncSession,
    request: Request,
    referral: Referral,
    agency: Agency,
    wanted: Wanted,
    *,
    words: MessageWords,
    now: datetime,
) -> Queued:
    """On a phone that others read too the message asks nothing: the answer is given where it is
    read, under "my requests"."""
    address = await session.get_one(Address, request.address_id)
    options = (questions.AGREE, questions.REFUSE)
    question = await questions.ask(
        session, address, questions.REFER, options, request_id=request.id, now=now
    )
    referral.question_id = question.id
    await session.flush()
    asked = AskedQuestion(question.id, question.letter, question.kind, options)
    said = words.may_refer(address.language, address.channel, asked, passing(referral, agency))
    sent = await messages.send(
        session,
        address,
        Purpose.FOLLOW_UP,
        said.neutral if address.is_shared else said.text,
        now=now,
        person_id=request.person_id,
        asked_at=request.last_person_at,
        neutral_text=said.neutral,
        reply_markup=None if address.is_shared else said.reply_markup,
        asks_in_full=True,
    )
    if isinstance(sent, Withheld):
        raise UnusableForm({"consent": sent.reason})
    more = {"asked_again": True} if wanted.asked_again else {}
    request.wait_for_person(
        by=referral.made_by,
        now=now,
        kind=states.ASKED,
        body=states.event_body(referral, agency, **more),
        outbox_id=sent.outbox_id,
    )
    request.last_staff_at = now
    return sent


def passing(referral: Referral, agency: Agency) -> Passing:
    """What messages say of it."""
    return Passing(
        agency_km=agency.name_km,
        agency_en=agency.name_en,
        purpose=referral.purpose,
        shared=tuple(referral.shared),
        need=referral.need,
    )


async def _end_earlier(
    session: AsyncSession, visitor: Visitor, request: Request, agency: Agency, now: datetime
) -> None:
    """What this agency has not got yet: it is asked about, or was agreed to, anew."""
    query = select(Referral).where(
        Referral.request_id == request.id,
        Referral.agency_id == agency.id,
        Referral.state.in_(("asked", "agreed")),
    )
    for earlier in (await session.scalars(query)).all():
        await end(session, request, earlier, "replaced", by=visitor.staff_id, now=now)


async def _check(
    session: AsyncSession, request: Request, address: Address, wanted: Wanted, now: datetime
) -> Agency:
    """The agency, or UnusableForm with all that is wrong."""
    async with across_centres(session):
        known = await fields.find_known(session, request, now)
    # Held: who makes it sensitive, or ends it, finds the message that this makes.
    agency = await session.get(
        Agency, wanted.agency_id, with_for_update={"read": True}, populate_existing=True
    )
    is_asked_by_sms = wanted.told is None and address.channel == "sms"
    longest_need = fields.LONGEST_NEED_BY_SMS if is_asked_by_sms else fields.LONGEST_NEED
    faults = _faults_of_choices(wanted, known, longest_need)
    if agency is None or agency.ended_at is not None:
        faults["agency"] = UNKNOWN if wanted.agency_id else "missing"
    elif wanted.told is None and MESSAGE not in gate.ways_to_ask(agency):
        faults["consent"] = "sensitive"
    if wanted.told is not None:
        refused_at = await refusals.find_last(session, address, wanted.agency_id)
        faults |= faults_of_told(wanted.told, refused_at, now)
    elif not wanted.asked_again:
        refused = await refusals.list_to_agencies(session, address)
        faults |= {"asked_again": "refused_before"} if wanted.agency_id in refused else {}
    if faults or agency is None:
        raise UnusableForm(faults)
    return agency


def _faults_of_choices(wanted: Wanted, known: fields.Known, longest_need: int) -> dict[str, str]:
    faults = {}
    if wanted.purpose not in PURPOSES:
        faults["purpose"] = UNKNOWN if wanted.purpose else "missing"
    if not all(each in SHARED and known.has(each) for each in wanted.shared):
        faults["shared"] = UNKNOWN
    elif "phone" not in wanted.shared and not wanted.through_us:
        faults["shared"] = "no_way"
    if "need" in wanted.shared and not plain_text.clean(wanted.need):
        faults["need"] = "missing"
    elif len(plain_text.clean(wanted.need)) > longest_need:
        faults["need"] = "long"
    return faults


def faults_of_told(told: Told, refused_at: datetime | None, now: datetime) -> dict[str, str]:
    """A yes counts from the day it was said; a "no" of a later day stands above it."""
    faults = {}
    if told.on is None:
        faults["told_on"] = "missing"
    elif told.on > day_of(now):
        faults["told_on"] = "future"
    elif refused_at is not None and day_of(refused_at) > told.on:
        faults["told_on"] = "refused_since"
    if told.how not in TOLD_HOW:
        faults["told_how"] = UNKNOWN if told.how else "missing"
    if len(told.note) > LONGEST_NOTE:
        faults["told_note"] = "long"
    return faults
