"""What must be so before anything about somebody leaves the centre. One rule, asked each time.

A yes is for one agency, one purpose and these fields. The general consent to passing on neither
replaces it nor stands above it: of a general "no" and a yes to this one the later counts.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from db.models import OPEN_STATES, Agency, Consent, Referral, Request
from services import consent

MESSAGE, TOLD = "message", "told"
NOT_AGREED: Final = "not_agreed"
TAKEN_BACK: Final = "taken_back"
AGENCY_ENDED: Final = "agency_ended"
AGENCY_CHANGED: Final = "agency_changed"
OVER: Final = "over"

_RESTS_ON: Final = (consent.SERVICE, consent.SHARING)
_AGREED_STATES: Final = ("agreed", "given", "accepted")


@dataclass(frozen=True, slots=True)
class Facts:
    """What the rule needs to know.

    `refused_at` is when the person last said no to being helped, or to being passed on, as far as
    that no still stands. `is_agency_another`: it has other names than when the person was asked.
    """

    state: str
    consent: str | None
    agreed_at: datetime | None
    refused_at: datetime | None
    request_state: str
    is_agency_ended: bool
    is_agency_another: bool


def find_reason_against(facts: Facts) -> str | None:
    """Why nothing may be given to the agency; None when it may."""
    if facts.state not in _AGREED_STATES or facts.consent is None or facts.agreed_at is None:
        return NOT_AGREED
    if facts.refused_at is not None and facts.refused_at > facts.agreed_at:
        return TAKEN_BACK
    if facts.is_agency_ended:
        return AGENCY_ENDED
    if facts.is_agency_another:
        return AGENCY_CHANGED
    return None if facts.request_state in OPEN_STATES else OVER


def to_facts(
    referral: Referral,
    request: Request,
    agency: Agency,
    agreements: Mapping[str, Consent | None],
    begun: Mapping[str, Any],
) -> Facts:
    """`begun` is the body of its first event, which names the agency as it was then."""
    return Facts(
        state=referral.state,
        consent=referral.consent,
        agreed_at=referral.agreed_at,
        refused_at=refused_at(agreements),
        request_state=request.state,
        is_agency_ended=agency.ended_at is not None,
        is_agency_another=_is_another(agency, begun),
    )


def _is_another(agency: Agency, begun: Mapping[str, Any]) -> bool:
    """One name alone is a slip that was mended; both are a yes to somebody else."""
    names = ((agency.name_km, begun["agency_km"]), (agency.name_en, begun["agency_en"]))
    return all(now != then for now, then in names)


def refused_at(agreements: Mapping[str, Consent | None]) -> datetime | None:
    """When the person last said no to what passing on rests on; None where no such no stands."""
    answers = [agreements.get(purpose) for purpose in _RESTS_ON]
    refusals = [answer.at for answer in answers if answer is not None and not answer.given]
    return max(refusals, default=None)


def may_be_asked(referral: Referral, agency: Agency) -> bool:
    """Whether a message may still ask for it: what waits, or is tried again, asks as things are."""
    is_open = referral.state == "asked" and agency.ended_at is None
    return is_open and MESSAGE in ways_to_ask(agency)


def ways_to_ask(agency: Agency) -> tuple[str, ...]:
    """How the person may be asked. The name of a sensitive agency goes into no message."""
    return (TOLD,) if agency.is_sensitive else (MESSAGE, TOLD)
