"""The store of files: what lies there can be read by nobody else, in a folder and in a bucket."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from served_app import served
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from db.crypto import Keyring
from services.file_store import FileMissing, FileStore, FileStoreAddressError, FileStoreError
from tests.support import INSTALLATION

PHOTO = b"a photo of Sophea's identity card"


class Bucket:
    """An S3 server with a memory: what was put, by path, and how each call was signed."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.signatures: set[str] = set()

    async def answer(self, request: Request) -> Response:
        path = request.path_params["path"]
        self.signatures.add(request.headers["authorization"].split(",")[0])
        if request.method == "PUT":
            self.objects[path] = await request.body()
            return Response(headers={"ETag": '"1"'})
        if request.method == "DELETE":
            self.objects.pop(path, None)
            return Response(status_code=204)
        if request.query_params.get("list-type") == "2":
            return self._list(path, request.query_params["prefix"])
        if path not in self.objects:
            return Response(status_code=404)
        headers = {"ETag": '"1"', "Last-Modified": "Sun, 22 Nov 2026 09:00:00 GMT"}
        return Response(self.objects[path], headers=headers)

    def _list(self, bucket: str, prefix: str) -> Response:
        found = "".join(
            f"<Contents><Key>{key}</Key><LastModified>2026-11-22T09:00:00Z</LastModified>"
            f"<ETag>1</ETag><Size>{len(data)}</Size></Contents>"
            for key, data in (
                (path.removeprefix(f"{bucket}/"), data) for path, data in self.objects.items()
            )
            if key.startswith(prefix)
        )
        return Response(f"<ListBucketResult>{found}</ListBucketResult>")


@asynccontextmanager
async def bucket() -> AsyncIterator[tuple[Bucket, str]]:
    fake = Bucket()
    methods = ["GET", "PUT", "DELETE"]
    async with served(
        Starlette(routes=[Route("/{path:path}", fake.answer, methods=methods)])
    ) as url:
        yield fake, f"s3://key:se%2Fcret@files/line?endpoint={url}&region=ap-southeast-1"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "files"


@pytest.fixture
def store(folder: Path, keyring: Keyring) -> FileStore:
    return FileStore(folder.as_uri(), keyring, INSTALLATION)


def lying_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


async def test_what_is_put_comes_back(store: FileStore) -> None:
    assert await store.get(await store.put(PHOTO)) == PHOTO


async def test_what_lies_in_the_folder_tells_nothing(store: FileStore, folder: Path) -> None:
    names = {await store.put(PHOTO), await store.put(PHOTO)}
    first, second = lying_in(folder)
    assert {
        f"{INSTALLATION.hex}/{path.parent.name}{path.name}" for path in (first, second)
    } == names
    for path in (first, second):
        assert b"Sophea" not in path.read_bytes()
        assert "Sophea" not in str(path.relative_to(folder))
    assert first.read_bytes() != second.read_bytes()


def test_the_folder_is_its_owners_alone(store: FileStore, folder: Path) -> None:
    assert folder.stat().st_mode & 0o077 == 0


async def test_without_the_key_nothing_opens(store: FileStore, folder: Path) -> None:
    name = await store.put(PHOTO)
    stranger = FileStore(folder.as_uri(), Keyring([b"x" * 32], b"x" * 32), INSTALLATION)
    with pytest.raises(FileMissing):
        await stranger.get(name)


async def test_damage_is_noticed(store: FileStore, folder: Path) -> None:
    name = await store.put(PHOTO)
    (path,) = lying_in(folder)
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(FileMissing):
        await store.get(name)


async def test_deleting_leaves_nothing_and_may_be_done_twice(
    store: FileStore, folder: Path
) -> None:
    gone, other = await store.put(PHOTO), await store.put(PHOTO)
    await store.delete([gone, f"{INSTALLATION.hex}/{'0' * 32}"])
    await store.delete([gone])
    assert len(lying_in(folder)) == 1
    assert await store.get(other) == PHOTO
    with pytest.raises(FileMissing):
        await store.get(gone)


@pytest.mark.parametrize("name", ["", "0" * 32, "../../etc/passwd", "a/b"])
async def test_what_is_no_name_of_ours_is_missing(store: FileStore, name: str) -> None:
    await store.delete([name])
    with pytest.raises(FileMissing):
        await store.get(name)


async def test_the_store_lists_what_it_has(store: FileStore) -> None:
    names = {await store.put(PHOTO) for _ in range(3)}
    listed = [stored.name async for page in store.list_pages() for stored in page]
    assert set(listed) == names


@pytest.fixture
def lost_folder(store: FileStore, folder: Path) -> None:
    folder.rename(folder.with_name("elsewhere"))
    folder.write_text("no folder")


@pytest.mark.usefixtures("lost_folder")
async def test_a_folder_that_cannot_be_written_to_is_said(store: FileStore, folder: Path) -> None:
    with pytest.raises(FileStoreError) as failure:
        await store.put(PHOTO)
    assert str(folder) not in str(failure.value)


async def test_a_bucket_holds_files_as_a_folder_does(keyring: Keyring) -> None:
    async with bucket() as (fake, url):
        store = FileStore(url, keyring, INSTALLATION)
        name = await store.put(PHOTO)
        assert await store.get(name) == PHOTO
        folder, random = name.split("/")
        assert folder == INSTALLATION.hex
        assert list(fake.objects) == [f"files/line/{folder}/{random[:2]}/{random[2:]}"]
        assert b"Sophea" not in fake.objects[f"files/line/{folder}/{random[:2]}/{random[2:]}"]
        others = ("notes.txt", f"{folder}/notes.txt", f"{'0' * 32}/{random[:2]}/{random[2:]}")
        fake.objects |= {f"files/line/{other}": b"not ours" for other in others}
        assert [stored.name async for page in store.list_pages() for stored in page] == [name]
        await store.delete([name])
        assert set(fake.objects.values()) == {b"not ours"}
        (signature,) = fake.signatures
        assert signature.startswith("AWS4-HMAC-SHA256 Credential=key/")


async def test_a_bucket_that_has_nothing_says_so(keyring: Keyring) -> None:
    async with bucket() as (_, url):
        with pytest.raises(FileMissing):
            await FileStore(url, keyring, INSTALLATION).get(f"{INSTALLATION.hex}/{'0' * 32}")


@pytest.mark.parametrize(
    "url",
    ["", "var/files", "ftp://files", "s3://", "s3://bucket?colour=red", "s3://bucket?region"],
)
def test_an_address_that_leads_nowhere_is_refused(url: str, keyring: Keyring) -> None:
    with pytest.raises(FileStoreAddressError):
        FileStore(url, keyring, INSTALLATION)


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path, keyring: Keyring) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FileStoreAddressError, match=r"directory|exists"):
        FileStore((tmp_path / "file" / "files").as_uri(), keyring, INSTALLATION)
