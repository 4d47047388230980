"""What staff do with a request at the desk: once each, by who may, and written down."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import Request
from services import addresses, desk_closing, desk_requests
from services.acting import acting
from services.desk_requests import MOVES, Move, Moved
from services.errors import (
    AgenciesWait,
    AlreadyTaken,
    EmptyText,
    NotAllowed,
    RequestNotFound,
    StaffNotFound,
)
from tests.services.centre_at_work import (
    FRIDAY,
    PlainWords,
    events_of,
    hire,
    kinds_of,
    outbox,
)
from tests.services.desk_visitors import ask, at_desk, audited, register, see_as, visit
from tests.services.referred import TOLD, begin, make_agency, only_referral, wanted
from tests.services.referred import do as do_step
from tests.support import Database

LATER = FRIDAY + timedelta(hours=1)
WORDS = PlainWords()


async def _do(session: AsyncSession, request: Request, move: Move, **values: object) -> Moved:
    visitor = values.get("visitor") or await visit(session)
    return await desk_requests.do(
        session,
        visitor,  # type: ignore[arg-type]
        request.code,
        move,
        words=WORDS,
        now=LATER,
    )


async def test_a_days_work_at_the_desk(session: AsyncSession) -> None:
    request, me = await ask(session), await hire(session)
    colleague = await hire(session, "Sao")
    visitor = at_desk(me)
    await see_as(session, visitor)
    for move in [
        Move("take"),
        Move("note", "call again"),
        Move("set_urgency", "urgent"),
        Move("reply", "We look for it"),
        Move("wait_for_others"),
        Move("go_on"),
        Move("wait_for_person"),
        Move("assign", str(colleague.id)),
        Move("finish", "helped"),
        Move("reopen"),
        Move("hand_over", "preah-vihear", "her home is there"),
    ]:
        await _do(session, request, move, visitor=visitor)
    # Only now, since it is another centre's request: the visitor's own sight does not show it.
    await see_as(session, await visit(session, "Boss", "administrator", None))
    assert (await kinds_of(session, request))[2:] == [
        "taken",
        "note",
        "urgency",
        "staff_message",
        "waiting_others",
        "going_on",
        "waiting_person",
        "assigned",
        "done",
        "reopened",
        "note",
        "handed_over",
    ]
    assert [row.purpose for row in await outbox(session)] == ["reply", "follow_up", "follow_up"]


async def test_every_change_is_written_down_by_its_fields(session: AsyncSession) -> None:
    request, visitor = await ask(session), await visit(session)
    await _do(session, request, Move("take"), visitor=visitor)
    await _do(session, request, Move("note", "a secret"), visitor=visitor)
    await _do(session, request, Move("finish", "helped"), visitor=visitor)
    about = ("request", str(request.id))
    assert await audited(session) == [
        ("taken", *about, ["state", "owner_id"]),
        ("note", *about, []),
        ("done", *about, ["state", "outcome"]),
    ]


@pytest.mark.parametrize(
    ("before", "move"),
    [
        ([], Move("take")),
        ([], Move("reply", "Yes")),
        ([], Move("note", "call\nagain ")),
        ([], Move("set_urgency", "urgent")),
        ([], Move("wait_for_person")),
        ([], Move("wait_for_others")),
        ([], Move("finish", "helped")),
        ([Move("wait_for_others")], Move("go_on")),
        ([Move("finish", "informed")], Move("reopen")),
    ],
)
async def test_a_form_that_comes_twice_is_done_once(
    session: AsyncSession, before: list[Move], move: Move
) -> None:
    request, visitor = await ask(session), await visit(session)
    for earlier in before:
        await _do(session, request, earlier, visitor=visitor)
    page = await desk_requests.get_page(session, visitor, request.code, now=LATER)
    form = Move(move.name, move.value, seen=page.seen)

    assert not (await _do(session, request, form, visitor=visitor)).again
    events, messages = await kinds_of(session, request), await outbox(session)
    assert (await _do(session, request, form, visitor=visitor)).again
    assert await kinds_of(session, request) == events
    assert await outbox(session) == messages


async def test_the_same_words_from_the_next_page_are_meant(session: AsyncSession) -> None:
    request, visitor = await ask(session), await visit(session)
    for _ in range(2):
        page = await desk_requests.get_page(session, visitor, request.code, now=LATER)
        form = Move("reply", "Yes", seen=page.seen)
        assert not (await _do(session, request, form, visitor=visitor)).again
    assert len(await outbox(session)) == 2


async def test_other_words_from_an_old_page_are_no_repetition(session: AsyncSession) -> None:
    request, visitor = await ask(session), await visit(session)
    for text in ("Yes", "No"):
        assert not (await _do(session, request, Move("reply", text), visitor=visitor)).again
    assert len(await outbox(session)) == 2


async def test_the_same_words_of_a_colleague_are_no_repetition(session: AsyncSession) -> None:
    request = await ask(session)
    await _do(session, request, Move("note", "called"), visitor=await visit(session))
    done = await _do(session, request, Move("note", "called"), visitor=await visit(session, "Sao"))
    assert not done.again


async def test_an_impatient_double_click_replies_once(db: Database) -> None:
    async with db.new_session.begin() as session:
        request, visitor = await ask(session), await visit(session)

    async def send() -> bool:
        async with acting(db.new_session, visitor) as session:
            return (await _do(session, request, Move("reply", "Yes"), visitor=visitor)).again

    assert sorted(await asyncio.gather(*(send() for _ in range(4)))) == [False, True, True, True]
    async with db.new_session() as session:
        assert len(await outbox(session)) == 1
        assert (await kinds_of(session, request)).count("staff_message") == 1


@pytest.mark.parametrize(
    ("role", "name", "done"),
    [("case_worker", "hand_over", "handed_over"), ("administrator", "assign", "assigned")],
)
async def test_an_impatient_finger_that_gives_it_away_is_no_stranger(
    db: Database, role: str, name: str, done: str
) -> None:
    """After the first of them its sender may read it no more, and the others waited for that."""
    async with db.new_session.begin() as session:
        visitor = await visit(session, "Sok", role, None if role == "administrator" else "pursat")
        request, colleague = await ask(session), await hire(session, "Sao")
        request.owner_id = visitor.staff_id
    to = "preah-vihear" if name == "hand_over" else str(colleague.id)
    move = Move(name, f" {to}", reason="her home")

    async def send() -> bool:
        async with acting(db.new_session, visitor) as session:
            return (await _do(session, request, move, visitor=visitor)).again

    assert sorted(await asyncio.gather(*(send() for _ in range(3)))) == [False, True, True]
    async with db.new_session() as session:
        assert [act for act, *_ in await audited(session)] == [done, "repeated"]
        given = await session.get_one(Request, request.id)
        assert (await kinds_of(session, given)).count(done) == 1


async def test_of_two_who_take_at_once_one_wins_and_the_other_learns_who(db: Database) -> None:
    async with db.new_session.begin() as session:
        request = await ask(session)
        visitors = [await visit(session, name) for name in ("Sok", "Sao")]

    async def take(number: int) -> str:
        try:
            async with acting(db.new_session, visitors[number]) as session:
                await _do(session, request, Move("take"), visitor=visitors[number])
        except AlreadyTaken as error:
            return f"taken by {error.name}"
        return f"won {visitors[number].name}"

    results = sorted(await asyncio.gather(take(0), take(1)))
    assert results in (["taken by Sao", "won Sao"], ["taken by Sok", "won Sok"])
    async with db.new_session() as session:
        assert [action for action, *_ in await audited(session)] == ["taken"]


@pytest.mark.parametrize("name", MOVES)
async def test_another_centres_request_does_not_exist(session: AsyncSession, name: str) -> None:
    request, visitor = await ask(session), await visit(session, "Sao", centre="preah-vihear")
    with pytest.raises(RequestNotFound):
        await _do(session, request, Move(name, "helped"), visitor=visitor)
    await see_as(session, visitor)
    with pytest.raises(RequestNotFound):
        await _do(session, request, Move(name, "helped"), visitor=visitor)


@pytest.mark.parametrize("name", MOVES)
async def test_administrators_do_nothing_with_what_is_not_theirs(
    session: AsyncSession, name: str
) -> None:
    request, visitor = await ask(session), await visit(session, "Boss", "administrator", None)
    with pytest.raises(RequestNotFound):
        await _do(session, request, Move(name, "helped"), visitor=visitor)


async def test_what_cannot_be_done_changes_nothing(session: AsyncSession) -> None:
    request, visitor = await ask(session), await visit(session)
    elsewhere = await hire(session, "Sao", centre="preah-vihear")
    for move, refused in [
        (Move("assign", str(elsewhere.id)), NotAllowed),
        (Move("assign", "nobody"), StaffNotFound),
        (Move("reply", " "), EmptyText),
    ]:
        with pytest.raises(refused):
            await _do(session, request, move, visitor=visitor)
    assert len(await events_of(session, request)) == 2


async def test_a_reply_that_is_held_back_says_why(session: AsyncSession) -> None:
    address = await register(session)
    request, visitor = await ask(session, address), await visit(session)
    await addresses.stop(session, address.id, now=LATER)
    moved = await _do(session, request, Move("reply", "Yes"), visitor=visitor)
    assert moved.sent is not None
    assert moved.sent.withheld == "stopped"
    page = await desk_requests.get_page(session, visitor, request.code, now=LATER)
    assert (page.events[-1].delivery, page.person.has_stopped) == ("withheld", True)


async def test_what_an_agency_has_not_answered_is_closed_as_referred_knowingly(
    session: AsyncSession,
) -> None:
    request, visitor = await ask(session), await visit(session)
    await begin(session, visitor, request, wanted(await make_agency(session)))
    page = await desk_requests.get_page(session, visitor, request.code, now=LATER)
    form = Move("finish", "referred", read=page.read)
    with pytest.raises(AgenciesWait):
        await _do(session, request, form, visitor=visitor)
    await _do(session, request, replace(form, is_sure=True), visitor=visitor)
    assert request.outcome == "referred"


@pytest.mark.parametrize(
    ("steps", "waits"),
    [((), True), (("give",), True), (("give", "accept"), False), (("give", "decline"), False)],
)
async def test_one_request_and_many_are_closed_by_one_rule_of_which_agency_waits(
    session: AsyncSession, steps: tuple[str, ...], waits: bool
) -> None:
    """The agency that says that it helps looks after it: nobody needs to be sure once more."""
    request, visitor = await ask(session), await visit(session)
    await begin(session, visitor, request, wanted(await make_agency(session), told=TOLD))
    for step in steps:
        await do_step(session, visitor, request, await only_referral(session), step)
    [line] = (await desk_closing.look(session, visitor, [request.code], now=LATER)).lines
    assert line.agency_waits is waits
    page = await desk_requests.get_page(session, visitor, request.code, now=LATER)
    form = Move("finish", "referred", read=page.read)
    if waits:
        with pytest.raises(AgenciesWait):
            await _do(session, request, form, visitor=visitor)
    else:
        await _do(session, request, form, visitor=visitor)
