"""Those who answer: the staff of the centres."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, text
from sqlalchemy.orm import Mapped, mapped_column

from db.crypto import EncryptedText
from db.models.base import Base

STAFF_ROLES = ("case_worker", "safety_focal_point", "centre_manager", "administrator", "auditor")


class Staff(Base):
    """Somebody who works for a centre, or (without one) for all of them.

    A row is never deleted, since requests name it; `ended_at` says that the role is over.
    """

    __tablename__ = "staff"
    __table_args__ = (
        CheckConstraint(
            "role IN ('case_worker', 'safety_focal_point', 'centre_manager',"
            " 'administrator', 'auditor')",
            "role",
        ),
        CheckConstraint(
            "centre_id IS NOT NULL OR role IN ('administrator', 'auditor')", "has_centre"
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=text("gen_random_uuid()"))
    name: Mapped[str] = mapped_column(EncryptedText)
    role: Mapped[str]
    centre_id: Mapped[str | None] = mapped_column(ForeignKey("centre.id"), index=True)
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    ended_at: Mapped[datetime | None]
