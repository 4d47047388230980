"""What a card says, and who words it: the edges know the words, as in `services.message_words`."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Protocol

from db.models import Request

# Of any other, and so of every topic of safety, a card does not say what it is about.
_TOPICS_TOLD: Final = ("registration", "call", "talk")

TEST_CARD: Final = 0
"""The id on the button of a test card."""


def told_topic(topic: str) -> str | None:
    """The topic as a card may name it; None for what a stranger's eye must not read."""
    return topic if topic in _TOPICS_TOLD else None


@dataclass(frozen=True, slots=True)
class Told:
    """All that a card knows of a request: nothing of the person, nothing that anybody wrote.

    `since` is when it came (urgent) or when it should have been answered (overdue). `may_take`
    says whether who reads it could take it.
    """

    card_id: int
    code: str
    cause: str
    urgency: str
    topic: str | None
    since: datetime
    may_take: bool


@dataclass(frozen=True, slots=True)
class Counted:
    """Several at once, in one message; `card_id` is one of its cards."""

    card_id: int
    urgent: int
    overdue: int


@dataclass(frozen=True, slots=True)
class CardMessage:
    """A message of Telegram: its words and the buttons below them."""

    text: str = field(repr=False)
    reply_markup: dict[str, Any] | None = None


class CardWords(Protocol):
    """Words by the language of who reads them: 'km' or 'en'."""

    def card(self, language: str, told: Told) -> CardMessage:
        """One request, with the buttons Take, Open and Seen."""

    def cards(self, language: str, counted: Counted) -> CardMessage:
        """Several requests, with the buttons Open (the list) and Seen."""

    def standing(self, language: str, told: Told | None, outcome: str) -> CardMessage:
        """What has become of the request, one of `pressing.OUTCOMES`; only Open is left to press.

        Without `told` nothing of it is said: it is theirs no more.
        """

    def none_left(self, language: str) -> CardMessage:
        """None of the several that a message counted waits any more."""

    def test_card(self, language: str) -> CardMessage:
        """A card of nothing, to see that cards arrive."""

    def unlinked(self, language: str) -> CardMessage:
        """This chat gets no cards any more."""


def tell(request: Request, card_id: int, cause: str, *, may_take: bool) -> Told:
    """What a card of this cause may say of a request."""
    came_at = request.last_person_at or request.created_at
    return Told(
        card_id=card_id,
        code=request.code,
        cause=cause,
        urgency=request.urgency,
        topic=told_topic(request.topic),
        since=(request.due_at or came_at) if cause == "overdue" else came_at,
        may_take=may_take,
    )
