"""Two weeks of the log side by side."""

from datetime import date, timedelta
from itertools import product
from uuid import uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from db.models import Staff
from services import audit, staff
from services.audit_search import VIEWS, Search
from services.audit_walks import list_rows
from services.audit_weeks import Count, compare_weeks
from tests.services.centre_at_work import FRIDAY
from tests.services.desk_visitors import visit
from tests.services.log_reading import find, hire_auditor, record

_A_SECOND = timedelta(seconds=1)


async def test_two_weeks_are_counted_by_the_centre_of_who_did_it(session: AsyncSession) -> None:
    worker = await visit(session)
    other = await visit(session, "Bopha", centre="preah-vihear")
    today, last_week = FRIDAY, FRIDAY - timedelta(days=7)
    looks = ((worker, today), (worker, last_week), (other, today), (other, today - _A_SECOND))
    for who, when in looks:
        look = {"actor_id": who.staff_id, "action": "revealed", "now": when}
        for subject in ("request", "person"):
            await record(session, **look, subject=subject)
    failed = {"actor": "system", "actor_id": None, "action": "refused", "subject": "account"}
    await record(session, **failed, subject_id=worker.staff_id)
    await record(session, **failed, subject_id="unknown-0a1b2c")
    await record(session, action="revealed", now=FRIDAY - timedelta(days=30))
    auditor = await hire_auditor(session)
    weeks = await compare_weeks(session, auditor, now=today)
    assert (weeks.now.first, weeks.now.last) == (date(2026, 11, 14), date(2026, 11, 20))
    assert (weeks.before.first, weeks.before.last) == (date(2026, 11, 7), date(2026, 11, 13))
    counts = {count.view: count for count in weeks.counts}
    assert list(counts) == list(VIEWS)
    assert counts["reveals"].total == Count(3, 1)
    assert counts["reveals"].centres == {"preah-vihear": Count(2, 0), "pursat": Count(1, 1)}
    assert counts["failed"].centres == {None: Count(1, 0), "pursat": Count(1, 0)}
    assert counts["refusals"].total == Count(0, 0)


async def test_a_week_counts_for_the_centre_at_which_somebody_worked_then(
    session: AsyncSession,
) -> None:
    worker = await visit(session)
    seen = {"actor_id": worker.staff_id, "action": "revealed", "subject": "person"}
    await record(session, **seen, now=FRIDAY - _A_SECOND)
    person = await session.get_one(Staff, worker.staff_id)
    await staff.change_role(session, person, "case_worker", "preah-vihear", now=FRIDAY)
    for later in range(2):
        await record(session, **seen, now=FRIDAY + later * _A_SECOND)
    auditor = await hire_auditor(session)
    weeks = await compare_weeks(session, auditor, now=FRIDAY)
    (of_reveals,) = [count for count in weeks.counts if count.view == "reveals"]
    assert of_reveals.centres == {"preah-vihear": Count(2, 0), "pursat": Count(1, 0)}
    then = await find(session, auditor, view="reveals", centre="pursat")
    assert [len(line.subjects) for line in then] == [1]


async def test_who_signed_in_is_counted_once_and_locks_apart_from_failures(
    session: AsyncSession,
) -> None:
    for action in ("recognised", "signed_in", "signed_out"):
        await record(session, action=action, subject="desk_session", subject_id=uuid4())
    door = {"actor": "system", "actor_id": None, "subject": "account"}
    for later, action in enumerate(("refused", "refused", "locked")):
        await record(session, **door, action=action, now=FRIDAY + later * _A_SECOND)
    auditor = await hire_auditor(session)
    weeks = await compare_weeks(session, auditor, now=FRIDAY)
    totals = {count.view: count.total.now for count in weeks.counts}
    assert (totals["sign_ins"], totals["failed"], totals["locks"]) == (1, 2, 1)


async def test_what_is_counted_is_what_its_search_shows(session: AsyncSession) -> None:
    kinds = product(audit.ACTIONS, ("account", "staff", "request", "desk_session"))
    for later, (action, subject) in enumerate(kinds):
        await record(session, action=action, subject=subject, now=FRIDAY + later * _A_SECOND)
    auditor = await hire_auditor(session)
    weeks = await compare_weeks(session, auditor, now=FRIDAY)
    for count in weeks.counts:
        search = Search(view=count.view, first=weeks.now.first, last=weeks.now.last)
        rows = await list_rows(session, search, before=None, most=1000)
        assert len(rows) == count.total.now, count.view
