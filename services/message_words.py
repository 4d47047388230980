"""What services need said when they write to people; the edges know the words.

A service decides that and to whom something is written, never how it reads: language and channel
have their words in `bot`, which hands an implementation of `MessageWords` in.
"""

from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Worded:
    """A message ready to send, and the same for a phone that others read too.

    `neutral` tells nothing of its content or its topic. `reply_markup` is Telegram's; it tells as
    little, and goes with either, save where only `text` asks (`messages.send`: `asks_in_full`).
    """

    text: str = field(repr=False)
    neutral: str = field(repr=False)
    reply_markup: dict[str, Any] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class AskedQuestion:
    """A question as its message must name it: buttons carry `?<id>:<n>`, an SMS says K1, K2.

    `n` counts `options` from 1.
    """

    id: int
    letter: str
    kind: str
    options: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Passing:
    """What is passed on, to whom and what for: names of `db.models.SHARED` and PURPOSES.

    `need` is what the agency reads of what is needed, None where that is not told.
    """

    agency_km: str
    agency_en: str
    purpose: str
    shared: tuple[str, ...]
    need: str | None = field(repr=False)

    def agency(self, language: str) -> str:
        """English for any language but Khmer."""
        return self.agency_km if language == "km" else self.agency_en


class MessageWords(Protocol):
    """Words by language ('km', 'en' or None: not chosen yet) and channel ('telegram', 'sms')."""

    def reply(self, language: str | None, channel: str, code: str, text: str) -> Worded:
        """What staff wrote about the request of this code, with a line that says who writes."""

    def help_came(
        self,
        language: str | None,
        channel: str,
        code: str,
        question: AskedQuestion,
        *,
        was_possible: bool = True,
    ) -> Worded:
        """The centre has finished: did the help really come?"""

    def handed_over(self, language: str | None, channel: str, code: str, centre: str) -> Worded:
        """Another centre looks after the request from now on: its name."""

    def may_refer(
        self, language: str | None, channel: str, question: AskedQuestion, passed: Passing
    ) -> Worded:
        """May this be passed on? The neutral words ask nothing: they say where to read it."""

    def referral_given(
        self, language: str | None, channel: str, code: str, passed: Passing
    ) -> Worded:
        """It was passed on, as agreed."""

    def file_refused(
        self, language: str | None, channel: str, code: str | None, reason: str
    ) -> Worded:
        """What the person sent could not be kept."""
