"""Answers to "did help come?" that name no letter and press no button.

Whoever has just been asked says yes or no, or sends the number alone. It answers where that
question is the newest one; where something else was asked since, the person is asked whose it is.
"""

from datetime import UTC, datetime

from bot.bootstrap import App
from bot.understanding import Doubtful, Meaning, Pressed, Replied, Typed
from bot.written import Written, has_come
from locales.catalogue import LANGUAGES, SMS, load_catalogue
from services import numbers, questions, yes_no


async def find_answer(app: App, message: Written, meaning: Meaning) -> Meaning | None:
    """None for what does not answer it; Doubtful for what may answer something else."""
    option = _read(message.text) if isinstance(meaning, Typed) else None
    number = _read_number(message, meaning)
    if option is None and number is None:
        return None
    async with app.new_session.begin() as session:
        asked = await questions.find_open(session, message.turn.address, message.item.id)
    if asked is None or not _may_mean(message, asked):
        return None
    if number is not None:
        is_answer = _is_newest(message, asked) and asked.is_last
        return Replied(asked.id, number) if is_answer else None
    assert option is not None
    if _asks_something_else(message, asked) and not _is_label(message.text, option):
        return None
    if await _was_written_to_since(app, message, asked):
        return Doubtful(message.text)
    return Replied(asked.id, asked.options.index(option) + 1)


def _read(text: str) -> str | None:
    """The option that these words name."""
    named = (option for option in (questions.YES, questions.NO) if _is_label(text, option))
    return next(named, None) or yes_no.read(text)


def _is_label(text: str, option: str) -> bool:
    """Whether they are the words of its button, in any language."""
    catalogue = load_catalogue()
    labels = (
        catalogue.text(f"help-{option}", language, channel)
        for language in LANGUAGES
        for channel in ("telegram", SMS)
    )
    return yes_no.key(text) in map(yes_no.key, labels)


def _read_number(message: Written, meaning: Meaning) -> int | None:
    """The number alone, where only a letter is missing."""
    if message.turn.channel != SMS or not isinstance(meaning, Pressed | Typed):
        return None
    chosen = numbers.parse_choices(message.text, len((questions.YES, questions.NO)))
    return chosen[0] if chosen is not None and len(chosen) == 1 else None


def _may_mean(message: Written, asked: questions.Open) -> bool:
    """Whether it was written after the question came, and quotes nothing else."""
    if message.quotes is not None and str(message.quotes) != asked.message_id:
        return False
    received_at = message.item.received_at
    return received_at is None or received_at >= asked.came_at


async def _was_written_to_since(app: App, message: Written, asked: questions.Open) -> bool:
    """Whether it may answer what the centre wrote after the question: once it is asked about."""
    if message.quotes is not None:
        return False
    doubted_at = datetime.fromtimestamp(message.standing.doubted_at, UTC)
    return await has_come(app, message, max(asked.came_at, doubted_at))


def _is_newest(message: Written, asked: questions.Open) -> bool:
    """Whether no screen was shown since."""
    return asked.came_at.timestamp() > message.standing.shown_at


def _asks_something_else(message: Written, asked: questions.Open) -> bool:
    """Whether the screen does, and was shown after the question."""
    shown = message.standing.shown
    is_quoted = message.quotes is not None
    asks = shown is not None and not shown.takes_words
    return asks and not is_quoted and not _is_newest(message, asked)
