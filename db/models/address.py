"""Where a person can be written to: a Telegram chat or a phone number."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from db.crypto import EncryptedFields, EncryptedText, current_keyring
from db.models.base import Base

CHANNELS = ("telegram", "sms")


def address_index(channel: str, value: str) -> bytes:
    """The blind index by which an address is found; the inbox uses the same as its key."""
    return current_keyring().blind_index(f"{channel}:{value}")


class Address(Base):
    """A Telegram chat id (as text) or an E.164 number, and what may be sent there.

    `blocked_at`: the carrier says that nothing arrives; `stopped_at`: the person said STOP.
    `is_shared`: others read this phone too (None: never asked). `forget_at`: the person deleted
    everything then; the row itself goes as soon as the last answer has left.
    """

    __tablename__ = "address"
    __table_args__ = (
        UniqueConstraint("channel", "value_index"),
        CheckConstraint("channel IN ('telegram', 'sms')", "channel"),
        CheckConstraint("language IN ('km', 'en')", "language"),
        Index("ix_address_forget_at", "forget_at", postgresql_where=text("forget_at IS NOT NULL")),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    channel: Mapped[str]
    value: Mapped[str] = mapped_column(EncryptedText)
    value_index: Mapped[bytes]
    person_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("person.id", ondelete="SET NULL"), index=True
    )
    language: Mapped[str | None]
    is_demo: Mapped[bool] = mapped_column(server_default=text("false"))
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    last_in_at: Mapped[datetime | None]
    blocked_at: Mapped[datetime | None]
    stopped_at: Mapped[datetime | None]
    is_shared: Mapped[bool | None]
    forget_at: Mapped[datetime | None]


class Draft(Base):
    """A form that somebody began. Each answer is kept as soon as it is given.

    The id becomes the `draft_key` of what the finished form makes: one form, one request.
    """

    __tablename__ = "draft"
    __table_args__ = (UniqueConstraint("address_id", "form"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=text("gen_random_uuid()"))
    address_id: Mapped[int] = mapped_column(ForeignKey("address.id", ondelete="CASCADE"))
    form: Mapped[str]
    step: Mapped[str | None]
    answers: Mapped[dict[str, object]] = mapped_column(EncryptedFields, server_default=text("'{}'"))
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    updated_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
