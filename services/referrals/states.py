"""How far a referral has come: the whole table of what may follow what, and its events.

What is asked is never changed afterwards: other words, or another agency, are another referral, for
which the person is asked anew.
"""

from datetime import datetime
from typing import Any, Final

from db.models import OPEN_REFERRAL_STATES, Agency, Referral
from services.errors import MoveNotAllowed

_TARGETS: Final[dict[str, dict[str, str]]] = {
    "agree": {"asked": "agreed"},
    "refuse": {"asked": "refused"},
    "give": {"agreed": "given"},
    "accept": {"given": "accepted"},
    "decline": {"given": "declined", "accepted": "declined"},
    "finish": {"given": "done", "accepted": "done"},
    # What an agency has had can be asked back from it at any time.
    "end": dict.fromkeys((*OPEN_REFERRAL_STATES, "declined", "done"), "ended"),
}
MOVES: Final[dict[tuple[str, str], str]] = {
    (state, move): target for move, targets in _TARGETS.items() for state, target in targets.items()
}
"""(state, move) -> the state afterwards. What is not here is not allowed."""

AGENCY_WAITS: Final = ("asked", "agreed", "given")
"""Those in which nobody helps yet: the person, or the agency, has still to say so."""

ASKED: Final = "referral_asked"
ENDED: Final = "referral_ended"
RECALLED: Final = "referral_recalled"
KINDS: Final = (
    *(f"referral_{state}" for state in ("asked", "agreed", "refused", "given", "accepted")),
    *(f"referral_{state}" for state in ("declined", "done", "ended")),
    RECALLED,
)
"""Kinds of the events by which the thread of the request tells of it: one for each state, and the
agency was asked to delete what it had."""
RESULTS: Final = ("reached", "not_reached")
BY_PERSON: Final = ("person", "stopped", "blocked", "consent", "request")
ENDED_FOR: Final = (*BY_PERSON, "staff", "replaced")
"""Why one ended: the person took this yes back, said STOP, blocked us, took back the consent that
it rests on, or withdrew the request; staff ended it, or asked anew."""


def check(referral: Referral, move: str) -> str:
    """The state after this move. Raises MoveNotAllowed."""
    target = MOVES.get((referral.state, move))
    if target is None:
        raise MoveNotAllowed(referral.state, move)
    return target


def advance(referral: Referral, move: str, *, now: datetime) -> str:
    """Make the move; the kind of the event that tells of it. Raises MoveNotAllowed."""
    referral.state = check(referral, move)
    referral.updated_at = now
    return f"referral_{referral.state}"


def event_body(referral: Referral, agency: Agency, **more: Any) -> dict[str, Any]:
    """What an event says: names as they were then, so that the thread reads the same for ever."""
    return {
        "referral": referral.id,
        "agency": agency.id,
        "agency_km": agency.name_km,
        "agency_en": agency.name_en,
        "purpose": referral.purpose,
        "shared": list(referral.shared),
        **more,
    }
