"""Where staff get word of urgent and overdue requests, and what became of each word."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base

CARD_CAUSES = ("urgent", "overdue")
CARD_LEVELS = ("worker", "owner", "manager", "administrator")


class StaffChat(Base):
    """The Telegram chat of a member of staff. The row goes with the role.

    With `at_any_hour` urgent requests come while the centre is closed too: they have chosen so.
    """

    __tablename__ = "staff_chat"

    staff_id: Mapped[UUID] = mapped_column(
        ForeignKey("account.staff_id", ondelete="CASCADE"), primary_key=True
    )
    address_id: Mapped[int] = mapped_column(
        ForeignKey("address.id", ondelete="CASCADE"), unique=True
    )
    linked_at: Mapped[datetime]
    at_any_hour: Mapped[bool] = mapped_column(server_default=text("false"))


class ChatLink(Base):
    """What somebody says to the bot to link their chat, once; only hashes of it are kept.

    `token_hash` is of what the link carries, `code_hash` of the digits that can be typed instead.
    """

    __tablename__ = "chat_link"

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=text("gen_random_uuid()"))
    token_hash: Mapped[bytes] = mapped_column(unique=True)
    code_hash: Mapped[bytes] = mapped_column(index=True)
    staff_id: Mapped[UUID] = mapped_column(
        ForeignKey("account.staff_id", ondelete="CASCADE"), index=True
    )
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class StaffCard(Base):
    """Word of one request to one member of staff; several may share a message (`outbox_id`).

    `cause_key` makes the same word go out once. Until it has a message `climb_at` is when it is to
    be sent, then when the next above hears of it; None once it was seen, taken, or needless
    (`ended_at`).
    """

    __tablename__ = "staff_card"
    __table_args__ = (
        ForeignKeyConstraint(
            ["request_id", "centre_id"],
            ["request.id", "request.centre_id"],
            onupdate="CASCADE",
            ondelete="CASCADE",
        ),
        CheckConstraint("cause IN ('urgent', 'overdue')", "cause"),
        CheckConstraint("level IN ('worker', 'owner', 'manager', 'administrator')", "level"),
        Index("ix_staff_card_request_id", "request_id", "id"),
        Index("ix_staff_card_centre_id", "centre_id"),
        Index("ix_staff_card_staff_id", "staff_id", "created_at"),
        Index("ix_staff_card_climb_at", "climb_at", postgresql_where=text("climb_at IS NOT NULL")),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    staff_id: Mapped[UUID] = mapped_column(ForeignKey("staff.id"))
    request_id: Mapped[int] = mapped_column(BigInteger)
    centre_id: Mapped[str]
    cause: Mapped[str]
    level: Mapped[str]
    cause_key: Mapped[str] = mapped_column(unique=True)
    outbox_id: Mapped[int | None] = mapped_column(
        ForeignKey("outbox.id", ondelete="SET NULL"), index=True
    )
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime | None]
    taken_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    climb_at: Mapped[datetime | None]
