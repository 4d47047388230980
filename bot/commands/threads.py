"""What staff do with one request."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from bot.bootstrap import open_files
from bot.commands.counter import get_actor, note_look, opened, read_code
from bot.commands.refused import CommandRefused
from bot.commands.tables import format_moment, format_table, printable
from bot.config import Settings
from bot.message_words import CatalogueWords
from db.models import OUTCOMES
from services import codes, files, threads
from services.files import KeptFile
from services.staff import get_by_name
from services.threads import ReplyResult, Thread, ThreadEvent

_WAITS = {
    "person": (threads.wait_for_person, "the person"),
    "others": (threads.wait_for_others, "others"),
}
_DELIVERY = {"uncertain": "may have arrived"}


async def show_thread(settings: Settings, typed: str, name: str | None = None) -> str:
    """The request and what happened to it, oldest first; the look is written down."""
    async with opened(settings) as session:
        thread = await threads.get_thread(session, read_code(typed))
        await note_look(session, name, thread.request.id)
    return _format_thread(thread)


def _format_thread(thread: Thread) -> str:
    request = thread.request
    facts = [
        ("request", codes.display(request.code)),
        ("topic", request.topic),
        ("state", request.state.replace("_", " ")),
        ("urgency", request.urgency),
        ("centre", request.centre_id),
        ("owner", thread.owner_name or "-"),
        ("person", thread.person.name if thread.person else "-"),
        ("channel", thread.channel),
        ("answer due", format_moment(request.due_at) if request.due_at else "-"),
    ]
    if thread.left_out:
        facts.append(("left out", f"the {thread.left_out} oldest events"))
    events = [_format_event(event) for event in thread.events]
    return f"{format_table(facts)}\n\n{format_table(events)}"


def _format_event(event: ThreadEvent) -> tuple[str, ...]:
    return (
        format_moment(event.at),
        event.staff_name or event.actor,
        event.kind.replace("_", " ") + (" (internal)" if event.internal else ""),
        _DELIVERY.get(event.delivery or "", event.delivery or ""),
        _format_body(event),
    )


def _format_body(event: ThreadEvent) -> str:
    parts = []
    if event.file_id is not None:
        parts.append(f"[{event.file_kind}, {event.file_state}: {event.file_id}]")
    if event.text is not None:
        parts.append(event.text)
    elif event.body:
        parts.append(", ".join(f"{name}: {value}" for name, value in event.body.items()))
    return printable(" ".join(parts))


async def reply(settings: Settings, typed: str, text: str, name: str | None) -> str:
    """Write to the person of a request."""
    result = await _act(settings, typed, name, threads.reply, text=text, words=CatalogueWords())
    return _say_fate(
        result,
        "It is on its way.",
        "Written down, but not sent: reach the person in another way",
    )


async def finish(settings: Settings, typed: str, outcome: str, name: str | None) -> str:
    """Close a request and ask the person whether help came."""
    if outcome not in OUTCOMES:
        raise CommandRefused(f"there is no such outcome: take one of {', '.join(OUTCOMES)}")
    result = await _act(
        settings, typed, name, threads.finish, outcome=outcome, words=CatalogueWords()
    )
    return _say_fate(
        result,
        "Done; the person is asked whether help came.",
        "Done; the person cannot be asked whether help came",
    )


async def take(settings: Settings, typed: str, name: str | None) -> str:
    """Make a request one's own."""
    request = await _act(settings, typed, name, threads.take)
    return f"{codes.display(request.code)} is yours."


async def wait(settings: Settings, typed: str, for_whom: str, name: str | None) -> str:
    """Say whose turn it is."""
    if for_whom not in _WAITS:
        raise CommandRefused(f"it waits --for {' or --for '.join(_WAITS)}")
    act, whom = _WAITS[for_whom]
    request = await _act(settings, typed, name, act)
    return f"{codes.display(request.code)} waits for {whom}."


async def add_note(settings: Settings, typed: str, text: str, name: str | None) -> str:
    """Write down what the person never sees."""
    request = await _act(settings, typed, name, threads.add_note, text=text)
    return f"Noted with {codes.display(request.code)}."


async def _act(
    settings: Settings,
    typed: str,
    name: str | None,
    act: Callable[..., Awaitable[Any]],
    **values: Any,
) -> Any:
    code = read_code(typed)
    async with opened(settings) as session:
        actor = await get_actor(session, settings, name, code)
        return await act(session, code, **values, staff=actor, now=datetime.now(UTC))


def _say_fate(result: ReplyResult, sent: str, withheld: str) -> str:
    if result.withheld is not None:
        return f"{withheld} ({result.withheld.replace('_', ' ')})."
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
