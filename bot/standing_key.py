"""Under which name Redis keeps where a conversation stands.

Apart from the store itself, because who deletes a standing must not need the conversations.
"""

from db.crypto import Keyring


def standing_key(keyring: Keyring, address_key: bytes) -> str:
    """The name says nothing: neither an address nor what finds it in the database."""
    return "c:" + keyring.blind_index("state:" + address_key.hex())[:16].hex()
