"""The own servers: started once, taken over when alive, recovered after kill -9."""

import asyncio
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import psutil
import pytest
import redis.asyncio

from bot.embedded import (
    DataDirBusy,
    DataDirLock,
    EmbeddedServerError,
    find_running,
    start_postgres,
    start_valkey,
    stop_postgres,
    stop_valkey,
    valkey_url,
)
from bot.embedded.paths import postgres_data, socket_dir, valkey_data
from bot.embedded.processes import list_processes


@pytest.fixture
def data_dir(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "it's a folder"
    yield folder
    stop_postgres(folder)
    stop_valkey(folder)
    shutil.rmtree(socket_dir(folder), ignore_errors=True)


async def query(folder: Path, statement: str) -> object:
    connection = await asyncpg.connect(
        user="tralob", database="tralob", host=str(socket_dir(folder))
    )
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


def kill(name: str, folder: Path) -> None:
    for process in list_processes(name, folder):
        process.kill()
    psutil.wait_procs(list_processes(name, folder), timeout=5)


async def test_rows_survive_a_stop_and_a_start(data_dir: Path) -> None:
    start_postgres(data_dir)
    await query(data_dir, "CREATE TABLE kept AS SELECT 42 AS answer")
    stop_postgres(data_dir)
    assert find_running(data_dir) == (None, None)

    start_postgres(data_dir)

    assert await query(data_dir, "SELECT answer FROM kept") == 42


async def test_the_program_logs_in_as_no_superuser(data_dir: Path) -> None:
    start_postgres(data_dir, durable=False)

    assert await query(data_dir, "SELECT current_setting('is_superuser')") == "off"
    assert await query(data_dir, "SHOW listen_addresses") == ""


async def test_a_living_server_is_taken_over(data_dir: Path) -> None:
    start_postgres(data_dir)
    start_valkey(data_dir)
    before = await query(data_dir, "SELECT pg_postmaster_start_time()")
    url = valkey_url(data_dir)
    async with redis.asyncio.from_url(url) as client:
        started = (await client.info("server"))["process_id"]

    start_postgres(data_dir)
    start_valkey(data_dir)

    assert await query(data_dir, "SELECT pg_postmaster_start_time()") == before
    async with redis.asyncio.from_url(url) as client:
        assert (await client.info("server"))["process_id"] == started


async def test_kill_9_of_everything_loses_nothing_committed(data_dir: Path) -> None:
    start_postgres(data_dir)
    url = start_valkey(data_dir)
    await query(data_dir, "CREATE TABLE kept AS SELECT 42 AS answer")
    async with redis.asyncio.from_url(url) as client:
        await client.set("kept", "yes")
        await asyncio.to_thread(kill, "postgres", postgres_data(data_dir))
        await asyncio.to_thread(kill, "valkey-server", valkey_data(data_dir))

    start_postgres(data_dir)
    start_valkey(data_dir)

    assert await query(data_dir, "SELECT answer FROM kept") == 42
    async with redis.asyncio.from_url(url) as client:
        assert await client.get("kept") == b"yes"


def test_pid_files_that_name_somebody_else_do_not_stop_a_start(data_dir: Path) -> None:
    start_postgres(data_dir)
    start_valkey(data_dir)
    stop_postgres(data_dir)
    stop_valkey(data_dir)
    pid_file = postgres_data(data_dir) / "postmaster.pid"
    pid_file.write_text(f"{os.getpid()}\n{postgres_data(data_dir)}\n1\n5432\n\n\n 1 1\nready\n")
    (valkey_data(data_dir) / "valkey.pid").write_text(f"{os.getpid()}\n")

    start_postgres(data_dir)
    start_valkey(data_dir)

    assert None not in find_running(data_dir)


def test_an_initdb_cut_short_begins_anew(data_dir: Path) -> None:
    half_made = postgres_data(data_dir)
    (half_made / "base").mkdir(parents=True)
    (half_made / "PG_VERSION").write_text("18\n")

    assert start_postgres(data_dir, durable=False)


def test_a_deep_data_folder_gets_short_sockets(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    deep.parent.mkdir()
    try:
        start_valkey(deep)
        assert find_running(deep)[1] == valkey_url(deep)
    finally:
        stop_valkey(deep)
    folder = socket_dir(deep)
    assert len(str(folder)) < 60
    assert folder.stat().st_mode & 0o077 == 0
    folder.rmdir()


def test_parent_folders_keep_their_permissions(tmp_path: Path) -> None:
    parent = tmp_path / "closed"
    parent.mkdir(mode=0o700)
    data_dir = parent / "var"
    try:
        start_postgres(data_dir, durable=False)
    finally:
        stop_postgres(data_dir)
        shutil.rmtree(socket_dir(data_dir), ignore_errors=True)
    assert parent.stat().st_mode & 0o777 == 0o700


def test_a_folder_that_cannot_be_made_says_which_setting_to_change(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(EmbeddedServerError, match="set DATA_DIR to a folder"):
        start_valkey(tmp_path / "file" / "var")


def test_only_one_process_owns_a_data_folder(tmp_path: Path) -> None:
    holder = (
        "import sys, pathlib; from bot.embedded import DataDirLock\n"
        "with DataDirLock(pathlib.Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", holder, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"

        with pytest.raises(DataDirBusy, match=f"process {process.pid}.*DATA_DIR"):
            DataDirLock(tmp_path).__enter__()

        process.kill()
    with DataDirLock(tmp_path):
        assert (tmp_path / "lock").read_text() == str(os.getpid())


def test_a_dead_socket_of_valkey_is_not_taken_for_a_server(data_dir: Path) -> None:
    start_valkey(data_dir)
    stop_valkey(data_dir)
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(socket_dir(data_dir) / "valkey.sock"))

    assert start_valkey(data_dir) == valkey_url(data_dir)
    assert find_running(data_dir)[1] is not None
