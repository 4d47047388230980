"""Every model, so that the metadata is whole for whoever imports one of them."""

from db.models.address import CHANNELS, Address, Draft, address_index
from db.models.base import Base
from db.models.centre import Centre, CentreArea
from db.models.messages import InboxRow, OutboxRow
from db.models.person import CURRENCIES, SEXES, Consent, Person, Profile, phone_index
from db.models.place import LoadedFile, Place
from db.models.request import Request, RequestEvent

__all__ = [
    "CHANNELS",
    "CURRENCIES",
    "SEXES",
    "Address",
    "Base",
    "Centre",
    "CentreArea",
    "Consent",
    "Draft",
    "InboxRow",
    "LoadedFile",
    "OutboxRow",
    "Person",
    "Place",
    "Profile",
    "Request",
    "RequestEvent",
    "address_index",
    "phone_index",
]
