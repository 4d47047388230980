"""A message with all that is known of the moment in which it is read."""

from dataclasses import dataclass
from datetime import datetime

from bot.bootstrap import App
from bot.state_store import Standing
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


async def has_come(
    app: App, message: Written, since: datetime, *, lettered_since: datetime | None = None
) -> bool:
    """Whether the centre has written since; `lettered_since` as in `messages.has_come_since`."""
    async with direct_connection(app.engine) as connection:
        return await messages.has_come_since(
            connection, message.turn.address.id, since, lettered_since=lettered_since
        )
