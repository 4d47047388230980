"""Questions of consent that wait: whoever types the words of an answer names no question."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import exists, func, or_, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from db.models import Address, OutboxRow, Question, Referral, RequestEvent
from services.questions import ON_ITS_WAY
from services.referrals import states


@dataclass(frozen=True, slots=True)
class Unanswered:
    """`came_at` is a time of the database's clock, `message_id` the carrier's."""

    id: int
    letter: str
    options: Sequence[str]
    came_at: datetime
    message_id: str | None


async def list_unanswered(
    session: AsyncSession, address: Address, inbox_id: int
) -> Sequence[Unanswered]:
    """Those that may have arrived at this address, in their order.

    The one that this very message has answered counts as unanswered: a turn may come again.
    """
    came_at = func.coalesce(OutboxRow.sent_at, OutboxRow.updated_at)
    answered = aliased(RequestEvent)
    waits = Question.answered_at.is_(None) & (Referral.state == "asked")
    is_answered_by_this = exists().where(
        answered.request_id == Question.request_id,
        answered.inbox_id == inbox_id,
        answered.kind.in_(("referral_agreed", "referral_refused")),
        answered.at == Question.answered_at,
    )
    query = (
        select(Question.id, Question.letter, Question.options, came_at, OutboxRow.provider_id)
        .join(Referral, Referral.question_id == Question.id)
        .join(
            RequestEvent,
            (RequestEvent.request_id == Question.request_id)
            & (RequestEvent.kind == states.ASKED)
            & (RequestEvent.at == Question.asked_at),
        )
        .join(OutboxRow, OutboxRow.id == RequestEvent.outbox_id)
        .where(
            Question.address_id == address.id,
            OutboxRow.state.in_(ON_ITS_WAY),
            or_(waits, is_answered_by_this),
        )
        .order_by(Question.id, OutboxRow.id.desc())
        .ext(distinct_on(Question.id))
    )
    return [Unanswered(*row) for row in await session.execute(query)]
