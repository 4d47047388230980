"""The numbers of our advisory locks, in one place: PostgreSQL has one row of them per database.

Two that were equal once made a release wait for ever beside a running web process. The inbox locks
addresses by the first eight bytes of their keyed hash, which meet these only by a rare chance.
"""

from enum import IntEnum, unique


@unique
class Lock(IntEnum):
    """What one at a time does; held until the session, or the transaction, ends."""

    MIGRATING = 0x7472616C6F6201  # "tralob", and a number of its own
    POLLING = 0x7472616C6F6202  # asking Telegram for updates
    MANAGING_STAFF = 0x7472616C6F6203  # making, changing and ending the accounts of others
