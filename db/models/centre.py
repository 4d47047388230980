"""The Migrant Worker Resource Centres and the places whose people each of them serves."""

from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base


class Centre(Base):
    """A centre. Exactly one takes the people whose home belongs to no centre's area.

    The id is a word rather than a number because row-level security compares it with a
    connection setting, where 'all' means the system's own processes. `hours` are the opening hours
    by day ({"mon": [["08:00", "12:00"], ["13:30", "17:00"]], …}); None until the centre told them.
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
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    name_km: Mapped[str]
    name_en: Mapped[str]
    takes_rest: Mapped[bool] = mapped_column(server_default=text("false"))
    to_confirm: Mapped[str | None]
    hours: Mapped[dict[str, list[list[str]]] | None] = mapped_column(JSONB)


class CentreArea(Base):
    """A place (of any level) whose people go to a centre; the most exact place wins."""

    __tablename__ = "centre_area"

    place_code: Mapped[str] = mapped_column(ForeignKey("place.code"), primary_key=True)
    centre_id: Mapped[str] = mapped_column(ForeignKey("centre.id"), index=True)


class Installation(Base):
    """One row: the name of this database among all that may share a folder or a bucket of files."""

    __tablename__ = "installation"
    __table_args__ = (CheckConstraint("is_only", "is_only"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=text("gen_random_uuid()"))
    is_only: Mapped[bool] = mapped_column(unique=True, server_default=text("true"))
