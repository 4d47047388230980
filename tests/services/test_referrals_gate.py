"""Whether anything may be given: one table, over all that counts."""

from datetime import timedelta

import pytest

from db.models import OPEN_STATES, REFERRAL_STATES, STATES, Agency, Referral
from db.models.request_moves import MoveNotAllowed
from services.referrals import gate, states
from services.referrals.gate import (
    AGENCY_CHANGED,
    AGENCY_ENDED,
    NOT_AGREED,
    OVER,
    TAKEN_BACK,
    Facts,
)
from tests.services.centre_at_work import FRIDAY

BEFORE, AFTER = FRIDAY - timedelta(days=1), FRIDAY + timedelta(days=1)
NEVER = None


def _facts(**changed: object) -> Facts:
    facts: dict[str, object] = {
        "state": "agreed",
        "consent": "message",
        "agreed_at": FRIDAY,
        "refused_at": NEVER,
        "request_state": "taken",
        "is_agency_ended": False,
        "is_agency_another": False,
    }
    return Facts(**(facts | changed))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("state", "consent", "refused_at", "reason"),
    [
        # The yes to this one counts, however it came and whatever was said in general before.
        *(("agreed", how, NEVER, None) for how in ("message", "told")),
        *(("agreed", how, BEFORE, None) for how in ("message", "told")),
        # A general no that came later stands above it.
        *(("agreed", how, AFTER, TAKEN_BACK) for how in ("message", "told")),
        ("given", "message", AFTER, TAKEN_BACK),
        ("accepted", "told", AFTER, TAKEN_BACK),
        ("given", "message", NEVER, None),
        # Without a yes to this one nothing goes, also where passing on was agreed to in general.
        ("asked", None, NEVER, NOT_AGREED),
        ("asked", None, BEFORE, NOT_AGREED),
        ("agreed", None, NEVER, NOT_AGREED),
        *((state, "message", NEVER, NOT_AGREED) for state in ("refused", "declined", "done")),
        *((state, "told", NEVER, NOT_AGREED) for state in ("refused", "ended")),
    ],
)
def test_who_may_be_told(state: str, consent: str | None, refused_at: object, reason: str) -> None:
    facts = _facts(state=state, consent=consent, refused_at=refused_at)
    assert gate.find_reason_against(facts) == reason


@pytest.mark.parametrize("state", STATES)
def test_of_a_request_that_is_over_nothing_is_given(state: str) -> None:
    reason = gate.find_reason_against(_facts(request_state=state))
    assert reason == (None if state in OPEN_STATES else OVER)


def test_nor_to_an_agency_that_is_no_more_nor_without_a_time() -> None:
    assert gate.find_reason_against(_facts(is_agency_ended=True)) == AGENCY_ENDED
    assert gate.find_reason_against(_facts(is_agency_another=True)) == AGENCY_CHANGED
    assert gate.find_reason_against(_facts(agreed_at=None)) == NOT_AGREED


@pytest.mark.parametrize(
    ("is_sensitive", "ways"), [(False, ("message", "told")), (True, ("told",))]
)
def test_a_sensitive_name_goes_into_no_message(is_sensitive: bool, ways: tuple[str, ...]) -> None:
    assert gate.ways_to_ask(Agency(is_sensitive=is_sensitive)) == ways


# The table once more, as people would say it.
ALLOWED = {
    "agree": {"asked"},
    "refuse": {"asked"},
    "give": {"agreed"},
    "accept": {"given"},
    "decline": {"given", "accepted"},
    "finish": {"given", "accepted"},
    "end": {"asked", "agreed", "given", "accepted", "declined", "done"},
}


def test_the_table_is_what_people_would_say_it_is() -> None:
    assert {(state, move) for move, those in ALLOWED.items() for state in those} == set(
        states.MOVES
    )
    assert set(states.MOVES.values()) <= set(REFERRAL_STATES)
    assert set(states.KINDS) == {*(f"referral_{one}" for one in REFERRAL_STATES), states.RECALLED}


def test_what_is_not_in_the_table_changes_nothing() -> None:
    referral = Referral(state="refused")
    with pytest.raises(MoveNotAllowed):
        states.advance(referral, "give", now=FRIDAY)
    assert referral.state == "refused"
