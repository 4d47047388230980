"""What a message is taken for, with what was shown and sent meanwhile weighed in.

`understand` reads it as an answer to the last screen. The person may never have seen that one, or
may be answering the centre: then they are asked, and nothing is guessed.
"""

from datetime import UTC, datetime

from bot.agreement_in_words import find_agreement
from bot.answering import (
    counts_since,
    is_too_early,
    living_message,
    may_be_for_centre,
    seen_since,
    unseen,
)
from bot.bootstrap import App
from bot.did_help_come import find_answer
from bot.understanding import Addressed, Doubtful, Meaning, is_number_key
from bot.written import Written, has_come


async def weigh(app: App, message: Written, meaning: Meaning) -> Meaning:
    item, standing = message.item, message.standing
    answer = await find_answer(app, message, meaning)
    if (answer := answer or await find_agreement(app, message, meaning)) is not None:
        return answer
    if message.turn.quoted is not None and message.text:
        return Addressed(message.text)
    if message.turn.channel == "sms" and is_too_early(item, meaning, standing):
        return unseen(meaning, message.text)
    if message.quotes is not None and message.quotes == living_message(standing):
        return meaning
    if message.turn.channel == "sms" and is_number_key(message.text):
        since = seen_since(standing, item)
    elif may_be_for_centre(meaning, standing.shown):
        since = counts_since(standing, item)
    else:
        return meaning
    shown_at = datetime.fromtimestamp(standing.shown_at, UTC)
    # Who answers a question with a letter, after something else was shown, sends the letter.
    has_written = await has_come(app, message, since, lettered_since=max(since, shown_at))
    return Doubtful(message.text) if has_written else meaning
