"""Who may read a request at the desk, what they see of it, and that each look is written down."""

from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import Request, Staff
from services import desk_requests, requests, threads
from services.desk_requests import RequestPage
from services.errors import EmptyText, RequestNotFound
from services.threads.reaching import LEFT, REGISTERED, SMS
from tests.services.centre_at_work import (
    FRIDAY,
    PlainWords,
    events_of,
    hire,
    outbox,
    write_from,
)
from tests.services.desk_accounts import hire_with_account, set_up
from tests.services.desk_visitors import (
    HOME_PHONE,
    NAME,
    PHONE,
    ask,
    at_desk,
    audited,
    register,
    see_as,
    visit,
)

LATER = FRIDAY + timedelta(hours=1)
WORDS = PlainWords()


@pytest.mark.parametrize(
    ("role", "centre", "is_owner", "may"),
    [
        ("case_worker", "pursat", False, True),
        ("safety_focal_point", "pursat", False, True),
        ("centre_manager", "pursat", False, True),
        ("case_worker", "preah-vihear", False, False),
        ("case_worker", "preah-vihear", True, False),
        ("centre_manager", "preah-vihear", False, False),
        ("administrator", None, False, False),
        ("administrator", None, True, True),
        ("auditor", None, False, False),
        ("auditor", None, True, False),
    ],
)
async def test_who_may_read_a_request(
    session: AsyncSession, role: str, centre: str | None, is_owner: bool, may: bool
) -> None:
    request = await ask(session)
    visitor = await visit(session, "Sao", role, centre)
    request.owner_id = visitor.staff_id if is_owner else None
    await session.flush()

    assert desk_requests.may_read(visitor, request) is may
    if may:
        page = await desk_requests.get_page(session, visitor, request.code, now=LATER)
        assert page.request.id == request.id
    else:
        with pytest.raises(RequestNotFound):
            await desk_requests.get_page(session, visitor, request.code, now=LATER)
        with pytest.raises(RequestNotFound):
            desk_requests.check_may_read(visitor, request)


async def test_the_page_shows_all_that_the_work_needs(session: AsyncSession) -> None:
    address = await register(session)
    request, me = await ask(session, address), await hire_with_account(session)
    await set_up(session)
    colleague = await hire(session, "Sao")
    await hire(session, "Elsewhere", centre="preah-vihear")
    await hire(session, "Watcher", "auditor", None)
    await threads.take(session, request.code, staff=colleague, now=LATER)
    await threads.reply(session, request.code, "Yes", staff=me, words=WORDS, now=LATER)
    visitor = at_desk(me, "en")
    await see_as(session, visitor)
    page = await desk_requests.get_page(session, visitor, request.code, now=LATER)

    assert (page.owner_name, page.is_mine, page.request.state) == ("Sao", False, "taken")
    assert [(event.kind, event.delivery) for event in page.events] == [
        ("opened", None),
        ("person_message", None),
        ("taken", None),
        ("staff_message", "waiting"),
    ]
    assert page.person.age == 30
    assert page.person.home is not None
    assert page.person.home.endswith("Pursat Province")
    assert page.person.work is not None
    assert (page.person.work.places, page.person.work.salary) == (["Phnom Penh"], 210)
    assert [other.topic for other in page.others] == ["registration"]
    assert page.colleagues == [(me.id, "Sok")]
    others = {one.id: (one.opens_at, one.is_staffed) for one in page.centres}
    assert others == {"oddar-meanchey": (None, False), "preah-vihear": (None, False)}


async def test_a_centre_has_staff_when_somebody_there_answers_requests(
    session: AsyncSession,
) -> None:
    """Administrators, of whom some were once of a centre, do not even see what is nobody's."""
    request, visitor = await ask(session), await visit(session)
    for name, role, staffed in (
        ("Boss", "administrator", set()),
        ("Sao", "case_worker", {"preah-vihear"}),
    ):
        centre = None if role == "administrator" else "preah-vihear"
        person = await hire_with_account(session, name, name.lower(), role, centre)
        await set_up(session, name.lower())
        person.centre_id = "preah-vihear"
        page = await desk_requests.get_page(session, visitor, request.code, now=LATER)
        assert {one.id for one in page.centres if one.is_staffed} == staffed


async def test_name_and_numbers_are_masked_wherever_the_page_shows_them(
    session: AsyncSession,
) -> None:
    address = await register(session)
    request = await requests.ask_for_call(session, address, now=FRIDAY)
    await requests.add_phone_number(session, request.code, address, "+85511222333", now=FRIDAY)
    page = await desk_requests.get_page(session, await visit(session), request.code, now=LATER)

    assert page.person.name == "ស្រី•••"
    assert [(one.number, one.known_from) for one in page.person.numbers] == [
        ("•••333", LEFT),
        ("•••678", SMS),
        ("•••111", REGISTERED),
    ]
    assert page.events[-1].body == {"masked": "•••333"}
    assert _says_nothing_whole(page)


def _says_nothing_whole(page: RequestPage) -> bool:
    shown = f"{page.events} {page.person!r} {page.person.name} {page.others}"
    return not any(secret in shown for secret in (NAME, PHONE, HOME_PHONE, "11222333"))


async def test_who_never_registered_has_a_page_too(session: AsyncSession) -> None:
    request = await ask(session, await write_from(session))
    page = await desk_requests.get_page(session, await visit(session), request.code, now=LATER)
    assert (page.person.name, page.person.numbers, page.person.work) == (None, [], None)


async def test_every_look_is_written_down(session: AsyncSession) -> None:
    request, visitor = await ask(session), await visit(session)
    for _ in range(2):
        await desk_requests.get_page(session, visitor, request.code, now=LATER)
    assert (
        await audited(session)
        == [
            ("read", "request", str(request.id), []),
            ("read", "person", str(request.person_id), []),
        ]
        * 2
    )


@pytest.mark.parametrize(("typed", "kept"), [("real", "code:"), ("012 345 678", None)])
async def test_a_look_that_was_refused_is_written_down_without_what_was_typed(
    session: AsyncSession, typed: str, kept: str | None
) -> None:
    request, visitor = await ask(session), await visit(session, "Sao", centre="preah-vihear")
    code = request.code if typed == "real" else typed
    await desk_requests.note_refused(session, visitor, code, now=LATER)
    assert await audited(session) == [("refused", "request", kept and kept + code, [])]


async def test_other_requests_are_those_that_the_visitor_may_read(session: AsyncSession) -> None:
    address = await register(session)
    request = await ask(session, address)
    me, them = await hire(session), await hire(session, "Sao", centre="preah-vihear")
    await threads.hand_over(session, request.code, "preah-vihear", staff=me, now=LATER)
    await see_as(session, at_desk(them))
    page = await desk_requests.get_page(session, at_desk(them), request.code, now=LATER)
    assert page.others == []


async def test_a_request_that_came_from_another_centre_has_its_person(
    session: AsyncSession,
) -> None:
    """The person's row stays at the centre of their home; the new centre must still call them."""
    request, me = await ask(session), await hire(session)
    them = await hire(session, "Sao", centre="preah-vihear")
    await threads.hand_over(session, request.code, "preah-vihear", staff=me, now=LATER)
    visitor = at_desk(them)
    await see_as(session, visitor)
    page = await desk_requests.get_page(session, visitor, request.code, now=LATER)
    assert page.person.name == "ស្រី•••"
    shown = await desk_requests.reveal(session, visitor, request.code, "to call", now=LATER)
    assert shown.name == NAME
    await desk_requests.get_page(session, visitor, request.code, now=LATER)
    with pytest.raises(RequestNotFound):
        await desk_requests.get_page(session, at_desk(me), request.code, now=LATER)


async def test_the_whole_name_and_numbers_are_shown_for_a_reason(session: AsyncSession) -> None:
    request, visitor = await ask(session), await visit(session)
    shown = await desk_requests.reveal(session, visitor, request.code, " to call ", now=LATER)

    assert shown.name == NAME
    assert {number.e164 for number in shown.numbers} == {PHONE, HOME_PHONE}
    event = (await events_of(session, request))[-1]
    assert (event.kind, event.internal, event.body) == ("revealed", True, {"text": "to call"})
    looked_at = (("request", str(request.id)), ("person", str(request.person_id)))
    fields = ["name", "phone", "reason"]
    assert await audited(session) == [("revealed", *one, fields) for one in looked_at]
    assert request.due_at is not None
    assert await outbox(session) == []


async def test_without_a_reason_nothing_is_shown(session: AsyncSession) -> None:
    request, visitor = await ask(session), await visit(session)
    with pytest.raises(EmptyText):
        await desk_requests.reveal(session, visitor, request.code, " \n", now=LATER)
    assert await audited(session) == []
    them = await visit(session, "Sao", centre="preah-vihear")
    with pytest.raises(RequestNotFound):
        await desk_requests.reveal(session, them, request.code, " \n", now=LATER)


async def test_the_same_reason_again_is_a_second_look_and_one_note(session: AsyncSession) -> None:
    request, visitor = await ask(session), await visit(session)
    for _ in range(2):
        await desk_requests.reveal(session, visitor, request.code, "to call", now=LATER)
    assert [event.kind for event in await events_of(session, request)].count("revealed") == 1
    looks = [subject for action, subject, *_ in await audited(session) if action == "revealed"]
    assert looks == ["request", "person"] * 2


@pytest.mark.parametrize(
    ("state", "moves"),
    [
        ("new", {"take", "finish", "reply", "hand_over"}),
        ("taken", {"assign", "finish", "reply", "wait_for_person"}),
        ("waiting_person", {"go_on"}),
        ("done", {"reply", "reopen"}),
        ("withdrawn", set()),
    ],
)
async def test_the_page_knows_what_may_be_done_now(
    session: AsyncSession, state: str, moves: set[str]
) -> None:
    request, visitor = await ask(session), await visit(session)
    request.state = state
    await session.flush()
    page = await desk_requests.get_page(session, visitor, request.code, now=LATER)
    assert moves <= page.moves
    if state in ("done", "withdrawn"):
        assert page.moves == moves


async def _owned(session: AsyncSession, owner: Staff) -> Request:
    request = await ask(session)
    await threads.take(session, request.code, staff=owner, now=LATER)
    return request


async def test_what_is_ones_own_cannot_be_taken_again(session: AsyncSession) -> None:
    me = await hire(session)
    request = await _owned(session, me)
    page = await desk_requests.get_page(session, at_desk(me), request.code, now=LATER)
    assert page.is_mine
    assert "take" not in page.moves
