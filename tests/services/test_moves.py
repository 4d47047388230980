"""Every pair of a state and a move: what is in the table happens, the rest changes nothing."""

from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import inspect

from db.models import MOVES, OPEN_STATES, STATES, Request
from services.errors import MoveNotAllowed

NOW = datetime.fromisoformat("2026-11-20T09:00:00+07:00")
LATER = NOW + timedelta(hours=1)
ME, COLLEAGUE = UUID(int=1), UUID(int=2)
TIMES = {"urgent": 2, "normal": 8, "low": 24}


def due(urgency: str, start: datetime) -> datetime:
    return start + timedelta(hours=TIMES[urgency])


DO: dict[str, Callable[[Request], None]] = {
    "resubmit": lambda request: request.resubmit(centre_id="pursat", now=LATER),
    "take": lambda request: request.take(by=ME, now=LATER),
    "assign": lambda request: request.assign(COLLEAGUE, by=ME, now=LATER),
    "hand_over": lambda request: request.hand_over("preah-vihear", by=ME, now=LATER, due=due),
    "give_back": lambda request: request.give_back(by=ME, now=LATER, due=due),
    "reply": lambda request: request.reply(by=ME, now=LATER, body={"text": "…"}, outbox_id=1),
    "call": lambda request: request.called("reached", by=ME, now=LATER),
    "wait_for_person": lambda request: request.wait_for_person(by=ME, now=LATER),
    "wait_for_others": lambda request: request.wait_for_others(by=ME, now=LATER),
    "go_on": lambda request: request.go_on(by=ME, now=LATER, due=due),
    "come_back": lambda request: request.come_back("referral_agreed", now=LATER, due=due),
    "set_urgency": lambda request: request.set_urgency("urgent", by=ME, now=LATER, due=due),
    "finish": lambda request: request.finish("helped", by=ME, now=LATER, answer_by=LATER),
    "confirm": lambda request: request.confirm(now=LATER),
    "reopen": lambda request: request.reopen("staff", by=ME, now=LATER, due=due),
    "withdraw": lambda request: request.withdraw(now=LATER),
    "person_wrote": lambda request: request.person_wrote(now=LATER, due=due),
    "not_delivered": lambda request: request.not_delivered(
        "staff_message", now=LATER, due=due, outbox_id=1
    ),
}
EVENTS = {
    "resubmit": "resubmitted",
    "take": "taken",
    "assign": "assigned",
    "hand_over": "handed_over",
    "give_back": "given_back",
    "reply": "staff_message",
    "call": "called",
    "wait_for_person": "waiting_person",
    "wait_for_others": "waiting_others",
    "go_on": "going_on",
    "come_back": "referral_agreed",
    "set_urgency": "urgency",
    "finish": "done",
    "confirm": "confirmed",
    "reopen": "reopened",
    "withdraw": "withdrawn",
    "person_wrote": "person_message",
    "not_delivered": "not_delivered",
}
# The table once more, as people would say it: a row of the code that changes must change here too.
OPEN = set(OPEN_STATES)
ALLOWED = {
    "resubmit": {"new"},
    "take": {"new", "reopened"},
    "assign": OPEN,
    "hand_over": OPEN,
    "give_back": OPEN,
    "reply": OPEN | {"done"},
    "call": OPEN,
    "wait_for_person": OPEN,
    "wait_for_others": OPEN,
    "go_on": {"waiting_person", "waiting_others", "reopened"},
    "come_back": OPEN,
    "set_urgency": OPEN,
    "finish": OPEN,
    "confirm": {"done", "reopened"},
    "reopen": {"done"},
    "withdraw": OPEN,
    "person_wrote": OPEN | {"done"},
    "not_delivered": OPEN | {"done", "withdrawn"},
}


def _new(urgency: str = "normal") -> Request:
    return Request.open(
        code="12345678",
        topic="talk",
        centre_id="pursat",
        address_id=1,
        urgency=urgency,
        now=NOW,
        due=due,
    )


def _in_state(state: str) -> Request:
    """A request that came into this state by moves, in the hands of a colleague where it can."""
    request = _new()
    if state == "new":
        return request
    if state == "withdrawn":
        request.withdraw(now=NOW)
        return request
    request.take(by=COLLEAGUE, now=NOW)
    if state in ("done", "reopened"):
        request.finish("informed", by=COLLEAGUE, now=NOW, answer_by=NOW)
    if state == "reopened":
        request.reopen("no_answer", now=NOW, due=due)
    if state == "waiting_person":
        request.wait_for_person(by=COLLEAGUE, now=NOW)
    if state == "waiting_others":
        request.wait_for_others(by=COLLEAGUE, now=NOW)
    return request


def _events(request: Request) -> list[str]:
    return [event.kind for event in inspect(request).attrs.events.history.added]


def _row(request: Request) -> dict[str, object]:
    names = ("state", "owner_id", "due_at", "climb_at", "answer_by", "outcome", "last_person_at")
    return {name: getattr(request, name) for name in names}


def test_the_table_is_what_people_would_say_it_is() -> None:
    assert {(state, move) for move, states in ALLOWED.items() for state in states} == set(MOVES)
    assert set(MOVES.values()) <= set(STATES)


@pytest.mark.parametrize("move", DO)
@pytest.mark.parametrize("state", STATES)
def test_each_move_from_each_state(state: str, move: str) -> None:
    request = _in_state(state)
    before, events = _row(request), len(_events(request))
    if (state, move) in MOVES:
        DO[move](request)
        assert request.state == MOVES[state, move]
        assert _events(request)[events] == EVENTS[move]
        assert request.updated_at == LATER
    else:
        with pytest.raises(MoveNotAllowed) as raised:
            DO[move](request)
        assert (raised.value.state, raised.value.move) == (state, move)
        assert (_row(request), len(_events(request))) == (before, events)


@pytest.mark.parametrize("move", DO)
@pytest.mark.parametrize("state", STATES)
def test_the_row_is_sound_after_each_move(state: str, move: str) -> None:
    """Who waits has an owner, what is over has no clock, what is overdue has had a due time."""
    request = _in_state(state)
    if (state, move) in MOVES:
        DO[move](request)
    if request.state in ("taken", "waiting_person", "waiting_others", "done"):
        assert request.owner_id is not None
    if request.state in ("done", "withdrawn"):
        assert request.due_at is None
    if request.state in ("new", "reopened"):
        assert request.due_at is not None
    if request.state != "done":
        assert (request.outcome, request.answer_by, request.confirmed_at) == (None, None, None)
    assert request.climb_at == request.due_at


def test_a_new_request_is_due_in_the_time_of_its_urgency() -> None:
    assert _new("urgent").due_at == NOW + timedelta(hours=2)
    assert _new("low").due_at == NOW + timedelta(hours=24)


def test_an_answer_stops_the_clock_and_the_next_words_start_it() -> None:
    request = _new()
    DO["reply"](request)
    assert (request.state, request.owner_id, request.due_at) == ("taken", ME, None)
    assert request.last_staff_at == LATER
    request.person_wrote(now=LATER, due=due)
    assert request.due_at == LATER + timedelta(hours=8)


def test_an_answer_that_nobody_gets_does_not_stop_the_clock() -> None:
    request = _new()
    request.reply(by=ME, now=LATER, body={"text": "…"}, outbox_id=None)
    assert (request.state, request.last_staff_at) == ("taken", None)
    assert request.due_at == NOW + timedelta(hours=8)


def test_who_writes_twice_is_not_answered_later_for_it() -> None:
    request = _new()
    request.person_wrote(now=LATER, due=due)
    assert request.due_at == NOW + timedelta(hours=8)
    assert request.last_person_at == LATER


def test_what_is_handed_over_has_no_owner_and_keeps_its_clock() -> None:
    request = _in_state("taken")
    request.climb("owner", now=NOW, climb_at=LATER)
    DO["hand_over"](request)
    assert (request.state, request.owner_id, request.centre_id) == ("new", None, "preah-vihear")
    assert request.due_at == request.climb_at == NOW + timedelta(hours=8)
    assert request.climbed_to is None


def test_what_is_handed_over_while_nobody_had_to_answer_is_due_there() -> None:
    request = _in_state("waiting_others")
    DO["hand_over"](request)
    assert request.due_at == LATER + timedelta(hours=8)


@pytest.mark.parametrize("state", OPEN_STATES)
def test_what_is_given_back_is_nobody_s_and_somebody_must_see_to_it(state: str) -> None:
    request = _in_state(state)
    running = request.due_at
    DO["give_back"](request)
    assert request.owner_id is None
    assert request.state == ("reopened" if state == "reopened" else "new")
    assert request.due_at == (running or LATER + timedelta(hours=8))
    DO["take"](request)


def test_more_urgent_means_due_sooner_counted_from_what_the_person_wrote() -> None:
    request = _new()
    DO["set_urgency"](request)
    assert (request.urgency, request.due_at) == ("urgent", NOW + timedelta(hours=2))


def test_urgency_starts_no_clock_while_the_person_is_waited_for() -> None:
    request = _in_state("waiting_person")
    DO["set_urgency"](request)
    assert (request.urgency, request.due_at) == ("urgent", None)


def test_words_after_it_was_done_open_it_again_with_its_owner() -> None:
    request = _in_state("done")
    DO["person_wrote"](request)
    assert _events(request)[-2:] == ["person_message", "reopened"]
    assert (request.owner_id, request.outcome, request.answer_by) == (COLLEAGUE, None, None)
    assert request.due_at is not None


def test_help_is_confirmed_once() -> None:
    request = _in_state("done")
    DO["confirm"](request)
    events = _events(request)
    DO["confirm"](request)
    assert _events(request) == events
    assert (request.confirmed_at, request.answer_by, request.outcome) == (LATER, None, "informed")


def test_help_that_is_confirmed_late_closes_what_silence_had_opened() -> None:
    request = _in_state("reopened")
    DO["confirm"](request)
    assert (request.state, request.outcome, request.due_at) == ("done", "helped", None)


def test_what_was_confirmed_opens_again_when_help_failed_after_all() -> None:
    request = _in_state("done")
    DO["confirm"](request)
    request.reopen("not_helped", now=LATER, due=due)
    assert (request.state, request.confirmed_at) == ("reopened", None)


def test_a_note_changes_nothing_but_the_thread() -> None:
    request = _in_state("withdrawn")
    before = _row(request)
    request.note("…", by=ME, now=LATER)
    assert (_row(request), _events(request)[-1]) == (before, "note")
