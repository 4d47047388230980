"""Every page of the desk, for everybody: a page that has no line here fails.

The columns are a stranger; somebody who gave a password for the first
time and no code yet; the staff of the centre
whose request it is; those of another centre; an administrator; the administrator who answers for
this very request; an auditor. In "403/in" the second is what managers find. What comes
back is "in", "door" (the sign-in), "code" (the next step of signing in), "start" (they are signed
in already), 403 or 404.
"""

from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import pytest
from sqlalchemy import func, select, update
from starlette.responses import Response
from starlette.routing import Mount

from db.models import AuditRow, File, Recall, Referral, Request
from desk.access import Page, page
from desk.app import create_desk
from desk.pages import ROUTES
from desk.request import DeskRequest
from services import accounts, agencies, files, staff, threads
from services.accounts.sessions import open_session
from services.desk_requests import canned
from services.office_hours import day_of
from services.referrals import asking
from simulator.telegram.files import read_sample
from tests.desk.at_the_desk import Desk
from tests.services.desk_visitors import at_desk, register

HERE, ELSEWHERE = "pursat", "preah-vihear"
CENTRE_ROLES = ("case_worker", "safety_focal_point", "centre_manager")
COLUMNS = ("stranger", "half", "own", "other", "admin", "owner", "auditor")

TABLE = {
    "GET /": "door code in in in in in",
    "POST /language": "in in in in in in in",
    "GET /sign-in": "in code start start start start start",
    "POST /sign-in": "in in in in in in in",
    "POST /sign-out": "door door door door door door door",
    "GET /code": "door code start start start start start",
    "POST /code": "door in start start start start start",
    "GET /second-factor": "door in start start start start start",
    "POST /second-factor": "door in start start start start start",
    "GET /invitation/{token}": "in in in in in in in",
    "POST /invitation/{token}": "in in in in in in in",
    "GET /account": "door code in in in in in",
    "GET /account/password": "door code in in in in in",
    "POST /account/password": "door code in in in in in",
    "GET /account/telegram": "door code in in in in 403",
    "POST /account/sessions/{session_id}/end": "door code in in in in in",
    "GET /audit": "door code 403 403 403 403 in",
    "POST /account/sessions/end": "door code in in in in in",
    "GET /account/recovery-codes": "door code in in in in in",
    "POST /account/recovery-codes": "door code in in in in in",
    "GET /account/second-factor": "door code in in in in in",
    "POST /account/second-factor": "door code in in in in in",
    "POST /account/telegram": "door code in in in in 403",
    "GET /account/telegram/state": "door code in in in in 403",
    "POST /account/telegram/test": "door code in in in in 403",
    "POST /account/telegram/hours": "door code in in in in 403",
    "POST /account/telegram/end": "door code in in in in 403",
    "GET /staff": "door code 403/in 403/in in in 403",
    "GET /staff/new": "door code 403 403 in in 403",
    "POST /staff/new": "door code 403 403 in in 403",
    "GET /staff/{staff_id}": "door code 403 403 in in 403",
    "POST /staff/{staff_id}": "door code 403 403 in in 403",
    "GET /queue": "door code in in in in 403",
    "GET /queue/assign": "door code in in in in 403",
    "GET /queue/close": "door code in in in in 403",
    "POST /queue/assign": "door code in in in in 403",
    "POST /queue/close": "door code in in in in 403",
    "GET /queue/closing": "door code in in in in 403",
    "POST /queue/closing": "door code in in in in 403",
    "GET /queue/undo": "door code in in in in 403",
    "POST /queue/undo": "door code in in in in 403",
    "GET /queue/live": "door code in in in in 403",
    "GET /requests/{code}": "door code in 404 404 in 403",
    "POST /requests/{code}/draft": "door door in 404 404 in 403",
    "POST /requests/{code}/canned": "door door in 404 404 in 403",
    "GET /requests/{code}/reveal": "door code in in in in 403",
    "POST /requests/{code}/reveal": "door door in 404 404 in 403",
    "GET /requests/{code}/do/{move}": "door code in in in in 403",
    "POST /requests/{code}/do/{move}": "door door in 404 404 in 403",
    "GET /requests/{code}/files/{file}": "door code in 404 404 in 403",
    "GET /requests/{code}/live": "door code in 404 404 in 403",
    "GET /requests/{code}/referrals": "door code in 404 404 in 403",
    "GET /requests/{code}/referrals/new": "door code in 404 404 in 403",
    "POST /requests/{code}/referrals/new": "door code in 404 404 in 403",
    "GET /requests/{code}/referrals/{referral}/sheet": "door code in 404 404 in 403",
    "POST /requests/{code}/referrals/{referral}/do/{step}": "door code in 404 404 in 403",
    "GET /to-tell": "door code in in 403 403 403",
    "POST /to-tell/{recall}": "door code in 404 403 403 403",
    "GET /centres": "door code in in in in 403",
    "GET /centres/{centre}": "door code in 404 in in 403",
    "POST /centres/{centre}/hours": "door code 403/in 403/404 in in 403",
    "POST /centres/{centre}/names": "door code 403 403 in in 403",
    "POST /centres/{centre}/rest": "door code 403 403 in in 403",
    "GET /days": "door code in in in in 403",
    "POST /days": "door code 403/in 403/404 in in 403",
    "POST /days/open": "door code 403 403 in in 403",
    "POST /days/back": "door code 403/in 403/404 in in 403",
    "GET /canned": "door code in in in in 403",
    "GET /canned/new": "door code 403/in 403/in in in 403",
    "POST /canned/new": "door code 403/in 403/in in in 403",
    "GET /canned/{reply}": "door code 403/in 403/404 404 404 403",
    "POST /canned/{reply}": "door code 403/in 403/404 404 404 403",
    "POST /canned/{reply}/end": "door code 403/in 403/404 404 404 403",
    "POST /canned/{reply}/take-up": "door code 403/in 403/404 404 404 403",
    "GET /agencies": "door code in in in in 403",
    "GET /agencies/new": "door code 403 403 in in 403",
    "POST /agencies/new": "door code 403 403 in in 403",
    "GET /agencies/{agency}": "door code 403 403 in in 403",
    "POST /agencies/{agency}": "door code 403 403 in in 403",
    "POST /agencies/{agency}/end": "door code 403 403 in in 403",
    "POST /agencies/{agency}/take-up": "door code 403 403 in in 403",
}


@dataclass(frozen=True)
class Visit:
    """Somebody in a column, with the session of their browser and of another one of theirs."""

    column: str
    name: str
    token: str | None = None
    other_session: str = ""


def lines_of_the_desk() -> Iterator[str]:
    for route in ROUTES:
        yield from (f"{method} {route.path}" for method in route.methods - {"HEAD"})


def test_every_page_has_a_line_and_every_line_a_page() -> None:
    assert sorted(lines_of_the_desk()) == sorted(TABLE)


def test_the_desk_has_nothing_but_its_pages_and_what_belongs_to_them(desk: Desk) -> None:
    others = [route for route in create_desk(desk.parts).routes if not isinstance(route, Page)]
    assert [route.path for route in others if isinstance(route, Mount)] == ["/static"]
    assert len(others) == 1


@pytest.mark.parametrize("roles", [(), ("king",), ("case_worker", "king")])
def test_a_page_for_nobody_or_for_a_role_that_there_is_not_cannot_be_made(
    roles: Sequence[str],
) -> None:
    async def endpoint(_: DeskRequest) -> Response:
        return Response()

    with pytest.raises(ValueError, match="names no role"):
        page("/somewhere", endpoint, roles=roles)


async def test_everybody_finds_what_the_table_says_and_every_refusal_is_written_down(
    desk: Desk,
) -> None:
    visits = [Visit("stranger", "stranger"), *[visit async for visit in _staff(desk)]]
    places = await _make_request(desk, owner="owner")
    found: dict[str, dict[str, str]] = {}
    refused = 0
    for line in TABLE:
        found[line] = {}
        desk.clock.go_on(minutes=1)  # the same refusal is written down once within a minute
        for visit in visits:
            fresh = await _sign_in(desk, visit)
            outcome = await _try(desk, fresh, line, places)
            found[line][visit.name] = outcome
            refused += outcome in ("403", "404")
    expected = {
        line: {visit.name: _expected(outcomes, visit) for visit in visits}
        for line, outcomes in TABLE.items()
    }
    assert {line: found[line] for line in TABLE if found[line] != expected[line]} == {}
    async with desk.new_session() as session:
        noted = select(func.count()).where(
            AuditRow.action == "refused",
            AuditRow.subject.in_(["page", "request", "centre", "canned_reply", "agency", "recall"]),
            ~AuditRow.fields.contains(["made-up"]),  # a form of theirs that says nothing
        )
        assert await session.scalar(noted) == refused


def _expected(outcomes: str, visit: Visit) -> str:
    """What a line says of somebody; of two outcomes the second is the manager's."""
    plain, _, of_manager = outcomes.split()[COLUMNS.index(visit.column)].partition("/")
    return of_manager if of_manager and visit.name.endswith("centre_manager") else plain


async def test_a_session_of_somebody_else_is_nobody_s(desk: Desk) -> None:
    visits = [visit async for visit in _staff(desk)]
    for visit, another in pairwise(visits[1:]):
        fresh = await _sign_in(desk, visit)
        theirs = (await _sign_in(desk, another)).other_session
        line = "POST /account/sessions/{session_id}/end"
        assert await _try(desk, replace(fresh, other_session=theirs), line, {}) == "404"


async def _staff(desk: Desk) -> AsyncIterator[Visit]:
    """Everybody of the table but the stranger; they have a second factor."""
    people = [
        ("half", "half", "case_worker", HERE),
        *[("own", f"own {role}", role, HERE) for role in CENTRE_ROLES],
        *[("other", f"other {role}", role, ELSEWHERE) for role in CENTRE_ROLES],
        ("admin", "admin", "administrator", None),
        ("owner", "owner", "administrator", None),
        ("auditor", "auditor", "auditor", None),
    ]
    for column, name, role, centre in people:
        async with desk.new_session.begin() as session:
            person = await staff.add(session, name, role, centre, now=desk.clock.now)
            username = name.replace(" ", "-").replace("_", "-")
            await accounts.invite(session, person, username, by=None, now=desk.clock.now)
        yield Visit(column, name)


async def _sign_in(desk: Desk, visit: Visit) -> Visit:
    """Two new sessions, since some pages end the one that asks, and one ends another."""
    if visit.column == "stranger":
        return visit
    async with desk.new_session.begin() as session:
        person = await staff.get_by_name(session, visit.name)
        opened = [
            await open_session(
                session,
                person.id,
                device="",
                is_confirmed=visit.column != "half",
                now=desk.clock.now,
            )
            for _ in range(2)
        ]
    return replace(visit, token=opened[0][1], other_session=str(opened[1][0].id))


async def _make_request(desk: Desk, owner: str) -> dict[str, str]:
    """A request with a file, and what stands in the addresses of its pages."""
    async with desk.new_session.begin() as session:
        address = await register(session)
        request = await threads.attach_file(session, address, "photo", "source", now=desk.clock.now)
        file = (await session.scalars(select(File))).one()
        await files.keep(session, desk.parts.files, file.id, read_sample("photo"))
        person = await staff.get_by_name(session, owner)
        await session.execute(update(Request).values(owner_id=person.id))
    kept = await _make_kept(desk)
    return {
        "code": request.code,
        "file": str(file.id),
        "move": "note",
        "token": "invented",
        "staff_id": str(person.id),
        "referral": await _refer(desk, request.code, owner, kept["agency"]),
        "step": "end",
        "recall": await _promise(desk, request.code, kept["agency"]),
        **kept,
    }


async def _refer(desk: Desk, code: str, owner: str, agency: str) -> str:
    """The person agreed to be referred there; what stands in the addresses of that."""
    now = desk.clock.now
    told = asking.Told(day_of(now), "phone")
    wanted = asking.Wanted(int(agency), "training", (), through_us=True, told=told)
    async with desk.new_session.begin() as session:
        chief = at_desk(await staff.get_by_name(session, owner))
        words = desk.parts.words
        await asking.begin(session, chief, code, wanted, seen=0, words=words, now=now)
        return str((await session.scalars(select(Referral.id))).one())


async def _promise(desk: Desk, code: str, agency: str) -> str:
    """An agency of the centre has to be asked to delete what it has."""
    arose_on = day_of(desk.clock.now)
    async with desk.new_session.begin() as session:
        recall = Recall(
            centre_id=HERE, agency_id=int(agency), code=code, reason="deleted", arose_on=arose_on
        )
        session.add(recall)
        await session.flush()
        return str(recall.id)


async def _make_kept(desk: Desk) -> dict[str, str]:
    """What managers and administrators keep: a reply of the centre, an agency."""
    async with desk.new_session.begin() as session:
        manager = at_desk(await staff.get_by_name(session, "own centre_manager"))
        reply = await canned.add(session, manager, "Hello", "សួស្តី", None, now=desk.clock.now)
        chief = at_desk(await staff.get_by_name(session, "admin"))
        form = agencies.AgencyForm("សាលា", "School", purposes=["training"])
        agency = await agencies.save(session, chief, None, form, seen=None, now=desk.clock.now)
    return {"centre": HERE, "reply": str(reply.id), "agency": str(agency.id)}


async def _try(desk: Desk, visit: Visit, line: str, places: dict[str, str]) -> str:
    method, path = line.split()
    known = {"session_id": visit.other_session or "1", **places}
    async with desk.browser() as browser:
        if visit.token is not None:
            browser.use(visit.token)
        form = {"form-token": await browser.form_token(), "value": "to call"}
        form["canned"] = places.get("reply", "")
        if path.startswith("/days"):
            form |= {"day": desk.clock.now.date().isoformat(), "centre": HERE}
        form["do"] = "unlock"  # of the page of somebody who works here
        body = {"data": form} if method == "POST" else {}
        address = f"{desk.url}/desk{path.format(**known)}"
        async with browser.http.request(
            method, address, allow_redirects=False, **body
        ) as answer:  # its body is left: that of a stream never ends
            return _outcome(answer.status, answer.headers.get("Location", ""))


def _outcome(status: int, location: str) -> str:
    if status == 401:
        return "door"  # with the words that were sent, to be sent again
    if status in (403, 404):
        return str(status)
    assert status < 500
    if location.startswith("/desk/sign-in"):
        return "door"
    if location in ("/desk/code", "/desk/second-factor"):
        return "code"
    return "start" if location == "/desk/" else "in"
