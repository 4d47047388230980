"""Files of a request: opened in the browser where that is harmless, else saved.

They came from strangers. Whatever a file says, the browser runs nothing of it: the type is the one
that was found when it was checked, and the page that shows it may load and run nothing.
"""

import re
from typing import Final
from uuid import UUID

from starlette.exceptions import HTTPException
from starlette.responses import Response

from desk.access import REQUEST_ROLES, Forged, page
from desk.pages.request import at_request
from desk.request import DeskRequest
from services import desk_requests
from services.errors import NotAllowed
from services.file_store import FileStoreError
from services.files import FileNotFound, KeptFile

_SHOWN: Final = ("image/", "audio/", "video/")
_POLICY: Final = "sandbox; default-src 'none'; img-src 'self'; media-src 'self'"
_RANGE: Final = re.compile(r"bytes=(\d{1,12})-(\d{0,12})")


async def show_file(request: DeskRequest) -> Response:
    """The bytes, and the look written down."""
    try:
        file_id = UUID(request.path_params["file"])
    except ValueError:
        raise Forged from None
    try:
        async with at_request(request) as (session, code):
            kept = await desk_requests.read_file(
                session, request.parts.files, request.visitor, code, file_id, now=request.now()
            )
    except (FileNotFound, NotAllowed):
        async with request.acting() as session:
            await desk_requests.note_refused_file(
                session, request.visitor, file_id, now=request.now()
            )
        raise HTTPException(404) from None
    except FileStoreError:
        raise HTTPException(503) from None
    return _answer(kept, request.headers.get("range", ""))


def _answer(kept: KeptFile, wanted: str) -> Response:
    """All of it, or the part that a player asks for: some play nothing without."""
    way = "inline" if kept.media_type.startswith(_SHOWN) else "attachment"
    headers = {
        "Content-Disposition": f'{way}; filename="{kept.name}"',
        "Content-Security-Policy": _POLICY,
        "Accept-Ranges": "bytes",
    }
    part = _find_part(wanted, len(kept.data))
    if part is None:
        return Response(kept.data, media_type=kept.media_type, headers=headers)
    first, last = part
    headers["Content-Range"] = f"bytes {first}-{last}/{len(kept.data)}"
    return Response(
        kept.data[first : last + 1], status_code=206, media_type=kept.media_type, headers=headers
    )


def _find_part(wanted: str, size: int) -> tuple[int, int] | None:
    """The first and the last byte; None for all, also when the wish cannot be met."""
    found = _RANGE.fullmatch(wanted)
    if found is None:
        return None
    first = int(found[1])
    last = min(int(found[2] or size - 1), size - 1)
    return (first, last) if first <= last else None


ROUTES: Final = (page("/requests/{code}/files/{file}", show_file, roles=REQUEST_ROLES),)
