"""Signed requests to the application, tried again while it is away."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus

import aiohttp

from simulator.config import Config
from simulator.twilio.signature import sign

log = logging.getLogger(__name__)

_TIMEOUT = aiohttp.ClientTimeout(total=15)

# Seconds between attempts. What a person wrote is tried for a minute, about as long as an
# application takes to be started again; a status is soon overtaken by the next.
INBOUND_PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
STATUS_PAUSES = (0.2, 1.0)


async def post_webhook(
    config: Config, url: str, form: Mapping[str, str], *, copies: int, pauses: Sequence[float]
) -> None:
    """Post a form, signed for `url`, until it is taken or the attempts are used up.

    An address under the application's public URL is called where the application listens, as a
    proxy in front of it would. Anything but a 5xx counts as taken: Twilio does not insist either.
    """
    target = _reachable(config, url)
    headers = {"X-Twilio-Signature": sign(config.twilio_token, url, form)}
    async with aiohttp.ClientSession(timeout=_TIMEOUT, headers=headers) as session:
        for pause in (*pauses, None):
            taken = await asyncio.gather(*(_post(session, target, form) for _ in range(copies)))
            if any(taken):
                return
            if pause is None:
                log.warning("a webhook was not taken; given up after %d attempts", len(pauses) + 1)
                return
            await asyncio.sleep(pause)


async def _post(session: aiohttp.ClientSession, url: str, form: Mapping[str, str]) -> bool:
    try:
        async with session.post(url, data=form) as response:
            if response.status >= HTTPStatus.BAD_REQUEST:
                log.warning("a webhook was answered with %d", response.status)
            return response.status < HTTPStatus.INTERNAL_SERVER_ERROR
    except (aiohttp.ClientError, TimeoutError, ValueError):
        # ValueError: a host whose name cannot be looked up at all, such as "a..b".
        return False


def _reachable(config: Config, url: str) -> str:
    public = config.public_url.rstrip("/")
    if url == public or url.startswith((public + "/", public + "?")):
        return config.app_url.rstrip("/") + url.removeprefix(public)
    return url
