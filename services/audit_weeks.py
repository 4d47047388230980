"""The last seven days beside the seven before: what an auditor looks at first.

Counted anew each time, for each centre where those who did it worked then. Whoever tries to sign in
is nobody yet: that counts for the centre of whom they tried to be.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import AuditRow
from services.accounts.types import Visitor
from services.audit_log import check_may_read
from services.audit_search import CAMBODIA, VIEWS, View, begin_of

_DAYS: Final = timedelta(days=7)
_LAST_DAY: Final = timedelta(days=6)


@dataclass(frozen=True, slots=True)
class Week:
    """Seven days of Cambodia, both included."""

    first: date
    last: date


@dataclass(frozen=True, slots=True)
class Count:
    """How often in this week, and in the one before."""

    now: int
    before: int


@dataclass(frozen=True, slots=True)
class ViewCount:
    """Of one of VIEWS: all, and by the centre of the member of staff (None: of all centres)."""

    view: str
    total: Count
    centres: Mapping[str | None, Count]


@dataclass(frozen=True, slots=True)
class Weeks:
    now: Week
    before: Week
    counts: Sequence[ViewCount]


async def compare_weeks(session: AsyncSession, visitor: Visitor, *, now: datetime) -> Weeks:
    """Raises NotAllowed for who is no auditor."""
    check_may_read(visitor)
    today = now.astimezone(CAMBODIA).date()
    this = Week(today - _LAST_DAY, today)
    last = Week(this.first - _DAYS, today - _DAYS)
    counted = await _count(session, this, last)
    return Weeks(this, last, [_of_view(name, VIEWS[name], counted) for name in VIEWS])


@dataclass(frozen=True, slots=True)
class _Act:
    action: str
    actor: str
    subject: str
    centre: str | None
    is_now: bool


async def _count(session: AsyncSession, this: Week, last: Week) -> Counter[_Act]:
    """An act is counted once, also where it was done to a request and to its person."""
    kind = (AuditRow.action, AuditRow.actor, AuditRow.centre)
    act = (
        select(*kind, AuditRow.at, func.max(AuditRow.subject).label("subject"))
        .where(AuditRow.at >= begin_of(last.first))
        .where(AuditRow.action.in_({action for view in VIEWS.values() for action in view.actions}))
        .group_by(*kind, AuditRow.at, AuditRow.actor_id, AuditRow.fields)
        .subquery()
    )
    counted = (act.c.action, act.c.actor, act.c.subject, act.c.centre)
    is_now = act.c.at >= begin_of(this.first)
    query = select(*counted, is_now, func.count()).group_by(*counted, is_now)
    return Counter(
        {
            _Act(action, actor, subject, centre, of_this_week): count
            for action, actor, subject, centre, of_this_week, count in await session.execute(query)
        }
    )


def _of_view(name: str, view: View, counted: Counter[_Act]) -> ViewCount:
    of_view = {
        act: count for act, count in counted.items() if view.has(act.action, act.actor, act.subject)
    }
    centres = sorted({act.centre for act in of_view}, key=lambda centre: centre or "")
    return ViewCount(
        name,
        _add(of_view),
        {
            centre: _add({act: count for act, count in of_view.items() if act.centre == centre})
            for centre in centres
        },
    )


def _add(counted: Mapping[_Act, int]) -> Count:
    now = sum(count for act, count in counted.items() if act.is_now)
    return Count(now, sum(counted.values()) - now)
