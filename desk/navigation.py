"""What leads from page to page: the entries of the rail, for whom, in their order."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from desk.access import AUDIT_ROLES, EVERY_ROLE, REQUEST_ROLES
from desk.request import ADDRESS
from services.accounts import Visitor


@dataclass(frozen=True, slots=True)
class Entry:
    """`name` has its words under desk-go-<name> and its picture in icons.svg.

    `beside` are the pages that its first one leads to: a phone has room for few entries.
    """

    name: str
    path: str
    roles: frozenset[str]
    beside: tuple[str, ...] = ()

    @property
    def address(self) -> str:
        return f"{ADDRESS}{self.path}"

    def leads_to(self, path: str) -> bool:
        """Whether the page at this address is one of the entry's, or lies below it."""
        addresses = (self.address, *(f"{ADDRESS}{one}" for one in self.beside))
        return any(path == one or path.startswith(f"{one}/") for one in addresses)


ENTRIES: Final = (
    Entry("queue", "/queue", REQUEST_ROLES, ("/requests", "/to-tell")),
    Entry("centre", "/centres", REQUEST_ROLES, ("/days", "/canned", "/agencies")),
    Entry("log", "/audit", AUDIT_ROLES),
    Entry("staff", "/staff", frozenset({"administrator", "centre_manager"})),
    Entry("account", "/account", EVERY_ROLE),
)


def list_entries(visitor: Visitor) -> Sequence[Entry]:
    return [entry for entry in ENTRIES if visitor.role in entry.roles]
