"""Real servers for the tests: one PostgreSQL and one Valkey per run, shared by all its workers.

`session` is for services: everything a test does in it is rolled back. `db` is a database that the
test has to itself, for whatever commits or needs two connections; it is cleaned afterwards. All
tests of a process share one event loop, and so its connections and its browser.
"""

import asyncio
import contextlib
import fcntl
import gc
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import psutil
import pytest
import pytest_socket
import redis
import structlog
import uvicorn.server
from argon2 import PasswordHasher
from hypothesis import settings
from playwright.async_api import Browser
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from bot.embedded import start_postgres, start_valkey, stop_postgres, stop_valkey
from db import migrate
from db.crypto import Keyring, derive_key, use_keyring
from db.engine import create_engine, new_session_factory
from db.models import AuditRow
from services import audit, reference_data
from services.accounts import passwords
from tests.databases import WorkerDatabase
from tests.support import Database, connect_to_server, database_url, temporary_database

THIS_MACHINE = ["127.0.0.1", "::1"]
TEMPLATE = "tralob_template"
_FOLDER = "tralob-tests-"
_MEMORY = Path("/dev/shm")
_ROOM_BYTES = 4 * 1024**3
_SERVERS = pytest.StashKey[Path]()
_TEST_KEYS = Keyring([b"k" * 32], derive_key("secret of the tests", b"blind-index"))


@event.listens_for(AuditRow, "before_insert")
def _has_words(_mapper: object, _connection: object, row: AuditRow) -> None:
    """Whatever any test writes into the log can be read there in words."""
    names = {name for name in row.fields if not name.startswith(audit.TRIED)}
    assert names <= set(audit.FIELDS), names


# Servers


def pytest_configure(config: pytest.Config) -> None:
    _keep_files_in_memory()
    _try_the_same_examples(config)
    worker_input: dict[str, str] | None = getattr(config, "workerinput", None)
    if worker_input is not None:
        config.stash[_SERVERS] = Path(worker_input["servers"])
        return
    _remove_leftovers()
    config.stash[_SERVERS] = Path(tempfile.gettempdir()) / f"{_FOLDER}{os.getpid()}"


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    node.workerinput["servers"] = str(node.config.stash[_SERVERS])


def pytest_collection_finish() -> None:
    """All modules are there and stay: looking through them for garbage is every tenth second."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print the tables that tests made to be read, also from the processes of a parallel run."""
    for report in terminalreporter.stats.get("passed", []):
        for name, value in report.user_properties:
            if name == "table" and report.when == "call":
                terminalreporter.write_line(f"\n{value}")


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput") and _SERVERS in config.stash:
        _remove_servers(config.stash[_SERVERS])


def _try_the_same_examples(config: pytest.Config) -> None:
    """A run fails for what was changed; with --hypothesis-seed=random it looks for new finds.

    Without a deadline: time is measured in benchmarks/, not here.
    """
    same = config.getoption("--hypothesis-seed") is None
    settings.register_profile("tralob", deadline=None, derandomize=same)
    settings.load_profile("tralob")


def _keep_files_in_memory() -> None:
    """Half the time of a run went into making the files of its databases on a disk."""
    if "TMPDIR" in os.environ or not _MEMORY.is_dir():
        return
    if shutil.disk_usage(_MEMORY).free > _ROOM_BYTES:
        os.environ["TMPDIR"] = str(_MEMORY)
        tempfile.tempdir = None


def _remove_leftovers() -> None:
    """Stop the servers of runs that were killed before they could."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_FOLDER}*"):
        pid = folder.name.removeprefix(_FOLDER)
        if pid.isdigit() and not psutil.pid_exists(int(pid)):
            _remove_servers(folder)


def _remove_servers(folder: Path) -> None:
    if folder.exists():
        stop_postgres(folder)
        stop_valkey(folder)
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _one_worker_at_a_time(folder: Path) -> Iterator[None]:
    folder.mkdir(mode=0o700, exist_ok=True)
    with (folder / "tests.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@pytest.fixture(autouse=True)
def _only_this_machine() -> None:
    pytest_socket.socket_allow_hosts(THIS_MACHINE, allow_unix_socket=True)


@pytest.fixture(autouse=True)
def _plain_traces() -> None:
    """Drawn in colours and with the values of all variables, one trace takes three seconds."""
    plain = structlog.dev.ConsoleRenderer(
        colors=False, exception_formatter=structlog.dev.plain_traceback
    )
    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars, structlog.stdlib.add_log_level, plain]
    )


@pytest.fixture(scope="session", autouse=True)
def _impatient_servers() -> Iterator[None]:
    """Uvicorn asks ten times a second whether it shall end, and then whether all have left."""
    impatient = ModuleType("asyncio")
    vars(impatient).update(vars(asyncio), sleep=lambda _seconds: asyncio.sleep(0.01))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(uvicorn.server, "asyncio", impatient)
        yield


@pytest.fixture(scope="session")
def postgres_url(pytestconfig: pytest.Config) -> str:
    """The address of the run's server, as its ordinary login user."""
    folder = pytestconfig.stash[_SERVERS]
    with _one_worker_at_a_time(folder):
        return start_postgres(folder, durable=False)


@pytest.fixture(scope="session")
def _valkey_url(pytestconfig: pytest.Config) -> str:
    folder = pytestconfig.stash[_SERVERS]
    with _one_worker_at_a_time(folder):
        return start_valkey(folder)


@pytest.fixture
def redis_url(_valkey_url: str, worker_number: int) -> str:
    """An empty Redis database of the worker's own."""
    url = _valkey_url.replace("db=0", f"db={worker_number}")
    with redis.Redis.from_url(url) as client:
        client.flushdb()
    return url


@pytest.fixture(scope="session")
def worker_number() -> int:
    """0, 1, …: which of the run's processes this is."""
    return int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    """The process's one browser: each visit opens a window of its own, with its own cookies."""
    from tests.simulator.phones_page import chromium

    async with chromium() as it:
        yield it


# Databases


@pytest.fixture(scope="session")
def keyring() -> Keyring:
    use_keyring(_TEST_KEYS)
    return _TEST_KEYS


@pytest.fixture(autouse=True)
def _test_keyring(keyring: Keyring) -> None:
    use_keyring(keyring)


@pytest.fixture(scope="session", autouse=True)
def _quick_passwords() -> None:
    """Hashed as in earnest, but in a millisecond."""
    passwords._HASHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


@pytest.fixture(scope="session")
def template(pytestconfig: pytest.Config, postgres_url: str, keyring: Keyring) -> str:
    """The name of a migrated database with the reference data, which nobody connects to."""
    with _one_worker_at_a_time(pytestconfig.stash[_SERVERS]):
        asyncio.run(_make_template(postgres_url))
    return TEMPLATE


async def _make_template(postgres_url: str) -> None:
    """Made under another name first: a run that was cut short leaves no half template."""
    async with connect_to_server(postgres_url) as server:
        found = "SELECT datname FROM pg_database WHERE datname = :name"
        if (await server.execute(text(found), {"name": TEMPLATE})).first() is not None:
            return
        await server.execute(text("DROP DATABASE IF EXISTS tralob_making"))
        await server.execute(text("CREATE DATABASE tralob_making"))
        url = database_url(postgres_url, "tralob_making")
        await asyncio.to_thread(migrate.upgrade, url)
        engine = create_engine(url, pool_size=0)
        async with new_session_factory(engine).begin() as session:
            await reference_data.load(session)
        await engine.dispose()
        await server.execute(text(f"ALTER DATABASE tralob_making RENAME TO {TEMPLATE}"))
        await _warm_template(postgres_url)


async def _warm_template(postgres_url: str) -> None:
    """The first connection writes down what every copy would else have to gather anew."""
    async with connect_to_server(database_url(postgres_url, TEMPLATE)) as template:
        await template.execute(text("SELECT 1"))


@pytest.fixture
async def empty_database(postgres_url: str) -> AsyncIterator[str]:
    """The address of a database without tables, for what makes them."""
    async with temporary_database(postgres_url) as url:
        yield url


@pytest.fixture(scope="session")
async def _lent_database(postgres_url: str, template: str) -> AsyncIterator[WorkerDatabase]:
    database = WorkerDatabase(postgres_url, template)
    yield database
    await database.close()


@pytest.fixture
async def db(_lent_database: WorkerDatabase) -> AsyncIterator[Database]:
    """A migrated database with the reference data alone, for this test alone."""
    async with _lent_database.lend() as database:
        yield database


@pytest.fixture(scope="session")
async def _rolled_back(postgres_url: str, template: str) -> AsyncIterator[AsyncEngine]:
    """A database in which nothing is ever committed."""
    async with temporary_database(postgres_url, template) as url:
        engine = create_engine(url, pool_size=1)
        yield engine
        await engine.dispose()


@pytest.fixture
async def session(_rolled_back: AsyncEngine) -> AsyncIterator[AsyncSession]:
    """A session whose commits are savepoints: nothing of the test remains."""
    async with _rolled_back.connect() as connection:
        transaction = await connection.begin()
        async with AsyncSession(
            connection, expire_on_commit=False, join_transaction_mode="create_savepoint"
        ) as session:
            yield session
        await transaction.rollback()


@pytest.fixture
async def statements(session: AsyncSession) -> AsyncIterator[list[str]]:
    """Every statement that `session` sends, as it is sent; clear it before what is counted."""
    connection = (await session.connection()).sync_connection
    sent: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        sent.append(statement)

    event.listen(connection, "before_cursor_execute", note)
    yield sent
    event.remove(connection, "before_cursor_execute", note)


@pytest.fixture
def now() -> datetime:
    """The moment at which tests take place: 16:00 in Phnom Penh."""
    return datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
