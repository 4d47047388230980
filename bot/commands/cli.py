"""The staff's commands as somebody types them. Each imports what it needs only when it runs."""

import asyncio
from collections.abc import Awaitable, Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from bot.config import load_settings
from bot.servers import own_servers

Code = Annotated[str, typer.Argument(help="code of the request, with or without a space")]
Text = Annotated[str, typer.Argument(help="what to write")]
As = Annotated[str | None, typer.Option("--as", help="who you are", metavar="NAME")]
Role = typer.Option(
    help="case_worker, safety_focal_point, centre_manager, administrator or auditor"
)
Username = Annotated[str | None, typer.Option(help="under which they sign in to the desk")]


class Retried(StrEnum):
    """What can be tried again."""

    INBOX = "inbox"
    OUTBOX = "outbox"
    JOB = "job"
    FILE = "file"


def _print(work: Callable[..., Awaitable[str]], *values: Any, **options: Any) -> None:
    settings = load_settings()
    with own_servers(settings):
        said = asyncio.run(_started(work(settings, *values, **options)))
    typer.echo(said)


async def _started(work: Awaitable[str]) -> str:
    return await work


def requests(
    *,
    all_: Annotated[bool, typer.Option("--all", help="closed ones too")] = False,
    overdue: Annotated[bool, typer.Option("--overdue", help="only those overdue")] = False,
    state: Annotated[str | None, typer.Option(help="only those in this state")] = None,
    centre: Annotated[str, typer.Option(help="only those of this centre")] = "all",
    as_: As = None,
) -> None:
    """List the open requests: the urgent ones and those due first come first."""
    from bot.commands import queue

    wanted = queue.Wanted(closed_too=all_, overdue=overdue, state=state, centre=centre)
    _print(queue.requests_table, wanted, as_)


def thread(code: Code, as_: As = None) -> None:
    """Show a request and what happened to it; that you did is written down."""
    from bot.commands import threads

    _print(threads.show_thread, code, as_)


def reply(code: Code, text: Text, as_: As = None) -> None:
    """Write to the person of a request."""
    from bot.commands import threads

    _print(threads.reply, code, text, as_)


def take(code: Code, as_: As = None) -> None:
    """Make a request yours."""
    from bot.commands import threads

    _print(threads.take, code, as_)


def done(
    code: Code,
    outcome: Annotated[
        str, typer.Option(help="helped, informed, referred, not_reached or not_possible")
    ],
    as_: As = None,
) -> None:
    """Close a request; the person is asked whether help came."""
    from bot.commands import threads

    _print(threads.finish, code, outcome, as_)


def wait(
    code: Code,
    for_: Annotated[
        str,
        typer.Option("--for", help="person (tell them by a reply what you wait for) or others"),
    ],
    as_: As = None,
) -> None:
    """Say that it is the turn of the person, or of others.

    Nothing is sent to the person by this: a reply should tell them what is awaited of them.
    """
    from bot.commands import threads

    _print(threads.wait, code, for_, as_)


def go_on(code: Code, as_: As = None) -> None:
    """Say that the wait for the person or for others is over."""
    from bot.commands import threads

    _print(threads.go_on, code, as_)


def note(code: Code, text: Text, as_: As = None) -> None:
    """Write down what the person never sees."""
    from bot.commands import threads

    _print(threads.add_note, code, text, as_)


def urgency(
    code: Code,
    level: Annotated[str, typer.Argument(help="urgent, normal or low")],
    as_: As = None,
) -> None:
    """Say how urgent a request is; an answer that is due is due anew."""
    from bot.commands import threads

    _print(threads.set_urgency, code, level, as_)


def reopen(code: Code, as_: As = None) -> None:
    """Open a request again that was done."""
    from bot.commands import threads

    _print(threads.reopen, code, as_)


def assign(
    code: Code, to: Annotated[str, typer.Argument(metavar="NAME", help="who")], as_: As = None
) -> None:
    """Give a request to a colleague, or take it over from one."""
    from bot.commands import threads

    _print(threads.assign, code, to, as_)


def hand_over(
    code: Code,
    centre: Annotated[str, typer.Argument(help="id of the centre")],
    reason: Annotated[str, typer.Option(help="why, for the staff of that centre")],
    as_: As = None,
) -> None:
    """Give a request to another centre, for anybody there to take."""
    from bot.commands import threads

    _print(threads.hand_over, code, centre, reason, as_)


def file(
    file_id: Annotated[str, typer.Argument(help="id of the file, as the thread shows it")],
    as_: Annotated[str, typer.Option("--as", help="who you are", metavar="NAME")],
    to: Annotated[Path, typer.Option(help="folder, or name of the new file")] = Path(),
) -> None:
    """Save a file of a request; that you did is written down."""
    from bot.commands import threads

    _print(threads.save_file, file_id, as_, to)


def failed() -> None:
    """List what was given up, and messages that may have arrived."""
    from bot.commands import failures

    _print(failures.failed_table)


def retry(
    queue: Retried, ids: Annotated[list[str], typer.Argument(help="as `failed` shows them")]
) -> None:
    """Try again what was given up."""
    from bot.commands import failures

    _print(failures.retry, queue.value, ids)


Force = Annotated[bool, typer.Option("--force", help="also where no administrator is left")]

staff = typer.Typer(help="Who works here.", no_args_is_help=True)


@staff.command("list")
def list_staff(
    *, ended: Annotated[bool, typer.Option("--ended", help="who has left too")] = False
) -> None:
    """List who works here."""
    from bot.commands import staff as command

    _print(command.list_staff, with_ended=ended)


@staff.command()
def add(
    name: Annotated[str, typer.Argument()],
    role: Annotated[str, Role],
    centre: Annotated[str | None, typer.Option(help="id of the centre")] = None,
    username: Username = None,
) -> None:
    """Add somebody who works here; with a username, show the link by which they get in."""
    from bot.commands import staff as command

    _print(command.add, name, role, centre, username)


@staff.command()
def change(
    name: Annotated[str, typer.Argument()],
    role: Annotated[str | None, Role] = None,
    centre: Annotated[str | None, typer.Option(help="id of the centre, or all")] = None,
    *,
    force: Force = False,
) -> None:
    """Give somebody another role or another centre; they sign in to the desk anew."""
    from bot.commands import staff as command

    _print(command.change, name, role, centre, force=force)


@staff.command()
def invite(
    name: Annotated[str, typer.Argument()],
    username: Username = None,
    *,
    reset: Annotated[
        bool,
        typer.Option("--reset", help="forget their phone, recovery codes and password first"),
    ] = False,
) -> None:
    """Show a new link by which somebody chooses a password for the desk."""
    from bot.commands import staff as command

    _print(command.invite, name, username, reset=reset)


@staff.command()
def end(name: Annotated[str, typer.Argument()], *, force: Force = False) -> None:
    """Say that somebody works here no more; what they did keeps their name."""
    from bot.commands import staff as command

    _print(command.end, name, force=force)


@staff.command("take-up")
def take_up(name: Annotated[str, typer.Argument()]) -> None:
    """Take up again somebody who has left, in the role they had; they need a new link."""
    from bot.commands import staff as command

    _print(command.take_up, name)


_COMMANDS = (
    *(requests, thread, reply, take, done, wait, go_on, note),
    *(urgency, reopen, assign, hand_over, file, failed, retry),
)


def add_commands(app: typer.Typer) -> None:
    """Make them commands of the program."""
    for command in _COMMANDS:
        app.command()(command)
    app.add_typer(staff, name="staff")
