"""The command: `python -m bot run`, and the processes that it consists of.

Each command imports what it needs and no more: delivery and the lists must not carry the dialogs.
"""

import asyncio
import sys
from enum import StrEnum
from typing import Annotated

import typer

from bot.commands.cli import add_commands
from bot.commands.refused import CommandRefused
from bot.config import SECRETS, StartError, load_settings
from bot.embedded import DataDirBusy, EmbeddedServerError
from bot.secret_file import new_secret
from bot.servers import own_servers

INTERRUPTED = 130

app = typer.Typer(
    name="bot",
    help="The line of the Migrant Worker Resource Centres.",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


class Queue(StrEnum):
    """What a worker works through."""

    INBOX = "inbox"
    OUTBOX = "outbox"
    JOBS = "jobs"


@app.command()
def run() -> None:
    """Start everything on this machine and stop it with Ctrl-C."""
    from bot.run import run as run_everything

    raise typer.Exit(run_everything(load_settings()))


@app.command()
def web() -> None:
    """Serve the addresses that carriers and people call."""
    settings = load_settings()
    with own_servers(settings):
        from bot.web import serve

        serve(settings)


@app.command()
def worker(queue: Annotated[Queue | None, typer.Argument()] = None) -> None:
    """Handle what came in (inbox), send what waits (outbox), do the jobs, or all of it."""
    settings = load_settings()
    with own_servers(settings):
        if queue is None:
            from bot.worker_group import run_group

            raise typer.Exit(run_group())
        from bot import worker as workers

        {
            Queue.INBOX: workers.run_inbox,
            Queue.OUTBOX: workers.run_outbox,
            Queue.JOBS: workers.run_jobs,
        }[queue](settings)


@app.command()
def release() -> None:
    """Bring the database up to this version: migrations, reference data."""
    from bot.release import release as release_version

    settings = load_settings()
    with own_servers(settings):
        for line in release_version(settings):
            typer.echo(line)


@app.command(hidden=True)
def prepare() -> None:
    """What `run` does before it starts the processes: reach Redis, release."""
    from bot.database import reach_redis

    asyncio.run(reach_redis(load_settings()))
    release()


@app.command()
def gallery() -> None:
    """Write a page with every window, as it looks on both channels in both languages."""
    from bot.gallery import write_gallery

    typer.echo(f"Open {write_gallery().resolve().as_uri()}")


@app.command()
def secrets() -> None:
    """Print new secrets for a deployment of your own."""
    for name in SECRETS:
        typer.echo(f"{name}={new_secret(name)}")


def main() -> int:
    """Run the command line; returns the exit code. What stops a command is one line, no trace."""
    add_commands(app)
    try:
        app(standalone_mode=True)
    except (StartError, EmbeddedServerError, DataDirBusy, CommandRefused) as error:
        sys.stderr.write(f"tralob: {error}\n")
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
    return 0


if __name__ == "__main__":
    sys.exit(main())
