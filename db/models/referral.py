"""The agencies to which people can be referred, what each was given with whose consent, and what of
it must be asked back."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from db.crypto import EncryptedText
from db.models.base import Base

PURPOSES = (
    "work",
    "training",
    "documents",
    "legal",
    "debt",
    "social_protection",
    "children",
    "health",
    "shelter",
    "other",
)
SHARED = ("name", "phone", "age", "sex", "home", "need")
REFERRAL_STATES = (
    "asked",
    "agreed",
    "refused",
    "given",
    "accepted",
    "declined",
    "done",
    "ended",
)
OPEN_REFERRAL_STATES = ("asked", "agreed", "given", "accepted")
CONSENTS = ("message", "told")
RECALLED_FOR = ("taken_back", "deleted")
RECALLED_BY = ("phone", "in_person", "email", "paper")


class Agency(Base):
    """An organisation outside that helps with something.

    `places` are the codes of those whose people it serves; none means the whole kingdom. `phone` is
    a fact only with the day on which somebody of ours confirmed it. One that is sensitive is never
    named in a message: its name alone would tell others why somebody was written to.
    """

    __tablename__ = "agency"
    __table_args__ = (CheckConstraint("phone_e164 ~ '^\\+?[0-9]+$'", "phone_e164"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    name_km: Mapped[str] = mapped_column(unique=True)
    name_en: Mapped[str]
    purposes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    places: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    phone_e164: Mapped[str | None]
    confirmed_on: Mapped[date | None]
    confirmed_by: Mapped[UUID | None] = mapped_column(ForeignKey("staff.id"))
    note: Mapped[str | None]
    is_sensitive: Mapped[bool] = mapped_column(server_default=text("false"))
    is_demo: Mapped[bool] = mapped_column(server_default=text("false"))
    ended_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class Referral(Base):
    """One agency for one request: what it is for, what may be told, and how far it has come.

    `shared` are those of SHARED that the person agreed to, or is asked about; `need` is what the
    agency is told of what is needed. `consent` says how they agreed: by the answer to our question
    or by telling staff (`consent_note`: when and how). `consent_version` names the words that they
    agreed to. `answer` is what the agency said last.
    """

    __tablename__ = "referral"
    __table_args__ = (
        ForeignKeyConstraint(
            ["request_id", "centre_id"],
            ["request.id", "request.centre_id"],
            onupdate="CASCADE",
            ondelete="CASCADE",
        ),
        CheckConstraint(
            "state IN ('asked', 'agreed', 'refused', 'given', 'accepted', 'declined', 'done',"
            " 'ended')",
            "state",
        ),
        CheckConstraint("consent IN ('message', 'told')", "consent"),
        # What was not agreed to is given to nobody.
        CheckConstraint(
            "state IN ('asked', 'refused', 'ended')"
            " OR (consent IS NOT NULL AND agreed_at IS NOT NULL)",
            "agreed",
        ),
        UniqueConstraint("id", "centre_id"),
        Index("ix_referral_request_id", "request_id", "id"),
        Index("ix_referral_centre_id", "centre_id"),
        Index("ix_referral_agency_id", "agency_id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    request_id: Mapped[int] = mapped_column(BigInteger)
    centre_id: Mapped[str]
    agency_id: Mapped[int] = mapped_column(ForeignKey("agency.id"))
    purpose: Mapped[str]
    shared: Mapped[list[str]] = mapped_column(ARRAY(Text))
    need: Mapped[str | None] = mapped_column(EncryptedText)
    state: Mapped[str]
    consent: Mapped[str | None]
    consent_version: Mapped[str | None]
    consent_note: Mapped[str | None] = mapped_column(EncryptedText)
    question_id: Mapped[int | None] = mapped_column(
        ForeignKey("question.id", ondelete="SET NULL"), index=True
    )
    agreed_at: Mapped[datetime | None]
    given_at: Mapped[datetime | None]
    answer: Mapped[str | None] = mapped_column(EncryptedText)
    made_by: Mapped[UUID] = mapped_column(ForeignKey("staff.id"))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class Recall(Base):
    """An agency that must be asked to delete what it has got of somebody.

    It outlives them: of a person who deleted everything there is only the code under which the
    agency knows them. `reason` is one of RECALLED_FOR. Who told the agency (`done_by`), on which
    day and how (RECALLED_BY), comes all at once; `done_at` is when that was noted.
    """

    __tablename__ = "recall"
    __table_args__ = (
        # It goes with its request to another centre, and stays when that is deleted.
        ForeignKeyConstraint(
            ["referral_id", "centre_id"],
            ["referral.id", "referral.centre_id"],
            onupdate="CASCADE",
            ondelete="SET NULL (referral_id)",
        ),
        CheckConstraint("reason IN ('taken_back', 'deleted')", "reason"),
        CheckConstraint("done_how IN ('phone', 'in_person', 'email', 'paper')", "done_how"),
        CheckConstraint("num_nulls(done_on, done_how, done_by, done_at) IN (0, 4)", "done"),
        CheckConstraint("done_on >= arose_on", "done_on"),
        UniqueConstraint("referral_id"),
        Index(
            "ix_recall_open",
            "centre_id",
            "arose_on",
            "id",
            postgresql_where=text("done_at IS NULL"),
        ),
        Index("ix_recall_agency_id", "agency_id"),
        Index("ix_recall_done_by", "done_by"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    centre_id: Mapped[str] = mapped_column(ForeignKey("centre.id"))
    agency_id: Mapped[int] = mapped_column(ForeignKey("agency.id"))
    referral_id: Mapped[int | None] = mapped_column(BigInteger)
    code: Mapped[str]
    reason: Mapped[str]
    arose_on: Mapped[date]
    done_on: Mapped[date | None]
    done_how: Mapped[str | None]
    done_by: Mapped[UUID | None] = mapped_column(ForeignKey("staff.id"))
    done_at: Mapped[datetime | None]
