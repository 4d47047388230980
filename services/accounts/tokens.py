"""The random names of sessions and links. Who reads the database cannot use them: it has hashes."""

import hashlib
import secrets

_BYTES = 32


def new_token() -> str:
    """43 letters and digits that nobody guesses, fit for a cookie and an address."""
    return secrets.token_urlsafe(_BYTES)


def hash_token(token: str) -> bytes:
    """What is kept of it. Whatever a browser sends has a hash; a slow one would add nothing."""
    return hashlib.sha256(token.encode(errors="replace")).digest()
