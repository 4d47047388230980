"""What a conversation knows about the moment it is in.

One `Turn` is made for every message that comes in; it carries who speaks, on which
channel, in which language, and collects what the next screen must say besides its own
words (a notice, or what was just understood).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from aiogram_dialog import DialogManager

from locales.catalogue import Catalogue
from services.places import Gazetteer
from services.sessions import Connect, NewSession
from services.types import Address

TURN_KEY = "turn"
Channel = Literal["telegram", "sms"]


@dataclass(frozen=True, slots=True)
class Asked:
    """Words about which the person is being asked: in which conversation, and the number of the
    first message in the inbox."""

    conversation: str
    first_inbox_id: int | None


@dataclass
class Turn:
    address: Address
    channel: Channel
    language: str
    now: datetime
    new_session: NewSession
    connect: Connect
    catalogue: Catalogue
    gazetteer: Gazetteer
    item_id: int | None = None
    """The message in hand, the same when it is handled again; None for a look at a window."""
    is_belated: bool = False
    """It came long ago (`now` is when) and answers nothing any more."""
    phone_number: str | None = None
    """The number the person writes from, in E.164; None on Telegram."""
    first_contact: bool = False
    quoted: str | None = None
    """The code of the request about which the message was that is quoted here."""
    asked: Asked | None = None
    """What was asked about when this began, as long as it is with nobody."""
    notice: str | None = None
    heard: str | None = None
    unclear: bool = False
    answers: Mapping[str, object] | None = field(default=None, repr=False)
    """The answers of the form in hand, once read; spares reading them twice in a turn."""

    def text(self, key: str, **values: object) -> str:
        return self.catalogue.text(key, self.language, self.channel, **values)

    def say(self, key: str, **values: object) -> None:
        """Put a sentence in front of the next screen."""
        self.notice = self.text(key, **values)


def turn_of(manager: DialogManager) -> Turn:
    turn = manager.middleware_data[TURN_KEY]
    assert isinstance(turn, Turn)
    return turn
