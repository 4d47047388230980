"""Shows a window without a database, a carrier or a person: for the gallery and the guard tests.

Lists, labels and sums are the real ones: a window's getter runs whenever the answers in hand are
enough for it. Where it would ask the database, the window's own preview data stand in.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, NoReturn, cast

from aiogram import Bot
from aiogram.fsm.state import State
from aiogram.types import Chat, User
from aiogram_dialog import Dialog, DialogManager, Window
from aiogram_dialog.api.entities import EVENT_CONTEXT_KEY, Context, EventContext, NewMessage

from bot.channels.sms_render import render, render_unclear
from bot.shown import Shown
from dialogs.all import ALL_DIALOGS
from dialogs.buttons import Role
from dialogs.turn import TURN_KEY, Channel, Turn
from locales.catalogue import load_catalogue
from services.places import load_gazetteer
from services.sessions import NewSession
from services.types import Address

NOW: Final = datetime(2027, 3, 6, 2, tzinfo=UTC)
# As long as the ids of real conversations, which stand in front of every callback data.
INTENT_ID: Final = "AbCd1234"
ANSWERS: Final[dict[str, object]] = {
    "consent": "registration-1",
    "age": 32,
    "sex": "female",
    "province": "22",
    "district": "2204",
    "commune": "220405",
    "phone_e164": "+85512345678",
    "wanted_provinces": ["22", "17"],
    "wanted_anywhere": False,
    "sectors": ["garment", "construction"],
    "salary": {"amount": 250, "currency": "USD"},
}
DIALOG_DATA: Final[Mapping[str, Any]] = {"code": "12345678"}
_NAMES: Final = {"km": "សុខា", "en": "Sokha"}


class _NeedsDatabaseError(Exception):
    """A getter asked for more than the answers in hand."""


class _NoSession:
    def begin(self) -> NoReturn:
        raise _NeedsDatabaseError


@dataclass(frozen=True)
class View:
    """A window as it is shown. `from_preview` says that its data were the window's samples."""

    turn: Turn
    context: Context
    message: NewMessage
    shown: Shown
    from_preview: bool

    @property
    def sms(self) -> str:
        """The SMS that shows this window."""
        return render(self.turn, self.shown)

    @property
    def sms_unclear(self) -> str:
        """The SMS that answers what fits nothing here."""
        return render_unclear(self.turn, self.shown)


@dataclass
class Viewer:
    """Somebody to whom windows are shown; `answers` replace those of the form in hand."""

    language: str
    channel: Channel
    answers: dict[str, object] = field(default_factory=dict)
    first_contact: bool = False
    gazetteer: Any = field(default_factory=load_gazetteer)

    async def see(
        self,
        dialog: Dialog,
        state: State,
        *,
        from_preview: bool = False,
        widget_data: Mapping[str, Any] | None = None,
    ) -> View:
        """The window of that state; `from_preview` shows its samples and runs no getter."""
        context = Context(INTENT_ID, "", state, None, dict(DIALOG_DATA), dict(widget_data or {}))
        turn = self._turn()
        window = cast(Window, dialog.windows[state])
        manager = _Manager(context, turn, from_preview=from_preview)
        try:
            await window.getter(**manager.middleware_data)
        except _NeedsDatabaseError:
            manager.from_preview = True
        message = await window.render(dialog, cast(DialogManager, manager))
        return View(turn, context, message, Shown.of(message), manager.from_preview)

    async def see_pages(self, dialog: Dialog, state: State) -> list[View]:
        """Every page of a window with a list; a window without one is a single page."""
        views = [await self.see(dialog, state)]
        while (more := views[-1].shown.keys.get(Role.MORE)) is not None:
            widget, _, page = more[1].rpartition("\x1d")[2].partition(":>")
            if page == "0":  # by SMS the first page comes after the last
                break
            views.append(await self.see(dialog, state, widget_data={f"{widget}_page": int(page)}))
        return views

    def _turn(self) -> Turn:
        sms = self.channel == "sms"
        return Turn(
            address=Address(id=1, channel=self.channel, language=self.language),
            channel=self.channel,
            language=self.language,
            now=NOW,
            new_session=cast(NewSession, _NoSession()),
            connect=cast(Any, None),
            catalogue=load_catalogue(),
            gazetteer=self.gazetteer,
            phone_number="+85512345678" if sms else None,
            first_contact=self.first_contact,
            answers=ANSWERS | {"name": _NAMES[self.language]} | self.answers,
        )


class _Manager:
    """As much of a DialogManager as showing a window needs.

    aiogram-dialog has one for previews, but importing it asks for a drawing library.
    """

    def __init__(self, context: Context, turn: Turn, *, from_preview: bool) -> None:
        self._context = context
        self.from_preview = from_preview
        chat = Chat(id=1, type="private")
        user = User(id=1, is_bot=False, first_name="")
        self.middleware_data: dict[str, Any] = {
            TURN_KEY: turn,
            "dialog_manager": self,
            "event_chat": chat,
            EVENT_CONTEXT_KEY: EventContext(
                bot=cast(Bot, None),
                chat=chat,
                user=user,
                thread_id=None,
                business_connection_id=None,
            ),
        }

    @property
    def dialog_data(self) -> dict[str, Any]:
        return self._context.dialog_data

    def current_context(self) -> Context:
        return self._context

    async def load_data(self) -> dict[str, Any]:
        return {}

    def is_preview(self) -> bool:
        return self.from_preview


def list_windows() -> Iterator[tuple[Dialog, State]]:
    """Every window of every conversation, in the order of the states."""
    for dialog in ALL_DIALOGS:
        for state in dialog.states():
            yield dialog, state
