"""Everything the simulator remembers, as one value that can be written to a file and read back."""

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pydantic import Discriminator, Field, TypeAdapter, ValidationError

from simulator.phones import SmsPhone, TelegramPhone

Count = Annotated[int, Field(ge=0, le=1_000_000)]
Delay = Annotated[int, Field(ge=0, le=600_000)]


@dataclass
class TelegramFaults:
    """Trouble that the Telegram carrier makes on demand; `…_next` counts down."""

    delay_ms: Delay = 0
    fail_next: Count = 0
    drop_answers_next: Count = 0
    duplicate_next: Count = 0
    rate_limits: bool = False


@dataclass
class TwilioFaults:
    """Trouble that the SMS carrier makes on demand; `…_next` counts down."""

    delay_ms: Delay = 0
    fail_next: Count = 0
    drop_answers_next: Count = 0
    duplicate_next: Count = 0
    reorder_statuses: bool = False
    undelivered_next: Count = 0


@dataclass
class Faults:
    """The trouble of both carriers."""

    telegram: TelegramFaults = field(default_factory=TelegramFaults)
    twilio: TwilioFaults = field(default_factory=TwilioFaults)


@dataclass
class StoredFile:
    """A file that went over the Telegram carrier; its bytes lie beside the state file."""

    file_id: str
    unique_id: str
    path: str
    size: int
    mime: str
    name: str | None
    fields: dict[str, Any]


@dataclass
class Webhook:
    """Where the bot wants its updates, and how that went."""

    url: str = ""
    secret_token: str = ""
    max_connections: int = 40
    last_error_date: int | None = None
    last_error_message: str | None = None


@dataclass
class QueuedUpdate:
    """An update that the bot has not confirmed; `copies` is two when a fault doubles it."""

    update_id: int
    payload: dict[str, Any]
    copies: int = 1


@dataclass
class Bot:
    """The bot as people see it, by scope and language where Telegram keeps it so."""

    username: str = "tralob_training_bot"
    given_name: str = "ត្រឡប់"
    names: dict[str, str] = field(default_factory=dict)
    commands: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    descriptions: dict[str, str] = field(default_factory=dict)
    short_descriptions: dict[str, str] = field(default_factory=dict)
    menu_button: dict[str, Any] = field(default_factory=lambda: {"type": "commands"})

    @property
    def first_name(self) -> str:
        """The name set for everybody, else the one that the bot was made with."""
        return self.names.get("") or self.given_name

    def public(self) -> dict[str, Any]:
        """What the page shows: name and the commands of a private chat."""
        scopes = ("all_private_chats:km", "all_private_chats:", "default:km", "default:")
        commands = next((self.commands[s] for s in scopes if self.commands.get(s)), [])
        return {"username": self.username, "first_name": self.first_name, "commands": commands}


def _first_update_id() -> int:
    """Higher than any before: who lost the state file must not count from the same number again.

    A program that has seen an id takes a second update with it for a repeated one. A hundred ids
    fit into a second.
    """
    return time.time_ns() // 10_000_000


@dataclass
class TelegramState:
    """What Telegram itself remembers about the bot."""

    bot: Bot = field(default_factory=Bot)
    webhook: Webhook = field(default_factory=Webhook)
    allowed_updates: list[str] = field(default_factory=list)
    updates: list[QueuedUpdate] = field(default_factory=list)
    next_update_id: int = field(default_factory=_first_update_id)
    next_message_id: int = 1
    next_file: int = 1
    open_queries: dict[str, str] = field(default_factory=dict)
    files: dict[str, StoredFile] = field(default_factory=dict)


@dataclass
class State:
    """The whole world. `twilio` is the SMS carrier's own, any JSON."""

    phones: list[Annotated[TelegramPhone | SmsPhone, Discriminator("kind")]] = field(
        default_factory=list
    )
    next_phone: int = 1
    faults: Faults = field(default_factory=Faults)
    telegram: TelegramState = field(default_factory=TelegramState)
    twilio: dict[str, Any] = field(default_factory=dict)


class DamagedStateError(Exception):
    """The state file cannot be read as a state."""


_STATE: TypeAdapter[State] = TypeAdapter(State)


def load_state(path: Path) -> State:
    """The state kept at `path`, a fresh one when there is no file.

    Raises DamagedStateError when the file is there but is not a state.
    """
    if not path.exists():
        return State()
    try:
        state = _STATE.validate_json(path.read_bytes())
    except ValidationError as error:
        message = f"{path} is not a state of the simulator: move it away and start again"
        raise DamagedStateError(message) from error
    # A simulator that was killed gave out more ids than it could still write down.
    telegram = state.telegram
    telegram.next_update_id = max(telegram.next_update_id, _first_update_id())
    return state


def save_state(state: State, path: Path) -> None:
    """Write the state so that a reader sees either the old one or the new one, whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_suffix(path.suffix + ".new")
    scratch.write_bytes(_STATE.dump_json(state))
    scratch.chmod(0o600)
    scratch.replace(path)
