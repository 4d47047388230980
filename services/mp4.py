"""Takes out of films and recordings what phones write beside sound and picture.

Phones put the place of recording, the time and their own name into boxes of their own. Sound and
picture are found by their distance from the beginning of the file, so nothing may move: such a box
is renamed to `free`, which players pass over, and filled with zeros. The moments of recording that
stand among what players need are set to zero alone.
"""

import struct
from collections.abc import Iterator

_INSIDE = (b"moov", b"trak", b"mdia", b"moof", b"traf")
_TELLING = (b"udta", b"meta", b"uuid", b"free", b"skip")
_TIMED = (b"mvhd", b"tkhd", b"mdhd")
_HEADER = 8
_LONG_HEADER = 16
_TO_THE_END = 0
_LONG = 1
_VERSION_AND_FLAGS = 4
_TIMES = (8, 16)  # bytes of the two moments, by version
_MOST_BOXES = 100_000

Span = tuple[int, int]
"""Where something begins, and where it has ended."""


class UnreadableFilm(Exception):  # noqa: N818 - what the file is, not what went wrong
    """More boxes than any film has: what stands in the last of them would be kept unread."""


def blank_metadata(data: bytes) -> bytes:
    """The same file, of the same length, without its metadata. Raises UnreadableFilm."""
    out = bytearray(data)
    for name, (start, end), name_at in _list_boxes(data):
        if name in _TELLING:
            out[name_at : name_at + 4] = b"free"
            out[start:end] = bytes(end - start)
        elif name in _TIMED:
            first, last = _find_times(data, start, end)
            out[first:last] = bytes(last - first)
    return bytes(out)


def _list_boxes(data: bytes) -> Iterator[tuple[bytes, Span, int]]:
    """(name, content, where the name stands) of each box that may say something."""
    waiting = [(0, len(data))]
    read = 0
    while waiting:
        at, limit = waiting.pop()
        box = _read_box(data, at, limit)
        if box is None:
            continue
        read += 1
        if read > _MOST_BOXES:
            raise UnreadableFilm
        name, start, end = box
        waiting.append((end, limit))
        yield name, (start, end), at + 4
        if name in _INSIDE:
            waiting.append((start, end))


def _find_times(data: bytes, start: int, end: int) -> Span:
    """Where a header keeps when it was made and last changed; at most up to its end."""
    version = min(data[start], 1) if start < end else 0
    first = min(start + _VERSION_AND_FLAGS, end)
    return first, min(first + _TIMES[version], end)


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
