"""Writing rows of the log and reading them as an auditor, for the tests of both."""

from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services import audit
from services.accounts.types import Visitor
from services.audit_log import LogLine, list_page
from services.audit_search import Search
from tests.services.centre_at_work import FRIDAY
from tests.services.desk_visitors import see_as, visit

SOMEBODY = UUID("0d9fbb0f-53ba-4dcc-9a0e-9f7a3d1f9d52")


async def record(session: AsyncSession, **changed: Any) -> None:
    values: dict[str, Any] = {
        "actor": "staff",
        "actor_id": SOMEBODY,
        "action": "read",
        "subject": "file",
        "subject_id": 7,
        "now": FRIDAY,
    }
    await audit.record(session, **values | changed)


async def hire_auditor(session: AsyncSession) -> Visitor:
    auditor = await visit(session, "Eye", "auditor", None)
    await see_as(session, auditor)
    return auditor


async def find(session: AsyncSession, auditor: Visitor, **wanted: str) -> list[LogLine]:
    page = await list_page(session, auditor, Search.parse(wanted), now=FRIDAY)
    return [line for line in page.lines if line.action != "searched"]


def told(lines: list[LogLine]) -> list[tuple[str, str, str | None]]:
    """(action, kind of subject, its id) of each subject of each line."""
    return [(line.action, one.kind, one.id) for line in lines for one in line.subjects]
