"""The thread of a request as lines to read: who, what in words, and what became of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import regex

from desk.request import DeskRequest
from services.desk_requests import CALL_RESULTS, REACHED, REASONS, FileLine, RequestPage
from services.referrals.states import ENDED_FOR, RESULTS
from services.referrals.states import KINDS as REFERRALS
from services.threads import ThreadEvent

EVENTS: Final = (
    *("opened", "resubmitted", "asked_again", "phone_number", "taken", "assigned", "handed_over"),
    *("given_back", "called"),
    *("waiting_person", "waiting_others", "going_on", "urgency", "done", "reopened"),
    *("confirmed", "not_confirmed"),
    *("withdrawn", "not_delivered", "sent_again", "shown", "overdue", "revealed", "other"),
    *REFERRALS,
)
"""Kinds that are told in a sentence; the rest are words or files, shown as they are."""
TAKEN_OVER: Final = "taken_over"
TOPICS: Final = ("registration", "call", "talk")
SECTORS: Final = (
    *("garment", "construction", "manufacturing", "agriculture", "services", "other"),
)
CLIMBED_TO: Final = ("owner", "manager", "administrator")
REOPENED_FOR: Final = (
    *("not_helped", "no_answer", "person_wrote", "staff", "agreed", "taken_back"),
)
SPOKEN: Final = ("person_message", "person_file", "voice_note", "staff_message", "note")

LONGEST_UNFOLDED: Final = 1200
"""Characters."""
_UNFOLDED: Final = 800
_CLUSTER: Final = regex.compile(r"\X")
_COENG: Final = "\u17d2"  # what follows it is written below what stands before it
_BETWEEN_WORDS: Final = " \n\u200b។"


@dataclass(frozen=True, slots=True)
class Line:
    """One event. `side`: "person", "staff", "note" (only staff see it) or "event" (a sentence).

    `who` is None for the person and for what happens by itself; `delivery` as in the thread, or
    held: it goes out at `held_until`. What is long goes on in `more`.
    """

    side: str
    at: datetime
    who: str | None
    text: str | None = field(repr=False)
    more: str = field(repr=False)
    delivery: str | None
    held_until: datetime | None
    file: FileLine | None


@dataclass(frozen=True, slots=True)
class Call:
    """Who asked to be called when (None: nobody did), and how often they were not reached since."""

    asked_at: datetime | None
    tries: int
    last_at: datetime | None


def find_call(page: RequestPage) -> Call:
    """What there is to know for who rings the person up."""
    asked = [event.at for event in page.events if event.kind in ("opened", "asked_again")]
    tried: list[datetime] = []
    for event in page.events:
        if event.kind == "called":
            tried = [] if event.body.get("result") == REACHED else [*tried, event.at]
    return Call(
        asked_at=asked[-1] if asked and page.request.topic == "call" else None,
        tries=len(tried),
        last_at=tried[-1] if tried else None,
    )


def list_lines(request: DeskRequest, page: RequestPage) -> Sequence[Line]:
    """All events of the page, oldest first."""
    return [_line(request, page, event) for event in page.events]


def _line(request: DeskRequest, page: RequestPage, event: ThreadEvent) -> Line:
    spoken = event.kind in SPOKEN
    is_held = event.held_until is not None and event.held_until > request.now()
    text, more = _fold(event.text) if spoken else (_sentence(request, page, event), "")
    return Line(
        side=_side(event) if spoken else "event",
        at=event.at,
        who=event.staff_name,
        text=text,
        more=more,
        delivery="held" if is_held else event.delivery,
        held_until=event.held_until,
        file=_file(page.files, event.file_id),
    )


def _fold(words: str | None) -> tuple[str | None, str]:
    """What is shown at once, and the rest: one long letter would hide all that follows it."""
    if words is None or len(words) <= LONGEST_UNFOLDED:
        return words, ""
    ends = [found.end() for found in _CLUSTER.finditer(words, 0, _UNFOLDED)]
    whole = [end for end in ends if words[end - 1] != _COENG]
    late = [end for end in whole if end > _UNFOLDED // 2]
    behind_words = [end for end in late if words[end - 1] in _BETWEEN_WORDS]
    cut = (behind_words or whole or ends)[-1]
    return words[:cut], words[cut:]


def _side(event: ThreadEvent) -> str:
    if event.internal:
        return "note"
    return "staff" if event.actor == "staff" else "person"


def _file(files: Mapping[UUID, FileLine], file_id: UUID | None) -> FileLine | None:
    return None if file_id is None else files.get(file_id)


def _sentence(request: DeskRequest, page: RequestPage, event: ThreadEvent) -> str:
    kind = event.kind if event.kind in EVENTS else "other"
    worded = TAKEN_OVER if _is_taken_over(event) else kind
    said = request.text(f"desk-event-{worded}", **_values(request, page, event))
    reason = event.body.get("reason")
    if kind == "reopened" and reason in REOPENED_FOR:
        said = f"{said} {request.text(f'desk-reopened-{reason}')}"
    if kind == "revealed":
        said = f"{said} {_say_why(request, event)}"
    return said if kind not in REFERRALS else f"{said} {_say_referral(request, event.body)}".strip()


def _is_taken_over(event: ThreadEvent) -> bool:
    """Whether who did it has it now, and somebody else had it before."""
    to = event.body.get("to", str(event.staff_id))
    return (
        event.kind in ("taken", "assigned") and "from" in event.body and to == str(event.staff_id)
    )


def _say_why(request: DeskRequest, event: ThreadEvent) -> str:
    why = event.body.get("why")
    said = [request.text(f"desk-reason-{why}")] if why in REASONS else []
    return " · ".join([*said, *([f"«{event.text}»"] if event.text else [])])


def _say_referral(request: DeskRequest, body: Mapping[str, Any]) -> str:
    """What the sentence leaves out: the agency's words, the result, why it ended."""
    if "answer" in body:
        return f"«{body['answer']}»"
    if body.get("result") in RESULTS:
        return request.text(f"desk-referral-result-{body['result']}")
    if body.get("reason") not in ENDED_FOR:
        return ""
    return request.text(f"desk-referral-ended-{body['reason']}")


def _values(request: DeskRequest, page: RequestPage, event: ThreadEvent) -> dict[str, str]:
    """What the sentences name. Ids of what is no more read as a dash."""
    body = event.body
    to = str(body.get("to", event.staff_id))
    values = {
        "agency": str(body.get(f"agency_{request.language}", "–")),
        "number": str(body.get("masked", "–")),
        "name": page.names.get(to, "–"),
        "from": page.names.get(str(body.get("from", "")), "–"),
        "centre": page.centre_names.get(to, "–"),
        "to": request.text(f"desk-climbed-{to}") if to in CLIMBED_TO else "–",
    }
    if "urgency" in body:
        values["urgency"] = request.text(f"desk-urgency-{body['urgency']}")
    if body.get("result") in CALL_RESULTS:
        values["result"] = request.text(f"desk-call-{body['result']}")
    if "outcome" in body:
        values["outcome"] = request.text(f"desk-outcome-{body['outcome']}")
    return values
