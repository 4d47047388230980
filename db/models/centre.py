"""The Migrant Worker Resource Centres and the places whose people each of them serves."""

from datetime import date, datetime
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
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base


class Centre(Base):
    """A centre. Exactly one takes the people whose home belongs to no centre's area.

    The id is a word rather than a number because row-level security compares it with a
    connection setting, where 'all' means the system's own processes. `hours` are the opening hours
    by day ({"mon": [["08:00", "12:00"], ["13:30", "17:00"]], …}); None until the centre told them.
    `closed_hours` are in the same form what stands behind the ticks "closed", to open again by.
    The short names are for where one chooses among centres; `phone_e164` is where agencies answer.
    Each is None until it is told.
    """

    __tablename__ = "centre"
    __table_args__ = (
        CheckConstraint("id ~ '^[a-z][a-z-]*$' AND id <> 'all'", "id"),
        Index(
            "uq_centre_takes_rest",
            "takes_rest",
            unique=True,
            postgresql_where=text("takes_rest"),
        ),
        CheckConstraint("phone_e164 ~ '^\\+?[0-9]+$'", "phone_e164"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    name_km: Mapped[str]
    name_en: Mapped[str]
    takes_rest: Mapped[bool] = mapped_column(server_default=text("false"))
    to_confirm: Mapped[str | None]
    hours: Mapped[dict[str, list[list[str]]] | None] = mapped_column(JSONB)
    closed_hours: Mapped[dict[str, list[list[str]]] | None] = mapped_column(JSONB)
    short_km: Mapped[str | None]
    short_en: Mapped[str | None]
    phone_e164: Mapped[str | None]

    def name(self, language: str) -> str:
        """English for any language but Khmer."""
        return self.name_km if language == "km" else self.name_en

    def short_name(self, language: str) -> str:
        """The same where one chooses: the whole name as long as there is no short one."""
        return (self.short_km if language == "km" else self.short_en) or self.name(language)


class CentreArea(Base):
    """A place (of any level) whose people go to a centre; the most exact place wins."""

    __tablename__ = "centre_area"

    place_code: Mapped[str] = mapped_column(ForeignKey("place.code"), primary_key=True)
    centre_id: Mapped[str] = mapped_column(ForeignKey("centre.id"), index=True)


class ClosedDay(Base):
    """A day that is otherwise than the calendar of holidays says.

    Without a centre it is so for all: an additional holiday (closed), or one that the government
    has moved away (`is_open`; its name is the calendar's). With one, that centre is closed then.
    """

    __tablename__ = "closed_day"
    __table_args__ = (
        UniqueConstraint("day", "centre_id", postgresql_nulls_not_distinct=True),
        CheckConstraint("is_open = (label IS NULL)", "label"),
        CheckConstraint("NOT is_open OR centre_id IS NULL", "is_open"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    day: Mapped[date]
    centre_id: Mapped[str | None] = mapped_column(ForeignKey("centre.id"), index=True)
    is_open: Mapped[bool]
    label: Mapped[str | None]
    made_by: Mapped[UUID] = mapped_column(ForeignKey("staff.id"))
    created_at: Mapped[datetime]


class Installation(Base):
    """One row: the name of this database among all that may share a folder or a bucket of files."""

    __tablename__ = "installation"
    __table_args__ = (CheckConstraint("is_only", "is_only"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=text("gen_random_uuid()"))
    is_only: Mapped[bool] = mapped_column(unique=True, server_default=text("true"))
