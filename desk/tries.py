"""Refuses passwords before they are compared, where too many come from one address at once."""

import functools
from datetime import datetime
from typing import Final

from starlette.exceptions import HTTPException
from starlette.responses import Response

from desk.access import Endpoint
from desk.request import DeskRequest
from services.accounts.tries import MOST_A_MINUTE, WINDOW_S, count_try

MOST_OF_ALL_A_MINUTE: Final = 300
"""In one process: half a minute's work of one processor."""


async def _refuse(_request: DeskRequest) -> Response:
    raise HTTPException(429)


def limited(endpoint: Endpoint, refuse: Endpoint = _refuse) -> Endpoint:
    """The same page; `refuse` answers an address that tried too often in this minute, with 429."""
    tries_of_all = _Counter()

    @functools.wraps(endpoint)
    async def answer(request: DeskRequest) -> Response:
        now = request.now()
        host = request.client.host if request.client is not None else ""
        # In this order: what is refused to one address must not count against all others.
        too_many = await count_try(request.parts.redis, host, now=now) > MOST_A_MINUTE
        if too_many or tries_of_all.count(now) > MOST_OF_ALL_A_MINUTE:
            return await _answer_refused(request, refuse, now)
        return await endpoint(request)

    return answer


async def _answer_refused(request: DeskRequest, refuse: Endpoint, now: datetime) -> Response:
    wait = {"Retry-After": str(WINDOW_S - int(now.timestamp()) % WINDOW_S)}
    try:
        response = await refuse(request)
    except HTTPException as error:
        raise HTTPException(error.status_code, headers=wait) from None
    response.headers.update(wait)
    return response


class _Counter:
    """Tries of this minute in this process: Redis may be away, and addresses are many."""

    def __init__(self) -> None:
        self._window = self._tries = 0

    def count(self, now: datetime) -> int:
        """How many there were, with this one."""
        window = int(now.timestamp()) // WINDOW_S
        if window != self._window:
            self._window, self._tries = window, 0
        self._tries += 1
        return self._tries
