"""What somebody asked a centre for, and everything that happened to it since."""

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
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, WriteOnlyMapped, mapped_column, relationship

from db.crypto import EncryptedJSON
from db.models.base import Base

WAITING = "new"


class Request(Base):
    """A request as the queue sees it now; it changes only by methods that add an event."""

    __tablename__ = "request"
    __table_args__ = (
        UniqueConstraint("id", "centre_id"),
        CheckConstraint("state IN ('new', 'taken', 'closed')", "state"),
        CheckConstraint("urgency IN ('normal', 'urgent')", "urgency"),
        CheckConstraint("code ~ '^[0-9]+$'", "code"),
        Index(
            "ix_request_waiting",
            "centre_id",
            "created_at",
            postgresql_where=text("state = 'new'"),
        ),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    code: Mapped[str] = mapped_column(unique=True)
    topic: Mapped[str]
    state: Mapped[str]
    urgency: Mapped[str]
    centre_id: Mapped[str] = mapped_column(ForeignKey("centre.id"))
    person_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("person.id", ondelete="SET NULL"), index=True
    )
    address_id: Mapped[int] = mapped_column(ForeignKey("address.id"), index=True)
    draft_key: Mapped[UUID | None] = mapped_column(unique=True)
    is_demo: Mapped[bool] = mapped_column(server_default=text("false"))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]

    events: WriteOnlyMapped["RequestEvent"] = relationship(
        order_by="RequestEvent.id", passive_deletes=True
    )

    @classmethod
    def open(
        cls,
        *,
        code: str,
        topic: str,
        centre_id: str,
        address_id: int,
        now: datetime,
        person_id: UUID | None = None,
        draft_key: UUID | None = None,
        urgency: str = "normal",
        is_demo: bool = False,
        body: dict[str, Any] | None = None,
    ) -> "Request":
        """A new request with its first event."""
        request = cls(
            code=code,
            topic=topic,
            state=WAITING,
            urgency=urgency,
            centre_id=centre_id,
            person_id=person_id,
            address_id=address_id,
            draft_key=draft_key,
            is_demo=is_demo,
            created_at=now,
        )
        request.record("opened", now=now, body=body)
        return request

    def record(
        self,
        kind: str,
        *,
        now: datetime,
        body: dict[str, Any] | None = None,
        internal: bool = False,
    ) -> "RequestEvent":
        """Add an event, without loading the earlier ones."""
        event = RequestEvent(kind=kind, at=now, body=body, internal=internal)
        self.events.add(event)
        self.updated_at = now
        return event

    def resubmit(self, *, centre_id: str, now: datetime) -> None:
        """The person confirmed the form again before anybody took it: it stays one request."""
        self.record("resubmitted", now=now)
        self.centre_id = centre_id


class RequestEvent(Base):
    """One thing that happened to a request; never changed. Internal events are for staff only."""

    __tablename__ = "request_event"
    __table_args__ = (
        ForeignKeyConstraint(
            ["request_id", "centre_id"],
            ["request.id", "request.centre_id"],
            onupdate="CASCADE",
            ondelete="CASCADE",
        ),
        Index("ix_request_event_thread", "request_id", "id"),
        Index("ix_request_event_centre_id", "centre_id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    request_id: Mapped[int] = mapped_column(BigInteger)
    centre_id: Mapped[str]
    kind: Mapped[str]
    at: Mapped[datetime]
    body: Mapped[dict[str, Any] | None] = mapped_column(EncryptedJSON)
    internal: Mapped[bool]
