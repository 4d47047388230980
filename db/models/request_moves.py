"""The states of a request, and the whole table of what may follow what."""

from db.errors import DomainError

WAITING = "new"
STATES = ("new", "taken", "waiting_person", "waiting_others", "done", "reopened", "withdrawn")
OPEN_STATES = ("new", "taken", "waiting_person", "waiting_others", "reopened")
URGENCIES = ("urgent", "normal", "low")
OUTCOMES = ("helped", "informed", "referred", "not_reached", "not_possible")
REOPENED_FOR = ("not_helped", "no_answer", "person_wrote", "staff", "agreed", "taken_back")
"""The last two: the person has agreed after all to be referred to an agency, or takes back what one
has got."""
REACHED = "reached"
CALL_RESULTS = (REACHED, "not_reached", "wrong_number")
CLIMBED_TO = ("owner", "manager", "administrator")

_STAY = {state: state for state in OPEN_STATES}
_TARGETS: dict[str, dict[str, str]] = {
    "resubmit": {"new": "new"},
    "take": {"new": "taken", "reopened": "taken"},
    "assign": _STAY | {"new": "taken", "reopened": "taken"},
    "hand_over": dict.fromkeys(OPEN_STATES, "new") | {"reopened": "reopened"},
    "give_back": dict.fromkeys(OPEN_STATES, "new") | {"reopened": "reopened"},
    "reply": _STAY | {"new": "taken", "reopened": "taken", "done": "done"},
    "call": _STAY | {"new": "taken", "reopened": "taken"},
    "wait_for_person": dict.fromkeys(OPEN_STATES, "waiting_person"),
    "wait_for_others": dict.fromkeys(OPEN_STATES, "waiting_others"),
    "go_on": {"waiting_person": "taken", "waiting_others": "taken", "reopened": "taken"},
    "come_back": _STAY | {"waiting_person": "taken", "waiting_others": "taken"},
    "set_urgency": _STAY,
    "finish": dict.fromkeys(OPEN_STATES, "done"),
    "confirm": {"done": "done", "reopened": "done"},
    "reopen": {"done": "reopened"},
    "withdraw": dict.fromkeys(OPEN_STATES, "withdrawn"),
    # Who never got it cannot answer it.
    "not_delivered": _STAY | {"waiting_person": "taken", "done": "done", "withdrawn": "withdrawn"},
    # Whoever waits for the person owns the request: see `wait_for_person`.
    "person_wrote": _STAY | {"waiting_person": "taken", "done": "reopened"},
}
MOVES: dict[tuple[str, str], str] = {
    (state, move): target for move, targets in _TARGETS.items() for state, target in targets.items()
}
"""(state, move) -> the state afterwards. What is not here is not allowed."""


class MoveNotAllowed(DomainError):  # noqa: N818 - a state of the request, not a fault
    """The request stands where this cannot be done with it."""

    def __init__(self, state: str, move: str) -> None:
        self.state = state
        self.move = move
        super().__init__(f"a request that is {state} allows no {move}")
