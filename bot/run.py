"""`make run`: everything on one machine, each part its own process, under one supervisor.

Whoever starts this has just cloned the project. It must say what it is doing, end with an address
to open, and answer every usual trouble with one line instead of a trace.
"""

import errno
import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from types import FrameType

from redis import Redis
from redis.exceptions import RedisError

from bot import metrics
from bot.config import TRAINING_PATH, Settings, StartError
from bot.embedded import DataDirBusy, DataDirLock
from bot.processes import Supervisor, end_leftovers, is_leftover
from bot.secret_file import write_private
from bot.server_watch import ServerWatch
from bot.servers import started_servers, wanted_servers

_LOCK_PATIENCE_S = 5.0
_PAUSE_S = 0.2
_SLOW_START_S = 60.0
_PROBE_TIMEOUT_S = 2.0


def run(settings: Settings) -> int:
    """Start everything, stay until it is stopped; returns the exit code.

    Raises StartError, EmbeddedServerError or DataDirBusy before anything was left running.
    """
    began = time.monotonic()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        with ExitStack() as stack:
            stack.callback(_ignore_signals)
            _take_lock(settings, stack)
            end_leftovers(settings.data_dir, _say)
            _check_ports(settings)
            stack.enter_context(started_servers(settings, _say, stop_found=True))
            code = _supervise(settings, began) if _prepare() else 1
    except KeyboardInterrupt:
        code = 0
    _say("Stopped.")
    return code


def commands(settings: Settings) -> dict[str, list[str]]:
    """The processes by name, as their command lines."""
    python = [sys.executable, "-u", "-m"]
    found = {
        "web": [*python, "bot", "web"],
        "worker": [*python, "bot", "worker", "inbox"],
        "delivery": [*python, "bot", "worker", "outbox"],
        "jobs": [*python, "bot", "worker", "jobs"],
    }
    if settings.simulator:
        found["simulator"] = [*python, "simulator", *_simulator_options(settings)]
    return found


def _simulator_options(settings: Settings) -> list[str]:
    options = {
        "host": "127.0.0.1",
        "port": settings.simulator_port,
        "state-file": settings.data_dir / "simulator.json",
        "secrets-file": _simulator_secrets(settings),
        "twilio-sid": settings.twilio_account_sid,
        "sender": settings.sms_sender,
        "app-url": settings.local_url,
        "public-url": settings.public_url,
        **({"beside": TRAINING_PATH} if settings.is_training else {}),
    }
    return [f"--{name}={value}" for name, value in options.items()]


def _simulator_secrets(settings: Settings) -> Path:
    return settings.data_dir / "simulator-secrets.json"


def _hand_over_secrets(settings: Settings) -> None:
    """Every user of the machine can read a command line; this file only ours can."""
    secrets = {
        "bot_token": settings.telegram_bot_token,
        "telegram_secret": settings.telegram_webhook_secret,
        "twilio_token": settings.twilio_auth_token,
    }
    write_private(_simulator_secrets(settings), json.dumps(secrets))


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    """Stop at the first signal; a second one may not disturb the stopping."""
    _ignore_signals()
    raise KeyboardInterrupt


def _ignore_signals() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def _take_lock(settings: Settings, stack: ExitStack) -> None:
    """Own the data folder; a list in a second terminal may hold it for a moment."""
    deadline = time.monotonic() + _LOCK_PATIENCE_S
    while True:
        try:
            stack.enter_context(DataDirLock(settings.data_dir))
        except DataDirBusy as busy:
            if is_leftover(settings.data_dir, busy.pid):
                # It was still starting when its supervisor was killed, and so found no owner.
                end_leftovers(settings.data_dir, _say)
            elif time.monotonic() > deadline:
                raise
            time.sleep(_PAUSE_S)
        else:
            return


def _check_ports(settings: Settings) -> None:
    _check_port("HOST", settings.host, "PORT", settings.port)
    if settings.simulator:
        _check_port("HOST", "127.0.0.1", "SIMULATOR_PORT", settings.simulator_port)


def _check_port(host_name: str, host: str, port_name: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise StartError(
                f"port {port} is taken by another program: stop it, or set {port_name} "
                "to a free one"
            ) from error
        if error.errno == errno.EACCES:
            raise StartError(
                f"port {port} is not allowed for this user: set {port_name} to 1024 or more"
            ) from error
        raise StartError(
            f"cannot listen on {host_name}={host} ({error.strerror}): "
            f"set {host_name} to an address of this machine"
        ) from error


def _prepare() -> bool:
    """In a process of its own: what it needs would else stay in this one's memory."""
    _say("Preparing the database ...")
    return subprocess.run([sys.executable, "-m", "bot", "prepare"], check=False).returncode == 0


def _supervise(settings: Settings, began: float) -> int:
    _say("Starting the processes ...")
    if settings.simulator:
        _hand_over_secrets(settings)
    watch = ServerWatch(
        wanted_servers(settings),
        settings.data_dir,
        report=_say,
        on_given_up=partial(os.kill, os.getpid(), signal.SIGTERM),
    )
    supervisor = Supervisor(
        {name: shlex.join(command) for name, command in commands(settings).items()},
        data_dir=settings.data_dir,
        on_all_started=partial(_attend, settings, began, watch),
        on_stopping=partial(_say, "Stopping ..."),
        last="simulator",
    )
    signal.signal(signal.SIGHUP, lambda *_: os.kill(os.getpid(), signal.SIGTERM))
    with watch:
        supervisor.loop()
    if watch.given_up:
        return 1
    if supervisor.died is None:
        return 0
    name, code = supervisor.died
    _say(f"{name} ended by itself (code {code}), so all was stopped; its last lines are above.")
    return 1


def _attend(settings: Settings, began: float, watch: ServerWatch, pids: Mapping[str, int]) -> None:
    """What is done beside the supervisor's loop; only now, since threads and forks do not mix."""
    watch.start()
    threading.Thread(target=_announce, args=(settings, began, pids), daemon=True).start()


def _announce(settings: Settings, began: float, pids: Mapping[str, int]) -> None:
    """Wait until everything answers, then say where."""
    waits: dict[str, Callable[[], bool]] = {
        "web": lambda: _answers(f"{settings.local_url}/readyz"),
        "worker": lambda: _reports(settings, "inbox", pids["worker"]),
        "delivery": lambda: _reports(settings, "outbox", pids["delivery"]),
        "jobs": lambda: _reports(settings, "jobs", pids["jobs"]),
    }
    if settings.simulator:
        waits["simulator"] = lambda: _answers(f"{settings.local_url}/simulator")
    said_slow = False
    for name, is_ready in waits.items():
        while not is_ready():
            if not said_slow and time.monotonic() - began > _SLOW_START_S:
                said_slow = True
                _say(f"Not ready after {_SLOW_START_S:.0f} s: still waiting for {name}.")
            time.sleep(_PAUSE_S)
    _say(_welcome(settings, time.monotonic() - began))


def _answers(address: str) -> bool:
    # Without the proxy of the environment: this is our own machine.
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(address, timeout=_PROBE_TIMEOUT_S):
            return True
    except OSError:
        return False


def _reports(settings: Settings, kind: str, pid: int) -> bool:
    """Whether a worker, which has no address, has left its numbers for /metrics."""
    try:
        with Redis.from_url(settings.redis_url, socket_timeout=_PROBE_TIMEOUT_S) as redis:
            return bool(redis.exists(metrics.key_of(metrics.process_name(kind, pid))))
    except RedisError:
        return False


def _welcome(settings: Settings, seconds: float) -> str:
    if settings.simulator:
        where = f"  {settings.local_url}/simulator   two phones: register on either"
    elif settings.telegram_webhook:
        where = f"  Telegram calls {settings.public_url}/telegram/webhook: write to the bot"
    else:
        where = "  Telegram is asked for messages: write to the bot"
    python = os.path.relpath(sys.executable)
    return (
        f"\nReady after {seconds:.1f} s.\n{where}\n"
        f"  {settings.local_url}/desk        the desk, where staff answer\n"
        f"  {python} -m bot requests   lists what waits (in a second terminal)\n"
        "  Ctrl-C stops everything.\n"
    )
