"""What can become of a message that was handed to a carrier, told alike for every channel.

The doors in ``bot/channels`` translate a provider's codes and exceptions into these; nothing behind
them knows a provider's number.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sent:
    """The carrier took it: its id for the message, and how many parts it counts (SMS)."""

    provider_id: str
    parts: int | None = None


@dataclass(frozen=True, slots=True)
class Later:
    """It certainly did not go out and may be tried again after ``after_s`` seconds.

    ``throttled`` says that the carrier itself asked for patience: no failure, so it never counts
    towards giving up. ``for_everybody`` says that the carrier takes nothing from us before.
    """

    after_s: float
    reason: str
    throttled: bool = False
    for_everybody: bool = False


@dataclass(frozen=True, slots=True)
class Unreachable:
    """This address cannot be written to until the person writes again."""

    reason: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The carrier will never take this message, whoever it is sent to."""

    code: str


@dataclass(frozen=True, slots=True)
class Uncertain:
    """It may or may not have gone out: it is looked up where possible, never sent again blindly."""

    reason: str


Outcome = Sent | Later | Unreachable | Refused | Uncertain
