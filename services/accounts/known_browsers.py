"""Browsers in which somebody signed in before: their attempts are counted apart (`lockout`).

Otherwise whoever knows a username keeps its owner out for ever, with one wrong password an hour. A
browser keeps a note for each of the last few who signed in there: the id of that session, and a
keyed hash that makes it worth something for this one account. It opens nothing by itself.
"""

import hmac
import re
from datetime import timedelta
from uuid import UUID

from db.crypto import current_keyring

LASTS = timedelta(days=90)
_MOST = 5
_NOTE = re.compile(r"([0-9a-f]{32})([0-9a-f]{64})")


def find(notes: str, staff_id: UUID) -> UUID | None:
    """Their session in this browser that ours have noted; whatever else it sends is no note."""
    for note in notes.split("."):
        session_id = _read(note, staff_id)
        if session_id is not None:
            return session_id
    return None


def add(notes: str, session_id: UUID, staff_id: UUID) -> str:
    """The notes with a new one, instead of the one that was theirs."""
    others = [
        note for note in notes.split(".") if _NOTE.fullmatch(note) and _read(note, staff_id) is None
    ]
    return ".".join([f"{session_id.hex}{_hash(session_id, staff_id)}", *others][:_MOST])


def _read(note: str, staff_id: UUID) -> UUID | None:
    found = _NOTE.fullmatch(note)
    if found is None:
        return None
    session_id = UUID(found[1])
    return session_id if hmac.compare_digest(found[2], _hash(session_id, staff_id)) else None


def _hash(session_id: UUID, staff_id: UUID) -> str:
    return current_keyring().blind_index(f"known browser {session_id} {staff_id}").hex()
