"""Forms about staff: all that cannot be kept is told at once, each fault beside its field.

Whoever adds a colleague should not send the form four times to learn of four mistakes, and a form
that comes again, since its answer was lost on the way, should lead to whom it has added.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import STAFF_ROLES, Account, Centre, Staff
from services import accounts, staff
from services.accounts.authority import check_may_manage
from services.accounts.holding import fold_username, hold_account, is_usable
from services.accounts.journal import note
from services.errors import (
    ChangedMeanwhile,
    DomainError,
    EmptyText,
    TextTooLong,
    UnusableForm,
)

ALL_CENTRES: Final = "all"
FAULTS: Final = ("missing", "long", "namesake", "username", "username_taken", "role", "centre")


@dataclass(frozen=True, slots=True)
class StaffForm:
    """What stands in a form, as it was typed; `centre` is an id, ALL_CENTRES, or not chosen yet."""

    name: str = field(default="", repr=False)
    username: str = ""
    role: str = ""
    centre: str = ""


class AlreadyAdded(DomainError):  # noqa: N818 - the same form came again
    """Somebody of this name and username waits for their link to be used: `staff_id`."""

    def __init__(self, staff_id: UUID) -> None:
        self.staff_id = staff_id
        super().__init__("this was added before")


async def add(
    session: AsyncSession, form: StaffForm, *, by: UUID, now: datetime
) -> tuple[Staff, str]:
    """Somebody new, and the token of the link by which they get in.

    Raises UnusableForm, AlreadyAdded and NotAllowed.
    """
    await check_may_manage(session, by)
    faults = {
        "name": await _find_fault_of_name(session, form.name),
        "username": await _find_fault_of_username(session, form.username),
        **await _list_faults_of_role(session, form),
    }
    if faults["name"] == "namesake" and faults["username"] == "username_taken":
        await _check_is_new(session, form)
    _refuse(faults)
    person = await staff.add(session, form.name, form.role, _centre_id(form), by=by, now=now)
    return person, await accounts.invite(session, person, form.username, by=by, now=now)


async def rename(
    session: AsyncSession,
    person: Staff,
    form: StaffForm,
    *,
    by: UUID,
    now: datetime,
) -> None:
    """Correct name and username; with another username they sign in anew.

    Who has no account yet keeps none. Of themselves administrators correct the name alone: nobody
    else might be there to let them in again. Raises UnusableForm, NotAllowed, and ChangedMeanwhile
    for who has left.
    """
    await check_may_manage(session, by)
    await session.refresh(person, with_for_update=True)
    if person.ended_at is not None:
        raise ChangedMeanwhile
    account = None if person.id == by else await hold_account(session, person.id)
    faults = {"name": await _find_fault_of_name(session, form.name, person)}
    if account is not None:
        faults["username"] = await _find_fault_of_username(session, form.username, person)
    _refuse(faults)
    await staff.set_name(session, person, form.name, by=by, now=now)
    if account is not None:
        await _set_username(session, account, fold_username(form.username), by=by, now=now)


async def check_role(session: AsyncSession, form: StaffForm) -> str | None:
    """The centre of who has this role; None: they work for all. Raises UnusableForm."""
    _refuse(await _list_faults_of_role(session, form))
    return _centre_id(form)


async def _set_username(
    session: AsyncSession, account: Account, username: str, *, by: UUID, now: datetime
) -> None:
    if account.username == username:
        return
    account.username = username
    account.updated_at = now
    await session.flush()
    await accounts.end_all(session, account.staff_id, now=now)
    await note(session, "changed", account.staff_id, by=by, fields=["username"], now=now)


async def _check_is_new(session: AsyncSession, form: StaffForm) -> None:
    """Raises AlreadyAdded."""
    namesake = await staff.get_by_name(session, form.name)
    account = await session.get(Account, namesake.id, populate_existing=True)
    if account is None or account.username != fold_username(form.username):
        return
    if account.password_hash is None:
        raise AlreadyAdded(namesake.id)


async def _find_fault_of_name(
    session: AsyncSession, typed: str, person: Staff | None = None
) -> str | None:
    try:
        name = staff.read_name(typed)
    except EmptyText:
        return "missing"
    except TextTooLong:
        return "long"
    namesake = await staff.find_by_name(session, name)
    return None if namesake is None or namesake is person else "namesake"


async def _find_fault_of_username(
    session: AsyncSession, typed: str, person: Staff | None = None
) -> str | None:
    username = fold_username(typed)
    if not username:
        return "missing"
    if not is_usable(username):
        return "username"
    holder = await session.scalar(select(Account.staff_id).where(Account.username == username))
    is_free = holder is None or (person is not None and holder == person.id)
    return None if is_free else "username_taken"


async def _list_faults_of_role(session: AsyncSession, form: StaffForm) -> Mapping[str, str | None]:
    if form.role not in STAFF_ROLES:
        return {"role": "role", "centre": None if form.centre else "centre"}
    centre_id = _centre_id(form)
    if form.role in staff.OF_ALL_CENTRES:
        return {}
    is_there = centre_id is not None and await session.get(Centre, centre_id) is not None
    return {"centre": None if is_there else "centre"}


def _centre_id(form: StaffForm) -> str | None:
    for_all = form.role in staff.OF_ALL_CENTRES or form.centre in ("", ALL_CENTRES)
    return None if for_all else form.centre


def _refuse(faults: Mapping[str, str | None]) -> None:
    """Raises UnusableForm, if there is any."""
    found = {name: fault for name, fault in faults.items() if fault is not None}
    if found:
        raise UnusableForm(found)
