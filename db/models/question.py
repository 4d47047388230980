"""Questions that we ask outside any dialog, and that may be answered months later."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, Text, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base


class Question(Base):
    """One question to one address.

    On Telegram its buttons carry its id; by SMS its options are named by `letter` and number
    (K1, K2), since a bare number answers the last screen. Of two questions of an address with the
    same letter the later one counts.
    """

    __tablename__ = "question"
    __table_args__ = (Index("ix_question_letter", "address_id", "letter", "id"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    address_id: Mapped[int] = mapped_column(ForeignKey("address.id", ondelete="CASCADE"))
    letter: Mapped[str]
    kind: Mapped[str]
    options: Mapped[list[str]] = mapped_column(ARRAY(Text))
    request_id: Mapped[int | None] = mapped_column(
        ForeignKey("request.id", ondelete="CASCADE"), index=True
    )
    asked_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    answered_at: Mapped[datetime | None]
    answer: Mapped[str | None]
