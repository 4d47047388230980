"""What the desk gets to hold of an account: nothing of it reaches the database by itself."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who is at the desk, in one browser.

    Until `is_confirmed` only the password was given: they see nothing but the way to the code, or
    (without `has_second_factor`) to setting one up.
    """

    staff_id: UUID
    session_id: UUID
    name: str = field(repr=False)
    username: str
    role: str
    centre_id: str | None
    language: str
    is_confirmed: bool
    has_second_factor: bool


@dataclass(frozen=True, slots=True)
class Invited:
    """Who may choose a password now."""

    name: str = field(repr=False)
    username: str


@dataclass(frozen=True, slots=True)
class SecondFactor:
    """What an authenticator needs: `secret` in base32 to type, `uri` (otpauth) to scan."""

    secret: str = field(repr=False)
    uri: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class NewFactor(SecondFactor):
    """The same for another authenticator. `proof` says that password and code were given."""

    proof: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Confirmed:
    """A session that may work, and how many recovery codes are left to its owner.

    `known` is what the browser keeps, to be asked for it when somebody signs in there again;
    `by_recovery_code` says that the authenticator was not at hand.
    """

    token: str = field(repr=False)
    known: str = field(repr=False)
    recovery_codes_left: int
    by_recovery_code: bool

    @property
    def needs_recovery_codes(self) -> bool:
        """Whether nothing would let them in if the phone were lost."""
        return not self.recovery_codes_left


@dataclass(frozen=True, slots=True)
class SessionLine:
    """A browser that is signed in, as its owner recognises it; `is_own` is the one that asks."""

    id: UUID
    device: str
    created_at: datetime
    last_seen_at: datetime
    is_own: bool
