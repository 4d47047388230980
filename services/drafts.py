"""Forms that somebody began: each answer is kept the moment it is given, in one statement.

So a form survives a restart and a flushed Redis, and goes on on another phone.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Text, bindparam, delete, func, select
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql.dml import ReturningInsert

from db.models import Draft

JsonValue = Any


def _build_upsert() -> ReturningInsert[Draft]:
    new = insert(Draft).values(
        address_id=bindparam("of_address"),
        form=bindparam("of_form"),
        step=bindparam("new_step"),
        answers=bindparam("new_answers"),
        updated_at=bindparam("moment"),
    )
    kept = Draft.__table__.c.answers.op("-")(bindparam("forgotten", type_=ARRAY(Text)))
    return new.on_conflict_do_update(
        index_elements=["address_id", "form"],
        set_={
            "step": func.coalesce(new.excluded.step, Draft.step),
            "answers": kept.op("||")(new.excluded.answers),
            "updated_at": new.excluded.updated_at,
        },
    ).returning(Draft)


# Built once: these two are on the path of every answer, and building costs more than sending.
_UPSERT = _build_upsert()
_FIND = select(Draft).where(
    Draft.address_id == bindparam("of_address"), Draft.form == bindparam("of_form")
)


async def find_draft(session: AsyncSession, address_id: int, form: str) -> Draft | None:
    parameters = {"of_address": address_id, "of_form": form}
    return (await session.scalars(_FIND, parameters)).one_or_none()


async def save_answer(
    session: AsyncSession,
    address_id: int,
    form: str,
    field: str,
    value: JsonValue,
    *,
    step: str | None = None,
    now: datetime | None = None,
    forget: Sequence[str] = (),
) -> Draft:
    """Keep one answer, beginning the form if need be; None as a step leaves the step.

    `forget` names answers that this one makes void: another province, no commune any more.
    Two answers given at once are both kept.
    """
    return await _upsert(
        session, address_id, form, {field: value}, step=step, now=now, forget=forget
    )


async def save_answers(
    session: AsyncSession,
    address_id: int,
    form: str,
    answers: dict[str, JsonValue],
    *,
    step: str | None = None,
    now: datetime | None = None,
    forget: Sequence[str] = (),
) -> Draft:
    """Several answers at once: a commune found by name also says its district and province."""
    return await _upsert(session, address_id, form, answers, step=step, now=now, forget=forget)


async def set_step(
    session: AsyncSession, address_id: int, form: str, step: str, *, now: datetime | None = None
) -> Draft:
    """Keep where the person is in the form, beginning it if need be."""
    return await _upsert(session, address_id, form, {}, step=step, now=now, forget=())


async def discard(session: AsyncSession, address_id: int, form: str) -> None:
    """Forget the form and all its answers."""
    await session.execute(delete(Draft).where(Draft.address_id == address_id, Draft.form == form))


async def _upsert(
    session: AsyncSession,
    address_id: int,
    form: str,
    answers: dict[str, JsonValue],
    *,
    step: str | None,
    now: datetime | None,
    forget: Sequence[str],
) -> Draft:
    parameters = {
        "of_address": address_id,
        "of_form": form,
        "new_step": step,
        "new_answers": answers,
        "forgotten": list(forget),
        "moment": now or datetime.now(UTC),
    }
    rows = await session.scalars(_UPSERT, parameters, execution_options={"populate_existing": True})
    return rows.one()
