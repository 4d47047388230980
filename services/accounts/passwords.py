"""Passwords: which are refused, and how they are kept (argon2id).

A hash takes a tenth of a second and 64 MiB on purpose. So it is made in one of few threads: many
guesses at once wait for one another, not the rest of the desk for them.
"""

import asyncio
import json
import secrets
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from services.errors import WeakPassword

SHORTEST = 10
LONGEST = 200
_FEWEST_DIFFERENT = 4

# Of the commonest passwords those that are long enough, and what is near at hand here.
_COMMON = frozenset(
    json.loads((Path(__file__).parents[1] / "data" / "common_passwords.json").read_text())
)

_HASHER = PasswordHasher()
_THREADS = ThreadPoolExecutor(max_workers=2, thread_name_prefix="passwords")


def check(password: str, username: str) -> None:
    """Raises WeakPassword for what is guessed first."""
    same = _same(password)
    if len(same) < SHORTEST:
        raise WeakPassword("short")
    if len(same) > LONGEST:
        raise WeakPassword("long")
    folded = same.casefold()
    if username in folded and _says_little(folded.replace(username, "")):
        raise WeakPassword("username")
    if folded in _COMMON or _says_little(folded) or len(set(folded)) < _FEWEST_DIFFERENT:
        raise WeakPassword("common")


async def hash_password(password: str) -> str:
    """What is kept of it."""
    return await asyncio.get_running_loop().run_in_executor(
        _THREADS, _HASHER.hash, _bytes(password)
    )


async def verify(password: str, kept: str | None) -> bool:
    """Whether it is the one of which `kept` was made; without one it is not, at the same cost."""
    is_same = await asyncio.get_running_loop().run_in_executor(
        _THREADS, _verify, _bytes(password), kept
    )
    return is_same and kept is not None


def _says_little(text: str) -> bool:
    """Digits and dashes: a birthday, a phone number, what is hung on to a name."""
    return not text.strip("0123456789 .-_!")


@cache
def _of_nobody() -> str:
    """Of a random password: what an unknown username is compared with, at the same cost."""
    return _HASHER.hash(secrets.token_bytes())


def _verify(password: bytes, kept: str | None) -> bool:
    of_nobody = _of_nobody()
    try:
        return _HASHER.verify(kept or of_nobody, password)
    except (VerificationError, InvalidHashError):
        return False


def _same(password: str) -> str:
    """However a keyboard composes it, it is the same password."""
    return unicodedata.normalize("NFKC", password)


def _bytes(password: str) -> bytes:
    return _same(password).encode(errors="replace")
