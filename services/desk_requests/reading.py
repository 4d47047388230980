"""What the page of a request shows, and the look that is written down each time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import (
    MOVES,
    OPEN_STATES,
    Address,
    CannedReply,
    Centre,
    File,
    Person,
    Profile,
    ReplyDraft,
    Request,
    RequestEvent,
)
from services import centre_clock, giving, requests, staff, threads
from services.accounts.types import Visitor
from services.acting import across_centres
from services.desk_requests import canned
from services.desk_requests.changes import look
from services.desk_requests.looks import note_look
from services.desk_requests.rights import get_readable, readable
from services.files import OWN_CENTRE_ROLES
from services.masking import mask_name, mask_phone
from services.places import Gazetteer, label, load_gazetteer
from services.threads import ThreadEvent
from services.threads.reaching import find_ways

STAFF_MOVES = (
    "take",
    "reply",
    "call",
    "wait_for_person",
    "wait_for_others",
    "go_on",
    "set_urgency",
    "assign",
    "hand_over",
    "finish",
    "reopen",
)
_MOST_OTHERS = 20
_CAMBODIA = ZoneInfo("Asia/Phnom_Penh")


@dataclass(frozen=True, slots=True)
class MaskedNumber:
    """A number without most of its digits; `known_from` as in `services.threads.reaching`."""

    number: str
    known_from: str


@dataclass(frozen=True, slots=True)
class Work:
    """What a person looks for; no places and no sectors mean anywhere, any work."""

    places: Sequence[str]
    sectors: Sequence[str]
    salary: int | None
    currency: str | None


@dataclass(frozen=True, slots=True)
class PersonCard:
    """Who asks, in the visitor's language; None where nothing was told, or never registered."""

    name: str | None = field(repr=False)
    numbers: Sequence[MaskedNumber]
    channel: str
    language: str | None
    is_shared: bool | None
    has_stopped: bool
    is_blocked: bool
    sex: str | None
    age: int | None
    home: str | None = field(repr=False)
    work: Work | None


@dataclass(frozen=True, slots=True)
class OtherRequest:
    """Another request of the same person that the visitor may read."""

    code: str
    topic: str
    state: str
    urgency: str
    centre_id: str
    created_at: datetime

    @property
    def is_open(self) -> bool:
        return self.state in OPEN_STATES


@dataclass(frozen=True, slots=True)
class FileLine:
    """A file of the request; `state` and `reason` as in `db.models.File`."""

    id: UUID
    kind: str
    state: str
    reason: str | None
    media_type: str | None
    size: int | None
    duration_s: int | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class OtherCentre:
    """One to which it may be handed over: closed until `opens_at` (None: open), and with nobody
    who could take it unless it `is_staffed`.
    """

    id: str
    name: str
    opens_at: datetime | None
    is_staffed: bool


@dataclass(frozen=True, slots=True)
class RequestPage:
    """All that one page shows.

    `moves` are those of STAFF_MOVES that are allowed now. `seen` is the visitor's latest event:
    a form brings it back, see `services.desk_requests.moves`, and so it does with `read`, the
    latest event of all. `owned_since` is when it came to whose it is, None for what is nobody's or
    was so always. `colleagues` are (id, name) of those who may be given it. `names` are those of
    all staff whom the events mention by id, `centre_names` those of all centres. `digest` as in
    `services.desk_requests.changes`.
    """

    request: Request
    owner_name: str | None
    owned_since: datetime | None
    is_mine: bool
    centre_name: str
    events: Sequence[ThreadEvent]
    left_out: int
    person: PersonCard
    others: Sequence[OtherRequest]
    files: Mapping[UUID, FileLine]
    draft: str | None = field(repr=False)
    canned: Sequence[CannedReply]
    moves: frozenset[str]
    seen: int
    read: int
    colleagues: Sequence[tuple[UUID, str]]
    centres: Sequence[OtherCentre]
    names: Mapping[str, str]
    centre_names: Mapping[str, str]
    digest: str


async def get_page(
    session: AsyncSession, visitor: Visitor, code: str, *, now: datetime
) -> RequestPage:
    """The request and everything around it; the look is written down. Raises RequestNotFound."""
    state = await look(session, code)
    request = await get_readable(session, visitor, code)
    # Before the thread: of what is written in between nobody may say that it has been read.
    seen = await find_last_own_event(session, visitor, request)
    read = await _find_last_event(session, request)
    thread = await threads.get_thread(session, code)
    centres = await _list_centres(session, visitor.language)
    everybody = await staff.list_staff(session, with_ended=True)
    page = RequestPage(
        request=request,
        owner_name=thread.owner_name,
        owned_since=_find_owned_since(request, thread.events),
        is_mine=request.owner_id == visitor.staff_id,
        centre_name=centres[request.centre_id],
        events=[_without_number(event) for event in thread.events],
        left_out=thread.left_out,
        person=await _get_person(session, request, visitor.language, now),
        others=await _list_others(session, visitor, request),
        files=await _list_files(session, request),
        draft=await _find_draft(session, visitor, request),
        canned=await canned.list_replies(session, request.centre_id),
        moves=_allowed(request, visitor),
        seen=seen,
        read=read,
        colleagues=await _list_colleagues(session, visitor, request),
        centres=await _list_other_centres(session, visitor, request, centres, now),
        names={str(one.id): one.name for one in everybody},
        centre_names=centres,
        digest="" if state is None else state.digest,
    )
    await note_look(session, visitor, request, "read", now=now)
    return page


async def find_last_own_event(session: AsyncSession, visitor: Visitor, request: Request) -> int:
    """The id of what the visitor did last with the request; 0 if nothing."""
    query = select(func.max(RequestEvent.id)).where(
        RequestEvent.request_id == request.id, RequestEvent.staff_id == visitor.staff_id
    )
    return await session.scalar(query) or 0


async def _find_last_event(session: AsyncSession, request: Request) -> int:
    query = select(func.max(RequestEvent.id)).where(RequestEvent.request_id == request.id)
    return await session.scalar(query) or 0


def _allowed(request: Request, visitor: Visitor) -> frozenset[str]:
    moves = {move for move in STAFF_MOVES if (request.state, move) in MOVES}
    if request.owner_id == visitor.staff_id:
        moves.discard("take")
    elif request.state == "reopened":
        moves.discard("go_on")  # who wants to go on with it takes it
    return frozenset(moves)


def _find_owned_since(request: Request, events: Sequence[ThreadEvent]) -> datetime | None:
    owner = request.owner_id
    for event in reversed(events):
        is_taken = event.kind == "taken" and event.staff_id == owner
        if is_taken or (event.kind == "assigned" and event.body.get("to") == str(owner)):
            return event.at
    return None


def _without_number(event: ThreadEvent) -> ThreadEvent:
    """A number that was left is masked here too: whoever needs it says why."""
    if event.kind != "phone_number":
        return event
    return replace(event, body={"masked": mask_phone(event.body["phone_e164"])})


async def _get_person(
    session: AsyncSession, request: Request, language: str, now: datetime
) -> PersonCard:
    address = await session.get_one(Address, request.address_id)
    async with across_centres(session):
        ways = await find_ways(session, request)
        person = profile = None
        if request.person_id is not None:
            person = await session.get(Person, request.person_id)
            profile = await session.get(Profile, request.person_id)
    return PersonCard(
        name=None if person is None else mask_name(person.name),
        numbers=[MaskedNumber(mask_phone(one.e164), one.known_from) for one in ways.numbers],
        channel=ways.channel,
        language=address.language,
        is_shared=ways.is_shared,
        has_stopped=ways.has_stopped,
        is_blocked=ways.is_blocked,
        sex=None if person is None else person.sex,
        age=None if person is None else _age(person, now),
        home=None if person is None else _home(person.home_code, language),
        work=None if profile is None else _work(profile, language),
    )


def _age(person: Person, now: datetime) -> int | None:
    return person.birth_year and now.astimezone(_CAMBODIA).year - person.birth_year


def _home(code: str, language: str) -> str:
    """The place with what it lies in, the smallest first; a code that is gone stays a code."""
    gazetteer = load_gazetteer()
    place = gazetteer.find_code(code)
    if place is None:
        return code
    return ", ".join(label(each, language) for each in [place, *gazetteer.ancestors(place)])


def _work(profile: Profile, language: str) -> Work:
    gazetteer = load_gazetteer()
    return Work(
        places=[_name(gazetteer, code, language) for code in profile.wanted_provinces],
        sectors=profile.sectors,
        salary=profile.expected_salary,
        currency=profile.salary_currency,
    )


def _name(gazetteer: Gazetteer, code: str, language: str) -> str:
    place = gazetteer.find_code(code)
    return code if place is None else place.name(language)


async def _list_others(
    session: AsyncSession, visitor: Visitor, request: Request
) -> Sequence[OtherRequest]:
    address = await session.get_one(Address, request.address_id)
    query = (
        select(Request)
        .where(requests.own_requests(address), readable(visitor), Request.id != request.id)
        .order_by(Request.id.desc())
        .limit(_MOST_OTHERS)
    )
    return [
        OtherRequest(
            *(other.code, other.topic, other.state, other.urgency, other.centre_id),
            other.created_at,
        )
        for other in await session.scalars(query)
    ]


async def _list_files(session: AsyncSession, request: Request) -> dict[UUID, FileLine]:
    query = select(File).where(File.request_id == request.id).order_by(File.created_at, File.id)
    return {
        file.id: FileLine(
            id=file.id,
            kind=file.kind,
            state=file.state,
            reason=file.reason,
            media_type=file.media_type,
            size=file.size,
            duration_s=file.duration_s,
            created_at=file.created_at,
        )
        for file in await session.scalars(query)
    }


async def _find_draft(session: AsyncSession, visitor: Visitor, request: Request) -> str | None:
    draft = await session.get(ReplyDraft, (visitor.staff_id, request.id), populate_existing=True)
    return None if draft is None else draft.text


async def _list_centres(session: AsyncSession, language: str) -> dict[str, str]:
    query = select(Centre).order_by(Centre.id)
    return {centre.id: centre.short_name(language) for centre in await session.scalars(query)}


async def _list_other_centres(
    session: AsyncSession,
    visitor: Visitor,
    request: Request,
    names: Mapping[str, str],
    now: datetime,
) -> list[OtherCentre]:
    others = [one for one in names if one != request.centre_id]
    clocks = await centre_clock.list_for(session, others)
    able = await giving.list_able(session, visitor, None)
    staffed = {one.centre_id for one in able if one.role in OWN_CENTRE_ROLES}
    opens = {one: clocks[one].next_open(now) for one in others}
    return [
        OtherCentre(one, names[one], opens[one] if opens[one] > now else None, one in staffed)
        for one in others
    ]


async def _list_colleagues(
    session: AsyncSession, visitor: Visitor, request: Request
) -> list[tuple[UUID, str]]:
    """Whom the visitor may give it to, besides the one whose it is."""
    able = await giving.list_able(session, visitor, request.centre_id)
    return [(one.id, one.name) for one in able if one.id != request.owner_id]
