"""Where in the log the rows lie that a search means: each way to them is a walk along one index.

Of millions of rows an act that nobody of a kind ever does would else be looked for in all of them.
So the kinds of rows that there are (by whom, what, to what) are read off an index first, and only
those are walked, the newest row first, until a page is full.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import product
from typing import Any, Final

from sqlalchemy import ColumnElement, or_, select, true, tuple_, union, union_all
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from db.models import AuditRow, DeskSession, File, Referral, Request, StaffCard
from services import audit, codes
from services.acting import across_centres
from services.audit import find_uuid
from services.audit_search import (
    DID,
    MET,
    OF_STAFF,
    PERSON,
    REQUEST,
    SESSION,
    STAFF_CHAT,
    VIEWS,
    Search,
)

# A row says when its transaction began to write it, and has its number a little later.
_OUT_OF_ORDER = timedelta(hours=1)
_NO_ID = 2**63 - 1
_OF_REQUESTS: Final[Mapping[str, Any]] = {
    "file": File,
    "referral": Referral,
    "staff_card": StaffCard,
}
_KIND: Final = (AuditRow.actor, AuditRow.action, AuditRow.subject)

_Conditions = list[ColumnElement[bool]]


@dataclass(frozen=True, slots=True)
class _Target:
    """What a search is about: ids of each kind of subject, and the person who may have acted."""

    ids: dict[str, list[str]] = field(default_factory=dict)
    person: str | None = None

    def add(self, kind: str, ids: Iterable[object]) -> None:
        self.ids.setdefault(kind, []).extend(map(str, ids))


async def list_rows(
    session: AsyncSession, search: Search, *, before: int | None, most: int
) -> Sequence[AuditRow]:
    """The newest `most` rows that the search means, from before an id on."""
    common = await _narrow(session, search)
    if before is not None:
        common.append(AuditRow.id < before)
    walks = [
        select(AuditRow.id).where(*way, *common).order_by(AuditRow.id.desc()).limit(most).subquery()
        for way in await _list_ways(session, search)
    ]
    if not walks:
        return ()
    found = union_all(*[select(walk.c.id) for walk in walks])
    query = select(AuditRow).where(AuditRow.id.in_(found)).order_by(AuditRow.id.desc())
    return (await session.scalars(query.limit(most))).all()


async def _list_ways(session: AsyncSession, search: Search) -> list[_Conditions]:
    """Each way in which a row can match; together they are all of them."""
    if search.staff is not None or search.about is not None:
        ways = product(await _by_whom(session, search), await _about_what(session, search))
        return [[*whom, *what, *_of_kind(search)] for whom, what in ways]
    if search.asks_for_kind:
        return [
            [column == value for column, value in zip(_KIND, kind, strict=True)]
            for kind in await list_kinds(session)
            if search.means(*kind)
        ]
    return [[]]


async def is_known(session: AsyncSession, search: Search) -> bool:
    """Whether what it is about is in the log at all, whatever else the search asks for."""
    alone = Search(about=search.about, subject=search.subject)
    if await list_rows(session, alone, before=None, most=1):
        return True
    async with across_centres(session):
        found = select(Request.id).where(Request.code == search.about).limit(1)
        return await session.scalar(found) is not None


async def find_ids(
    session: AsyncSession, beginning: str, subject: str | None, *, most: int
) -> list[tuple[str, str]]:
    """(subject, its id) of the long ids that begin so; a person may also have acted themselves."""
    kinds = audit.SUBJECTS if subject is None else (subject,)
    ways = [
        select(AuditRow.subject, AuditRow.subject_id)
        .where(AuditRow.subject == kind, *_begins(AuditRow.subject_id, beginning))
        .distinct()
        .limit(most)
        for kind in kinds
    ]
    if PERSON in kinds:
        ways.append(
            select(AuditRow.actor, AuditRow.actor_id)
            .where(AuditRow.actor == PERSON, *_begins(AuditRow.actor_id, beginning))
            .distinct()
            .limit(most)
        )
    found = union(*[select(*way.subquery().c) for way in ways]).limit(most)
    return sorted((kind, own_id) for kind, own_id in await session.execute(found))


def _begins(column: InstrumentedAttribute[str | None], beginning: str) -> _Conditions:
    """As a span of an index: no letter of an id comes after its last one."""
    return [column >= beginning, column < f"{beginning}g", column.startswith(beginning)]


async def with_persons(session: AsyncSession, rows: Sequence[AuditRow]) -> Sequence[AuditRow]:
    """The same and the rows about persons that the same acts wrote: the newest first."""
    acts = {(row.at, row.actor_id, row.action) for row in rows if row.subject == REQUEST}
    query = select(AuditRow).where(
        AuditRow.at.in_({at for at, _, _ in acts}), AuditRow.subject == PERSON
    )
    persons = [
        row for row in await session.scalars(query) if (row.at, row.actor_id, row.action) in acts
    ]
    return sorted({row.id: row for row in (*rows, *persons)}.values(), key=lambda row: -row.id)


async def list_kinds(session: AsyncSession) -> Sequence[tuple[str, str, str]]:
    """The actors, actions and subjects that stand in the log together: some dozens.

    From each the index leads to the next, past the millions that are alike.
    """
    first = select(*_KIND).order_by(*_KIND).limit(1).subquery()
    kinds = select(*first.c).cte("kinds", recursive=True)
    following = (
        select(*_KIND)
        .where(tuple_(*_KIND) > tuple_(*kinds.c))
        .order_by(*_KIND)
        .limit(1)
        .lateral("following")
    )
    kinds = kinds.union_all(select(*following.c).select_from(kinds.join(following, true())))
    found = await session.execute(select(*kinds.c))
    return [(actor, action, subject) for actor, action, subject in found]


def _of_kind(search: Search) -> _Conditions:
    """For a walk that is short by itself: one person's rows, or those about one thing."""
    found: _Conditions = []
    if search.actor is not None:
        found.append(AuditRow.actor == search.actor)
    if search.action is not None:
        found.append(AuditRow.action == search.action)
    if search.subject is not None and search.about is None:
        found.append(AuditRow.subject == search.subject)
    if search.view is not None:
        found += VIEWS[search.view].conditions()
    return found


async def _by_whom(session: AsyncSession, search: Search) -> list[_Conditions]:
    """What they did; what was done to them, and by whom their sessions were used."""
    if search.staff is None:
        return [[]]
    staff_id = str(search.staff)
    did = [AuditRow.actor_id == staff_id, AuditRow.actor == "staff"]
    if search.side == DID:
        return [did]
    query = select(DeskSession.id).where(DeskSession.staff_id == search.staff)
    sessions = [str(one) for one in await session.scalars(query)]
    # Everybody's own account is theirs: what they do to it they did.
    others: _Conditions = [
        or_(AuditRow.actor != "staff", AuditRow.actor_id != staff_id),
    ]
    met = [
        [AuditRow.subject.in_((*OF_STAFF, STAFF_CHAT)), AuditRow.subject_id == staff_id],
        [AuditRow.subject == SESSION, AuditRow.subject_id.in_(sessions)],
    ]
    return [way + others for way in met] if search.side == MET else [did, *met]


async def _about_what(session: AsyncSession, search: Search) -> list[_Conditions]:
    if search.about is None:
        return [[]]
    target = await _find_target(session, search.about, search.subject)
    ways: list[_Conditions] = [
        [AuditRow.subject == kind, AuditRow.subject_id.in_(ids)] for kind, ids in target.ids.items()
    ]
    if target.person is not None:
        ways.append([AuditRow.actor_id == target.person, AuditRow.actor == PERSON])
    return ways


async def _narrow(session: AsyncSession, search: Search) -> _Conditions:
    """What holds for every row, whichever way it was found."""
    found: _Conditions = []
    if search.centre is not None:
        found.append(AuditRow.centre == search.centre)
    if search.since is not None:
        found += [
            AuditRow.at >= search.since,
            AuditRow.id > await _last_id_before(session, search.since),
        ]
    if search.until is not None:
        found += [
            AuditRow.at < search.until,
            AuditRow.id < await _first_id_after(session, search.until),
        ]
    return found


async def _last_id_before(session: AsyncSession, moment: datetime) -> int:
    """All rows from this moment on have greater ones: so that a walk knows where to end."""
    query = select(AuditRow.id).where(AuditRow.at < moment - _OUT_OF_ORDER)
    found = await session.scalar(query.order_by(AuditRow.at.desc(), AuditRow.id.desc()).limit(1))
    return 0 if found is None else found


async def _first_id_after(session: AsyncSession, moment: datetime) -> int:
    """All rows before this moment have smaller ones: where a walk begins."""
    query = select(AuditRow.id).where(AuditRow.at >= moment + _OUT_OF_ORDER)
    found = await session.scalar(query.order_by(AuditRow.at, AuditRow.id).limit(1))
    return _NO_ID if found is None else found


async def _find_target(session: AsyncSession, about: str, subject: str | None) -> _Target:
    """The trail of a request has what belongs to it, that of a person their requests with these."""
    target = _Target()
    if codes.is_valid(about) and subject in (None, REQUEST):
        # Whoever asked for it without being allowed to is kept under the code.
        target.add(REQUEST, [f"code:{about}"])
        await _add_requests(session, target, Request.code == about)
        return target
    own_id = about.removeprefix("#")
    for kind in audit.SUBJECTS if subject is None else (subject,):
        target.add(kind, [own_id])
    person_id = find_uuid(own_id)
    if person_id is not None and PERSON in target.ids:
        await _add_requests(session, target, Request.person_id == person_id)
        return _Target(target.ids, own_id)
    return target


async def _add_requests(
    session: AsyncSession, target: _Target, condition: ColumnElement[bool]
) -> None:
    """Their ids and those of what belongs to them; nothing else of another's rows is read."""
    async with across_centres(session):
        requests = (await session.scalars(select(Request.id).where(condition))).all()
        for subject, model in _OF_REQUESTS.items():
            found = select(model.id).where(model.request_id.in_(requests))
            target.add(subject, await session.scalars(found))
    target.add(REQUEST, requests)
