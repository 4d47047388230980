"""Provinces, districts and communes, as the registrations refer to them."""

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base


class Place(Base):
    """One place of the gazetteer; its code begins with its parent's code."""

    __tablename__ = "place"
    __table_args__ = (CheckConstraint("level IN ('province', 'district', 'commune')", "level"),)

    code: Mapped[str] = mapped_column(primary_key=True)
    parent: Mapped[str | None] = mapped_column(ForeignKey("place.code"), index=True)
    level: Mapped[str]
    name_km: Mapped[str]
    name_en: Mapped[str]
    kind_km: Mapped[str]
    kind_en: Mapped[str]


class LoadedFile(Base):
    """What was loaded from which data file: an unchanged file is not loaded again."""

    __tablename__ = "loaded_file"

    name: Mapped[str] = mapped_column(primary_key=True)
    digest: Mapped[str]
