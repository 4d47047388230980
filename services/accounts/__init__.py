"""Accounts of staff: how they are invited to the desk, sign in there, and stay signed in.

`invitations` gives a password, `sign_in` and `second_factor` ask for it and for a code, `lockout`
makes guessing slow, `sessions` say who is at the desk.
"""

from services.accounts.invitations import LASTS as INVITATION_LASTS
from services.accounts.invitations import accept, find_invited, find_username, invite, reset
from services.accounts.known_browsers import LASTS as KNOWN_BROWSER_LASTS
from services.accounts.second_factor import new_second_factor
from services.accounts.sessions import (
    end_all,
    end_session,
    find_visitor,
    list_sessions,
    sign_out,
)
from services.accounts.sign_in import change_password, confirm, set_language, sign_in
from services.accounts.types import Confirmed, Invited, SecondFactor, SessionLine, Visitor

__all__ = [
    "INVITATION_LASTS",
    "KNOWN_BROWSER_LASTS",
    "Confirmed",
    "Invited",
    "SecondFactor",
    "SessionLine",
    "Visitor",
    "accept",
    "change_password",
    "confirm",
    "end_all",
    "end_session",
    "find_invited",
    "find_username",
    "find_visitor",
    "invite",
    "list_sessions",
    "new_second_factor",
    "reset",
    "set_language",
    "sign_in",
    "sign_out",
]
