"""What the ids of the log are called: an auditor knows people and things by names and codes.

Staff, centres, agencies and ready replies have names that are nobody's secret, a request its code.
A person has none here, nor has what they wrote or sent.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import (
    Agency,
    AuditRow,
    CannedReply,
    Centre,
    ChatLink,
    DeskSession,
    Invitation,
    Request,
)
from services import staff
from services.acting import across_centres
from services.audit import find_uuid
from services.audit_search import OF_STAFF, REQUEST, SESSION, STAFF_CHAT

_CODE: Final = "code:"
# What is somebody's, and is shown with whose it is.
_OWNED: Final[Mapping[str, Any]] = {
    SESSION: DeskSession,
    "invitation": Invitation,
    "chat_link": ChatLink,
}


@dataclass(frozen=True, slots=True)
class Names:
    """`staff` by id; `owners` are the ids of staff whose a thing is, by (subject, its id).

    `codes` are those of requests; `things` the names of all else that has one, by (subject, id).
    """

    staff: Mapping[str, str]
    owners: Mapping[tuple[str, str], str]
    codes: Mapping[str, str]
    things: Mapping[tuple[str, str], str]

    def find(self, row: AuditRow) -> str | None:
        """Of what a row is about, or of whose it is where that is not who did it."""
        row_id = row.subject_id or ""
        if row.subject in OF_STAFF:
            return self.staff.get(row_id)
        owner = self.owners.get((row.subject, row_id))
        if owner is not None:
            return self.staff.get(owner) if owner != row.actor_id else None
        return self.things.get((row.subject, row_id))


async def find_names(session: AsyncSession, rows: Sequence[AuditRow], language: str) -> Names:
    """All that a page of rows needs; rows outlive what they speak of, so some is called nothing."""
    everybody = await staff.list_staff(session, with_ended=True)
    return Names(
        staff={str(one.id): one.name for one in everybody},
        owners=await _find_owners(session, rows),
        codes=await _find_codes(session, _ids(rows, REQUEST)),
        things=await _find_things(session, rows, language),
    )


def _ids(rows: Iterable[AuditRow], subject: str) -> set[str]:
    return {row.subject_id for row in rows if row.subject == subject and row.subject_id}


async def _find_owners(
    session: AsyncSession, rows: Sequence[AuditRow]
) -> dict[tuple[str, str], str]:
    found = {(STAFF_CHAT, one): one for one in _ids(rows, STAFF_CHAT)}
    for subject, model in _OWNED.items():
        ids = {one for written in _ids(rows, subject) if (one := find_uuid(written)) is not None}
        if ids:
            query = select(model.id, model.staff_id).where(model.id.in_(ids))
            for own_id, staff_id in await session.execute(query):
                found[subject, str(own_id)] = str(staff_id)
    return found


async def _find_codes(session: AsyncSession, written: Iterable[str]) -> dict[str, str]:
    """The code by which each request is known; it says nothing of whose it is."""
    asked = {one: one.removeprefix(_CODE) for one in written if one.startswith(_CODE)}
    query = select(Request.id, Request.code).where(Request.id.in_(_numbers(written)))
    async with across_centres(session):
        return asked | {str(own_id): code for own_id, code in await session.execute(query)}


async def _find_things(
    session: AsyncSession, rows: Sequence[AuditRow], language: str
) -> dict[tuple[str, str], str]:
    is_khmer = language == "km"
    agency_name = Agency.name_km if is_khmer else Agency.name_en
    centre_name = Centre.name_km if is_khmer else Centre.name_en
    agencies, replies = (_numbers(_ids(rows, one)) for one in ("agency", "canned_reply"))
    found: dict[tuple[str, str], str] = {}
    queries: dict[str, Select[Any, str]] = {
        "agency": select(Agency.id, agency_name).where(Agency.id.in_(agencies)),
        "canned_reply": select(CannedReply.id, CannedReply.title).where(
            CannedReply.id.in_(replies)
        ),
        "centre": select(Centre.id, centre_name).where(Centre.id.in_(_ids(rows, "centre"))),
    }
    async with across_centres(session):
        for subject, query in queries.items():
            for own_id, name in await session.execute(query):
                found[subject, str(own_id)] = name
    return found


def _numbers(written: Iterable[str]) -> list[int]:
    return [int(one) for one in written if one.isdigit()]
