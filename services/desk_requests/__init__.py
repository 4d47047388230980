"""The page of one request at the desk: what it shows, and what staff do there.

`rights` says who may read a request at all, `reading` what the page shows, `showing` what stays
hidden until it is asked for, `moves` what is done, `replays` why never twice, `drafts` and `canned`
how replies are written.
"""

from db.models import OUTCOMES, STATES, URGENCIES
from db.models.request_moves import CALL_RESULTS, REACHED
from services.desk_requests.drafts import ReplySize, clear_draft, count_parts, save_draft
from services.desk_requests.moves import MOVES, Move, Moved, act_of, do
from services.desk_requests.reading import FileLine, RequestPage, get_page
from services.desk_requests.rights import (
    REFUSED,
    check_may_read,
    may_read,
    note_refused,
    readable,
)
from services.desk_requests.showing import (
    REASONS,
    REVEALED,
    Revealed,
    note_refused_file,
    read_file,
    reveal,
)

__all__ = [
    "CALL_RESULTS",
    "MOVES",
    "OUTCOMES",
    "REACHED",
    "REASONS",
    "REFUSED",
    "REVEALED",
    "STATES",
    "URGENCIES",
    "FileLine",
    "Move",
    "Moved",
    "ReplySize",
    "RequestPage",
    "Revealed",
    "act_of",
    "check_may_read",
    "clear_draft",
    "count_parts",
    "do",
    "get_page",
    "may_read",
    "note_refused",
    "note_refused_file",
    "read_file",
    "readable",
    "reveal",
    "save_draft",
]
