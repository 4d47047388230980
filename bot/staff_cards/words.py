"""The words of cards: `services.staff_cards.words` with the catalogues. It knows no conversation.

Whoever finds the phone of a member of staff may read a card on the lock screen.
"""

from collections.abc import Sequence
from datetime import datetime
from ipaddress import ip_address
from typing import Any, Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from babel.dates import format_datetime

from bot.config import Settings
from locales.catalogue import Catalogue, load_catalogue
from services import codes
from services.staff_cards import pressing
from services.staff_cards.pressing import SEEN, TAKE, Pressed
from services.staff_cards.words import TEST_CARD, CardMessage, Counted, Told

_CAMBODIA: Final = ZoneInfo("Asia/Phnom_Penh")
_URGENT: Final = "urgent"

Button = dict[str, str]


def find_desk_url(settings: Settings) -> str | None:
    """Where a phone opens the desk; None for an address that Telegram refuses or only we reach."""
    host = urlsplit(settings.public_url).hostname or ""
    if not settings.simulator and ("." not in host or _is_this_machine(host)):
        return None
    return f"{settings.public_url}/desk"


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.endswith(".localhost")


class CatalogueCardWords:
    """`desk_url` leads to the desk; without one there is nothing to open."""

    def __init__(self, desk_url: str | None, catalogue: Catalogue | None = None) -> None:
        self._desk_url = desk_url
        self._catalogue = catalogue or load_catalogue()

    def card(self, language: str, told: Told) -> CardMessage:
        take = [_button(self.text("desk-card-take", language), told.card_id, TAKE)]
        rows = [take] if told.may_take else []
        seen = _button(self.text("desk-card-seen", language), told.card_id, SEEN)
        return CardMessage(
            self._card_text(language, told), _keyboard([*rows, [*self._open(language, told), seen]])
        )

    def cards(self, language: str, counted: Counted) -> CardMessage:
        seen = _button(self.text("desk-card-seen", language), counted.card_id, SEEN)
        return CardMessage(
            self._cards_text(language, counted), _keyboard([[*self._open(language), seen]])
        )

    def standing(self, language: str, told: Told | None, outcome: str) -> CardMessage:
        return self.pressed(Pressed(outcome, language, told), language)

    def none_left(self, language: str) -> CardMessage:
        return CardMessage(
            self.text("desk-cards-none", language), _keyboard([self._open(language)])
        )

    def test_card(self, language: str) -> CardMessage:
        seen = _button(self.text("desk-card-seen", language), TEST_CARD, SEEN)
        return CardMessage(self.text("desk-card-test", language), _keyboard([[seen]]))

    def unlinked(self, language: str) -> CardMessage:
        return CardMessage(self.outcome(language, pressing.UNLINKED))

    def outcome(self, language: str, outcome: str) -> str:
        """What a press came to, one of `pressing.OUTCOMES`."""
        return self.text(f"desk-card-{outcome}", language)

    def pressed(self, pressed: Pressed, language: str) -> CardMessage:
        """The card as it stands after a press, with nothing left to press but Open."""
        lines = [self.outcome(language, pressed.outcome)]
        opens: list[Button] = []
        if pressed.told is not None:
            lines.insert(0, self._card_text(language, pressed.told))
            if pressed.outcome == pressing.NOTED:
                return self._seen_card(language, pressed.told, lines)
            opens = self._open(language, pressed.told)
        elif pressed.counted is not None:
            lines.insert(0, self._cards_text(language, pressed.counted))
            opens = self._open(language)
        return CardMessage("\n".join(lines), _keyboard([opens]))

    def linked(self, language: str, username: str) -> str:
        return self.text("desk-card-linked", language, username=username)

    def not_linked(self, language: str, reason: str) -> str:
        """`reason` as in `services.staff_cards.linking.NotLinked`."""
        return self.text(f"desk-card-link-{reason}", language)

    def unheard(self, language: str) -> str:
        """Words that answer a card reach nobody."""
        return self.text("desk-card-unheard", language)

    def _seen_card(self, language: str, told: Told, lines: Sequence[str]) -> CardMessage:
        """Who has seen it may take it still."""
        take = [_button(self.text("desk-card-take", language), told.card_id, TAKE)]
        row = [*(take if told.may_take else []), *self._open(language, told)]
        return CardMessage("\n".join(lines), _keyboard([row]))

    def _card_text(self, language: str, told: Told) -> str:
        about = []
        if told.cause != _URGENT and told.urgency == _URGENT:
            about.append(self.text("desk-urgency-urgent", language))
        if told.topic is not None:
            about.append(self.text(f"topic-{told.topic}", language))
        code, since = codes.display(told.code), _moment(told.since, language)
        if told.cause == _URGENT:
            what = self.text("desk-card-urgent", language, code=code)
            when = self.text("desk-card-came", language, when=since)
        else:
            what = self.text("desk-card-overdue", language, code=code)
            when = self.text("desk-card-due", language, when=since)
        return " · ".join([what, *about, when])

    def _cards_text(self, language: str, counted: Counted) -> str:
        urgent, overdue = counted.urgent, counted.overdue
        if not overdue:
            return self.text("desk-cards-urgent", language, urgent=urgent)
        if not urgent:
            return self.text("desk-cards-overdue", language, overdue=overdue)
        return self.text("desk-cards-both", language, urgent=urgent, overdue=overdue)

    def _open(self, language: str, told: Told | None = None) -> list[Button]:
        """Who may not take it may not read it either: they get the list."""
        if self._desk_url is None:
            return []
        is_readable = told is not None and told.may_take
        place = f"requests/{told.code}" if told is not None and is_readable else "queue"
        label = self.text("desk-card-open", language)
        return [{"text": label, "url": f"{self._desk_url}/{place}"}]

    def text(self, key: str, language: str, **values: object) -> str:
        return self._catalogue.fill(key, language, "", values)


def _button(label: str, card_id: int, act: str) -> Button:
    return {"text": label, "callback_data": f"!{card_id}:{act}"}


def _keyboard(rows: Sequence[Sequence[Button]]) -> dict[str, Any] | None:
    kept = [list(row) for row in rows if row]
    return {"inline_keyboard": kept} if kept else None


def _moment(at: datetime, language: str) -> str:
    """As the desk writes it: a card may wait for the morning, so the hour alone is not enough."""
    said: str = format_datetime(at.astimezone(_CAMBODIA), "d MMMM HH:mm", locale=language)
    return said
