"""What a file is, by its content alone, and what of it may be kept.

People send what their phone made, and now and then something that only calls itself a photo. The
name and the type that came with it are not looked at. A picture is never kept as it was sent: it
is drawn anew, so that what else it carried (the place where it was taken, a script, a second file
behind its end) is gone.
"""

import io
import struct
import zipfile
from dataclasses import dataclass

import filetype

from services.mp4 import UnreadableFilm, blank_metadata

MAX_BYTES = 20 * 1024 * 1024

TOO_BIG = "too_big"
EMPTY = "empty"
NOT_ALLOWED = "not_allowed"
DAMAGED = "damaged"
MOVING = "moving"
HEIC = "heic"
MACROS = "macros"
REASONS = (TOO_BIG, EMPTY, NOT_ALLOWED, DAMAGED, MOVING, HEIC, MACROS)

JPEG = "image/jpeg"
PDF = "application/pdf"
OGG = "audio/ogg"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
SUFFIXES = {
    JPEG: ".jpg",
    OGG: ".ogg",
    "audio/mpeg": ".mp3",
    "audio/mp4": ".m4a",
    "video/mp4": ".mp4",
    PDF: ".pdf",
    DOCX: ".docx",
    XLSX: ".xlsx",
    "text/html": ".html",
}

_PICTURE_TYPES = ("image/jpeg", "image/png", "image/webp")
_HEIC_TYPES = ("image/heic", "image/heif", "image/avif")
_MOVING_TYPES = ("image/gif", "image/apng")
_SOUNDS_IN_OGG = (b"OpusHead", b"\x01vorbis")
_FIRST_OGG_PAGE = 64
_OFFICE = {DOCX: b"wordprocessingml.document.main+xml", XLSX: b"spreadsheetml.sheet.main+xml"}
_CONTENT_TYPES = "[Content_Types].xml"
_CONTENT_TYPES_BYTES = 256 * 1024
_ZIP_END = struct.Struct("<4s4H2LH")
_ZIP_END_MARK = b"PK\x05\x06"
_ZIP64_LOCATOR = b"PK\x06\x07"
_ZIP64_LOCATOR_BYTES = 20
_ZIP_DIRECTORY_BYTES = 512 * 1024


class RefusedFile(Exception):  # noqa: N818 - what the file is, not what went wrong
    """This may not be kept; `reason` is one of REASONS."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class CheckedFile:
    """What is kept instead of what was sent."""

    data: bytes
    media_type: str


def check_file(data: bytes) -> CheckedFile:
    """Find out what it is and make it harmless. A big picture takes seconds. Raises RefusedFile."""
    if not data:
        raise RefusedFile(EMPTY)
    if len(data) > MAX_BYTES:
        raise RefusedFile(TOO_BIG)
    kind = filetype.guess(data)
    media_type = kind.mime if kind else None
    if media_type in _PICTURE_TYPES:
        from services.pictures import draw_anew  # noqa: PLC0415 - see there

        return CheckedFile(draw_anew(data), JPEG)
    if media_type in _HEIC_TYPES:
        raise RefusedFile(HEIC)
    if media_type in _MOVING_TYPES:
        raise RefusedFile(MOVING)
    if media_type in ("video/mp4", "audio/mp4"):
        return CheckedFile(_without_metadata(data), media_type)
    if media_type in (PDF, "audio/mpeg") or (media_type == OGG and _holds_sound(data)):
        return CheckedFile(data, media_type)
    if data.startswith(b"PK\x03\x04"):
        return CheckedFile(data, _office_type(data))
    raise RefusedFile(NOT_ALLOWED)


def _holds_sound(data: bytes) -> bool:
    """An Ogg file says in its first page what is in it; films come in the same wrapping."""
    return any(mark in data[:_FIRST_OGG_PAGE] for mark in _SOUNDS_IN_OGG)


def _without_metadata(data: bytes) -> bytes:
    try:
        return blank_metadata(data)
    except UnreadableFilm:
        raise RefusedFile(DAMAGED) from None


def _office_type(data: bytes) -> str:
    """Which office file a zip is, by the list of contents that each of them must have."""
    if not _has_small_directory(data):
        raise RefusedFile(DAMAGED)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = [name.lower() for name in archive.namelist()]
            with archive.open(_CONTENT_TYPES) as listed:
                contents = listed.read(_CONTENT_TYPES_BYTES)
    except KeyError:
        raise RefusedFile(NOT_ALLOWED) from None
    except Exception:  # a hostile archive: whatever zipfile stumbles over is no document
        raise RefusedFile(DAMAGED) from None
    if b"macroEnabled" in contents or any("vbaproject" in name for name in names):
        raise RefusedFile(MACROS)
    for media_type, mark in _OFFICE.items():
        if mark in contents:
            return media_type
    raise RefusedFile(NOT_ALLOWED)


def _has_small_directory(data: bytes) -> bool:
    """Whether the list of contents is short enough to be read, by what the zip's end says of it.

    `zipfile` makes an object of every entry, and 20 MB hold 400,000 of them. Office programs write
    neither a comment behind the end nor the larger kind of zip, which could say it otherwise.
    """
    at = len(data) - _ZIP_END.size
    if at < 0:
        return False
    mark, _, _, _, _, directory_bytes, _, comment_bytes = _ZIP_END.unpack_from(data, at)
    is_large_kind = data.startswith(_ZIP64_LOCATOR, max(at - _ZIP64_LOCATOR_BYTES, 0))
    is_plain = mark == _ZIP_END_MARK and comment_bytes == 0 and not is_large_kind
    return is_plain and directory_bytes <= _ZIP_DIRECTORY_BYTES
