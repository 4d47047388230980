"""Every model, so that the metadata is whole for whoever imports one of them."""

from db.models.address import CHANNELS, Address, Draft, address_index
from db.models.audit import ACTORS, AuditRow
from db.models.base import Base
from db.models.centre import Centre, CentreArea, ClosedDay, Installation
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
from db.models.referral import (
    CONSENTS,
    OPEN_REFERRAL_STATES,
    PURPOSES,
    RECALLED_BY,
    RECALLED_FOR,
    REFERRAL_STATES,
    SHARED,
    Agency,
    Recall,
    Referral,
)
from db.models.request import Request
from db.models.request_event import RequestEvent
from db.models.request_moves import MOVES, OPEN_STATES, OUTCOMES, STATES, URGENCIES
from db.models.staff import STAFF_ROLES, Staff
from db.models.staff_card import CARD_CAUSES, CARD_LEVELS, ChatLink, StaffCard, StaffChat

__all__ = [
    "ACTORS",
    "CARD_CAUSES",
    "CARD_LEVELS",
    "CHANNELS",
    "CONSENTS",
    "CURRENCIES",
    "MOVES",
    "OPEN_REFERRAL_STATES",
    "OPEN_STATES",
    "OUTCOMES",
    "PURPOSES",
    "RECALLED_BY",
    "RECALLED_FOR",
    "REFERRAL_STATES",
    "SEXES",
    "SHARED",
    "STAFF_ROLES",
    "STATES",
    "URGENCIES",
    "Account",
    "Address",
    "Agency",
    "AuditRow",
    "Base",
    "CannedReply",
    "Centre",
    "CentreArea",
    "ChatLink",
    "ClosedDay",
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
    "Recall",
    "RecoveryCode",
    "Referral",
    "ReplyDraft",
    "Request",
    "RequestEvent",
    "Staff",
    "StaffCard",
    "StaffChat",
    "address_index",
    "phone_index",
]
