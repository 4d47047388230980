"""Jobs: work that nobody waits for, promised in the transaction of its cause.

The job library's worker (`bot.jobs`) runs them. Only its SQL function is called here: a service
must not wait for a second connection, and a job must vanish with a transaction that is rolled back.
"""

import json
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

QUEUE = "default"

FETCH_FILE = "fetch_file"
DELETE_FILES = "delete_files"
EXPORT_MY_DATA = "export_my_data"
GIVE_WORDS = "give_words"
STAFF_CARDS = "staff_cards"
"""The clock's; what is promised about cards has it as a lock, so that one counts them at a time."""
SEND_CARDS = "send_cards"
SHOW_CARDS = "show_cards"
"""What became of a request, on its cards."""
SHOW_CARD_MESSAGE = "show_card_message"
"""What is left in a message with cards when a request that it told of is deleted."""
SEND_TEST_CARD = "send_test_card"
TELL_UNLINKED = "tell_unlinked"

_CANCEL = text(
    """
    DELETE FROM procrastinate_jobs WHERE status = 'todo' AND queueing_lock = ANY(:queueing_locks)
    """
)

Argument = int | str | UUID | Sequence[str]

_QUEUEING_LOCK = "procrastinate_jobs_queueing_lock_idx"
_DEFER = text(
    """
    SELECT unnest(procrastinate_defer_jobs_v1(ARRAY[ROW(
        :queue, :name, 0, :lock, :queueing_lock, CAST(:arguments AS jsonb), :run_at
    )::procrastinate_job_to_defer_v1]))
    """
)


async def defer(
    session: AsyncSession,
    name: str,
    *,
    run_at: datetime | None = None,
    lock: str | None = None,
    queueing_lock: str | None = None,
    **arguments: Argument,
) -> int | None:
    """Promise a job in the caller's transaction; returns its id.

    Arguments are ids, random names and moments only, never what a person wrote: they are stored as
    they are. Jobs with an equal ``lock`` run one after the other; with a ``queueing_lock`` only one
    waits at a time, and None says that one already does. ``run_at`` is the earliest moment it may
    begin.
    """
    plain = {
        key: str(value) if isinstance(value, UUID) else value for key, value in arguments.items()
    }
    values = {
        "queue": QUEUE,
        "name": name,
        "lock": lock,
        "queueing_lock": queueing_lock,
        "arguments": json.dumps(plain),
        "run_at": run_at,
    }
    try:
        async with session.begin_nested():
            job_id: int = (await session.execute(_DEFER, values)).scalar_one()
            return job_id
    except IntegrityError as error:
        if _QUEUEING_LOCK not in str(error.orig):
            raise
        return None


async def cancel(session: AsyncSession, queueing_locks: Sequence[str]) -> None:
    """Take back jobs that nobody has begun."""
    await session.execute(_CANCEL, {"queueing_locks": list(queueing_locks)})
