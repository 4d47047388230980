"""How staff sign in to the desk, and what they keep there."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, SmallInteger, text
from sqlalchemy.orm import Mapped, mapped_column

from db.crypto import EncryptedText
from db.models.base import Base


class Account(Base):
    """The way in of a member of staff.

    It has no password until the invitation is answered, and no second factor until its first code
    was given. `used_step` is the last step of the second factor that signed somebody in: no code
    does so twice. After `wrong_attempts` nobody signs in before `locked_until`; `wrong_codes` of
    them were codes, and the right password takes the others off.
    """

    __tablename__ = "account"

    staff_id: Mapped[UUID] = mapped_column(ForeignKey("staff.id"), primary_key=True)
    username: Mapped[str] = mapped_column(unique=True)
    password_hash: Mapped[str | None]
    second_factor: Mapped[str | None] = mapped_column(EncryptedText)
    used_step: Mapped[int | None] = mapped_column(BigInteger)
    wrong_attempts: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    wrong_codes: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    locked_until: Mapped[datetime | None]
    language: Mapped[str] = mapped_column(server_default=text("'km'"))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class RecoveryCode(Base):
    """A code that stands in for the second factor, once."""

    __tablename__ = "recovery_code"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    staff_id: Mapped[UUID] = mapped_column(
        ForeignKey("account.staff_id", ondelete="CASCADE"), index=True
    )
    code_hash: Mapped[str]
    used_at: Mapped[datetime | None]


class Invitation(Base):
    """A link by which somebody chooses a password, once; only a hash of what it says is kept."""

    __tablename__ = "invitation"

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=text("gen_random_uuid()"))
    token_hash: Mapped[bytes] = mapped_column(unique=True)
    staff_id: Mapped[UUID] = mapped_column(
        ForeignKey("account.staff_id", ondelete="CASCADE"), index=True
    )
    invited_by: Mapped[UUID | None] = mapped_column(ForeignKey("staff.id"))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class DeskSession(Base):
    """A browser that is signed in; `confirmed_at` is when the second factor was given.

    It ends at `ended_at` or `expires_at`, whichever comes first. `device` is what the browser says
    of itself, shortened, for the list in which staff recognise their own.
    """

    __tablename__ = "desk_session"
    __table_args__ = (Index("ix_desk_session_expires_at", "expires_at"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=text("gen_random_uuid()"))
    token_hash: Mapped[bytes] = mapped_column(unique=True)
    staff_id: Mapped[UUID] = mapped_column(
        ForeignKey("account.staff_id", ondelete="CASCADE"), index=True
    )
    device: Mapped[str]
    confirmed_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class ReplyDraft(Base):
    """What somebody was writing on a request when the line dropped."""

    __tablename__ = "reply_draft"

    staff_id: Mapped[UUID] = mapped_column(ForeignKey("staff.id"), primary_key=True)
    request_id: Mapped[int] = mapped_column(
        ForeignKey("request.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    text: Mapped[str] = mapped_column(EncryptedText)
    updated_at: Mapped[datetime]


class CannedReply(Base):
    """A reply that is written often, of one centre or (without one) of all.

    The texts may name {name}, {code} and {centre}.
    """

    __tablename__ = "canned_reply"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    centre_id: Mapped[str | None] = mapped_column(ForeignKey("centre.id"), index=True)
    title: Mapped[str]
    text_km: Mapped[str]
    text_en: Mapped[str | None]
    ended_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
