"""The log as auditors search it."""

from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import Person
from services import desk_requests, staff
from services.audit_log import find_staff, list_page
from services.audit_search import FAULTS, Search
from services.audit_walks import list_rows
from services.audit_weeks import compare_weeks
from services.errors import NotAllowed
from tests.services.centre_at_work import FRIDAY
from tests.services.desk_visitors import HOME_PHONE, NAME, PHONE, ask, audited, visit
from tests.services.log_reading import find, hire_auditor, record, told

# 23:00 in Phnom Penh, and half past midnight there.
_LATE_EVENING = datetime(2026, 11, 20, 16, 0, tzinfo=UTC)
_AFTER_MIDNIGHT = datetime(2026, 11, 20, 17, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "role", ["case_worker", "safety_focal_point", "centre_manager", "administrator"]
)
async def test_the_log_is_the_auditors_alone(session: AsyncSession, role: str) -> None:
    visitor = await visit(session, "Sok", role, None if role == "administrator" else "pursat")
    for look in (
        list_page(session, visitor, Search(), now=FRIDAY),
        compare_weeks(session, visitor, now=FRIDAY),
        find_staff(session, visitor, "sok"),
    ):
        with pytest.raises(NotAllowed):
            await look


async def test_all_is_shown_page_by_page_without_gaps_or_repeats(session: AsyncSession) -> None:
    auditor = await hire_auditor(session)
    for number in range(1, 8):
        await record(session, subject_id=number, now=FRIDAY + timedelta(seconds=number))
    seen: list[str | None] = []
    before, sizes = None, []
    while True:
        page = await list_page(
            session, auditor, Search(subject="file"), now=FRIDAY, before=before, size=3
        )
        seen += [line.subjects[0].id for line in page.lines]
        sizes.append(len(page.lines))
        if page.following is None:
            break
        before = page.following
        await record(session, subject_id=99)  # what comes in meanwhile moves nothing
    assert (seen, sizes) == (["7", "6", "5", "4", "3", "2", "1"], [3, 3, 1])


async def test_a_request_shows_its_code_and_nothing_of_whose_it_is(session: AsyncSession) -> None:
    request = await ask(session)
    worker = await visit(session)
    await desk_requests.get_page(session, worker, request.code, now=FRIDAY)
    await desk_requests.reveal(session, worker, request.code, "to call back", now=FRIDAY)
    auditor = await hire_auditor(session)
    lines = await find(session, auditor)
    reveal, look = [line for line in lines if line.subjects[0].kind != "staff"][:2]
    assert (look.actor_name, look.action) == ("Sok", "read")
    assert [(one.kind, one.code) for one in look.subjects] == [
        ("request", request.code),
        ("person", None),
    ]
    assert (reveal.action, list(reveal.fields)) == ("revealed", ["name", "phone", "reason"])
    shown = repr(lines)
    for secret in (NAME, PHONE, HOME_PHONE, "to call back", "ការងារ"):
        assert secret not in shown


async def test_the_auditor_sees_no_centre_s_rows_afterwards(session: AsyncSession) -> None:
    request = await ask(session)
    auditor = await hire_auditor(session)
    await find(session, auditor, about=request.code)
    assert (await session.scalars(select(Person))).all() == []


@pytest.mark.parametrize(
    ("wanted", "count"),
    [
        ({"action": "read"}, 3),
        ({"action": "deleted"}, 1),
        ({"subject": "file"}, 2),
        ({"subject": "file", "action": "deleted"}, 0),
        ({"actor": "person"}, 1),
        ({"actor": "staff"}, 4),
        ({"subject": "file", "about": "7"}, 1),
        ({"about": "#7"}, 2),
        ({"first": "2026-11-21"}, 1),
        ({"last": "2026-11-20"}, 4),
        ({"first": "2026-11-20", "last": "2026-11-20", "action": "read"}, 2),
        ({"first": "2026-11-22"}, 0),
        ({"last": "2026-11-19"}, 0),
        ({"view": "reveals"}, 1),
        ({"view": "reads", "subject": "file"}, 2),
        ({"view": "reads", "action": "revealed"}, 0),
        ({"centre": "pursat"}, 1),
        ({"centre": "preah-vihear"}, 0),
    ],
)
async def test_each_filter_narrows(
    session: AsyncSession, wanted: dict[str, str], count: int
) -> None:
    worker, person = await visit(session), uuid4()
    auditor = await hire_auditor(session)
    await record(session, subject="person", subject_id=person, action="revealed")
    await record(
        session, actor="person", actor_id=person, subject="person", subject_id=7, action="deleted"
    )
    await record(session, subject_id=7, now=_LATE_EVENING)
    await record(session, subject_id=8, actor_id=worker.staff_id, now=_LATE_EVENING)
    await record(session, subject="request", subject_id=3, now=_AFTER_MIDNIGHT)
    found = told(await find(session, auditor, **wanted))
    assert len([one for one in found if one[1] != "staff"]) == count  # those who were hired


@pytest.mark.parametrize(
    ("wanted", "fault"),
    [
        ({"first": "yesterday"}, "day"),
        ({"last": "9999-12-31"}, "day"),
        ({"first": "2026-11-22", "last": "2026-11-21"}, "days"),
        ({"staff": "sok"}, "staff"),
        ({"subject": "request", "about": "1234 5678"}, "about"),
        ({"about": "a b"}, "about"),
        ({"about": "x" * 101}, "about"),
        ({"about": "\0"}, "about"),
    ],
)
async def test_an_impossible_search_says_so_and_finds_nothing(
    session: AsyncSession, wanted: dict[str, str], fault: str
) -> None:
    assert fault in FAULTS
    search = Search.parse(wanted)
    assert search.faults == (fault,)
    await record(session)
    auditor = await hire_auditor(session)
    assert await find(session, auditor, **wanted) == []


async def test_a_search_is_written_down_once_by_what_was_searched_and_not_for_what(
    session: AsyncSession,
) -> None:
    auditor = await hire_auditor(session)
    for number in range(3):
        await record(session, subject_id=number)
    search = Search(subject="file", first=date(2026, 11, 1))
    page = await list_page(session, auditor, search, now=FRIDAY, size=1)
    await list_page(session, auditor, search, now=FRIDAY, before=page.following, size=1)
    await list_page(session, auditor, Search(), now=FRIDAY)
    searched = [row for row in await audited(session) if row[0] == "searched"]
    assert searched == [("searched", "audit", None, ["subject", "first"])]


async def test_a_search_that_begins_at_its_second_page_is_written_down_too(
    session: AsyncSession,
) -> None:
    auditor = await hire_auditor(session)
    await record(session)
    await list_page(session, auditor, Search(action="read"), now=FRIDAY, before=10**6)
    assert ("searched", "audit", None, ["action"]) in await audited(session)


async def test_staff_are_found_by_name_or_username_however_it_is_written(
    session: AsyncSession,
) -> None:
    for name in ("Sok Dara", "Sokha", "ចាន់ធូ"):
        await visit(session, name)
    left = await staff.get_by_name(session, "Sokha")
    await staff.end(session, left, by=None, now=FRIDAY)
    auditor = await hire_auditor(session)

    async def called(typed: str) -> list[tuple[str, bool]]:
        return [(one.name, one.has_left) for one in await find_staff(session, auditor, typed)]

    assert await called("sok") == [("Sok Dara", False), ("Sokha", True)]
    assert await called(" SOKHA ") == [("Sokha", True)]
    assert await called("ចាន់ធូ") == [("ចាន់ធូ", False)]
    assert await called("dara (sok") == [("Sok Dara", False)]
    assert await called("ធូ") == [("ចាន់ធូ", False)]
    assert await called("nobody") == []
    assert await called(" ") == []


@pytest.mark.parametrize(
    ("wanted", "kinds"),
    [
        ({"actor": "person", "action": "seen"}, {("person", "seen", "agency")}),
        ({"actor": "person", "action": "listed"}, set()),
        ({"subject": "agency", "action": "used"}, {("staff", "used", "agency")}),
        ({"actor": "staff", "view": "reads", "subject": "file"}, {("staff", "read", "file")}),
    ],
)
async def test_filters_of_kind_go_together(
    session: AsyncSession, wanted: dict[str, str], kinds: set[tuple[str, str, str]]
) -> None:
    for actor, action, subject in (
        *(("person", "seen", "agency"), ("staff", "seen", "agency")),
        *(("staff", "used", "agency"), ("staff", "read", "file"), ("person", "read", "file")),
    ):
        await record(session, actor=actor, action=action, subject=subject)
    rows = await list_rows(session, Search.parse(wanted), before=None, most=50)
    assert {(row.actor, row.action, row.subject) for row in rows} == kinds
