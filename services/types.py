"""What edges name of the database, handed on so that they need not know it."""

from db.models import (
    SEXES,
    STAFF_ROLES,
    Address,
    Consent,
    Draft,
    File,
    Request,
    RequestEvent,
    Staff,
)

__all__ = [
    "SEXES",
    "STAFF_ROLES",
    "Address",
    "Consent",
    "Draft",
    "File",
    "Request",
    "RequestEvent",
    "Staff",
]
