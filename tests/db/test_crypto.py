import pytest

from db.crypto import DecryptionError, Keyring, KeyringError

OLD, NEW = b"o" * 32, b"n" * 32
INDEX = b"i" * 32


def test_a_value_comes_back_and_equal_values_look_different() -> None:
    ring = Keyring([NEW], INDEX)
    first, second = ring.encrypt("សុខា".encode()), ring.encrypt("សុខា".encode())
    assert ring.decrypt(first).decode() == "សុខា"
    assert first != second
    assert "សុខា".encode() not in first


def test_a_value_of_an_older_key_is_still_read_and_new_ones_use_the_first_key() -> None:
    stored = Keyring([OLD], INDEX).encrypt(b"012 345 678")
    rotated = Keyring([NEW, OLD], INDEX)
    assert rotated.decrypt(stored) == b"012 345 678"
    assert Keyring([NEW], INDEX).decrypt(rotated.encrypt(b"new")) == b"new"


def test_a_value_of_a_lost_key_is_refused_without_showing_anything() -> None:
    stored = Keyring([OLD], INDEX).encrypt(b"secret")
    with pytest.raises(DecryptionError, match="ENCRYPTION_KEYS"):
        Keyring([NEW], INDEX).decrypt(stored)


@pytest.mark.parametrize("place", [0, 3, 8, 20, -1])
def test_a_damaged_value_is_refused(place: int) -> None:
    ring = Keyring([NEW], INDEX)
    stored = bytearray(ring.encrypt(b"secret"))
    stored[place] ^= 1
    with pytest.raises(DecryptionError):
        ring.decrypt(bytes(stored))


@pytest.mark.parametrize("stored", [b"", b"plain", b"\x01" * 16])
def test_what_was_never_encrypted_is_refused(stored: bytes) -> None:
    with pytest.raises(DecryptionError):
        Keyring([NEW], INDEX).decrypt(stored)


def test_the_blind_index_is_stable_and_depends_on_its_key() -> None:
    ring = Keyring([NEW], INDEX)
    assert ring.blind_index("phone:+85512345678") == ring.blind_index("phone:+85512345678")
    assert ring.blind_index("phone:+85512345678") != ring.blind_index("sms:+85512345678")
    assert Keyring([NEW], OLD).blind_index("a") != ring.blind_index("a")
    assert len(ring.blind_index("a")) == 32


@pytest.mark.parametrize(
    ("keys", "index_key"), [([], INDEX), ([b"short"], INDEX), ([NEW, b""], INDEX), ([NEW], b"")]
)
def test_unusable_keys_are_refused_without_being_shown(keys: list[bytes], index_key: bytes) -> None:
    with pytest.raises(KeyringError) as caught:
        Keyring(keys, index_key)
    assert "short" not in str(caught.value)
