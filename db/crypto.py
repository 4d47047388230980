"""Encryption of what identifies a person, and the column types that apply it.

A dump of the database, a replica or a lost backup must not name a returnee. Values are encrypted
with AES-256-GCM before they reach the driver; equality search goes through a keyed blind index.
A stored value is: format byte, key id (4 bytes), nonce (12 bytes), ciphertext with its tag.
"""

import base64
import hashlib
import hmac
import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import Dialect, LargeBinary
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeDecorator

KEY_BYTES = 32
_FORMAT = b"\x01"
_ID_BYTES = 4
_NONCE_BYTES = 12
_HEADER_BYTES = len(_FORMAT) + _ID_BYTES + _NONCE_BYTES


class DecryptionError(Exception):
    """A stored value was not written with any of the known keys, or was changed since."""


class KeyringError(Exception):
    """The keys given are unusable, or none were given."""


class Keyring:
    """Keys for values (the first encrypts, all decrypt) and one key for blind indexes."""

    def __init__(self, keys: Sequence[bytes], index_key: bytes) -> None:
        if not keys:
            raise KeyringError("at least one encryption key is needed")
        if any(len(key) != KEY_BYTES for key in keys):
            raise KeyringError(f"each encryption key must be {KEY_BYTES} bytes long")
        if len(index_key) < KEY_BYTES:
            raise KeyringError(f"the index key must be at least {KEY_BYTES} bytes long")
        self._ciphers = {_key_id(key): AESGCM(key) for key in keys}
        self._first_id = _key_id(keys[0])
        self._first = self._ciphers[self._first_id]
        self._index = hmac.new(index_key, digestmod=hashlib.sha256)

    def encrypt(self, plain: bytes) -> bytes:
        nonce = os.urandom(_NONCE_BYTES)
        return _FORMAT + self._first_id + nonce + self._first.encrypt(nonce, plain, None)

    def decrypt(self, stored: bytes) -> bytes:
        """Raises DecryptionError."""
        if len(stored) < _HEADER_BYTES or stored[:1] != _FORMAT:
            raise DecryptionError("not an encrypted value")
        cipher = self._ciphers.get(stored[1 : 1 + _ID_BYTES])
        if cipher is None:
            raise DecryptionError("encrypted with a key that is not in ENCRYPTION_KEYS")
        nonce = stored[1 + _ID_BYTES : _HEADER_BYTES]
        try:
            return cipher.decrypt(nonce, stored[_HEADER_BYTES:], None)
        except InvalidTag:
            raise DecryptionError("an encrypted value was damaged") from None

    def blind_index(self, text: str) -> bytes:
        """32 bytes, equal for equal texts, telling nothing to who lacks the key."""
        mac = self._index.copy()
        mac.update(text.encode())
        return mac.digest()


def derive_key(secret: str, purpose: bytes) -> bytes:
    """32 bytes of their own for each purpose, from one secret."""
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=purpose).derive(
        secret.encode()
    )


def _key_id(key: bytes) -> bytes:
    return hashlib.sha256(b"tralob key id" + key).digest()[:_ID_BYTES]


_current: Keyring | None = None


def use_keyring(ring: Keyring) -> None:
    """Set the keys of this process; called once, before the first query."""
    global _current  # noqa: PLW0603 - column types have no other way to their keys
    _current = ring


def current_keyring() -> Keyring:
    """Raises KeyringError before `use_keyring`."""
    if _current is None:
        raise KeyringError("use_keyring() was not called in this process")
    return _current


def _to_json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


class EncryptedText(TypeDecorator[str]):
    """str in Python, encrypted bytea in the database. Equal texts are stored differently."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> bytes | None:  # noqa: ARG002
        return None if value is None else current_keyring().encrypt(value.encode())

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        return None if value is None else current_keyring().decrypt(value).decode()


class EncryptedJSON(TypeDecorator[Any]):
    """A JSON value in Python, one encrypted bytea in the database; None is SQL NULL."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> bytes | None:  # noqa: ARG002
        return None if value is None else current_keyring().encrypt(_to_json(value))

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> Any:  # noqa: ARG002
        return None if value is None else json.loads(current_keyring().decrypt(value))


def seal_fields(fields: Mapping[str, Any]) -> dict[str, str]:
    """Encrypt each value by itself; the names stay readable."""
    ring = current_keyring()
    return {
        name: base64.b64encode(ring.encrypt(_to_json(item))).decode()
        for name, item in fields.items()
    }


def open_fields(sealed: Mapping[str, str]) -> dict[str, Any]:
    """The reverse of `seal_fields`. Raises DecryptionError."""
    ring = current_keyring()
    return {name: json.loads(ring.decrypt(base64.b64decode(item))) for name, item in sealed.items()}


class EncryptedFields(TypeDecorator[Mapping[str, Any]]):
    """A mapping whose values are encrypted one by one; its field names stay readable (jsonb).

    So one field is replaced inside the database in one statement, and two answers given at the
    same moment do not overwrite each other.
    """

    impl = JSONB
    cache_ok = True

    def process_bind_param(
        self,
        value: Mapping[str, Any] | None,
        dialect: Dialect,  # noqa: ARG002
    ) -> dict[str, str] | None:
        return None if value is None else seal_fields(value)

    def process_result_value(
        self,
        value: Any | None,
        dialect: Dialect,  # noqa: ARG002
    ) -> Mapping[str, Any] | None:
        return None if value is None else open_fields(value)
