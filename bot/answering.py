"""Whether what was written may answer the screen at all.

A text names no question. The first of two impatient texts may have brought another question, and
the centre may have asked something since. Then nothing is answered unseen.
"""

from datetime import UTC, datetime, timedelta
from typing import Final

import regex

from bot.shown import Shown
from bot.state_store import Standing
from bot.understanding import Doubtful, Meaning, Pressed, Said, Typed, Unseen, is_number_key
from dialogs.to_centre import says_something
from services.inbox import InboxItem

# For that long an answer to the centre is likely: before what cannot be undone also to what came
# before the screen was shown.
ANSWERED_WITHIN: Final = timedelta(days=14)
_STACK: Final = "aiogd:stack:"
_NUMBER: Final = regex.compile(r"(?=.*\p{N})[\p{N}\p{P}\p{Z}]+")


def is_too_early(item: InboxItem, meaning: Meaning, standing: Standing) -> bool:
    """Whether an SMS came in before the screen that it would answer was even made.

    Both times are of the database's clock.
    """
    if item.received_at is None or item.received_at.timestamp() >= standing.shown_at:
        return False
    return _answers_a_question(meaning, standing.shown)


def unseen(meaning: Meaning, text: str) -> Meaning:
    """What came too early: an impatient person sends "1" twice, or sends three texts at once.

    The second "1" may not answer the next question; of the texts none may be lost.
    """
    if isinstance(meaning, Pressed) and meaning.steers and not is_number_key(text):
        return Said("show")
    is_number = _NUMBER.fullmatch(text) is not None and not says_something(text)
    return Unseen(text, is_number=is_number)


def may_be_words(meaning: Meaning) -> bool:
    """Whether it may be said to somebody; the rest means the same whatever else was written."""
    if isinstance(meaning, Pressed):
        return not meaning.steers
    return isinstance(meaning, Typed)


def may_be_for_centre(meaning: Meaning, shown: Shown | None) -> bool:
    """Whether these words would be taken for an answer to the screen, and may be none."""
    return may_be_words(meaning) and _answers_a_question(meaning, shown)


def note_shown(standing: Standing, meaning: Meaning | None, item: InboxItem) -> None:
    """From now on the person may have seen the screen, and answer it."""
    standing.shown_at = item.time_of_database().timestamp()
    if isinstance(meaning, Doubtful):
        standing.doubted_at = standing.shown_at


def _answers_a_question(meaning: Meaning, shown: Shown | None) -> bool:
    """Words on a screen that waits for nothing answer none, only the numbers of its options do."""
    if shown is None:
        return False
    if isinstance(meaning, Pressed):
        return meaning.by_number or not shown.takes_words
    return isinstance(meaning, Typed) and bool(meaning.text) and not shown.takes_words


def counts_since(standing: Standing, item: InboxItem) -> datetime:
    """From when on it matters whether the centre wrote: since the person last saw the screen.

    Before what cannot be undone longer ago, unless the person was asked about it since, or it was
    a question with a letter of its own (`bot.weighing`).
    """
    since = standing.shown_at
    if standing.shown is not None and standing.shown.final:
        long_ago = item.time_of_database() - ANSWERED_WITHIN
        since = min(since, max(standing.doubted_at, long_ago.timestamp()))
    return datetime.fromtimestamp(since, UTC)


def seen_since(standing: Standing, item: InboxItem) -> datetime:
    """When the person last saw a screen; of somebody who stands nowhere nobody knows."""
    long_ago = item.time_of_database() - ANSWERED_WITHIN
    return max(datetime.fromtimestamp(standing.shown_at, UTC), long_ago)


def living_message(standing: Standing) -> int | None:
    """The message of Telegram in which the last screen stands."""
    number = standing.parts.get(_STACK, {}).get("last_message_id")
    return number if isinstance(number, int) else None
