"""The thread of a request: what the person and the centre write to each other.

`person` is what comes from the person, `staff` what the centre does, `reading` what each of them
sees of it. The list of all requests is in `services.request_queue`.
"""

from services.follow_up import confirm_help
from services.threads.person import (
    attach_file,
    correct,
    find_quoted,
    has_been_written_to,
    talk,
    withdraw,
    write_to_request,
)
from services.threads.reading import (
    MyRequest,
    Thread,
    ThreadEvent,
    get_mine,
    get_thread,
    has_unsent_answers,
    list_mine,
)
from services.threads.shown import note_shown
from services.threads.staff import (
    ReplyResult,
    add_note,
    assign,
    finish,
    go_on,
    hand_over,
    note_call,
    reopen,
    reply,
    set_urgency,
    take,
    undo_finish,
    wait_for_others,
    wait_for_person,
)

__all__ = [
    "MyRequest",
    "ReplyResult",
    "Thread",
    "ThreadEvent",
    "add_note",
    "assign",
    "attach_file",
    "confirm_help",
    "correct",
    "find_quoted",
    "finish",
    "get_mine",
    "get_thread",
    "go_on",
    "hand_over",
    "has_been_written_to",
    "has_unsent_answers",
    "list_mine",
    "note_call",
    "note_shown",
    "reopen",
    "reply",
    "set_urgency",
    "take",
    "talk",
    "undo_finish",
    "wait_for_others",
    "wait_for_person",
    "withdraw",
    "write_to_request",
]
