"""What the person does: say whether they may be referred, take it back, see who was told what."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import OPEN_REFERRAL_STATES, Address, Agency, Question, Recall, Referral, Request
from services import requests
from services.office_hours import CAMBODIA
from services.referrals import journal, recalls, states
from services.referrals.ending import come_back, take_back
from services.referrals.errors import ReferralNotFound


@dataclass(frozen=True, slots=True)
class OwnReferral:
    """A referral as its person sees it.

    `agency_km` and `agency_en`, `purpose` and `need` are None of a sensitive agency: whoever looks
    over a shoulder would learn what it is about. Of what was taken back the agency is to be asked
    to delete it since `arose_on`, and was asked on `asked_back_on`.
    """

    id: int
    code: str
    state: str
    agency_km: str | None = field(repr=False)
    agency_en: str | None = field(repr=False)
    purpose: str | None
    shared: Sequence[str]
    need: str | None = field(repr=False)
    asked_at: datetime
    given_at: datetime | None
    arose_on: date | None = None
    asked_back_on: date | None = None

    def agency(self, language: str) -> str | None:
        """English for any language but Khmer."""
        return self.agency_km if language == "km" else self.agency_en

    @property
    def standing(self) -> str:
        """How it stands for the person: its state, or what becomes of what an agency has got."""
        if self.arose_on is None:
            return self.state
        return "asking_back" if self.asked_back_on is None else "asked_back"

    @property
    def stands_since(self) -> datetime:
        """A moment of the day that goes with `standing`."""
        on = self.asked_back_on or self.arose_on
        if on is not None:
            return datetime.combine(on, time(12), CAMBODIA)
        return self.given_at or self.asked_at

    @property
    def can_answer(self) -> bool:
        """Nobody says yes to what they cannot read: of a sensitive agency staff ask them."""
        return self.state == "asked" and self.purpose is not None

    @property
    def can_take_back(self) -> bool:
        """What was given is asked back too, also when it is over or was ended by staff."""
        return self.state == "agreed" or (self.given_at is not None and self.arose_on is None)


async def answer(
    session: AsyncSession,
    address: Address,
    referral_id: int,
    agrees: bool,
    *,
    now: datetime,
    inbox_id: int | None = None,
) -> OwnReferral:
    """The person's answer, or their "no" after a "yes", which takes that back.

    What is over, or was answered before, changes no more: the caller says how it stands. Raises
    ReferralNotFound, also for another person's.
    """
    return await _answer(
        session, address, Referral.id == referral_id, agrees, now=now, inbox_id=inbox_id
    )


async def answer_question(
    session: AsyncSession,
    address: Address,
    question: Question,
    agrees: bool,
    *,
    now: datetime,
    inbox_id: int | None = None,
) -> OwnReferral:
    """The same to the question by which it was asked. Raises ReferralNotFound."""
    of_question = Referral.question_id == question.id
    return await _answer(session, address, of_question, agrees, now=now, inbox_id=inbox_id)


async def find_asked(session: AsyncSession, address: Address, question: Question) -> int | None:
    """The referral that this question still asks about, by its id."""
    query = (
        select(Referral.id)
        .join(Request, Request.id == Referral.request_id)
        .where(
            Referral.question_id == question.id,
            Referral.state == "asked",
            requests.own_requests(address),
        )
    )
    found: int | None = await session.scalar(query)
    return found


async def list_own(session: AsyncSession, address: Address) -> Sequence[OwnReferral]:
    """What waits for the person's answer, what they agreed to and what was given, newest first."""
    was_given = Referral.given_at.is_not(None)
    return await _read(session, address, or_(Referral.state.in_(OPEN_REFERRAL_STATES), was_given))


async def get_own(session: AsyncSession, address: Address, referral_id: int) -> OwnReferral:
    """One of the person's own, whatever became of it. Raises ReferralNotFound."""
    found = await _read(session, address, Referral.id == referral_id)
    if not found:
        raise ReferralNotFound
    return found[0]


async def _answer(
    session: AsyncSession,
    address: Address,
    which: ColumnElement[bool],
    agrees: bool,
    *,
    now: datetime,
    inbox_id: int | None,
) -> OwnReferral:
    found = await _read(session, address, which)
    if not found:
        raise ReferralNotFound
    request = await requests.hold_own(session, address, found[0].code)
    referral = await session.get_one(Referral, found[0].id, populate_existing=True)
    if await requests.find_made_by(session, address, inbox_id) is None:
        await _take(session, request, referral, agrees, now=now, inbox_id=inbox_id)
    return await get_own(session, address, referral.id)


async def _take(
    session: AsyncSession,
    request: Request,
    referral: Referral,
    agrees: bool,
    *,
    now: datetime,
    inbox_id: int | None,
) -> None:
    if referral.state == "asked":
        await _settle(session, request, referral, agrees, now=now, inbox_id=inbox_id)
    elif not agrees and await _can_take_back(session, referral):
        await take_back(session, request, referral, "person", now=now, inbox_id=inbox_id)
    else:
        return
    request.last_person_at = max(now, request.last_person_at or now)
    await session.flush()


async def _can_take_back(session: AsyncSession, referral: Referral) -> bool:
    """As `OwnReferral.can_take_back`, of one whose request is held."""
    is_owed = select(Referral.id).where(Referral.id == referral.id, recalls.is_owed())
    return referral.state == "agreed" or await session.scalar(is_owed) is not None


async def _settle(
    session: AsyncSession,
    request: Request,
    referral: Referral,
    agrees: bool,
    *,
    now: datetime,
    inbox_id: int | None,
) -> None:
    kind = states.advance(referral, "agree" if agrees else "refuse", now=now)
    if agrees:
        referral.consent = "message"
        referral.agreed_at = now
    agency = await session.get_one(Agency, referral.agency_id)
    await come_back(
        session,
        request,
        kind,
        now=now,
        reopen_for="agreed" if agrees else None,
        actor="person",
        body=states.event_body(referral, agency),
        inbox_id=inbox_id,
    )
    await journal.note(session, referral, kind, person_id=request.person_id, now=now)


async def _read(
    session: AsyncSession, address: Address, which: ColumnElement[bool]
) -> Sequence[OwnReferral]:
    query = (
        select(Referral, Request.code, Agency, Recall)
        .join(Request, Request.id == Referral.request_id)
        .join(Agency, Agency.id == Referral.agency_id)
        .outerjoin(Recall, Recall.referral_id == Referral.id)
        .where(requests.own_requests(address), which)
        .order_by(Referral.id.desc())
        .execution_options(populate_existing=True)
    )
    return [_show(*row) for row in await session.execute(query)]


def _show(referral: Referral, code: str, agency: Agency, recall: Recall | None) -> OwnReferral:
    is_open = not agency.is_sensitive
    return OwnReferral(
        id=referral.id,
        code=code,
        state=referral.state,
        agency_km=agency.name_km if is_open else None,
        agency_en=agency.name_en if is_open else None,
        purpose=referral.purpose if is_open else None,
        shared=tuple(referral.shared),
        need=referral.need if is_open else None,
        asked_at=referral.created_at,
        given_at=referral.given_at,
        arose_on=None if recall is None else recall.arose_on,
        asked_back_on=None if recall is None else recall.done_on,
    )
