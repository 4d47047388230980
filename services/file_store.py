"""Where the bytes of files lie: in a folder or in a bucket, sealed, under names that say nothing.

Nothing reaches the store unsealed and nothing leaves it unopened, so neither a lost disk nor a
bucket that is open by mistake shows anybody's photo. Several installations may share a folder or a
bucket: each lists its own files only, or one would sweep away what it takes for left over.
"""

import asyncio
import re
import secrets
from collections.abc import AsyncIterator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit
from urllib.request import url2pathname
from uuid import UUID

from obstore.exceptions import BaseError
from obstore.store import LocalStore, ObjectStore, S3Store

from db.crypto import DecryptionError, Keyring
from services.errors import DomainError

_NAME_BYTES = 16
_NAME = re.compile(rf"[0-9a-f]{{32}}/[0-9a-f]{{{2 * _NAME_BYTES}}}")
_PAGE = 500
_S3_OPTIONS = {"endpoint", "region", "virtual_hosted_style_request"}


class FileStoreError(DomainError):
    """The store did not do what it was asked; trying again later may help."""


class FileMissing(DomainError):  # noqa: N818 - a state of the store, not a fault of the call
    """Nothing lies under this name, or it cannot be opened with our keys."""


class FileStoreAddressError(ValueError):
    """The address of the store cannot be used; its words never contain the address."""


@dataclass(frozen=True, slots=True)
class Stored:
    """What lies in the store, as a listing tells it."""

    name: str
    modified_at: datetime


class FileStore:
    """Sealed bytes by name; safe to share between tasks."""

    def __init__(self, url: str, keyring: Keyring, installation: UUID) -> None:
        """`installation`: under whose name new files are put, and which ones are listed.

        `url`: file:///folder, or s3://key:secret@bucket/prefix?endpoint=…&region=….

        A folder is made when it is missing. Without a key in it an S3 address takes the
        credentials that the machine has. Raises FileStoreAddressError.
        """
        self._store = _open(url)
        self._keyring = keyring
        self._folder = installation.hex

    async def put(self, data: bytes) -> str:
        """Seal and store; returns the new name. Raises FileStoreError."""
        name = f"{self._folder}/{secrets.token_hex(_NAME_BYTES)}"
        sealed = await asyncio.to_thread(self._keyring.encrypt, data)
        with _told():
            await self._store.put_async(_path(name), sealed)
        return name

    async def get(self, name: str) -> bytes:
        """Raises FileMissing or FileStoreError."""
        with _told():
            found = await self._store.get_async(_path(name))
            sealed = bytes(await found.bytes_async())
        try:
            return await asyncio.to_thread(self._keyring.decrypt, sealed)
        except DecryptionError as error:
            raise FileMissing(str(error)) from None

    async def delete(self, names: Iterable[str]) -> None:
        """Those that are gone already are passed over. Raises FileStoreError."""
        for name in names:
            try:
                with _told():
                    await self._store.delete_async(_path(name))
            except FileMissing:
                continue

    async def list_pages(self) -> AsyncIterator[list[Stored]]:
        """What this installation put there, some hundred at a time.

        Raises FileStoreError.
        """
        with _told():
            async for page in self._store.list(self._folder, chunk_size=_PAGE):
                yield [
                    Stored(name, meta["last_modified"])
                    for meta in page
                    if (name := _find_name(meta["path"])) is not None
                ]


def _path(name: str) -> str:
    """Folders by the first letters: a folder of a hundred thousand files is slow to list.

    Raises FileMissing for what is none of our names.
    """
    if _NAME.fullmatch(name) is None:
        raise FileMissing("no name of a file")
    folder, _, random = name.partition("/")
    return f"{folder}/{random[:2]}/{random[2:]}"


def _find_name(path: str) -> str | None:
    """The name of what lies at a path; None when we did not put it there."""
    folder, _, rest = path.partition("/")
    name = f"{folder}/{rest.replace('/', '', 1)}"
    return name if _NAME.fullmatch(name) else None


@contextmanager
def _told() -> Any:
    """The library's failures in our terms; its own texts name folders and buckets."""
    try:
        yield
    except FileNotFoundError:
        raise FileMissing("no such file") from None
    except (BaseError, OSError, ValueError) as error:
        raise FileStoreError(f"the file store failed: {type(error).__name__}") from None


def _open(url: str) -> ObjectStore:
    scheme = url.partition("://")[0]
    try:
        if scheme == "file":
            return _open_folder(url)
        if scheme == "s3":
            return _open_bucket(url)
    except (BaseError, OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else None
        raise FileStoreAddressError(reason or "it cannot be opened") from None
    raise FileStoreAddressError("it must begin with file:// or s3://")


def _open_folder(url: str) -> LocalStore:
    folder = Path(url2pathname(urlsplit(url).path))
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return LocalStore(folder)


def _open_bucket(url: str) -> S3Store:
    parts = urlsplit(url)
    options: dict[str, Any] = dict(parse_qsl(parts.query, strict_parsing=bool(parts.query)))
    if not parts.hostname or not options.keys() <= _S3_OPTIONS:
        raise ValueError
    options["disable_bulk_delete"] = True  # not every S3 has it, and we delete few at a time
    if parts.username and parts.password:
        options["access_key_id"] = unquote(parts.username)
        options["secret_access_key"] = unquote(parts.password)
    if options.get("endpoint", "").startswith("http://"):
        options["client_options"] = {"allow_http": True}
    return S3Store(parts.hostname, prefix=parts.path.strip("/") or None, **options)
