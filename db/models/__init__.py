"""Every model, so that the metadata is whole for whoever imports one of them."""

from db.models.address import CHANNELS, Address, Draft, address_index
from db.models.audit import ACTORS, AuditRow
from db.models.base import Base
from db.models.centre import Centre, CentreArea, Installation
from db.models.desk import (
    Account,
    CannedReply,
    DeskSession,
    Invitation,
    RecoveryCode,
    ReplyDraft,
)
from db.models.file import File
from db.models.messages import InboxRow, OutboxRow
from db.models.person import (
    CURRENCIES,
    SEXES,
    Consent,
    Person,
    PersonName,
    Profile,
    phone_index,
)
from db.models.place import LoadedFile, Place
from db.models.question import Question
from db.models.request import Request
from db.models.request_event import RequestEvent
from db.models.request_moves import MOVES, OPEN_STATES, OUTCOMES, STATES, URGENCIES
from db.models.staff import STAFF_ROLES, Staff

__all__ = [
    "ACTORS",
    "CHANNELS",
    "CURRENCIES",
    "MOVES",
    "OPEN_STATES",
    "OUTCOMES",
    "SEXES",
    "STAFF_ROLES",
    "STATES",
    "URGENCIES",
    "Account",
    "Address",
    "AuditRow",
    "Base",
    "CannedReply",
    "Centre",
    "CentreArea",
    "Consent",
    "DeskSession",
    "Draft",
    "File",
    "InboxRow",
    "Installation",
    "Invitation",
    "LoadedFile",
    "OutboxRow",
    "Person",
    "PersonName",
    "Place",
    "Profile",
    "Question",
    "RecoveryCode",
    "ReplyDraft",
    "Request",
    "RequestEvent",
    "Staff",
    "address_index",
    "phone_index",
]
