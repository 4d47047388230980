"""What is kept of what phones send: the content decides, and pictures forget where they were."""

import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image

from services import file_types, pictures
from services.file_types import DOCX, JPEG, PDF, XLSX, RefusedFile, check_file
from services.mp4 import blank_metadata
from simulator.telegram.files import read_sample

GPS = 0x8825
ORIENTATION = 0x0112
MAKER = 0x010F
TAKEN_AT = 0xE2A1B2C3  # seconds since 1904
XML = '<?xml version="1.0"?><Types>{}</Types>'
WORD = XML.format('<Override ContentType="application/vnd…wordprocessingml.document.main+xml"/>')
SHEET = XML.format('<Override ContentType="application/vnd…spreadsheetml.sheet.main+xml"/>')
MACRO_WORD = XML.format('<Override ContentType="application/vnd.ms-word.macroEnabled.main+xml"/>')


def picture(form: str = "JPEG", size: tuple[int, int] = (40, 20), **options: Any) -> bytes:
    """White, with a red left half."""
    image = Image.new("RGB", size, "white")
    image.paste("red", (0, 0, size[0] // 2, size[1]))
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


def photo_from_phone(orientation: int = 6) -> bytes:
    exif = Image.Exif()
    exif[MAKER] = "Phone of Sophea"
    exif[ORIENTATION] = orientation
    exif.get_ifd(GPS).update({1: "N", 2: (11.0, 33.0, 0.0), 3: "E", 4: (104.0, 55.0, 0.0)})
    return picture(exif=exif, comment=b"at home")


def frames(form: str) -> bytes:
    out = io.BytesIO()
    first, *more = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue", "green")]
    first.save(out, form, save_all=True, append_images=more, duration=100)
    return out.getvalue()


def archive(**files: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        for name, content in files.items():
            made.writestr(name.replace("__", "/"), content)
    return out.getvalue()


def office(content_types: str, **more: str) -> bytes:
    return archive(**{"[Content_Types].xml": content_types}, **more)


def crowded(entries: int, *, hidden: bool = False) -> bytes:
    """A word document that lists one of its files very often; `hidden` says so only elsewhere."""
    made = office(WORD)
    start, end = made.index(b"PK\x01\x02"), made.index(b"PK\x05\x06")
    listed = made[start:end] * entries
    size = len(listed)
    if not hidden:
        return (
            made[:start]
            + listed
            + struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, entries, entries, size, start, 0)
        )
    true_end = struct.pack(
        "<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, entries, entries, size, start
    )
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, start + size, 1)
    return made[:start] + listed + true_end + locator + made[end:]


def box(name: bytes, content: bytes = b"") -> bytes:
    return struct.pack(">I4s", 8 + len(content), name) + content


def film(brand: bytes = b"isom") -> bytes:
    """A film of a phone that writes down where it was taken, in three places."""
    place = box(b"\xa9xyz", b"\x00\x12\x15\xc7+11.5500+104.9167/")
    track = timed(b"tkhd", 0) + box(b"mdia", timed(b"mdhd", 1)) + box(b"udta", place)
    moov = timed(b"mvhd", 0) + box(b"trak", track) + box(b"udta", place)
    head = box(b"ftyp", brand + struct.pack(">I", 512) + b"isommp42")
    return head + box(b"moov", moov) + box(b"uuid", place) + box(b"mdat", b"picture and sound")


def timed(name: bytes, version: int) -> bytes:
    """A header with the two moments of recording, and what players need behind them."""
    moments = struct.pack(">2Q" if version else ">2L", TAKEN_AT, TAKEN_AT)
    return box(name, bytes([version, 0, 0, 0]) + moments + b"time scale and length")


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


def test_a_photo_forgets_where_and_with_what_it_was_taken() -> None:
    sent = photo_from_phone()
    assert opened(sent).getexif().get_ifd(GPS)
    kept = check_file(sent)
    assert kept.media_type == JPEG
    assert not opened(kept.data).getexif()
    assert set(opened(kept.data).info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
    for trace in (b"Exif", b"Sophea", b"at home"):
        assert trace not in kept.data


@pytest.mark.parametrize(("orientation", "red_at"), [(1, (5, 10)), (6, (10, 5)), (8, (10, 35))])
def test_a_photo_stands_upright(orientation: int, red_at: tuple[int, int]) -> None:
    kept = opened(check_file(photo_from_phone(orientation)).data)
    assert kept.size == ((40, 20) if orientation == 1 else (20, 40))
    red, green, blue = kept.getpixel(red_at)  # type: ignore[misc]
    assert red > 200 and green < 60 and blue < 60


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_every_picture_becomes_a_jpeg(form: str) -> None:
    kept = check_file(picture(form))
    assert (kept.media_type, opened(kept.data).format) == (JPEG, "JPEG")


def test_what_shone_through_is_white() -> None:
    out = io.BytesIO()
    Image.new("RGBA", (8, 8), (0, 0, 0, 0)).save(out, "PNG")
    assert opened(check_file(out.getvalue()).data).getpixel((4, 4)) == (255, 255, 255)


@pytest.mark.parametrize("size", [(6000, 3000), (2600, 100)])
def test_a_big_photo_gets_smaller(size: tuple[int, int]) -> None:
    kept = opened(check_file(picture(size=size)).data)
    assert max(kept.size) == pictures.MAX_SIDE


def test_what_hangs_behind_a_photo_is_not_kept() -> None:
    page = b"<script>alert(1)</script>"
    assert page not in check_file(picture() + page).data


@pytest.mark.parametrize("mode", ["L", "P", "CMYK", "1"])
def test_photos_of_every_kind_of_colour_are_taken(mode: str) -> None:
    out = io.BytesIO()
    form = "JPEG" if mode in ("L", "CMYK") else "PNG"
    Image.new(mode, (8, 8)).save(out, form)
    assert opened(check_file(out.getvalue()).data).mode == "RGB"


def bomb() -> bytes:
    """A PNG of a few bytes that says it is 30,000 pixels wide and high."""
    head = bytearray(picture("PNG"))
    head[16:24] = struct.pack(">II", 30_000, 30_000)
    return _with_checksum(head)


def _with_checksum(png: bytearray) -> bytes:
    png[29:33] = struct.pack(">I", zlib.crc32(png[12:29]))
    return bytes(png)


REFUSED: dict[str, tuple[Callable[[], bytes], str]] = {
    "nothing": (lambda: b"", file_types.EMPTY),
    "too many bytes": (lambda: bytes(file_types.MAX_BYTES + 1), file_types.TOO_BIG),
    "picture bomb": (bomb, file_types.TOO_BIG),
    "half a photo": (lambda: picture(size=(400, 400))[:900], file_types.DAMAGED),
    "a head only": (lambda: b"\xff\xd8\xff\xe0", file_types.DAMAGED),
    "moving webp": (lambda: frames("WEBP"), file_types.MOVING),
    "moving png": (lambda: frames("PNG"), file_types.MOVING),
    "gif": (lambda: frames("GIF"), file_types.MOVING),
    "iphone photo as a document": (
        lambda: box(b"ftyp", b"heic" + bytes(4) + b"mif1heic"),
        file_types.HEIC,
    ),
    "program": (lambda: b"MZ" + bytes(400), file_types.NOT_ALLOWED),
    "page": (lambda: b"<html><script>alert(1)</script></html>", file_types.NOT_ALLOWED),
    "drawing with scripts": (lambda: b"<svg onload='alert(1)'/>", file_types.NOT_ALLOWED),
    "text": ("ឯកសារ".encode, file_types.NOT_ALLOWED),
    "page that calls itself a pdf": (
        lambda: b"<html>%PDF-1.7</html>",
        file_types.NOT_ALLOWED,
    ),
    "old word": (lambda: bytes.fromhex("D0CF11E0A1B11AE1") + bytes(600), file_types.NOT_ALLOWED),
    "film in ogg": (lambda: b"OggS" + bytes(24) + b"\x80theora" + bytes(90), "not_allowed"),
    "zip": (lambda: archive(**{"a.txt": "a"}), file_types.NOT_ALLOWED),
    "half a word document": (lambda: office(WORD)[:-30], file_types.DAMAGED),
    "word with a huge list of contents": (lambda: crowded(20_000), file_types.DAMAGED),
    "word that hides how long its list is": (lambda: crowded(20_000, hidden=True), "damaged"),
    "word with something behind it": (lambda: office(WORD) + b"more", file_types.DAMAGED),
    "film of more boxes than can be read": (
        lambda: film() + box(b"wide") * 100_001,
        file_types.DAMAGED,
    ),
    "word with macros": (lambda: office(MACRO_WORD), file_types.MACROS),
    "macros under a harmless name": (
        lambda: office(WORD, word__vbaProject="x"),
        file_types.MACROS,
    ),
    "presentation": (lambda: office(XML.format("presentation")), file_types.NOT_ALLOWED),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(name: str) -> None:
    make, reason = REFUSED[name]
    with pytest.raises(RefusedFile) as refusal:
        check_file(make())
    assert refusal.value.reason == reason
    assert reason in file_types.REASONS


AS_SENT: dict[str, tuple[bytes, str]] = {
    "voice message": (read_sample("voice"), "audio/ogg"),
    "mp3": (b"ID3\x04" + bytes(6) + b"\xff\xfb\x90\x64" + bytes(400), "audio/mpeg"),
    "pdf": (read_sample("document"), PDF),
    "word": (office(WORD, word__document="<w/>"), DOCX),
    "excel": (office(SHEET, xl__workbook="<x/>"), XLSX),
}


@pytest.mark.parametrize("name", AS_SENT)
def test_what_is_kept_as_it_came(name: str) -> None:
    data, media_type = AS_SENT[name]
    kept = check_file(data)
    assert kept.data == data
    assert kept.media_type == media_type
    assert media_type in file_types.SUFFIXES


@pytest.mark.parametrize(
    ("brand", "media_type"),
    [(b"isom", "video/mp4"), (b"mp42", "video/mp4"), (b"M4A ", "audio/mp4")],
)
def test_films_and_recordings_forget_where_they_were_made(brand: bytes, media_type: str) -> None:
    sent = film(brand)
    kept = check_file(sent)
    assert kept.media_type == media_type
    assert b"104.9167" in sent
    assert b"104.9167" not in kept.data
    assert len(kept.data) == len(sent)
    assert kept.data.index(b"picture and sound") == sent.index(b"picture and sound")
    assert struct.pack(">L", TAKEN_AT) not in kept.data
    assert kept.data.count(b"time scale and length") == 3


@pytest.mark.parametrize("cut", [9, 20, 30, 60, 200])
def test_a_film_that_ends_too_early_harms_nothing(cut: int) -> None:
    data = film()[:cut]
    assert len(blank_metadata(data)) == cut


def test_the_samples_of_the_simulator_are_taken() -> None:
    assert check_file(read_sample("photo")).media_type == JPEG
