"""What a file is, by its content alone, and what of it may be kept.

People send what their phone made, and now and then something that only calls itself a photo. The
name and the type that came with it are not looked at. A picture is never kept as it was sent: it
is drawn anew, so that what else it carried (the place where it was taken, a script, a second file
behind its end) is gone.
"""

import io
import zipfile
from dataclasses import dataclass

import filetype
from PIL import Image, ImageOps

from services.mp4 import blank_metadata

MAX_BYTES = 20 * 1024 * 1024
MAX_PIXELS = 50_000_000
MAX_SIDE = 2560

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

_PICTURES = ("JPEG", "PNG", "WEBP")
_PICTURE_TYPES = ("image/jpeg", "image/png", "image/webp")
_HEIC_TYPES = ("image/heic", "image/heif", "image/avif")
_MOVING_TYPES = ("image/gif", "image/apng")
_QUALITY = 88
_SOUNDS_IN_OGG = (b"OpusHead", b"\x01vorbis")
_FIRST_OGG_PAGE = 64
_OFFICE = {DOCX: b"wordprocessingml.document.main+xml", XLSX: b"spreadsheetml.sheet.main+xml"}
_CONTENT_TYPES = "[Content_Types].xml"
_CONTENT_TYPES_BYTES = 256 * 1024

# `_draw_anew` compares the size with MAX_PIXELS before a pixel is decoded, and refuses; Pillow
# alone would only warn.
Image.MAX_IMAGE_PIXELS = None


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
        return CheckedFile(_draw_anew(data), JPEG)
    if media_type in _HEIC_TYPES:
        raise RefusedFile(HEIC)
    if media_type in _MOVING_TYPES:
        raise RefusedFile(MOVING)
    if media_type in ("video/mp4", "audio/mp4"):
        return CheckedFile(blank_metadata(data), media_type)
    if media_type in (PDF, "audio/mpeg") or (media_type == OGG and _holds_sound(data)):
        return CheckedFile(data, media_type)
    if zipfile.is_zipfile(io.BytesIO(data)) and data.startswith(b"PK"):
        return CheckedFile(data, _office_type(data))
    raise RefusedFile(NOT_ALLOWED)


def _holds_sound(data: bytes) -> bool:
    """An Ogg file says in its first page what is in it; films come in the same wrapping."""
    return any(mark in data[:_FIRST_OGG_PAGE] for mark in _SOUNDS_IN_OGG)


def _draw_anew(data: bytes) -> bytes:
    """The picture upright on white, at most MAX_SIDE wide and high, as a JPEG of its own."""
    try:
        with Image.open(io.BytesIO(data), formats=_PICTURES) as picture:
            if picture.width * picture.height > MAX_PIXELS:
                raise RefusedFile(TOO_BIG)
            # A JPEG with a preview behind it (MPO) counts as moving too, and is none.
            if picture.format in ("PNG", "WEBP") and getattr(picture, "is_animated", False):
                raise RefusedFile(MOVING)
            return _to_jpeg(picture)
    except RefusedFile:
        raise
    except Exception:  # hostile bytes in three decoders: whatever they stumble over is no picture
        raise RefusedFile(DAMAGED) from None


def _to_jpeg(picture: Image.Image) -> bytes:
    picture.draft("RGB", (MAX_SIDE, MAX_SIDE))  # a big JPEG is decoded at half the size or less
    picture.thumbnail((MAX_SIDE, MAX_SIDE))
    upright = ImageOps.exif_transpose(picture)
    opaque = upright.convert("RGBA") if upright.has_transparency_data else upright.convert("RGB")
    fresh = Image.new("RGB", opaque.size, "white")  # a new picture knows nothing of the old one
    fresh.paste(opaque, mask=opaque if opaque.mode == "RGBA" else None)
    out = io.BytesIO()
    fresh.save(out, "JPEG", quality=_QUALITY, optimize=True)
    return out.getvalue()


def _office_type(data: bytes) -> str:
    """Which office file a zip is, by the list of contents that each of them must have."""
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
