"""All that the log tells of one request, one person, one thing or one member of staff."""

from uuid import UUID, uuid4

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import Address, CannedReply, Centre, Referral
from services import desk_requests, my_data
from services.audit_log import find_about, list_page
from services.audit_search import Search
from services.audit_walks import list_kinds
from tests.services.centre_at_work import FRIDAY
from tests.services.desk_visitors import ask, visit
from tests.services.log_reading import SOMEBODY, find, hire_auditor, record, told
from tests.services.referred import TOLD, begin, make_agency
from tests.services.referred import wanted as told_of


async def test_by_its_code_a_request_is_found_with_its_files_and_who_was_refused(
    session: AsyncSession,
) -> None:
    request = await ask(session)
    stranger = await visit(session, "Bopha", centre="preah-vihear")
    await desk_requests.note_refused(session, stranger, request.code, now=FRIDAY)
    await record(session, subject="request", subject_id=request.id)
    await record(session, subject="request", subject_id=request.id + 1)
    auditor = await hire_auditor(session)
    written = f"{request.code[:4]} {request.code[4:]}"
    for wanted in ({"about": written}, {"about": written, "subject": "request"}):
        assert told(await find(session, auditor, **wanted)) == [
            ("read", "request", str(request.id)),
            ("refused", "request", f"code:{request.code}"),
        ]


async def test_by_the_code_of_a_request_is_found_what_was_seen_of_its_person_through_it(
    session: AsyncSession,
) -> None:
    request = await ask(session)
    worker = await visit(session)
    await desk_requests.reveal(session, worker, request.code, "to call back", now=FRIDAY)
    await record(session, subject="person", subject_id=request.person_id, action="revealed")
    auditor = await hire_auditor(session)
    (line,) = await find(session, auditor, about=request.code)
    assert (line.action, line.actor_name) == ("revealed", "Sok")
    assert told([line]) == [
        ("revealed", "request", str(request.id)),
        ("revealed", "person", str(request.person_id)),
    ]
    of_person = await find(session, auditor, subject="person", about=str(request.person_id))
    assert [one.actor_name for one in of_person] == [None, "Sok"]


async def test_by_its_code_a_request_is_found_with_its_referrals(session: AsyncSession) -> None:
    request, worker = await ask(session), await visit(session)
    await begin(session, worker, request, told_of(await make_agency(session), told=TOLD))
    await record(session, subject="referral", subject_id=10**9, action="referral_given")
    referral_id = str(await session.scalar(select(Referral.id)))
    auditor = await hire_auditor(session)
    found = told(await find(session, auditor, about=request.code))
    assert [own_id for _, kind, own_id in found if kind == "referral"] == [referral_id]


async def test_the_beginning_of_an_id_leads_to_what_begins_so(session: AsyncSession) -> None:
    one, other = UUID("538ebdac" + "0" * 24), UUID("538ebdac" + "1" * 24)
    await record(session, subject="person", subject_id=one)
    await record(session, subject="person", subject_id=one)
    await record(session, actor="person", actor_id=other, subject="file", subject_id=other)
    await record(session, subject="person", subject_id=uuid4())
    auditor = await hire_auditor(session)

    async def meant(**wanted: str) -> list[tuple[str, str]]:
        return list(await find_about(session, auditor, Search.parse(wanted)))

    assert await meant(about="538EBDAC") == [
        ("file", str(other)),
        ("person", str(one)),
        ("person", str(other)),
    ]
    assert await meant(about=str(one)[:12], subject="person") == [("person", str(one))]
    assert await meant(about="538ebdad") == await meant(about=str(one)) == []


@pytest.mark.parametrize("about", ["hello", "538ebdac", "#9999", str(SOMEBODY), "nobody-at-all"])
async def test_what_is_no_id_of_anything_is_told(session: AsyncSession, about: str) -> None:
    await record(session)
    auditor = await hire_auditor(session)
    page = await list_page(session, auditor, Search.parse({"about": about}), now=FRIDAY)
    assert page.is_unknown


async def test_what_is_known_and_does_not_fit_is_not_unknown(session: AsyncSession) -> None:
    request = await ask(session)
    await record(session)
    auditor = await hire_auditor(session)
    for wanted in ({"about": request.code}, {"about": "7", "subject": "file", "action": "ended"}):
        page = await list_page(session, auditor, Search.parse(wanted), now=FRIDAY)
        assert ([*page.lines], page.is_unknown) == ([], False)


async def test_a_person_has_one_trail_of_what_they_did_and_what_was_done(
    session: AsyncSession,
) -> None:
    request = await ask(session)
    person_id = str(request.person_id)
    worker = await visit(session)
    await desk_requests.get_page(session, worker, request.code, now=FRIDAY)
    await record(session, actor="person", actor_id=person_id, action="deleted", subject="person")
    await record(session, subject="person", subject_id=uuid4())
    auditor = await hire_auditor(session)
    found = await find(session, auditor, subject="person", about=person_id)
    assert [line.action for line in found] == ["deleted", "read"]
    assert ("read", "request", str(request.id)) in told(found)


async def test_a_person_who_deleted_everything_keeps_their_trail(session: AsyncSession) -> None:
    request = await ask(session)
    person_id = str(request.person_id)
    worker = await visit(session)
    await desk_requests.get_page(session, worker, request.code, now=FRIDAY)
    address = await session.get_one(Address, request.address_id)
    await my_data.delete_everything(session, address, now=FRIDAY)
    auditor = await hire_auditor(session)
    found = await find(session, auditor, subject="person", about=person_id)
    assert [line.action for line in found] == ["deleted", "read"]


async def test_of_a_member_of_staff_is_found_what_they_did_and_what_was_done_to_them(
    session: AsyncSession,
) -> None:
    worker = await visit(session)
    await record(session, actor_id=worker.staff_id)
    await record(session)
    auditor = await hire_auditor(session)
    found = await find(session, auditor, staff=str(worker.staff_id))
    did, met = ("read", "file", "7"), ("added", "staff", str(worker.staff_id))
    assert told(found) == [did, met]
    for side, wanted in (("did", did), ("met", met)):
        found = await find(session, auditor, staff=str(worker.staff_id), side=side)
        assert told(found) == [wanted]


async def test_things_are_called_by_their_names(session: AsyncSession) -> None:
    reply = CannedReply(title="Thanks", text_km="អរគុណ", created_at=FRIDAY, updated_at=FRIDAY)
    session.add(reply)
    await session.flush()
    worker = await visit(session)
    await record(session, subject="canned_reply", subject_id=reply.id)
    await record(session, subject="centre", subject_id="pursat")
    await record(session, subject="staff_chat", subject_id=worker.staff_id)
    await record(session, subject="agency", subject_id=10**9)
    auditor = await hire_auditor(session)
    lines = await find(session, auditor, action="read")
    called = {one.kind: one.name for line in lines for one in line.subjects}
    centre = await session.get_one(Centre, "pursat")
    assert called == {
        "canned_reply": "Thanks",
        "centre": centre.name_km,
        "staff_chat": "Sok",
        "agency": None,
    }


async def test_each_kind_of_act_in_the_log_is_known_once(session: AsyncSession) -> None:
    before = set(await list_kinds(session))
    new = {("person", "seen", "agency"), ("staff", "seen", "agency"), ("staff", "used", "agency")}
    for _ in range(2):
        for actor, action, subject in new:
            await record(session, actor=actor, action=action, subject=subject)
    found = await list_kinds(session)
    assert sorted(found) == sorted(before | new)
