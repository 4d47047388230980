"""What becomes of cards whose request is deleted: a card goes with it, its message lies in a chat.

Whoever read "urgent" there would go on looking for somebody of whom nothing is left.
"""

from sqlalchemy import ColumnElement, exists, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import OutboxRow, Request, StaffCard
from services import jobs
from services.outbox import OVERTAKEN
from services.staff_cards import looks


async def tell_deleted(session: AsyncSession, which: ColumnElement[bool]) -> None:
    """These requests (of `Request`) are about to be deleted: held, they get no more cards.

    What tells of them alone and was not sent yet is not sent; the rest will say what is left.
    """
    held = select(Request.id).where(which).order_by(Request.id).with_for_update()
    ids = (await session.scalars(held)).all()
    query = select(StaffCard.outbox_id).where(StaffCard.request_id.in_(ids)).distinct()
    messages = {one for one in await session.scalars(query) if one is not None}
    tells_of_others = exists().where(
        StaffCard.outbox_id == OutboxRow.id, StaffCard.request_id.not_in(ids)
    )
    withheld = await session.scalars(
        update(OutboxRow)
        .where(OutboxRow.id.in_(messages), OutboxRow.state == "waiting", ~tells_of_others)
        .values(
            state="withheld",
            error_code=OVERTAKEN,
            body=None,
            leased_until=None,
            updated_at=func.now(),
        )
        .returning(OutboxRow.id)
    )
    for outbox_id in sorted(messages - set(withheld)):
        await looks.promise(session, jobs.SHOW_CARD_MESSAGE, outbox_id=outbox_id)
