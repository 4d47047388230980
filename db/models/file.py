"""What people sent besides words.

The bytes lie outside the database, sealed, under random names.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from db.crypto import EncryptedText
from db.models.base import Base


class File(Base):
    """A voice message, a photo or a document of a request; or an export, without a request.

    `state`: *waiting* to be fetched from the carrier (`source`, gone afterwards), *kept* under
    `stored_name`, *refused* for what it is (`reason`), or *lost* at the carrier. `expires_at` is
    when an export is deleted again.
    """

    __tablename__ = "file"
    __table_args__ = (
        ForeignKeyConstraint(
            ["request_id", "centre_id"],
            ["request.id", "request.centre_id"],
            onupdate="CASCADE",
            ondelete="CASCADE",
        ),
        CheckConstraint("kind IN ('voice', 'audio', 'video', 'photo', 'document')", "kind"),
        CheckConstraint("state IN ('waiting', 'kept', 'refused', 'lost')", "state"),
        CheckConstraint("(state = 'kept') = (stored_name IS NOT NULL)", "kept_has_name"),
        CheckConstraint("(request_id IS NULL) = (centre_id IS NULL)", "request_has_centre"),
        Index("ix_file_request_id", "request_id"),
        Index("ix_file_expires_at", "expires_at", postgresql_where=text("expires_at IS NOT NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=text("gen_random_uuid()"))
    centre_id: Mapped[str | None]
    request_id: Mapped[int | None] = mapped_column(BigInteger)
    address_id: Mapped[int] = mapped_column(
        ForeignKey("address.id", ondelete="CASCADE"), index=True
    )
    kind: Mapped[str]
    state: Mapped[str]
    reason: Mapped[str | None]
    source: Mapped[str | None] = mapped_column(EncryptedText)
    stored_name: Mapped[str | None] = mapped_column(unique=True)
    media_type: Mapped[str | None]
    size: Mapped[int | None] = mapped_column(Integer)
    duration_s: Mapped[int | None] = mapped_column(Integer)
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    expires_at: Mapped[datetime | None]
