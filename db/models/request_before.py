"""How a request stood before something happened to it, in words that an event can keep.

What is closed by mistake is opened again as it was: whose it is, and since when somebody waits.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

Stood = Mapping[str, str | None]

_MOMENTS = ("due_at", "climb_at", "last_staff_at")
_NAMES = ("state", "owner_id", "climbed_to", *_MOMENTS)


def write_down(request: object) -> Stood:
    """Everything that closing a request changes, and that opening it again cannot tell anew."""
    values = {name: getattr(request, name) for name in _NAMES}
    return {name: None if value is None else str(value) for name, value in values.items()}


def find_changed(stood: Stood, stands: Stood) -> Stood:
    """Of how it stood, what is not so any more."""
    return {name: value for name, value in stood.items() if stands[name] != value}


def read_back(stood: Stood) -> dict[str, Any]:
    """What the columns of a request held."""
    return {name: _read(name, value) for name, value in stood.items() if name in _NAMES}


def _read(name: str, written: str | None) -> str | UUID | datetime | None:
    if written is None:
        return None
    if name == "owner_id":
        return UUID(written)
    return datetime.fromisoformat(written) if name in _MOMENTS else written
