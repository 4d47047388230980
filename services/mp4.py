"""Takes out of films and recordings what phones write beside sound and picture.

Phones put the place of recording, the time and their own name into boxes of their own. Sound and
picture are found by their distance from the beginning of the file, so nothing may move: such a box
is renamed to `free`, which players pass over, and filled with zeros.
"""

import struct
from collections.abc import Iterator

_INSIDE = (b"moov", b"trak", b"moof", b"traf")
_TELLING = (b"udta", b"meta", b"uuid")
_HEADER = 8
_LONG_HEADER = 16
_TO_THE_END = 0
_LONG = 1
_MOST_BOXES = 100_000


def blank_metadata(data: bytes) -> bytes:
    """The same file, of the same length, without its metadata boxes."""
    out = bytearray(data)
    for start, name_at, end in _list_telling(data):
        out[name_at : name_at + 4] = b"free"
        out[start:end] = bytes(end - start)
    return bytes(out)


def _list_telling(data: bytes) -> Iterator[tuple[int, int, int]]:
    """(where the content begins, where the name stands, where the box ends) of each to blank."""
    waiting = [(0, len(data))]
    for _ in range(_MOST_BOXES):
        if not waiting:
            return
        at, limit = waiting.pop()
        box = _read_box(data, at, limit)
        if box is None:
            continue
        name, start, end = box
        waiting.append((end, limit))
        if name in _TELLING:
            yield start, at + 4, end
        elif name in _INSIDE:
            waiting.append((start, end))


def _read_box(data: bytes, at: int, limit: int) -> tuple[bytes, int, int] | None:
    """Name, beginning of the content and end of the box at `at`; None where there is none."""
    if at + _HEADER > limit:
        return None
    size, name = struct.unpack_from(">I4s", data, at)
    start = at + _HEADER
    if size == _LONG and at + _LONG_HEADER <= limit:
        (size,) = struct.unpack_from(">Q", data, start)
        start = at + _LONG_HEADER
    end = limit if size == _TO_THE_END else at + size
    return (name, start, end) if start <= end <= limit else None
