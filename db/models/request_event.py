"""One thing that happened to a request: the thread is made of these."""

from datetime import datetime
from typing import Any
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

from db.crypto import EncryptedJSON
from db.models.base import Base


class RequestEvent(Base):
    """One thing that happened to a request; never changed. Internal events are for staff only.

    `outbox_id` is the message that carried it to the person, `file_id` what came with it.
    `inbox_id` is the message that made it: a turn that runs again must not write it twice.
    """

    __tablename__ = "request_event"
    __table_args__ = (
        ForeignKeyConstraint(
            ["request_id", "centre_id"],
            ["request.id", "request.centre_id"],
            onupdate="CASCADE",
            ondelete="CASCADE",
        ),
        CheckConstraint("actor IN ('person', 'staff', 'system')", "actor"),
        Index("ix_request_event_thread", "request_id", "id"),
        Index("ix_request_event_centre_id", "centre_id"),
        Index(
            "uq_request_event_inbox_id",
            "inbox_id",
            unique=True,
            postgresql_where=text("inbox_id IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    request_id: Mapped[int] = mapped_column(BigInteger)
    centre_id: Mapped[str]
    kind: Mapped[str]
    at: Mapped[datetime]
    body: Mapped[dict[str, Any] | None] = mapped_column(EncryptedJSON)
    internal: Mapped[bool]
    actor: Mapped[str] = mapped_column(server_default=text("'system'"))
    staff_id: Mapped[UUID | None] = mapped_column(ForeignKey("staff.id"), index=True)
    outbox_id: Mapped[int | None] = mapped_column(
        ForeignKey("outbox.id", ondelete="SET NULL"), index=True
    )
    file_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("file.id", ondelete="SET NULL"), index=True
    )
    inbox_id: Mapped[int | None] = mapped_column(BigInteger)
