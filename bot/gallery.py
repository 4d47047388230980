"""Every window as people see it, on one page: for those who read Khmer and not code.

The page needs no network and no server, so it can be sent to a reviewer as one file.
"""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, cast

from aiogram.fsm.state import State
from aiogram_dialog import Dialog, Window
from aiogram_dialog.widgets.text import Case, Multi
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from bot.preview import View, Viewer, list_windows
from dialogs.buttons import ContactMarkup, ScreenMarkup
from dialogs.states import Language
from dialogs.texts import Tr
from locales.catalogue import LANGUAGES, SMS, load_catalogue
from services import sms_text

FOLDER: Final = Path("gallery")
LANGUAGE_NAMES: Final = {"km": "ខ្មែរ", "en": "English"}


@dataclass(frozen=True)
class Scene:
    """A window in a certain moment; `note` says which when there are several."""

    dialog: Dialog
    state: State
    note: str = ""
    first_contact: bool = False

    @property
    def name(self) -> str:
        return str(self.state.state).replace(":", ".")

    @property
    def key(self) -> str:
        """The key of the window's own words; all of them where it says one thing or another."""
        return ", ".join(_keys(cast(Window, self.dialog.windows[self.state]).text))


def _keys(text: object) -> Iterator[str]:
    if isinstance(text, Tr):
        yield text.key
    elif isinstance(text, Multi):
        for part in text.texts:
            yield from _keys(part)
    elif isinstance(text, Case):
        for part in text.texts.values():
            yield from _keys(part)


@dataclass(frozen=True)
class Sms:
    text: str
    units: int = field(init=False)
    parts: int = field(init=False)
    encoding: str = field(init=False)

    def __post_init__(self) -> None:
        cost = sms_text.count(self.text)
        for name in ("units", "parts", "encoding"):
            object.__setattr__(self, name, getattr(cost, name))


@dataclass(frozen=True)
class Shot:
    """One window in one language: on Telegram, by SMS, and the SMS to what fits nothing."""

    language: str
    text: str
    keyboard: list[list[str]]
    below: list[list[str]]
    sms: Sms
    unclear: Sms
    samples: bool


def write_gallery(folder: Path = FOLDER) -> Path:
    """Write `index.html` into the folder, which is made; returns the page's path."""
    folder.mkdir(parents=True, exist_ok=True)
    page = folder / "index.html"
    page.write_text(asyncio.run(_page()), encoding="utf-8")
    return page


async def _page() -> str:
    loader = FileSystemLoader(Path(__file__).parent)
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    scenes = [(scene, await _shots(scene)) for scene in _scenes()]
    template = environment.get_template("gallery.html")
    return template.render(scenes=scenes, languages=LANGUAGE_NAMES, wordings=_wordings())


def _scenes() -> Iterable[Scene]:
    for dialog, state in list_windows():
        yield Scene(dialog, state)
        if state == Language.choose:
            yield Scene(dialog, state, note="the first SMS to a new number", first_contact=True)


async def _shots(scene: Scene) -> list[Shot]:
    return [await _shot(scene, language) for language in LANGUAGES]


async def _shot(scene: Scene, language: str) -> Shot:
    telegram = await Viewer(language, "telegram").see(scene.dialog, scene.state)
    sms = await Viewer(language, SMS, first_contact=scene.first_contact).see(
        scene.dialog, scene.state
    )
    keyboard, below = _keyboards(telegram)
    return Shot(
        language=language,
        text=telegram.message.text or "",
        keyboard=keyboard,
        below=below,
        sms=Sms(sms.sms),
        unclear=Sms(sms.sms_unclear),
        samples=telegram.from_preview,
    )


def _keyboards(view: View) -> tuple[list[list[str]], list[list[str]]]:
    """The labels under the message, and those in place of the phone's keyboard."""
    markup = view.message.reply_markup
    if isinstance(markup, ScreenMarkup):
        return [[button.text for button in row] for row in markup.inline_keyboard], []
    assert isinstance(markup, ContactMarkup)
    return [], [[button.text for button in row] for row in markup.keyboard]


def _wordings() -> Sequence[tuple[str, str, dict[str, str]]]:
    """(key, context, words by language) of every text there is."""
    catalogue = load_catalogue()
    words: dict[tuple[str, str], dict[str, str]] = {}
    for language, context, key in sorted(catalogue.keys()):
        words.setdefault((key, context), {})[language] = catalogue.template(key, language, context)
    return [(key, context, words[key, context]) for key, context in sorted(words)]
