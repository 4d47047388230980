"""Where conversations stand: one encrypted value in Redis per address, read and written once.

aiogram-dialog's storage keeps every stack and every context under a key of its own, which
costs a round trip each and writes chat ids and answers in clear. Here a turn loads one value,
works on it in memory and writes it back whole, together with the number of the message that
was handled: after a crash in between, a message is never answered twice.
"""

import json
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any, Final

from aiogram.fsm.state import State
from aiogram.fsm.storage.base import BaseEventIsolation, BaseStorage, StateType, StorageKey
from redis.asyncio import Redis

from bot.shown import Shown
from bot.standing_key import standing_key
from db.crypto import DecryptionError, Keyring
from dialogs.states import ALL_GROUPS

# Older conversations are picked up from their drafts in the database.
KEPT_SECONDS: Final = 14 * 24 * 3600
# What aiogram-dialog makes of its own values is its own affair, and changes with it.
_FORMAT: Final = version("aiogram-dialog")
_STATES: Final = frozenset(state.state for group in ALL_GROUPS for state in group.__all_states__)


@dataclass
class Standing:
    """Where one address stands. `parts` holds aiogram-dialog's stacks and contexts."""

    parts: dict[str, dict[str, Any]] = field(default_factory=dict)
    shown: Shown | None = None
    handled: int | None = None
    shown_at: float = 0.0
    """When the last screen was made, as seconds since 1970 by the clock of the database.

    What came in earlier did not see it. On Telegram it is the message that counts in which it
    stands: an edited one stays where it is, above what was sent since.
    """
    doubted_at: float = 0.0
    """When the person was last asked whether words were for the centre; by the same clock."""
    is_below: bool = False
    """Whether a new message brought the last screen. Known within a turn."""
    keeps_buttons: int | None = None
    """The message, pressed in this turn, whose buttons go on meaning something."""


_current: ContextVar[Standing] = ContextVar("standing")


class StateStore:
    def __init__(self, redis: Redis, keyring: Keyring) -> None:
        self._redis = redis
        self._keyring = keyring

    def _key(self, address_key: bytes) -> str:
        return standing_key(self._keyring, address_key)

    async def load(self, address_key: bytes) -> Standing:
        """An empty standing when there is none, or none that can still be read."""
        value = await self._redis.get(self._key(address_key))
        if value is None:
            return Standing()
        try:
            assert isinstance(value, bytes)  # the client does not decode
            data = json.loads(self._keyring.decrypt(value))
            if data["format"] != _FORMAT or not _names_only_known_states(data["parts"]):
                return Standing(handled=data["handled"])
            shown = Shown.from_json(data["shown"]) if data["shown"] else None
            return Standing(
                data["parts"],
                shown,
                data["handled"],
                data.get("shown_at", 0.0),
                data.get("doubted_at", 0.0),
            )
        except (DecryptionError, ValueError, KeyError, TypeError, AttributeError):
            # Written by an older version or under a lost key: the draft goes on instead.
            return Standing()

    async def save(self, address_key: bytes, standing: Standing) -> None:
        data = {
            "format": _FORMAT,
            "parts": {name: part for name, part in standing.parts.items() if part},
            "shown": standing.shown.as_json() if standing.shown else None,
            "handled": standing.handled,
            "shown_at": standing.shown_at,
            "doubted_at": standing.doubted_at,
        }
        value = self._keyring.encrypt(json.dumps(data, ensure_ascii=False).encode())
        await self._redis.set(self._key(address_key), value, ex=KEPT_SECONDS)


def _names_only_known_states(parts: Mapping[str, Mapping[str, Any]]) -> bool:
    """False after a deploy that renamed a state where this person stood."""
    return all(part["state"] in _STATES for part in parts.values() if "state" in part)


def current_standing() -> Standing:
    """The standing of the turn in hand."""
    return _current.get()


@contextmanager
def standing_of_turn(standing: Standing) -> Iterator[None]:
    """Makes `TurnStorage` work on this standing within the block."""
    token = _current.set(standing)
    try:
        yield
    finally:
        _current.reset(token)


class TurnStorage(BaseStorage):
    """aiogram's storage over the standing of the turn in hand."""

    async def set_state(self, key: StorageKey, state: StateType = None) -> None:
        value = state.state if isinstance(state, State) else state
        _current.get().parts.setdefault(f"{key.destiny}!", {})["state"] = value

    async def get_state(self, key: StorageKey) -> str | None:
        state = _current.get().parts.get(f"{key.destiny}!", {}).get("state")
        return state if isinstance(state, str) else None

    async def set_data(self, key: StorageKey, data: Mapping[str, Any]) -> None:
        _current.get().parts[key.destiny] = dict(data)

    async def get_data(self, key: StorageKey) -> dict[str, Any]:
        # A copy: aiogram-dialog takes what it gets apart.
        return dict(_current.get().parts.get(key.destiny, {}))

    async def close(self) -> None:
        """Nothing to close: the values live in the turn."""


class NoIsolation(BaseEventIsolation):
    """The inbox already lets one consumer at a time speak with an address."""

    @asynccontextmanager
    async def lock(self, key: StorageKey) -> AsyncIterator[None]:
        yield

    async def close(self) -> None:
        """Nothing to close."""
