"""Who looked at what and changed what: ids and names of fields, never a value."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, Identity, Index, Text, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base

ACTORS = ("person", "staff", "system")


class AuditRow(Base):
    """One act. Rows are only ever added, and outlive whom they speak of: they hold no foreign key.

    `actor_id` and `subject_id` are ids of ours, as text; `fields` names columns. `centre` is where
    the member of staff worked at that time who did it, or as whom somebody tried to sign in.
    """

    __tablename__ = "audit"
    __table_args__ = (
        CheckConstraint("actor IN ('person', 'staff', 'system')", "actor"),
        Index("ix_audit_subject", "subject", "subject_id"),
        Index("ix_audit_actor", "actor_id", "id"),
        Index("ix_audit_kind", "actor", "action", "subject", "id"),
        Index("ix_audit_at", "at"),
        Index("ix_audit_centre", "centre", "id", postgresql_where=text("centre IS NOT NULL")),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    actor: Mapped[str]
    actor_id: Mapped[str | None]
    action: Mapped[str]
    subject: Mapped[str]
    subject_id: Mapped[str | None]
    fields: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    centre: Mapped[str | None]
