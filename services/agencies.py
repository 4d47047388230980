"""The agencies to which people can be referred: who they are, what for, where, under which number.

A wrong number sends somebody in need to nobody, or to a stranger. So a number is a fact only with
the day on which one of ours called it, and only for as long as such a day says something.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, Literal
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import Agency
from db.models.referral import PURPOSES
from services import audit, khmer, phone_numbers
from services.accounts.types import Visitor
from services.agency_form import AgencyForm, read
from services.errors import ChangedMeanwhile, DomainError, NotAllowed, UnusableForm
from services.office_hours import day_of
from services.referrals import unsent
from services.staff_names import list_names

__all__ = [
    "PURPOSES",
    "STALE_AFTER",
    "AgencyForm",
    "AgencyLine",
    "AgencyNotFound",
    "PhoneState",
    "display_phone",
    "end",
    "get",
    "list_by_id",
    "list_ended",
    "list_for",
    "may_keep",
    "save",
    "take_up",
]

PhoneState = Literal["none", "unconfirmed", "confirmed", "stale"]

STALE_AFTER: Final = timedelta(days=180)
_KEEPER: Final = "administrator"


class AgencyNotFound(DomainError):  # noqa: N818
    """There is no agency of this id."""


@dataclass(frozen=True, slots=True)
class AgencyLine:
    """An agency as the desk and referrals read it.

    `fits` says that it helps with what was asked for, there. `confirmed_by` is the name of who
    called the number. `updated_at` is the version that `save` wants back.
    """

    id: int
    name_km: str
    name_en: str
    purposes: Sequence[str]
    places: Sequence[str]
    phone: str | None
    confirmed_on: date | None
    confirmed_by: str | None
    note: str | None
    is_sensitive: bool
    is_demo: bool
    is_ended: bool
    updated_at: datetime
    fits: bool = True

    def name(self, language: str) -> str:
        """English for any language but Khmer."""
        return self.name_km if language == "km" else self.name_en

    def phone_state(self, now: datetime) -> PhoneState:
        """How much the number can be relied on."""
        if self.phone is None:
            return "none"
        if self.confirmed_on is None:
            return "unconfirmed"
        is_stale = self.confirmed_on + STALE_AFTER < day_of(now)
        return "stale" if is_stale else "confirmed"

    def phone_for_message(self, now: datetime) -> str | None:
        """The number, as far as it may be told to a person."""
        return self.phone if self.phone_state(now) == "confirmed" else None

    def name_for_message(self, language: str) -> str | None:
        """The name, as far as a message may hold it: None of a sensitive one."""
        return None if self.is_sensitive else self.name(language)


def display_phone(phone: str) -> str:
    """As people read it: "012 345 678", a short code as it is."""
    return phone_numbers.display(phone) if phone.startswith("+") else phone


def may_keep(visitor: Visitor) -> bool:
    """Whether they say which agencies there are."""
    return visitor.role == _KEEPER


async def list_for(
    session: AsyncSession, purpose: str | None = None, place_code: str | None = None
) -> Sequence[AgencyLine]:
    """All to whom people can be referred: those that fit purpose and place first, then by name.

    `place_code` is where the person lives, a code of any level. None asks for nothing.
    """
    query = select(Agency).where(Agency.ended_at.is_(None))
    found = (await session.scalars(query)).all()
    names = await list_names(session, {agency.confirmed_by for agency in found})
    lines = [_line(agency, names, _fits(agency, purpose, place_code)) for agency in found]
    return sorted(lines, key=lambda line: (not line.fits, *_order(line)))


async def list_ended(session: AsyncSession) -> Sequence[AgencyLine]:
    """Those to whom nobody is referred any more, by name."""
    query = select(Agency).where(Agency.ended_at.is_not(None))
    found = (await session.scalars(query)).all()
    names = await list_names(session, {agency.confirmed_by for agency in found})
    return sorted([_line(agency, names) for agency in found], key=_order)


async def get(session: AsyncSession, agency_id: int) -> AgencyLine:
    """The agency of this id, ended or not. Raises AgencyNotFound."""
    agency = await session.get(Agency, agency_id, populate_existing=True)
    if agency is None:
        raise AgencyNotFound
    return _line(agency, await list_names(session, {agency.confirmed_by}))


async def list_by_id(session: AsyncSession, ids: Collection[int]) -> Mapping[int, AgencyLine]:
    """Those of these ids, ended or not."""
    query = select(Agency).where(Agency.id.in_(ids)).execution_options(populate_existing=True)
    found = (await session.scalars(query)).all() if ids else ()
    names = await list_names(session, {agency.confirmed_by for agency in found})
    return {agency.id: _line(agency, names) for agency in found}


async def save(
    session: AsyncSession,
    visitor: Visitor,
    agency_id: int | None,
    form: AgencyForm,
    *,
    seen: datetime | None,
    now: datetime,
) -> AgencyLine:
    """A new agency (without an id), or what is known of one now.

    `seen` is the `updated_at` that the form was made from. The same form again changes nothing.
    Raises NotAllowed, AgencyNotFound, ChangedMeanwhile, and UnusableForm: name_km (missing, long,
    taken), name_en (missing, long), purposes (missing, unknown), places (unknown), phone (number),
    confirmed_on (future, other_number), note (long).
    """
    _check_keeper(visitor)
    before = None if agency_id is None else await _hold(session, agency_id)
    told = read(form, before, today=day_of(now))
    if before is None:
        agency = await _add(session, visitor, told, now)
    else:
        agency = before
        await _change(session, visitor, agency, told, seen=seen, now=now)
    return _line(agency, await list_names(session, {agency.confirmed_by}))


async def end(session: AsyncSession, visitor: Visitor, agency_id: int, *, now: datetime) -> None:
    """Refer nobody there any more; ended twice, it is ended once.

    Raises NotAllowed and AgencyNotFound.
    """
    _check_keeper(visitor)
    agency = await _hold(session, agency_id)
    if agency.ended_at is None:
        agency.ended_at = agency.updated_at = now
        await unsent.withhold_of_agency(session, agency.id)
        await _note(session, visitor, "ended", agency, ("ended_at",), now=now)


async def take_up(
    session: AsyncSession, visitor: Visitor, agency_id: int, *, now: datetime
) -> None:
    """People can be referred there again. Raises NotAllowed and AgencyNotFound."""
    _check_keeper(visitor)
    agency = await _hold(session, agency_id)
    if agency.ended_at is not None:
        agency.ended_at = None
        agency.updated_at = now
        await _note(session, visitor, "changed", agency, ("ended_at",), now=now)


# What is kept


async def _hold(session: AsyncSession, agency_id: int) -> Agency:
    agency = await session.get(Agency, agency_id, with_for_update=True, populate_existing=True)
    if agency is None:
        raise AgencyNotFound
    return agency


async def _add(
    session: AsyncSession, visitor: Visitor, told: dict[str, object], now: datetime
) -> Agency:
    """The name decides which of two that come at once is the first."""
    values = told | {"created_at": now, "updated_at": now}
    if told["confirmed_on"] is not None:
        values["confirmed_by"] = visitor.staff_id
    new = insert(Agency).values(values).on_conflict_do_nothing(index_elements=[Agency.name_km])
    added = (await session.execute(new.returning(Agency.id))).scalar_one_or_none()
    agency = (await session.scalars(select(Agency).where(Agency.name_km == told["name_km"]))).one()
    if added is not None:
        await _note(session, visitor, "added", agency, sorted(told), now=now)
    elif agency.ended_at is not None or _changed(agency, told):
        raise UnusableForm({"name_km": "taken"})
    return agency


async def _change(
    session: AsyncSession,
    visitor: Visitor,
    agency: Agency,
    told: dict[str, object],
    *,
    seen: datetime | None,
    now: datetime,
) -> None:
    changed = _changed(agency, told)
    if not changed:
        return
    if agency.updated_at != seen:
        raise ChangedMeanwhile
    if {"phone_e164", "confirmed_on"} & set(changed):
        agency.confirmed_by = None if told["confirmed_on"] is None else visitor.staff_id
    try:
        async with session.begin_nested():
            for column in changed:
                setattr(agency, column, told[column])
            agency.updated_at = now
    except IntegrityError:
        raise UnusableForm({"name_km": "taken"}) from None
    if "is_sensitive" in changed or {"name_km", "name_en"} <= set(changed):
        await unsent.withhold_of_agency(session, agency.id)
    await _note(session, visitor, "changed", agency, changed, now=now)


def _changed(agency: Agency, told: dict[str, object]) -> Sequence[str]:
    return [column for column, value in told.items() if getattr(agency, column) != value]


def _check_keeper(visitor: Visitor) -> None:
    if not may_keep(visitor):
        raise NotAllowed


async def _note(
    session: AsyncSession,
    visitor: Visitor,
    action: str,
    agency: Agency,
    fields: Sequence[str],
    *,
    now: datetime,
) -> None:
    await audit.record_by(
        session,
        by=visitor.staff_id,
        action=action,
        subject="agency",
        subject_id=agency.id,
        fields=fields,
        now=now,
    )


# What is shown


def _line(agency: Agency, names: Mapping[UUID, str], fits: bool = True) -> AgencyLine:
    return AgencyLine(
        id=agency.id,
        name_km=agency.name_km,
        name_en=agency.name_en,
        purposes=tuple(agency.purposes),
        places=tuple(agency.places),
        phone=agency.phone_e164,
        confirmed_on=agency.confirmed_on,
        confirmed_by=None if agency.confirmed_by is None else names.get(agency.confirmed_by),
        note=agency.note,
        is_sensitive=agency.is_sensitive,
        is_demo=agency.is_demo,
        is_ended=agency.ended_at is not None,
        updated_at=agency.updated_at,
        fits=fits,
    )


def _fits(agency: Agency, purpose: str | None, place_code: str | None) -> bool:
    helps = purpose is None or purpose in agency.purposes
    is_there = (
        place_code is None
        or not agency.places
        or any(place_code.startswith(code) for code in agency.places)
    )
    return helps and is_there


def _order(line: AgencyLine) -> tuple[str, str]:
    return khmer.sort_key(line.name_km)
