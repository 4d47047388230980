"""What came in and what must go out, each kept as a row before anything else happens to it.

A message that was acknowledged to a carrier, or promised to a person, exists here first: a crash at
any later moment leaves the row, and the row says how far it got.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import BYTEA, TIMESTAMP
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import Integer, SmallInteger

from db.models.base import Base

_MOMENT = TIMESTAMP(timezone=True)


class InboxRow(Base):
    """One update of a carrier, exactly as it arrived; emptied once it was handled.

    The unique pair (channel, provider id) makes a second delivery change nothing. The oldest row of
    an address that is neither done nor failed is the only one that may be handled.
    """

    __tablename__ = "inbox"
    __table_args__ = (
        UniqueConstraint("channel", "provider_id"),
        Index(
            "ix_inbox_pending",
            "address_key",
            "id",
            postgresql_where=text("done_at IS NULL AND failed_at IS NULL"),
        ),
        # For the deletion of all that came from an address.
        Index("ix_inbox_address_key", "address_key"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    channel: Mapped[str] = mapped_column(Text)
    provider_id: Mapped[str] = mapped_column(Text)
    address_key: Mapped[bytes] = mapped_column(BYTEA)
    payload: Mapped[bytes | None] = mapped_column(BYTEA)
    received_at: Mapped[datetime] = mapped_column(_MOMENT, server_default=text("now()"))
    attempts: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    not_before: Mapped[datetime | None] = mapped_column(_MOMENT)
    done_at: Mapped[datetime | None] = mapped_column(_MOMENT)
    failed_at: Mapped[datetime | None] = mapped_column(_MOMENT)
    error_id: Mapped[str | None] = mapped_column(Text)


class OutboxRow(Base):
    """One message that somebody must get, and how far it has come.

    ``state`` goes waiting, sending, then one of sent, delivered, undelivered, failed, uncertain,
    unreachable, withheld (the contact policy forbade it when its turn came). ``lane`` 0 is what a
    person waits for, 1 is bulk. ``asked_at`` is when the person last asked for what this answers.
    ``leased_until`` says when a row in *sending* counts as abandoned, and for *uncertain* rows when
    the carrier is asked next. ``body`` is emptied some time after the message has ended.
    """

    __tablename__ = "outbox"
    __table_args__ = (
        Index(
            "ix_outbox_waiting",
            "lane",
            "not_before",
            "id",
            postgresql_where=text("state = 'waiting'"),
        ),
        Index(
            "ix_outbox_open",
            "address_id",
            "id",
            postgresql_where=text("state IN ('waiting', 'sending')"),
        ),
        Index(
            "ix_outbox_leased",
            "leased_until",
            postgresql_where=text("state IN ('sending', 'uncertain')"),
        ),
        # Two at once would arrive in any order.
        Index(
            "uq_outbox_sending",
            "address_id",
            unique=True,
            postgresql_where=text("state = 'sending'"),
        ),
        # One message of the carrier settles one of ours. Telegram's ids are a chat's own.
        Index(
            "uq_outbox_provider_id",
            "provider_id",
            unique=True,
            postgresql_where=text("channel = 'sms' AND provider_id IS NOT NULL"),
        ),
        # For who must learn that an answer never arrived.
        Index(
            "ix_outbox_unsent",
            "updated_at",
            postgresql_where=text(
                "state IN ('failed', 'undelivered', 'unreachable', 'withheld')"
                " AND purpose IN ('reply', 'follow_up')"
            ),
        ),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    address_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("address.id"), index=True)
    channel: Mapped[str] = mapped_column(Text)
    purpose: Mapped[str] = mapped_column(Text)
    lane: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    body: Mapped[bytes | None] = mapped_column(BYTEA)
    person_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("person.id", ondelete="SET NULL"), index=True
    )
    asked_at: Mapped[datetime | None] = mapped_column(_MOMENT)
    created_at: Mapped[datetime] = mapped_column(_MOMENT, server_default=text("now()"))
    not_before: Mapped[datetime] = mapped_column(_MOMENT, server_default=text("now()"))
    state: Mapped[str] = mapped_column(Text, server_default=text("'waiting'"))
    leased_until: Mapped[datetime | None] = mapped_column(_MOMENT)
    attempts: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    provider_id: Mapped[str | None] = mapped_column(Text)
    parts: Mapped[int | None] = mapped_column(Integer)
    sent_at: Mapped[datetime | None] = mapped_column(_MOMENT)
    updated_at: Mapped[datetime] = mapped_column(_MOMENT, server_default=text("now()"))
    error_code: Mapped[str | None] = mapped_column(Text)
    dedup_key: Mapped[str | None] = mapped_column(Text, unique=True)
