"""A returnee, what they look for, and what they agreed to."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    PrimaryKeyConstraint,
    SmallInteger,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from db.crypto import EncryptedText, current_keyring
from db.models.base import Base

SEXES = ("female", "male", "other", "not_said")
CURRENCIES = ("USD", "KHR")


def phone_index(e164: str) -> bytes:
    """The blind index by which people of one phone number are found."""
    return current_keyring().blind_index(f"phone:{e164}")


class Person(Base):
    """A person known to the centres. A phone number may be shared by several people.

    `home_code` is the smallest place known: a commune, else a district, else a province.
    """

    __tablename__ = "person"
    __table_args__ = (
        UniqueConstraint("id", "centre_id"),
        CheckConstraint("sex IN ('female', 'male', 'other', 'not_said')", "sex"),
        CheckConstraint("(phone IS NULL) = (phone_index IS NULL)", "phone_indexed"),
        CheckConstraint(
            "num_nulls(birth_year, birth_year_estimated, age_told_at) IN (0, 3)", "age_whole"
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=text("gen_random_uuid()"))
    centre_id: Mapped[str] = mapped_column(ForeignKey("centre.id"), index=True)
    name: Mapped[str] = mapped_column(EncryptedText)
    birth_year: Mapped[int | None] = mapped_column(SmallInteger)
    birth_year_estimated: Mapped[bool | None]
    age_told_at: Mapped[date | None]
    sex: Mapped[str]
    home_code: Mapped[str] = mapped_column(ForeignKey("place.code"), index=True)
    phone: Mapped[str | None] = mapped_column(EncryptedText)
    phone_index: Mapped[bytes | None] = mapped_column(index=True)
    is_demo: Mapped[bool] = mapped_column(server_default=text("false"))
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    updated_at: Mapped[datetime] = mapped_column(server_default=text("now()"))

    def tell_age(self, age: int, on: date) -> None:
        """Keep an age as a birth year: it goes on being right next year, give or take one."""
        self.birth_year = on.year - age
        self.birth_year_estimated = True
        self.age_told_at = on

    def set_phone(self, e164: str | None) -> None:
        self.phone = e164
        self.phone_index = None if e164 is None else phone_index(e164)


class PersonName(Base):
    """One way in which a person's name may be looked for, as a blind index.

    Rows of their own and no array of the person's: row-level security lets no index serve the
    operators of arrays (they are not leakproof), so each search would read every person. The key's
    index holds the centre too, which row-level security asks for: no search reads the rows.
    """

    __tablename__ = "person_name"
    __table_args__ = (
        ForeignKeyConstraint(
            ["person_id", "centre_id"],
            ["person.id", "person.centre_id"],
            onupdate="CASCADE",
            ondelete="CASCADE",
        ),
        PrimaryKeyConstraint("key", "person_id", postgresql_include=["centre_id"]),
        Index("ix_person_name_person_id", "person_id"),
    )

    key: Mapped[bytes]
    person_id: Mapped[UUID]
    centre_id: Mapped[str]


class Profile(Base):
    """The work that a person looks for. Empty lists mean: anywhere, any work."""

    __tablename__ = "profile"
    __table_args__ = (
        ForeignKeyConstraint(
            ["person_id", "centre_id"],
            ["person.id", "person.centre_id"],
            onupdate="CASCADE",
            ondelete="CASCADE",
        ),
        CheckConstraint("salary_currency IN ('USD', 'KHR')", "salary_currency"),
        CheckConstraint(
            "(expected_salary IS NULL) = (salary_currency IS NULL)", "salary_has_currency"
        ),
        Index("ix_profile_centre_id", "centre_id"),
    )

    person_id: Mapped[UUID] = mapped_column(primary_key=True)
    centre_id: Mapped[str]
    wanted_provinces: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    sectors: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    expected_salary: Mapped[int | None]
    salary_currency: Mapped[str | None]
    updated_at: Mapped[datetime] = mapped_column(server_default=text("now()"))


class Consent(Base):
    """One answer to one question of consent, kept until its person deletes everything.

    The latest of a purpose counts.

    A first consent is given by an address, before the person behind it is known.
    """

    __tablename__ = "consent"
    __table_args__ = (
        ForeignKeyConstraint(
            ["person_id", "centre_id"],
            ["person.id", "person.centre_id"],
            onupdate="CASCADE",
            ondelete="CASCADE",
        ),
        CheckConstraint("(person_id IS NULL) = (centre_id IS NULL)", "person_has_centre"),
        Index("ix_consent_latest", "address_id", "purpose", "id"),
        Index("ix_consent_person_id", "person_id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    address_id: Mapped[int] = mapped_column(ForeignKey("address.id", ondelete="CASCADE"))
    person_id: Mapped[UUID | None]
    centre_id: Mapped[str | None]
    purpose: Mapped[str]
    given: Mapped[bool]
    wording_version: Mapped[str]
    at: Mapped[datetime] = mapped_column(server_default=text("now()"))
