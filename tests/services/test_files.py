"""Files of requests: who may see them, that it is written down, and that they go."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from db.crypto import Keyring
from db.models import Address, AuditRow, File, Request, Staff
from services import addresses, file_types, files, my_data, requests
from services.errors import NotAllowed
from services.file_store import FileStore
from services.files import FileNotFound
from simulator.telegram.files import read_sample
from tests.support import INSTALLATION, Database

CENTRE = "pursat"
OTHER_CENTRE = "preah-vihear"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "files"


@pytest.fixture
def store(folder: Path, keyring: Keyring) -> FileStore:
    return FileStore(folder.as_uri(), keyring, INSTALLATION)


@pytest.fixture
async def address(session: AsyncSession, now: datetime) -> Address:
    return await addresses.get_or_create(session, "telegram", "42", now=now)


@pytest.fixture
async def owner(session: AsyncSession) -> Staff:
    return await make_staff(session, "administrator", None)


@pytest.fixture
async def request_(session: AsyncSession, address: Address, owner: Staff, now: datetime) -> Request:
    request = await requests.ask_for_call(session, address, now=now)
    request.owner_id = owner.id
    await session.flush()
    return request


async def make_staff(session: AsyncSession, role: str, centre: str | None) -> Staff:
    staff = Staff(name=f"{role} {centre}", role=role, centre_id=centre)
    session.add(staff)
    await session.flush()
    return staff


async def wait_for(session: AsyncSession, request: Request, kind: str = "photo") -> UUID:
    file = File(
        centre_id=request.centre_id,
        request_id=request.id,
        address_id=request.address_id,
        kind=kind,
        state=files.WAITING,
        source="file id of the carrier",
    )
    session.add(file)
    await session.flush()
    return file.id


async def keep_photo(session: AsyncSession, store: FileStore, request: Request) -> UUID:
    file_id = await wait_for(session, request)
    kept = await files.keep(session, store, file_id, read_sample("photo"))
    assert kept is not None and kept.state == files.KEPT
    await session.flush()
    return file_id


def lying_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


async def test_a_fetched_photo_is_kept(
    session: AsyncSession, store: FileStore, request_: Request, owner: Staff, now: datetime
) -> None:
    file_id = await keep_photo(session, store, request_)
    row = (await session.scalars(select(File).where(File.id == file_id))).one()
    assert (row.source, row.reason, row.media_type) == (None, None, "image/jpeg")
    kept = await files.read(session, store, owner, file_id, now=now)
    assert len(kept.data) == row.size
    assert kept.name == f"photo-{file_id.hex[:8]}.jpg"


async def test_a_file_that_is_not_wanted_leaves_only_its_reason(
    session: AsyncSession, store: FileStore, folder: Path, request_: Request
) -> None:
    file_id = await wait_for(session, request_, "document")
    row = await files.keep(session, store, file_id, b"MZ a program")
    await session.flush()
    assert row is not None
    assert (row.state, row.reason) == (files.REFUSED, file_types.NOT_ALLOWED)
    assert row.source is None
    assert lying_in(folder) == []


async def test_a_file_is_kept_once(
    session: AsyncSession, store: FileStore, folder: Path, request_: Request
) -> None:
    file_id = await keep_photo(session, store, request_)
    assert await files.keep(session, store, file_id, read_sample("photo")) is None
    assert await files.keep(session, store, uuid4(), read_sample("photo")) is None
    assert len(lying_in(folder)) == 1


async def test_what_the_carrier_does_not_give_is_said(
    session: AsyncSession, request_: Request
) -> None:
    lost = await files.lose(session, await wait_for(session, request_), "gone")
    refused = await files.refuse(session, await wait_for(session, request_), files.TOO_BIG)
    await session.flush()
    assert lost is not None and lost.state == files.LOST
    assert refused is not None and (refused.state, refused.source) == (files.REFUSED, None)
    assert await files.lose(session, lost.id, "again") is None


async def test_a_lost_file_can_be_fetched_again_as_long_as_its_name_is_known(
    session: AsyncSession, store: FileStore, request_: Request
) -> None:
    lost, nameless = [await wait_for(session, request_) for _ in range(2)]
    for file_id in (lost, nameless):
        await files.lose(session, file_id, "no_answer")
    await session.execute(update(File).where(File.id == nameless).values(source=None))
    kept = await keep_photo(session, store, request_)
    assert await files.retry(session, [lost, nameless, kept, uuid4()]) == {lost}
    query = text("SELECT args ->> 'file_id' FROM procrastinate_jobs WHERE task_name = 'fetch_file'")
    assert list(await session.scalars(query)) == [str(lost)]
    assert await files.find_source(session, lost) == "file id of the carrier"
    assert await files.keep(session, store, lost, read_sample("photo"))


@pytest.mark.parametrize(
    ("role", "centre", "may"),
    [
        ("case_worker", CENTRE, True),
        ("safety_focal_point", CENTRE, True),
        ("centre_manager", CENTRE, True),
        ("case_worker", OTHER_CENTRE, False),
        ("safety_focal_point", OTHER_CENTRE, False),
        ("centre_manager", OTHER_CENTRE, False),
        ("administrator", None, False),
        ("administrator", CENTRE, False),
        ("auditor", None, False),
        ("auditor", CENTRE, False),
    ],
)
async def test_who_may_see_a_file(
    session: AsyncSession,
    store: FileStore,
    request_: Request,
    *,
    now: datetime,
    role: str,
    centre: str | None,
    may: bool,
) -> None:
    file_id = await keep_photo(session, store, request_)
    staff = await make_staff(session, role, centre)
    if may:
        assert (await files.read(session, store, staff, file_id, now=now)).data
        return
    with pytest.raises(NotAllowed):
        await files.read(session, store, staff, file_id, now=now)


async def test_who_owns_the_request_sees_it_until_their_work_has_ended(
    session: AsyncSession, store: FileStore, request_: Request, owner: Staff, now: datetime
) -> None:
    file_id = await keep_photo(session, store, request_)
    assert (await files.read(session, store, owner, file_id, now=now)).data
    owner.ended_at = now
    with pytest.raises(NotAllowed):
        await files.read(session, store, owner, file_id, now=now)


async def test_an_auditor_who_owns_the_request_sees_nothing(
    session: AsyncSession, store: FileStore, request_: Request, now: datetime
) -> None:
    file_id = await keep_photo(session, store, request_)
    auditor = await make_staff(session, "auditor", None)
    request_.owner_id = auditor.id
    with pytest.raises(NotAllowed):
        await files.read(session, store, auditor, file_id, now=now)


async def test_the_new_centre_sees_the_files_of_a_request_handed_over(
    session: AsyncSession, store: FileStore, request_: Request, now: datetime
) -> None:
    file_id = await keep_photo(session, store, request_)
    moved = update(Request).where(Request.id == request_.id).values(centre_id=OTHER_CENTRE)
    await session.execute(moved)
    session.expire_all()
    new = await make_staff(session, "case_worker", OTHER_CENTRE)
    old = await make_staff(session, "case_worker", CENTRE)
    assert (await files.read(session, store, new, file_id, now=now)).data
    with pytest.raises(NotAllowed):
        await files.read(session, store, old, file_id, now=now)


async def test_every_look_is_written_down(
    session: AsyncSession, store: FileStore, request_: Request, now: datetime
) -> None:
    file_id = await keep_photo(session, store, request_)
    staff = await make_staff(session, "case_worker", CENTRE)
    for _ in range(2):
        await files.read(session, store, staff, file_id, now=now)
    rows = list(await session.scalars(select(AuditRow).where(AuditRow.subject == "file")))
    assert [(row.actor, row.actor_id, row.action, row.subject_id) for row in rows] == [
        ("staff", str(staff.id), "read", str(file_id))
    ] * 2


async def test_what_was_not_kept_cannot_be_seen(
    session: AsyncSession, store: FileStore, request_: Request, owner: Staff, now: datetime
) -> None:
    for file_id in (await wait_for(session, request_), uuid4()):
        with pytest.raises(FileNotFound):
            await files.read(session, store, owner, file_id, now=now)


async def test_an_export_is_its_persons_alone_and_goes(
    session: AsyncSession,
    store: FileStore,
    folder: Path,
    address: Address,
    *,
    owner: Staff,
    now: datetime,
) -> None:
    day = timedelta(days=1)
    name = await store.put(b"<html>")
    export = await files.add_export(
        session, address.id, name, size=6, media_type="text/html", now=now, lasts=day
    )
    sent = await files.read_to_send(session, store, export.id)
    assert (sent.data, sent.name) == (b"<html>", f"document-{export.id.hex[:8]}.html")
    with pytest.raises(NotAllowed):
        await files.read(session, store, owner, export.id, now=now)
    assert await files.forget_expired(session, now=now + day - timedelta(seconds=1)) == []
    names = await files.forget_expired(session, now=now + day)
    await store.delete(names)
    assert lying_in(folder) == []


# What nobody wants any more


@pytest.fixture
def in_two_days(store: FileStore, folder: Path) -> datetime:
    """From when the files count as old that lie there by then; the folder's clock is its own."""
    return datetime.now(UTC) + timedelta(days=2)


async def test_bytes_without_a_row_are_swept_up_after_a_day(
    session: AsyncSession,
    store: FileStore,
    folder: Path,
    request_: Request,
    in_two_days: datetime,
) -> None:
    file_id = await keep_photo(session, store, request_)
    await store.put(b"left over by a crash")
    a_day_ago = in_two_days - timedelta(days=1, hours=1)
    assert await files.sweep(session, store, now=a_day_ago) == 0
    assert await files.sweep(session, store, now=in_two_days) == 1
    row = await session.get_one(File, file_id)
    assert [stored.name async for page in store.list_pages() for stored in page] == [
        row.stored_name
    ]


async def test_what_other_installations_keep_in_the_same_folder_stays(
    session: AsyncSession, store: FileStore, folder: Path, keyring: Keyring, in_two_days: datetime
) -> None:
    other = FileStore(folder.as_uri(), keyring, uuid4())
    name = await other.put(b"theirs")
    assert await files.sweep(session, store, now=in_two_days) == 0
    assert await other.get(name) == b"theirs"


async def test_when_most_files_seem_left_over_none_is_deleted(
    session: AsyncSession,
    store: FileStore,
    folder: Path,
    in_two_days: datetime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As after an older database was put back: it knows nothing of the newer files."""
    monkeypatch.setattr(files, "FEW_ORPHANS", 2)
    for _ in range(3):
        await store.put(b"of a request that this database does not know")
    with pytest.raises(files.ImplausibleSweep) as refused:
        await files.sweep(session, store, now=in_two_days)
    assert (refused.value.orphans, refused.value.count) == (3, 3)
    assert len(lying_in(folder)) == 3


async def test_nothing_is_locked_while_the_store_takes_a_file(
    db: Database, folder: Path, keyring: Keyring, now: datetime
) -> None:
    """A bucket may be slow; who deletes everything meanwhile does not wait, and leaves nothing."""
    async with db.new_session.begin() as session:
        address = await addresses.get_or_create(session, "telegram", "42", now=now)
        request = await requests.ask_for_call(session, address, now=now)
        file_id = await wait_for(session, request)

    class Slow(FileStore):
        async def put(self, data: bytes) -> str:
            name = await super().put(data)
            async with db.new_session.begin() as hers:
                await hers.execute(text("SET LOCAL lock_timeout = '5s'"))
                held = await hers.get_one(Address, address.id)
                await my_data.delete_everything(hers, held, now=now)
            return name

    store = Slow(folder.as_uri(), keyring, INSTALLATION)
    async with db.new_session.begin() as session:
        assert await files.keep(session, store, file_id, read_sample("photo")) is None
    assert lying_in(folder) == []


def test_whoever_only_reads_files_does_without_pillow() -> None:
    """The worker that sends messages reads them, and must stay small."""
    code = "import sys, bot.worker, services.files; print('PIL' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert ran.stdout.strip() == "False"
