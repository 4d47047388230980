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
STATES = ("new", "taken", "waiting_person", "waiting_others", "done", "reopened", "withdrawn")
OPEN_STATES = ("new", "taken", "waiting_person", "waiting_others", "reopened")
URGENCIES = ("urgent", "normal", "low")


class Request(Base):
    """A request as the queue sees it now; it changes only by methods that add an event.

    `due_at` is when the centre should have answered; None while it is not its turn. When that has
    passed, `climbed_to` says who has been told so far and `climb_at` when the next one is.
    `answer_by` is until when a done request waits for the person's word whether help came.
    """

    __tablename__ = "request"
    __table_args__ = (
        UniqueConstraint("id", "centre_id"),
        CheckConstraint(
            "state IN ('new', 'taken', 'waiting_person', 'waiting_others', 'done', 'reopened',"
            " 'withdrawn')",
            "state",
        ),
        CheckConstraint("urgency IN ('urgent', 'normal', 'low')", "urgency"),
        CheckConstraint("climbed_to IN ('owner', 'manager', 'administrator')", "climbed_to"),
        CheckConstraint("code ~ '^[0-9]+$'", "code"),
        Index(
            "ix_request_open",
            "centre_id",
            "created_at",
            postgresql_where=text("state NOT IN ('done', 'withdrawn')"),
        ),
        Index("ix_request_climb_at", "climb_at", postgresql_where=text("climb_at IS NOT NULL")),
        Index("ix_request_answer_by", "answer_by", postgresql_where=text("answer_by IS NOT NULL")),
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
    owner_id: Mapped[UUID | None] = mapped_column(ForeignKey("staff.id"), index=True)
    due_at: Mapped[datetime | None]
    climbed_to: Mapped[str | None]
    climb_at: Mapped[datetime | None]
    outcome: Mapped[str | None]
    answer_by: Mapped[datetime | None]
    confirmed_at: Mapped[datetime | None]
    last_person_at: Mapped[datetime | None]
    last_staff_at: Mapped[datetime | None]
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
    """One thing that happened to a request; never changed. Internal events are for staff only.

    `outbox_id` is the message that carried it to the person, `file_id` what came with it.
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
