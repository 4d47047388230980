"""Accounts of staff: how they are invited to the desk, sign in there, and stay signed in.

`invitations` gives a password, `sign_in` and `second_factor` ask for it and for a code, `lockout`
makes guessing slow, `sessions` say who is at the desk; `own` and `recovery_codes` are for whoever
changes their own account there.
"""

from services.accounts.invitations import LASTS as INVITATION_LASTS
from services.accounts.invitations import (
    accept,
    find_invited,
    find_username,
    invite,
    invite_again,
    reset,
)
from services.accounts.known_browsers import LASTS as KNOWN_BROWSER_LASTS
from services.accounts.lockout import unlock
from services.accounts.own import (
    CHANGE_WITHIN,
    begin_change,
    end_other_sessions,
    finish_change,
    go_on_with_change,
    renew_recovery_codes,
)
from services.accounts.recovery_codes import count_left as count_recovery_codes
from services.accounts.recovery_codes import find_proposed as find_proposed_codes
from services.accounts.recovery_codes import keep_proposed as keep_proposed_codes
from services.accounts.second_factor import new_second_factor
from services.accounts.sessions import (
    end_all,
    end_session,
    find_visitor,
    list_sessions,
    sign_out,
)
from services.accounts.sign_in import change_password, confirm, set_language, sign_in
from services.accounts.types import (
    Confirmed,
    Invited,
    NewFactor,
    SecondFactor,
    SessionLine,
    Visitor,
)

__all__ = [
    "CHANGE_WITHIN",
    "INVITATION_LASTS",
    "KNOWN_BROWSER_LASTS",
    "Confirmed",
    "Invited",
    "NewFactor",
    "SecondFactor",
    "SessionLine",
    "Visitor",
    "accept",
    "begin_change",
    "change_password",
    "confirm",
    "count_recovery_codes",
    "end_all",
    "end_other_sessions",
    "end_session",
    "find_invited",
    "find_proposed_codes",
    "find_username",
    "find_visitor",
    "finish_change",
    "go_on_with_change",
    "invite",
    "invite_again",
    "keep_proposed_codes",
    "list_sessions",
    "new_second_factor",
    "renew_recovery_codes",
    "reset",
    "set_language",
    "sign_in",
    "sign_out",
    "unlock",
]
