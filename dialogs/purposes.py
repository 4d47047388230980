"""What people agree to besides registering, each purpose in words of its own.

Asked once after registering, and open under "my data" ever after: both show the same words, so
that one version says what somebody agreed to.
"""

from collections.abc import Collection
from typing import Final

from dialogs.turn import Turn
from dialogs.widgets import Item
from services import consent

WORDING: Final = "purposes-2"
"""The version of the words below (`purpose-…`); other words need another one."""
ASKED: Final = tuple(purpose for purpose in consent.PURPOSES if purpose != consent.SERVICE)
"""Those asked for after registering; to the service itself the person agreed before it."""

NONE: Final = "none"


def name(turn: Turn, purpose: str) -> str:
    return turn.text(f"purpose-{purpose}")


def words(turn: Turn, purpose: str) -> str:
    """What is done, and who gets what."""
    return turn.text(f"purpose-words-{purpose}")


def options(turn: Turn) -> list[Item]:
    """The purposes to choose from; by SMS nothing but these says what they mean.

    There the first option is none of them: "1" confirmed the form just before, and an impatient
    second "1" must not agree to anything unseen.
    """
    if turn.channel == "sms":
        none = Item(NONE, turn.text("purpose-none"))
        return [none, *(Item(purpose, words(turn, purpose)) for purpose in ASKED)]
    return [Item(purpose, name(turn, purpose)) for purpose in ASKED]


def explained(turn: Turn) -> str:
    """One purpose a line, with its name as its button says it."""
    return "\n".join(
        turn.text("purpose-line", name=name(turn, purpose), words=words(turn, purpose))
        for purpose in ASKED
    )


def is_news_without_phone(turn: Turn, given: Collection[str]) -> bool:
    """Whether news was agreed to that never comes: by SMS it needs the phone as well."""
    return turn.channel == "sms" and consent.NEWS in given and consent.PHONE not in given
