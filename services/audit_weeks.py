"""The last seven days beside the seven before: what an auditor looks at first.

Counted anew each time, for each centre whose staff did it. Whoever tries to sign in is nobody yet:
that counts for the centre of whom they tried to be.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy import case, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import AuditRow, Staff
from services.accounts.types import Visitor
from services.audit_log import check_may_read, find_owners
from services.audit_search import CAMBODIA, OF_STAFF, SESSION, VIEWS, View, begin_of

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
    whose = case(
        (AuditRow.actor == "staff", AuditRow.actor_id),
        (AuditRow.subject.in_((*OF_STAFF, SESSION)), AuditRow.subject_id),
    )
    is_now = AuditRow.at >= begin_of(this.first)
    query = (
        select(AuditRow.action, AuditRow.actor, AuditRow.subject, whose, is_now, func.count())
        .where(AuditRow.at >= begin_of(last.first))
        .where(AuditRow.action.in_({action for view in VIEWS.values() for action in view.actions}))
        .group_by(AuditRow.action, AuditRow.actor, AuditRow.subject, whose, is_now)
    )
    people = await session.execute(select(Staff.id, Staff.centre_id))
    centres = {str(staff_id): centre for staff_id, centre in people}
    found = (await session.execute(query)).all()
    owners = await find_owners(session, [row[3] for row in found if row[2] == SESSION])
    counted: Counter[_Act] = Counter()
    for action, actor, subject, whose_id, of_this_week, count in found:
        centre = centres.get(owners.get(whose_id, whose_id))
        counted[_Act(action, actor, subject, centre, of_this_week)] += count
    return counted


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
