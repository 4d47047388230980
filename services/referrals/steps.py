"""What staff do with a referral that was begun: hand it over, note what the agency answers, end it.

Each step is one row of `states` and one event on the request's thread; the same form again does
nothing a second time.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from db.models import Address, Agency, Referral, Request
from services import consent, messages, plain_text
from services.accounts.types import Visitor
from services.acting import across_centres
from services.contact_policy import Purpose
from services.desk_requests.replays import note_repeated, was_done
from services.desk_requests.rights import get_staff, hold_readable
from services.errors import UnusableForm
from services.message_words import MessageWords
from services.messages import Queued
from services.office_hours import day_of
from services.referrals import gate, journal, refusals, states, thread
from services.referrals.asking import TOLD_IN, UNKNOWN, Told, faults_of_told, passing
from services.referrals.ending import come_back, end, withhold_question
from services.referrals.errors import NotGivable, ReferralNotFound
from services.referrals.fields import LONGEST_ANSWER
from services.referrals.gate import TOLD
from services.staff import check_may_act

STEPS: Final = ("told", "give", "accept", "decline", "finish", "end")
GIVEN_BY: Final = ("phone", "in_person", "email", "paper")
_KINDS: Final[Mapping[str, str]] = {
    "told": "referral_agreed",
    "give": "referral_given",
    "accept": "referral_accepted",
    "decline": "referral_declined",
    "finish": "referral_done",
    "end": "referral_ended",
}
_NOON: Final = time(12, tzinfo=ZoneInfo("Asia/Phnom_Penh"))


@dataclass(frozen=True, slots=True)
class Step:
    """One step as a form asks for it: `name` is one of STEPS.

    `on` and `how` of a yes (TOLD_HOW) or of the handing over (GIVEN_BY); `text` is what the agency
    said, or a note to a yes; `result` one of RESULTS. With `taken_back` it is ended because the
    person told staff so.
    """

    name: str
    on: date | None = None
    how: str = ""
    text: str = field(default="", repr=False)
    result: str = ""
    taken_back: bool = False

    def details(self) -> dict[str, str]:
        """What its event says of it, and the same form again."""
        match self.name:
            case "told" | "give":
                on = "" if self.on is None else self.on.isoformat()
                return {"on": on, "how": self.how}
            case "accept" | "decline":
                return {"answer": plain_text.clean(self.text)}
            case "finish":
                return {"result": self.result}
            case "end":
                return {"reason": "person" if self.taken_back else "staff"}
        return {}


@dataclass(frozen=True, slots=True)
class Stepped:
    """`again`: the same form had done it. `is_told`: the person gets a message about it."""

    request: Request
    again: bool = False
    is_told: bool = False


async def do(
    session: AsyncSession,
    visitor: Visitor,
    code: str,
    referral_id: int,
    step: Step,
    *,
    words: MessageWords,
    now: datetime,
) -> Stepped:
    """Do it, unless this very form did it before.

    Raises RequestNotFound, ReferralNotFound (also for another request's), NotAllowed,
    MoveNotAllowed, NotGivable, and UnusableForm: on (missing, future, before_yes), how (missing,
    unknown), text (missing, long), result (missing, unknown), and as `begin` those of a yes.
    """
    request = await hold_readable(session, visitor, code)
    check_may_act(await get_staff(session, visitor), request)
    referral = await get_of_request(session, request, referral_id)
    same = {"referral": referral.id, **step.details()}
    kind = _KINDS[step.name]
    if await was_done(session, visitor, request, kind, same, seen=0):
        await note_repeated(session, visitor, request, now=now)
        return Stepped(request, again=True)
    if step.name == "end":
        reason = step.details()["reason"]
        await end(session, request, referral, reason, by=visitor.staff_id, now=now)
        return Stepped(request)
    agency = await session.get_one(Agency, referral.agency_id)
    doing = _Doing(session, visitor, request, referral, agency, step, words, now)
    is_told = await doing.act()
    await journal.note(session, referral, kind, by=visitor.staff_id, now=now)
    return Stepped(request, is_told=is_told)


async def get_of_request(session: AsyncSession, request: Request, referral_id: int) -> Referral:
    """The referral of this id. Raises ReferralNotFound, also for another request's."""
    found = await session.get(Referral, referral_id, populate_existing=True)
    if found is None or found.request_id != request.id:
        raise ReferralNotFound
    return found


async def find_reason_against(
    session: AsyncSession, request: Request, referral: Referral, agency: Agency
) -> str | None:
    """What `gate` says of it now."""
    address = await session.get_one(Address, request.address_id)
    async with across_centres(session):
        agreements = await consent.get_state(session, address)
    first, *_ = await thread.list_events(session, request, referral)
    facts = gate.to_facts(referral, request, agency, agreements, first.body or {})
    return gate.find_reason_against(facts)


@dataclass(frozen=True, slots=True)
class _Doing:
    """One step in the doing."""

    session: AsyncSession
    visitor: Visitor
    request: Request
    referral: Referral
    agency: Agency
    step: Step
    words: MessageWords
    now: datetime

    async def act(self) -> bool:
        """Whether the person gets a message about it."""
        match self.step.name:
            case "told":
                await self._note_yes()
            case "give":
                return await self._give()
            case "finish":
                await self._finish()
            case answered:
                await self._note_answer(answered)
        return False

    async def _note_yes(self) -> None:
        """They have told staff what the message asked."""
        told = Told(self.step.on, self.step.how, plain_text.clean(self.step.text))
        address = await self.session.get_one(Address, self.request.address_id)
        refused_at = await refusals.find_last(self.session, address, self.agency.id)
        _raise(faults_of_told(told, refused_at, self.now))
        kind = states.advance(self.referral, "agree", now=self.now)
        self.referral.consent = TOLD
        self.referral.consent_version = TOLD_IN
        self.referral.consent_note = told.as_text()
        self.referral.agreed_at = self.now
        await withhold_question(self.session, self.request, self.referral)
        await self._come_back(kind, consent=TOLD)

    async def _give(self) -> bool:
        self._check_day()
        states.check(self.referral, "give")
        reason = await find_reason_against(self.session, self.request, self.referral, self.agency)
        if reason is not None:
            raise NotGivable(reason)
        kind = states.advance(self.referral, "give", now=self.now)
        self.referral.given_at = self._given_at()
        told = None if self.agency.is_sensitive else await self._tell()
        self.request.wait_for_others(
            by=self.visitor.staff_id,
            now=self.now,
            kind=kind,
            body=self._body(),
            outbox_id=None if told is None else told.outbox_id,
        )
        return told is not None

    def _given_at(self) -> datetime:
        """Of an earlier day nobody knows the hour."""
        on = self.step.on
        if on is None or on == day_of(self.now):
            return self.now
        return datetime.combine(on, _NOON)

    async def _tell(self) -> Queued | None:
        """One message to the person; of a sensitive agency staff tell them by themselves."""
        address = await self.session.get_one(Address, self.request.address_id)
        said = self.words.referral_given(
            address.language,
            address.channel,
            self.request.code,
            passing(self.referral, self.agency),
        )
        sent = await messages.send(
            self.session,
            address,
            Purpose.FOLLOW_UP,
            said.text,
            now=self.now,
            person_id=self.request.person_id,
            asked_at=self.request.last_person_at,
            neutral_text=said.neutral,
        )
        return sent if isinstance(sent, Queued) else None

    async def _note_answer(self, move: str) -> None:
        """It is the centre's turn: the person must hear of it, or something else be found."""
        answer = plain_text.clean(self.step.text)
        if not answer or len(answer) > LONGEST_ANSWER:
            raise UnusableForm({"text": "long" if answer else "missing"})
        kind = states.advance(self.referral, move, now=self.now)
        self.referral.answer = answer
        await self._come_back(kind)

    async def _finish(self) -> None:
        if self.step.result not in states.RESULTS:
            raise UnusableForm({"result": UNKNOWN if self.step.result else "missing"})
        kind = states.advance(self.referral, "finish", now=self.now)
        await self._come_back(kind)

    async def _come_back(self, kind: str, **more: Any) -> None:
        await come_back(
            self.session,
            self.request,
            kind,
            now=self.now,
            by=self.visitor.staff_id,
            body=self._body(**more),
        )

    def _body(self, **more: Any) -> dict[str, Any]:
        return states.event_body(self.referral, self.agency, **self.step.details(), **more)

    def _check_day(self) -> None:
        """Handed over on a day that has come, and not before the yes."""
        faults = {}
        if self.step.on is None:
            faults["on"] = "missing"
        elif self.step.on > day_of(self.now):
            faults["on"] = "future"
        elif (agreed_on := _day_of_yes(self.referral)) and self.step.on < agreed_on:
            faults["on"] = "before_yes"
        if self.step.how not in GIVEN_BY:
            faults["how"] = UNKNOWN if self.step.how else "missing"
        _raise(faults)


def _day_of_yes(referral: Referral) -> date | None:
    if referral.consent_note is not None:
        return Told.of(referral.consent_note).on
    return None if referral.agreed_at is None else day_of(referral.agreed_at)


def _raise(faults: Mapping[str, str]) -> None:
    if faults:
        raise UnusableForm(faults)
