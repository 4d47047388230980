"""The words of an answer to "may we refer you?", typed instead of its letter or button.

They are taken where they can mean one thing only: nobody agrees to what they were not asked. Else
they go to the centre like all words, and the person is told how to answer.
"""

from collections.abc import Sequence

from bot.bootstrap import App
from bot.understanding import Meaning, Pressed, Replied, Typed, Unnamed
from bot.written import Written, has_come
from locales.catalogue import LANGUAGES, SMS, load_catalogue
from services import questions, yes_no
from services.referrals.unanswered import Unanswered, list_unanswered


async def find_agreement(app: App, message: Written, meaning: Meaning) -> Meaning | None:
    """None for what answers no such question."""
    option = _read(message.text) if _is_in_words(meaning) else None
    if option is None:
        return None
    async with app.new_session.begin() as session:
        waiting = await list_unanswered(session, message.turn.address, message.item.id)
    asked = [one for one in waiting if option in one.options and _may_mean(message, one)]
    if not asked:
        return None
    newest = max(one.came_at for one in asked)
    is_button = isinstance(meaning, Pressed) and message.quotes is None
    if is_button and newest.timestamp() <= message.standing.shown_at:
        return None  # what was shown last asks in the same words
    has_written = message.quotes is None and await has_come(app, message, newest)
    if len(asked) == 1 and not is_button and not has_written:
        return Replied(asked[0].id, asked[0].options.index(option) + 1)
    return Unnamed(message.text, _answers(asked, option))


def _is_in_words(meaning: Meaning) -> bool:
    if isinstance(meaning, Pressed):
        return not meaning.by_number and not meaning.steers
    return isinstance(meaning, Typed)


def _read(text: str) -> str | None:
    """The option whose label this is, in any language."""
    said, catalogue = yes_no.key(text), load_catalogue()
    for option in (questions.AGREE, questions.REFUSE):
        for language in LANGUAGES:
            for channel in ("telegram", SMS):
                label = catalogue.text(f"consent-{option}", language, channel)
                if said == yes_no.key(label):
                    return option
    return None


def _may_mean(message: Written, asked: Unanswered) -> bool:
    """Whether it was written after the question came, and quotes nothing else."""
    if message.quotes is not None and str(message.quotes) != asked.message_id:
        return False
    received_at = message.item.received_at
    return received_at is None or received_at >= asked.came_at


def _answers(asked: Sequence[Unanswered], option: str) -> tuple[str, ...]:
    """Of several questions this answer to each, of one all its answers."""
    if len(asked) > 1:
        return tuple(f"{one.letter}{one.options.index(option) + 1}" for one in asked)
    (one,) = asked
    return tuple(f"{one.letter}{n}" for n in range(1, len(one.options) + 1))
