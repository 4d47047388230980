"""The files that people and the bot send one another, and the ids under which they are known."""

import io
import secrets
import shutil
from pathlib import Path
from typing import Any

import imagesize

from simulator.state import StoredFile
from simulator.telegram.errors import bad_request
from simulator.world import World

DOWNLOAD_LIMIT = 20 * 1024 * 1024
PHOTO_LIMIT = 10 * 1024 * 1024
UPLOAD_LIMIT = 50 * 1024 * 1024
PHOTO_SIDES = 10_000

_ASSETS = Path(__file__).with_name("assets")
_SAMPLES = {"photo": "photo.jpg", "voice": "voice.ogg", "document": "document.pdf"}
_FOLDERS = {"photo": "photos", "document": "documents", "voice": "voice", "audio": "music"}
_SUFFIXES = {"photo": ".jpg", "voice": ".oga", "audio": ".mp3"}
_TYPES = {"photo": "image/jpeg", "voice": "audio/ogg", "audio": "audio/mpeg"}


class FileStore:
    """Bytes in a folder beside the state file, in memory when there is none."""

    def __init__(self, world: World) -> None:
        self._world = world
        state_file = world.config.state_file
        self._folder = state_file.with_suffix(".files") if state_file else None
        self._memory: dict[str, bytes] = {}

    def add(
        self,
        kind: str,
        data: bytes,
        *,
        name: str | None = None,
        mime: str | None = None,
        **more: Any,
    ) -> dict[str, Any]:
        """Keep a file; returns its Bot API fields (a PhotoSize, Document, Voice or Audio).

        Raises BotApiError when it is empty, too big, or not a picture where one is meant.
        """
        limit = PHOTO_LIMIT if kind == "photo" else UPLOAD_LIMIT
        if not data:
            raise bad_request("file must be non-empty")
        if len(data) > limit:
            raise bad_request("file is too big")
        fields = _picture(data) if kind == "photo" else {"mime_type": mime or _TYPES.get(kind)}
        if name and kind != "photo":
            fields["file_name"] = name
        return self._keep(kind, data, name, fields | more)

    def _keep(
        self, kind: str, data: bytes, name: str | None, fields: dict[str, Any]
    ) -> dict[str, Any]:
        telegram = self._world.state.telegram
        number = telegram.next_file
        telegram.next_file += 1
        suffix = _SUFFIXES.get(kind) or Path(name or "").suffix[:10]
        file = StoredFile(
            file_id=secrets.token_urlsafe(36),
            unique_id=secrets.token_urlsafe(11),
            path=f"{_FOLDERS[kind]}/file_{number}{suffix}",
            size=len(data),
            mime=fields.get("mime_type") or _TYPES.get(kind) or "application/octet-stream",
            name=name,
            fields={key: value for key, value in fields.items() if value is not None},
        )
        telegram.files[file.file_id] = file
        self._write(file, data)
        self._world.changed()
        return self.describe(file)

    def describe(self, file: StoredFile) -> dict[str, Any]:
        """The file as a message carries it."""
        ids = {"file_id": file.file_id, "file_unique_id": file.unique_id, "file_size": file.size}
        return ids | file.fields

    def find(self, file_id: str) -> StoredFile | None:
        return self._world.state.telegram.files.get(file_id)

    def find_by_path(self, path: str) -> StoredFile | None:
        files = self._world.state.telegram.files.values()
        return next((file for file in files if file.path == path), None)

    def read(self, file: StoredFile) -> bytes | None:
        """The bytes, None when they are no longer there."""
        if self._folder is None:
            return self._memory.get(file.file_id)
        path = self._folder / file.file_id
        return path.read_bytes() if path.exists() else None

    def clear(self) -> None:
        """Forget all files, on the disk too."""
        self._world.state.telegram.files.clear()
        self._memory.clear()
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _write(self, file: StoredFile, data: bytes) -> None:
        if self._folder is None:
            self._memory[file.file_id] = data
            return
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        (self._folder / file.file_id).write_bytes(data)


def _picture(data: bytes) -> dict[str, Any]:
    """Width and height; raises BotApiError when Telegram could not make a photo of it."""
    try:
        width, height = imagesize.get(io.BytesIO(data))
    except Exception:  # a parser of hostile headers: whatever it stumbles over is not a picture
        width = height = -1
    if width <= 0 or height <= 0:
        raise bad_request("IMAGE_PROCESS_FAILED")
    if width + height > PHOTO_SIDES:
        raise bad_request("PHOTO_INVALID_DIMENSIONS")
    return {"width": int(width), "height": int(height)}


def read_sample(kind: str) -> bytes:
    """The built-in photo, voice message or document."""
    return (_ASSETS / _SAMPLES[kind]).read_bytes()
