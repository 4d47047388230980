"""What the centre wrote, where it is too much for the screen of its request: one after the other.

By SMS each costs what it must and is sent when it is asked for; nothing is cut or left out.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from aiogram_dialog import DialogManager
from aiogram_dialog.api.internal import RawKeyboard

from dialogs.buttons import Role, role_button
from dialogs.promises import moment
from dialogs.turn import Channel, Turn, turn_of
from dialogs.widgets import Item, Options
from services import sms_text, threads
from services.threads import MyRequest

# In units: a page is at most one message of the carrier, and its screen at most three parts.
LONGEST_PAGE: Mapping[Channel, int] = {"telegram": 3500, "sms": 1400}
_MOST_PARTS = 3
_ENDS = "\n ។"


class Pages(Options):
    """The keys that turn the pages, without any options; the page itself is the window's text."""

    def begin(self, manager: DialogManager) -> None:
        self._turn_to(0, manager)

    def page_in_hand(self, count: int, manager: DialogManager) -> int:
        return min(self._page(manager), count - 1)

    async def _render_keyboard(self, data: dict[str, Any], manager: DialogManager) -> RawKeyboard:
        count = len(data[self.items])
        page = self.page_in_hand(count, manager)
        turning = self._turning(page, count, manager)
        return [turning] if turning else []

    def _turning_by_keys(self, page: int, count: int, turn: Turn) -> list[Any]:
        """Nothing comes after the last: whoever goes on has read all."""
        if page + 1 >= count:
            return []
        onward = self._item_callback_data(f">{page + 1}")
        return [role_button(turn.text("button-more"), onward, Role.MORE)]

    async def _process_value(self, value: str, manager: DialogManager) -> bool:
        return False


PAGES = Pages("answers", "pages")


def list_answers(turn: Turn, request: MyRequest) -> list[str]:
    """All that the centre wrote, oldest first, as the screen of its request says it."""
    return [
        turn.text("request-last", when=moment(turn, said.at), text=said.text)
        for said in request.from_centre
    ]


def fit(turn: Turn, lines: Sequence[str], actions: Sequence[Item]) -> bool:
    """Whether a screen of these lines and options is short enough."""
    if turn.channel != "sms":
        return sms_text.units("\n".join(lines)) <= LONGEST_PAGE[turn.channel]
    keys = f"0 {turn.text('button-back')} * {turn.text('button-menu')}"
    options = [f"{n} {action.label}" for n, action in enumerate(actions, 1)]
    return sms_text.count("\n".join((*lines, *options, keys))).parts <= _MOST_PARTS


def paged(turn: Turn, request: MyRequest) -> list[str]:
    """The same, each message a page or more."""
    pieces = [
        (moment(turn, said.at), piece)
        for said in request.from_centre
        for piece in _cut(said.text, LONGEST_PAGE[turn.channel], turn.channel)
    ]
    return [
        turn.text("request-page", n=n, count=len(pieces), when=when, text=piece)
        for n, (when, piece) in enumerate(pieces, 1)
    ]


def _cut(text: str, most: int, channel: Channel) -> Iterator[str]:
    if channel == "sms":
        yield from sms_text.split(text, most)
        return
    while sms_text.units(text) > most:
        head = text[: most // 2]  # a sign may be two units
        end = max(head.rfind(mark) for mark in _ENDS) + 1 or len(head)
        yield text[:end].strip()
        text = text[end:].lstrip()
    yield text


async def note_read(turn: Turn, request: MyRequest) -> None:
    """All of it is shown now, also what could not be sent."""
    if not any(said.is_waiting for said in request.from_centre):
        return
    last = request.from_centre[-1].event_id
    async with turn.new_session.begin() as session:
        await threads.note_shown(session, turn.address, request.code, last, now=turn.now)


async def show(manager: DialogManager, request: MyRequest) -> dict[str, Any]:
    """The page in hand; with the last one everything has been read."""
    turn = turn_of(manager)
    pages = paged(turn, request)
    if not pages:
        return {"text": turn.text("request-gone", code=request.code), "pages": [""]}
    page = PAGES.page_in_hand(len(pages), manager)
    if page + 1 == len(pages):
        await note_read(turn, request)
    return {"text": pages[page], "pages": pages}
