"""The order in which the desk lists requests, and the indexes by which requests are found.

The words here are those of the indexes: a query that says the same in others walks over every
request there ever was.
"""

from sqlalchemy import Index, text

IS_OPEN = "state NOT IN ('done', 'withdrawn')"
IS_CLOSED = "state IN ('done', 'withdrawn')"
IS_WAITING = "state IN ('waiting_person', 'waiting_others')"
RANK = """(
CASE urgency
    WHEN 'urgent' THEN 0
    WHEN 'normal' THEN 1
    ELSE 2
END)"""
"""Urgent first; in lines as PostgreSQL says it again, or the two would be taken to differ."""
TURN = "(coalesce(due_at, '9999-01-01 00:00:00+00'::timestamptz))"
"""What is due first; what is not the centre's turn comes last."""


def clock_indexes() -> tuple[Index, ...]:
    """What came in, what climbs, and what waits for the person's word."""
    return (
        Index("ix_request_open", "centre_id", "created_at", postgresql_where=text(IS_OPEN)),
        Index("ix_request_climb_at", "climb_at", postgresql_where=text("climb_at IS NOT NULL")),
        Index("ix_request_answer_by", "answer_by", postgresql_where=text("answer_by IS NOT NULL")),
    )


def queue_indexes() -> tuple[Index, ...]:
    """Open requests in the order of the queue, closed ones as they were closed.

    Those that begin with a centre are for its staff, the others for who works for all centres.
    """
    order = (text(RANK), text(TURN), "id")
    closed = ("updated_at", "id")
    return (
        Index("ix_request_queue", "centre_id", *order, postgresql_where=text(IS_OPEN)),
        Index("ix_request_queue_all", *order, postgresql_where=text(IS_OPEN)),
        Index("ix_request_queue_owner", "owner_id", *order, postgresql_where=text(IS_OPEN)),
        Index(
            "ix_request_queue_free",
            "centre_id",
            *order,
            postgresql_where=text(f"{IS_OPEN} AND owner_id IS NULL"),
        ),
        Index("ix_request_queue_waiting", "centre_id", *order, postgresql_where=text(IS_WAITING)),
        Index(
            "ix_request_due_at",
            "centre_id",
            "due_at",
            postgresql_where=text("due_at IS NOT NULL"),
        ),
        # For pages that lie open, and ask what has come in since.
        Index("ix_request_changed", "updated_at", postgresql_where=text(IS_OPEN)),
        Index("ix_request_closed", "centre_id", *closed, postgresql_where=text(IS_CLOSED)),
        Index("ix_request_closed_all", *closed, postgresql_where=text(IS_CLOSED)),
    )
