"""What a new installation begins with: replies for all centres, and agencies nobody has called yet.

Loaded once, into tables that hold none of their kind: from then on they belong to whoever keeps
them at the desk, and no release brings back what was changed or ended there. They state no fact
that somebody would have to confirm: an agency comes without a number.
"""

import csv
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import Agency, CannedReply
from services import audit
from services.reference_data import FOLDER

REPLIES: Final = "canned_replies.csv"
AGENCIES: Final = "agencies.csv"


async def load(session: AsyncSession, *, now: datetime) -> list[str]:
    """Returns which of the files were loaded: REPLIES, AGENCIES."""
    loaded = []
    if not await session.scalar(select(exists().where(CannedReply.centre_id.is_(None)))):
        await _add(session, "canned_reply", [_reply(row, now) for row in read(REPLIES)], now)
        loaded.append(REPLIES)
    if not await session.scalar(select(exists().where(~Agency.is_demo))):
        await _add(session, "agency", [_agency(row, now) for row in read(AGENCIES)], now)
        loaded.append(AGENCIES)
    return loaded


def read(name: str) -> Sequence[Mapping[str, str]]:
    """The rows of one of the files."""
    with (FOLDER / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _reply(row: Mapping[str, str], now: datetime) -> CannedReply:
    return CannedReply(centre_id=None, **row, created_at=now, updated_at=now)


def _agency(row: Mapping[str, str], now: datetime) -> Agency:
    return Agency(
        name_km=row["name_km"],
        name_en=row["name_en"],
        purposes=row["purposes"].split(),
        is_sensitive=row["is_sensitive"] == "yes",
        note=row["note"],
        created_at=now,
        updated_at=now,
    )


async def _add(
    session: AsyncSession, subject: str, rows: Sequence[CannedReply | Agency], now: datetime
) -> None:
    session.add_all(rows)
    await session.flush()
    for row in rows:
        await audit.record(
            session,
            actor="system",
            actor_id=None,
            action="added",
            subject=subject,
            subject_id=row.id,
            now=now,
        )
