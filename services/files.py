"""Files of requests: fetched, checked, sealed, and shown only to those who may see them.

The row says what became of a file, the store holds its bytes. A row without bytes is told to whom
it concerns; bytes without a row (a crash between the two) are swept up after a day.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from db.models import File, Request, Staff
from services import addresses, audit, jobs
from services.errors import DomainError, NotAllowed
from services.file_store import FileMissing, FileStore, FileStoreError
from services.file_types import (
    MAX_BYTES,
    REASONS,
    SUFFIXES,
    TOO_BIG,
    CheckedFile,
    RefusedFile,
    check_file,
)

WAITING = "waiting"
KEPT = "kept"
REFUSED = "refused"
LOST = "lost"

MOST_A_DAY = 60
"""Files of one address in 24 hours: enough for every paper, and no way to fill a disk."""
TOO_MANY = "too_many"
SWEEP_AFTER = timedelta(days=1)
FEW_ORPHANS = 100
PLAUSIBLE_PART = 20
OWN_CENTRE_ROLES = ("case_worker", "safety_focal_point", "centre_manager")

__all__ = [
    "KEPT",
    "LOST",
    "MAX_BYTES",
    "REASONS",
    "REFUSED",
    "TOO_BIG",
    "TOO_MANY",
    "WAITING",
    "FileNotFound",
    "ImplausibleSweep",
    "KeptFile",
]


class FileNotFound(DomainError):  # noqa: N818
    """No such file, or nothing of it was kept, or it is not the asker's own."""


class ImplausibleSweep(DomainError):  # noqa: N818 - what was found, not what went wrong
    """Far more files without a row than crashes leave: an older database was put back, perhaps."""

    def __init__(self, orphans: int, count: int) -> None:
        super().__init__(f"no row knows of {orphans} of {count} files")
        self.orphans = orphans
        self.count = count


@dataclass(frozen=True, slots=True)
class KeptFile:
    """A file as it is shown; `name` is made here, never by whoever sent it."""

    data: bytes
    media_type: str
    name: str


_one_at_a_time = Lock()


async def find_source(session: AsyncSession, file_id: UUID) -> str | None:
    """What the carrier calls a file that still has to be fetched."""
    query = select(File.source).where(File.id == file_id, File.state == WAITING)
    source: str | None = await session.scalar(query)
    return source


async def has_room(session: AsyncSession, file_id: UUID) -> bool:
    """Whether the address of a file has sent few enough before it on that day."""
    this, before = aliased(File), aliased(File)
    earlier = (
        select(func.count())
        .select_from(this)
        .join(before, before.address_id == this.address_id)
        .where(
            this.id == file_id,
            before.id != this.id,
            before.created_at.between(this.created_at - timedelta(days=1), this.created_at),
            before.state != REFUSED,
        )
    )
    return (await session.execute(earlier)).scalar_one() < MOST_A_DAY


async def keep(session: AsyncSession, store: FileStore, file_id: UUID, data: bytes) -> File | None:
    """Check what was fetched and keep it, or refuse it: the file's state and reason then say so.

    Nothing is held while the store takes the bytes: a bucket may be slow. None when nobody waits
    for them any more: the file was handled before, or the person deleted everything meanwhile.
    Raises FileStoreError.
    """
    try:
        checked = await _check(data)
    except RefusedFile as refusal:
        return await refuse(session, file_id, refusal.reason)
    name = await store.put(checked.data)
    file = await _hold_waiting(session, file_id)
    if file is None:
        await drop(store, name)
        return None
    file.stored_name = name
    file.media_type = checked.media_type
    file.size = len(checked.data)
    return _end(file, KEPT)


async def drop(store: FileStore, name: str) -> None:
    """Delete what nobody wants after all; when the store does not answer, `sweep` will do it."""
    with suppress(FileStoreError):
        await store.delete([name])


async def _hold_waiting(session: AsyncSession, file_id: UUID) -> File | None:
    """A file that still has to be fetched, and before it its address, as in every deletion."""
    address_id = await session.scalar(select(File.address_id).where(File.id == file_id))
    if address_id is None or await addresses.lock(session, address_id) is None:
        return None
    query = (
        select(File)
        .where(File.id == file_id, File.state == WAITING)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return (await session.scalars(query)).one_or_none()


async def refuse(session: AsyncSession, file_id: UUID, reason: str) -> File | None:
    """Say that a file will never be kept (REASONS or TOO_MANY), as of one too big to be fetched."""
    file = await _hold_waiting(session, file_id)
    return None if file is None else _end(file, REFUSED, reason)


async def lose(session: AsyncSession, file_id: UUID, reason: str) -> File | None:
    """Say that the carrier no longer has a file, or did not give it in spite of all attempts.

    What the carrier calls it stays for a while, for another try by `retry`.
    """
    file = await _hold_waiting(session, file_id)
    return None if file is None else _end(file, LOST, reason)


async def retry(session: AsyncSession, ids: Sequence[UUID]) -> set[UUID]:
    """Let lost files be fetched again; returns those that will be."""
    again = (
        update(File)
        .where(File.id.in_(ids), File.state == LOST, File.source.is_not(None))
        .values(state=WAITING, reason=None)
        .returning(File.id)
    )
    found = set((await session.scalars(again)).all())
    for file_id in found:
        await jobs.defer(session, jobs.FETCH_FILE, file_id=file_id)
    return found


async def _check(data: bytes) -> CheckedFile:
    return await asyncio.to_thread(_check_alone, data)


def _check_alone(data: bytes) -> CheckedFile:
    """Never two at once: one decoded picture may take 300 MB."""
    with _one_at_a_time:
        return check_file(data)


def _end(file: File, state: str, reason: str | None = None) -> File:
    file.state = state
    file.reason = reason
    if state != LOST:
        file.source = None
    return file


async def add_export(
    session: AsyncSession,
    address_id: int,
    name: str,
    *,
    size: int,
    media_type: str,
    now: datetime,
    lasts: timedelta,
) -> File:
    """A file that was made for somebody and lies under `name`; it goes again after `lasts`."""
    file = File(
        address_id=address_id,
        kind="document",
        state=KEPT,
        stored_name=name,
        media_type=media_type,
        size=size,
        created_at=now,
        expires_at=now + lasts,
    )
    session.add(file)
    await session.flush()
    return file


async def read(
    session: AsyncSession, store: FileStore, staff: Staff, file_id: UUID, *, now: datetime
) -> KeptFile:
    """Show a file of a request to a member of staff, and write down that they saw it.

    Raises FileNotFound, NotAllowed or FileStoreError.
    """
    query = select(File, Request.owner_id).outerjoin(Request).where(File.id == file_id)
    found = (await session.execute(query)).one_or_none()
    if found is None:
        raise FileNotFound("no such file")
    file, owner_id = found
    if not may_read(staff, file, owner_id):
        raise NotAllowed("this file is not for this member of staff")
    kept = await _open(store, file)
    await audit.record_by(
        session,
        by=staff.id,
        action="read",
        subject="file",
        subject_id=str(file.id),
        now=now,
    )
    return kept


def may_read(staff: Staff, file: File, owner_id: UUID | None) -> bool:
    """Own centre; administrators what they answer for themselves; auditors and the gone nothing."""
    if staff.ended_at is not None or file.request_id is None:
        return False
    if staff.role == "administrator":
        return owner_id == staff.id
    return staff.role in OWN_CENTRE_ROLES and staff.centre_id == file.centre_id


async def read_own_files(
    store: FileStore, own: Sequence[File], *, most_bytes: int
) -> dict[UUID, KeptFile]:
    """The kept ones among files of requests, by id, as long as all together stay within the limit.

    `own` must be files of the one person who will see them. What is missing in the store is left
    out. Raises FileStoreError.
    """
    found: dict[UUID, KeptFile] = {}
    left = most_bytes
    for file in own:
        if file.state != KEPT or file.request_id is None or (file.size or 0) > left:
            continue
        with suppress(FileNotFound):
            found[file.id] = await _open(store, file)
            left -= file.size or 0
    return found


async def read_to_send(session: AsyncSession, store: FileStore, file_id: UUID) -> KeptFile:
    """What a message carries to its person. Raises FileNotFound or FileStoreError."""
    file = await session.get(File, file_id)
    if file is None:
        raise FileNotFound("no such file")
    return await _open(store, file)


async def _open(store: FileStore, file: File) -> KeptFile:
    if file.stored_name is None or file.media_type is None:
        raise FileNotFound("nothing of this file was kept")
    try:
        data = await store.get(file.stored_name)
    except FileMissing as error:
        raise FileNotFound(str(error)) from None
    name = f"{file.kind}-{file.id.hex[:8]}{SUFFIXES.get(file.media_type, '')}"
    return KeptFile(data, file.media_type, name)


async def forget_expired(session: AsyncSession, *, now: datetime) -> list[str]:
    """Delete the rows of exports whose time is over; returns the names to delete in the store."""
    gone = delete(File).where(File.expires_at <= now).returning(File.stored_name)
    return [name for name in await session.scalars(gone) if name is not None]


async def sweep(session: AsyncSession, store: FileStore, *, now: datetime) -> int:
    """Delete bytes that no row knows of; returns how many.

    Young ones are left alone: the transaction that names them may still be open. Raises
    FileStoreError, or ImplausibleSweep and then nothing is deleted.
    """
    count, orphans = 0, set[str]()
    async for page in store.list_pages():
        count += len(page)
        old = {stored.name for stored in page if stored.modified_at < now - SWEEP_AFTER}
        query = select(File.stored_name).where(File.stored_name.in_(old))
        orphans |= old - set(await session.scalars(query))
    if len(orphans) > max(FEW_ORPHANS, count // PLAUSIBLE_PART):
        raise ImplausibleSweep(len(orphans), count)
    await store.delete(orphans)
    return len(orphans)
