"""Secrets that were made on this machine, kept in the data folder.

A newcomer has no keys yet, and what was encrypted must stay readable over a restart: what is not
set is made once and written down before it is first used.
"""

import base64
import fcntl
import os
import secrets
from pathlib import Path

KEY_BYTES = 32


def new_secret(name: str) -> str:
    """A fresh value for a secret: url-safe text; an encryption key is 32 bytes in base64url."""
    if name == "ENCRYPTION_KEYS":
        return base64.urlsafe_b64encode(secrets.token_bytes(KEY_BYTES)).decode()
    return secrets.token_urlsafe(KEY_BYTES)


def write_private(path: Path, text: str) -> None:
    """Write a file that nobody else can read, not even for a moment. Raises OSError."""
    path.unlink(missing_ok=True)
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(file, "w", encoding="utf-8") as opened:
        opened.write(text)


def keep_secrets(path: Path, names: list[str]) -> dict[str, str]:
    """Read the named secrets of this file; the missing ones are made and appended (mode 0600).

    Two processes may ask at the same moment: both get the same values. Raises OSError.
    """
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    with os.fdopen(file, "r+", encoding="utf-8") as opened:
        fcntl.lockf(opened, fcntl.LOCK_EX)
        lines = (line.strip().partition("=") for line in opened)
        kept = {name: value for name, _, value in lines if value}
        missing = {name: new_secret(name) for name in names if name not in kept}
        opened.writelines(f"{name}={value}\n" for name, value in missing.items())
        opened.flush()
        os.fsync(opened.fileno())
    known = kept | missing
    return {name: known[name] for name in names}
