"""What staff do with one request."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from bot.bootstrap import open_files
from bot.commands.counter import (
    check_centre,
    check_may_read,
    get_actor,
    get_reader,
    note_acts,
    note_look,
    opened,
    read_code,
)
from bot.commands.refused import CommandRefused
from bot.commands.tables import format_moment, format_table, printable
from bot.config import Settings
from bot.message_words import CatalogueWords
from db.models import OUTCOMES, URGENCIES, Request
from db.models.request import BEFORE, OWNER
from services import codes, files, phone_numbers, threads
from services.files import KeptFile
from services.reasons import read_reason
from services.staff import get_by_name, list_staff
from services.threads import ReplyResult, Thread, ThreadEvent
from services.threads.reaching import LEFT, REGISTERED, SMS, Ways, find_ways

_PERSON = "person"
_NOT_SAID = (OWNER, BEFORE)
_WAITS = {
    _PERSON: (threads.wait_for_person, "the person"),
    "others": (threads.wait_for_others, "others"),
}
_DELIVERY = {"uncertain": "may have arrived"}
_KNOWN_FROM = {LEFT: "left with the request", SMS: "writes from it", REGISTERED: "registered"}
_IS_SHARED = {True: "yes", False: "no", None: "not told"}


async def show_thread(settings: Settings, typed: str, name: str | None = None) -> str:
    """The request and what happened to it, oldest first; the look is written down."""
    async with opened(settings) as session:
        thread = await threads.get_thread(session, read_code(typed))
        if name is not None:
            await check_may_read(session, await get_by_name(session, name), thread.request)
        await note_look(session, name, thread.request.id)
        staff = await list_staff(session, with_ended=True)
    return _format_thread(thread, {str(one.id): one.name for one in staff})


def _format_thread(thread: Thread, staff: Mapping[str, str]) -> str:
    request = thread.request
    facts = [
        ("request", codes.display(request.code)),
        ("topic", request.topic),
        ("state", request.state.replace("_", " ")),
        ("urgency", request.urgency),
        ("centre", request.centre_id),
        ("owner", thread.owner_name or "-"),
        *_format_ways(thread.ways),
        ("answer due", format_moment(request.due_at) if request.due_at else "-"),
    ]
    if thread.left_out:
        facts.append(("left out", f"the {thread.left_out} oldest events"))
    events = [_format_event(event, staff) for event in thread.events]
    return f"{format_table(facts)}\n\n{format_table(events)}"


def _format_ways(ways: Ways) -> list[tuple[str, str]]:
    facts = [("person", ways.name or "not registered"), ("channel", ways.channel)]
    facts += [
        ("number", f"{phone_numbers.display(number.e164)} ({_KNOWN_FROM[number.known_from]})")
        for number in ways.numbers
    ] or [("number", "none known")]
    facts.append(("shared phone", _IS_SHARED[ways.is_shared]))
    if ways.has_stopped:
        facts.append(("stop", "said STOP: only answers to what is asked since may be sent"))
    if ways.is_blocked:
        facts.append(("blocked", "no message arrives there"))
    return facts


def _say_ways(ways: Ways) -> str:
    """For who cannot write to somebody: the numbers to call."""
    numbers = [
        f"{phone_numbers.display(number.e164)} ({_KNOWN_FROM[number.known_from]})"
        for number in ways.numbers
    ]
    return printable(f"{ways.name or 'The person'}: {', '.join(numbers) or 'no number is known'}.")


def _format_event(event: ThreadEvent, staff: Mapping[str, str]) -> tuple[str, ...]:
    return (
        format_moment(event.at),
        event.staff_name or event.actor,
        event.kind.replace("_", " ") + (" (internal)" if event.internal else ""),
        _DELIVERY.get(event.delivery or "", event.delivery or ""),
        _format_body(event, staff),
    )


def _format_body(event: ThreadEvent, staff: Mapping[str, str]) -> str:
    parts = []
    if event.file_id is not None:
        why = f" ({event.file_reason.replace('_', ' ')})" if event.file_reason else ""
        parts.append(f"[{event.file_kind}, {event.file_state}{why}: {event.file_id}]")
    if event.text is not None:
        parts.append(event.text)
    elif event.kind == "phone_number":
        parts.append(phone_numbers.display(event.body["phone_e164"]))
    elif event.kind == "assigned":
        parts.append(f"to: {staff.get(event.body['to'], '?')}")
    elif said := {name: value for name, value in event.body.items() if name not in _NOT_SAID}:
        parts.append(", ".join(f"{name}: {value}" for name, value in said.items()))
    return printable(" ".join(parts))


async def reply(settings: Settings, typed: str, text: str, name: str | None) -> str:
    """Write to the person of a request."""
    result, ways = await _act(
        settings, typed, name, threads.reply, text=text, words=CatalogueWords()
    )
    return _say_fate(
        result,
        ways,
        "It is on its way.",
        "Written down, but not sent: reach the person in another way",
    )


async def finish(settings: Settings, typed: str, outcome: str, name: str | None) -> str:
    """Close a request and ask the person whether help came."""
    if outcome not in OUTCOMES:
        raise CommandRefused(f"there is no such outcome: take one of {', '.join(OUTCOMES)}")
    result, ways = await _act(
        settings, typed, name, threads.finish, outcome=outcome, words=CatalogueWords()
    )
    return _say_fate(
        result,
        ways,
        "Done; the person is asked whether help came.",
        "Done; the person cannot be asked whether help came",
    )


async def take(settings: Settings, typed: str, name: str | None) -> str:
    """Make a request one's own."""
    request, _ = await _act(settings, typed, name, threads.take)
    return f"{codes.display(request.code)} is yours."


async def wait(settings: Settings, typed: str, for_whom: str, name: str | None) -> str:
    """Say whose turn it is."""
    if for_whom not in _WAITS:
        raise CommandRefused(f"it waits --for {' or --for '.join(_WAITS)}")
    act, whom = _WAITS[for_whom]
    request, ways = await _act(settings, typed, name, act)
    said = f"{codes.display(request.code)} waits for {whom}."
    if for_whom == _PERSON and (ways.has_stopped or ways.is_blocked):
        why = "no message arrives there" if ways.is_blocked else "they said STOP"
        said += f" They may not learn of it ({why}): reach them in another way. {_say_ways(ways)}"
    return said


async def go_on(settings: Settings, typed: str, name: str | None) -> str:
    """The wait is over."""
    request, _ = await _act(settings, typed, name, threads.go_on)
    return f"{codes.display(request.code)} is worked on again{_due_by(request)}."


async def add_note(settings: Settings, typed: str, text: str, name: str | None) -> str:
    """Write down what the person never sees."""
    request, _ = await _act(settings, typed, name, threads.add_note, text=text)
    return f"Noted with {codes.display(request.code)}."


async def set_urgency(settings: Settings, typed: str, urgency: str, name: str | None) -> str:
    """Say how urgent it is."""
    if urgency not in URGENCIES:
        raise CommandRefused(f"there is no such urgency: take one of {', '.join(URGENCIES)}")
    request, _ = await _act(settings, typed, name, threads.set_urgency, urgency=urgency)
    return f"{codes.display(request.code)} is {urgency} now{_due_by(request)}."


async def reopen(settings: Settings, typed: str, name: str | None) -> str:
    """It was not done after all."""
    request, _ = await _act(settings, typed, name, threads.reopen)
    return f"{codes.display(request.code)} is open again{_due_by(request)}."


async def assign(settings: Settings, typed: str, to: str, name: str | None) -> str:
    """Give it to a colleague."""
    code = read_code(typed)
    async with opened(settings) as session:
        actor = await get_actor(session, settings, name, code)
        colleague = await get_by_name(session, to)
        now = datetime.now(UTC)
        request = await threads.assign(session, code, colleague, staff=actor, now=now)
        await note_acts(session, actor, request, now=now)
    return f"{codes.display(code)} is {colleague.name}'s now."


async def hand_over(
    settings: Settings, typed: str, centre: str, reason: str, name: str | None
) -> str:
    """Give it to another centre, whose staff read the reason."""
    code = read_code(typed)
    async with opened(settings) as session:
        await check_centre(session, centre)
        actor = await get_reader(session, settings, name, code)
        said, now, words = read_reason(reason), datetime.now(UTC), CatalogueWords()
        result = await threads.hand_over(
            session, code, centre, staff=actor, reason=said, words=words, now=now
        )
        await note_acts(session, actor, result.request, now=now)
    return f"{codes.display(code)} is with {centre} now, for anybody there to take."


def _due_by(request: Request) -> str:
    return f", an answer is due {format_moment(request.due_at)}" if request.due_at else ""


async def _act(
    settings: Settings,
    typed: str,
    name: str | None,
    act: Callable[..., Awaitable[Any]],
    **values: Any,
) -> tuple[Any, Ways]:
    """What the service returns, and how its person can be reached."""
    code = read_code(typed)
    async with opened(settings) as session:
        actor = await get_reader(session, settings, name, code)
        now = datetime.now(UTC)
        done = await act(session, code, **values, staff=actor, now=now)
        request = done.request if isinstance(done, ReplyResult) else done
        await note_acts(session, actor, request, now=now)
        return done, await find_ways(session, request)


def _say_fate(result: ReplyResult, ways: Ways, sent: str, withheld: str) -> str:
    if result.withheld is not None:
        return f"{withheld} ({result.withheld.replace('_', ' ')}). {_say_ways(ways)}"
    if result.not_before is not None:
        return f"{sent.rstrip('.')}, not before {format_moment(result.not_before)}."
    return sent


async def save_file(settings: Settings, typed: str, name: str, to: Path) -> str:
    """Put a file of a request where the member of staff wants it; the look is written down."""
    try:
        file_id = UUID(typed)
    except ValueError:
        raise CommandRefused("this is not an id of a file: the thread shows it") from None
    async with opened(settings) as session:
        actor = await get_by_name(session, name)
        store = await open_files(session, settings)
        kept = await files.read(session, store, actor, file_id, now=datetime.now(UTC))
    # Only now: nobody may have seen what nothing says that they saw.
    path = _write(to, kept)
    return f"{path} ({kept.media_type}, {len(kept.data)} bytes)"


def _write(to: Path, kept: KeptFile) -> Path:
    """Only its owner may read it, and nothing that is there already is lost."""
    path = to / kept.name if to.is_dir() else to
    try:
        path.touch(mode=0o600, exist_ok=False)
        path.write_bytes(kept.data)
    except OSError as error:
        raise CommandRefused(f"cannot write to {path} ({error.strerror})") from error
    return path
