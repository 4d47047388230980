"""Browsers that are signed in: how long, and what ends them."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, exists, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import Account, AuditRow, DeskSession, Staff
from services import audit
from services.accounts.endings import tell_end
from services.accounts.holding import hold_account
from services.accounts.journal import note
from services.accounts.tokens import hash_token, new_token
from services.accounts.types import SessionLine, Visitor
from services.errors import NotAllowed, SessionNotFound

IDLE = timedelta(minutes=30)
LONGEST = timedelta(hours=12)
# From the password to the code: enough to put an authenticator on a phone meanwhile.
UNCONFIRMED = timedelta(minutes=30)
_SEEN_EVERY = timedelta(minutes=1)
_DEVICE_LENGTH = 120
_USED_AFTER_END = "expired"


async def open_session(
    session: AsyncSession, staff_id: UUID, *, device: str, is_confirmed: bool, now: datetime
) -> tuple[DeskSession, str]:
    """A new one, and the token that its browser keeps."""
    token = new_token()
    row = DeskSession(
        token_hash=hash_token(token),
        staff_id=staff_id,
        device="".join(sign for sign in device if sign.isprintable())[:_DEVICE_LENGTH],
        confirmed_at=now if is_confirmed else None,
        created_at=now,
        last_seen_at=now,
        expires_at=now + (LONGEST if is_confirmed else UNCONFIRMED),
    )
    session.add(row)
    await session.flush()
    return row, token


async def find_visitor(session: AsyncSession, token: str, *, now: datetime) -> Visitor | None:
    """Whose session this is, and that they were here; None when it is over for any reason.

    That a session was used after its end is written down once. The caller commits, or staff who
    only read are idle after half an hour.
    """
    query = (
        select(DeskSession, Account, Staff)
        .join(Account, Account.staff_id == DeskSession.staff_id)
        .join(Staff, Staff.id == DeskSession.staff_id)
        .where(DeskSession.token_hash == hash_token(token))
        .execution_options(populate_existing=True)
    )
    found = (await session.execute(query)).one_or_none()
    if found is None:
        return None
    row, account, person = found
    if row.ended_at is not None or person.ended_at is not None or _is_late(row, now):
        await _note_use_after_end(session, row, now)
        return None
    if now - row.last_seen_at >= _SEEN_EVERY:
        row.last_seen_at = now
        await session.flush()
    return Visitor(
        staff_id=person.id,
        session_id=row.id,
        name=person.name,
        username=account.username,
        role=person.role,
        centre_id=person.centre_id,
        language=account.language,
        is_confirmed=row.confirmed_at is not None,
        has_second_factor=account.second_factor is not None,
    )


async def hold_unconfirmed(
    session: AsyncSession, session_id: UUID, *, now: datetime
) -> DeskSession | None:
    """The session that waits for its code, unless it is over or was confirmed meanwhile."""
    query = (
        select(DeskSession)
        .where(DeskSession.id == session_id, DeskSession.confirmed_at.is_(None), *_alive(now))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return await session.scalar(query)


async def hold_own(session: AsyncSession, visitor: Visitor, *, now: datetime) -> Account:
    """The account of who is signed in, kept from others until the transaction ends.

    Raises NotAllowed before the code was given, and where the session has ended meanwhile: whoever
    waited for the account may have waited for the administrator who reset it.
    """
    account = await hold_account(session, visitor.staff_id)
    still_there = exists().where(
        DeskSession.id == visitor.session_id, DeskSession.confirmed_at.is_not(None), *_alive(now)
    )
    if account is None or not await session.scalar(select(still_there)):
        raise NotAllowed
    return account


async def sign_out(session: AsyncSession, visitor: Visitor, *, now: datetime) -> None:
    """This browser is signed out; what is over already stays so."""
    await _end_one(session, visitor.session_id, "signed_out", by=visitor.staff_id, now=now)


async def list_sessions(
    session: AsyncSession, visitor: Visitor, *, now: datetime
) -> Sequence[SessionLine]:
    """Where they are signed in, the one used last first; without what waits for a code."""
    query = (
        select(DeskSession)
        .where(DeskSession.staff_id == visitor.staff_id)
        .where(DeskSession.confirmed_at.is_not(None), *_alive(now))
        .order_by(DeskSession.last_seen_at.desc(), DeskSession.created_at.desc())
    )
    return [
        SessionLine(
            id=row.id,
            device=row.device,
            created_at=row.created_at,
            last_seen_at=row.last_seen_at,
            is_own=row.id == visitor.session_id,
        )
        for row in (await session.scalars(query)).all()
    ]


async def end_session(
    session: AsyncSession, visitor: Visitor, session_id: UUID, *, now: datetime
) -> None:
    """Sign another browser of theirs out.

    Raises SessionNotFound for what is not theirs; that this was tried is committed before.
    """
    row = await session.get(DeskSession, session_id)
    if row is None or row.staff_id != visitor.staff_id:
        await audit.record_refused(session, visitor.staff_id, "desk_session", session_id, now=now)
        await session.commit()
        raise SessionNotFound
    await _end_one(session, session_id, "ended", by=visitor.staff_id, now=now)


async def end_all(session: AsyncSession, staff_id: UUID, *, now: datetime) -> None:
    """They are signed out everywhere. What ended them is in the audit, not each of them.

    Whoever signs in holds the account: a session that opens at this moment is ended, too.
    """
    await hold_account(session, staff_id)
    await session.execute(
        update(DeskSession)
        .where(DeskSession.staff_id == staff_id, DeskSession.ended_at.is_(None))
        .values(ended_at=now)
    )
    await tell_end(session, staff_id)


async def _note_use_after_end(session: AsyncSession, row: DeskSession, now: datetime) -> None:
    """Once for each session, however often its cookie is sent."""
    await session.refresh(row, with_for_update=True)
    noted = exists().where(
        AuditRow.subject == "desk_session",
        AuditRow.subject_id == str(row.id),
        AuditRow.action == _USED_AFTER_END,
    )
    if await session.scalar(select(noted)):
        return
    row.ended_at = row.ended_at or now
    await note(session, _USED_AFTER_END, row.id, by=row.staff_id, subject="desk_session", now=now)


async def _end_one(
    session: AsyncSession, session_id: UUID, action: str, *, by: UUID | None, now: datetime
) -> None:
    ended = await session.execute(
        update(DeskSession)
        .where(DeskSession.id == session_id, DeskSession.ended_at.is_(None))
        .values(ended_at=now)
        .returning(DeskSession.staff_id)
    )
    staff_id = ended.scalar_one_or_none()
    if staff_id is not None:
        await tell_end(session, staff_id)
        await note(session, action, session_id, by=by, subject="desk_session", now=now)


def _is_late(row: DeskSession, now: datetime) -> bool:
    return now >= row.expires_at or now - row.last_seen_at >= IDLE


def _alive(now: datetime) -> tuple[ColumnElement[bool], ...]:
    """The same in the database's terms, and not ended."""
    return (
        DeskSession.ended_at.is_(None),
        DeskSession.expires_at > now,
        DeskSession.last_seen_at > now - IDLE,
    )
