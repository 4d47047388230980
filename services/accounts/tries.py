"""How often passwords are tried from one address: each costs a tenth of a second to compare.

The lock of an account slows down who guesses at one person; this slows down who guesses at many.
Redis may be away: then nobody is kept out by it. No key of it tells an address.
"""

import asyncio
import ipaddress
from datetime import datetime

from redis.asyncio import Redis
from redis.exceptions import RedisError

from db.crypto import current_keyring

MOST_A_MINUTE = 20
WINDOW_S = 60
_ANSWER_LIMIT_S = 1.0
_NETWORK_BITS = 64


async def count_try(redis: Redis, host: str, *, now: datetime) -> int:
    """How many tries of this minute came from this address, with this one; 0 without Redis."""
    window = int(now.timestamp()) // WINDOW_S
    digest = current_keyring().blind_index(f"tries {window} {_network(host)}")
    key = f"tries:{digest[:12].hex()}"
    try:
        async with asyncio.timeout(_ANSWER_LIMIT_S), redis.pipeline(transaction=True) as pipe:
            pipe.incr(key)
            pipe.expire(key, 2 * WINDOW_S)
            count, _ = await pipe.execute()
    except (RedisError, OSError, TimeoutError):
        return 0
    return int(count)


def _network(host: str) -> str:
    """One line, as a provider gives it out: with IPv6 everybody has a whole network."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:  # as a server that listens for both kinds writes it
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((int(address), _NETWORK_BITS), strict=False))
