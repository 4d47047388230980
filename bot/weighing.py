"""What a message is taken for, with what was shown and sent meanwhile weighed in.

`understand` reads it as an answer to the last screen. The person may never have seen that one, or
may be answering the centre: then they are asked, and nothing is guessed.
"""

from dataclasses import dataclass
from datetime import datetime

from bot.answering import (
    counts_since,
    is_too_early,
    living_message,
    may_be_for_centre,
    seen_since,
    unseen,
)
from bot.bootstrap import App
from bot.state_store import Standing
from bot.understanding import Doubtful, Meaning, is_number_key
from dialogs.turn import Turn
from services import messages
from services.direct import direct_connection
from services.inbox import InboxItem


@dataclass(frozen=True)
class Written:
    """`text` is as it can be read, `standing` where its person stood when it was taken in hand.

    `quotes` is the id of the message that it quotes.
    """

    item: InboxItem
    text: str
    turn: Turn
    standing: Standing
    quotes: int | None = None


async def weigh(app: App, message: Written, meaning: Meaning) -> Meaning:
    item, standing = message.item, message.standing
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
    return Doubtful(message.text) if await _has_come(app, message, since) else meaning


async def _has_come(app: App, message: Written, since: datetime) -> bool:
    """Whether the centre has written since."""
    async with direct_connection(app.engine) as connection:
        return await messages.has_come_since(connection, message.turn.address.id, since)
