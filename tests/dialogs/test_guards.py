"""What every window must have, whoever writes it: these tests need no upkeep.

They find the windows, their widgets and their buttons by themselves, and show each window in
both languages on both channels.
"""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from aiogram.fsm.state import State
from aiogram.types import InlineKeyboardMarkup
from aiogram_dialog import Dialog
from aiogram_dialog.api.internal import Widget
from aiogram_dialog.widgets.kbd import Calendar, ListGroup, Multiselect, ScrollingGroup
from aiogram_dialog.widgets.kbd import Counter as CounterWidget

from bot.preview import ANSWERS, View, Viewer, list_windows
from bot.shown import Shown
from dialogs.all import ALL_DIALOGS
from dialogs.buttons import Answer, Role, RoleButton
from dialogs.states import ALL_GROUPS, Language, Menu, Registration
from dialogs.turn import Channel
from locales.catalogue import LANGUAGES
from services import keywords, sms_text
from services.places import load_gazetteer

CHANNELS: tuple[Channel, ...] = ("telegram", "sms")
BUTTON_DATA_LIMIT = 64  # bytes, Telegram's
MOST_PARTS = 3
# Nothing lies behind these: the first question of all, and the menu itself.
NO_WAY_BACK = {Language.choose, Menu.main}
# Consent is told in full, whatever it costs.
MAY_COST_MORE = {Registration.consent}
BANNED = (Calendar, CounterWidget, ListGroup, Multiselect, ScrollingGroup)

WINDOWS = [pytest.param(dialog, state, id=str(state.state)) for dialog, state in list_windows()]
every_window = pytest.mark.parametrize(("dialog", "state"), WINDOWS)
both_languages = pytest.mark.parametrize("language", LANGUAGES)
both_channels = pytest.mark.parametrize("channel", CHANNELS)


def widgets_of(root: Any) -> Iterator[Widget]:
    """A widget and all that it is made of, in whatever attribute it keeps them."""
    if isinstance(root, Widget):
        yield root
        for part in vars(root).values():
            yield from widgets_of(part)
    elif isinstance(root, list | tuple):
        for part in root:
            yield from widgets_of(part)


def widgets_of_window(dialog: Dialog, state: State) -> list[Widget]:
    window: Any = dialog.windows[state]
    roots = (window.text, window.keyboard, window.on_message, window.media)
    return [widget for root in roots for widget in widgets_of(root)]


def labels(view: View) -> list[str]:
    return [label for label, _ in [*view.shown.options, *view.shown.keys.values()]]


def callback_data(view: View) -> list[str]:
    return [data for _, data in [*view.shown.options, *view.shown.keys.values()]]


def test_every_state_has_a_window() -> None:
    states = {state for group in ALL_GROUPS for state in group.__all_states__}
    assert {state for _, state in list_windows()} == states
    assert {dialog.states_group() for dialog in ALL_DIALOGS} == set(ALL_GROUPS)


@both_channels
@both_languages
@every_window
async def test_a_window_renders_from_its_preview_data(
    dialog: Dialog, state: State, language: str, channel: Channel
) -> None:
    """Only a window whose getter does without the database may leave them out."""
    window: Any = dialog.windows[state]
    has_samples = getattr(window.getter.preview_getter, "data", None) != {}
    view = await Viewer(language, channel).see(dialog, state, from_preview=has_samples)
    assert view.message.text
    assert all(labels(view))


@both_channels
@both_languages
@every_window
async def test_a_window_renders_from_the_answers_in_hand(
    dialog: Dialog, state: State, language: str, channel: Channel
) -> None:
    for view in await Viewer(language, channel).see_pages(dialog, state):
        assert view.message.text
        assert "{" not in view.sms
        assert all(labels(view))


@both_channels
@every_window
async def test_a_window_has_a_way_back_or_the_menu(
    dialog: Dialog, state: State, channel: Channel
) -> None:
    view = await Viewer("km", channel).see(dialog, state)
    ways = {Role(role) for role in view.shown.keys} & {Role.BACK, Role.MENU}
    assert ways or state in NO_WAY_BACK
    answerable = view.shown.answer is not Answer.CHOICE or view.shown.options
    assert answerable or ways


@pytest.mark.parametrize("dialog", ALL_DIALOGS, ids=lambda dialog: dialog.states_group().__name__)
def test_widget_ids_are_unique_within_a_conversation(dialog: Dialog) -> None:
    """Else a second tap presses the like-named button of the window that the first one opened."""
    ids = Counter(
        widget_id
        for state in dialog.states()
        for widget in widgets_of_window(dialog, state)
        if (widget_id := getattr(widget, "widget_id", None)) is not None
    )
    assert [widget_id for widget_id, times in ids.items() if times > 1] == []
    assert len(ids) >= len(dialog.states()) - 1


@every_window
def test_only_widgets_with_both_renderings_are_used(dialog: Dialog, state: State) -> None:
    assert [w for w in widgets_of_window(dialog, state) if isinstance(w, BANNED)] == []


@both_languages
@every_window
async def test_every_button_has_a_role_so_that_a_keypad_can_press_it(
    dialog: Dialog, state: State, language: str
) -> None:
    view = await Viewer(language, "telegram").see(dialog, state)
    markup: Any = view.message.reply_markup
    rows = markup.inline_keyboard if isinstance(markup, InlineKeyboardMarkup) else markup.buttons
    assert all(isinstance(button, RoleButton) for row in rows for button in row)


@both_channels
@both_languages
@every_window
async def test_callback_data_fits_telegram(
    dialog: Dialog, state: State, language: str, channel: Channel
) -> None:
    for view in await Viewer(language, channel).see_pages(dialog, state):
        assert max((len(data.encode()) for data in callback_data(view)), default=0) <= (
            BUTTON_DATA_LIMIT
        )


@both_channels
@both_languages
@every_window
async def test_nothing_that_others_may_see_names_what_a_person_goes_through(
    dialog: Dialog, state: State, language: str, channel: Channel
) -> None:
    views = await Viewer(language, channel).see_pages(dialog, state)
    names = [str(state.state).replace(":", " ").replace("_", " ")]
    data = [text.replace("_", " ") for view in views for text in callback_data(view)]
    ids = [
        str(getattr(widget, "widget_id", "")).replace("_", " ")
        for widget in widgets_of_window(dialog, state)
    ]
    seen = [label for view in views for label in labels(view)]
    # "Woman" is the answer to a plain question of the form.
    found = [hit for text in [*names, *data, *ids, *seen] for hit in keywords.scan(text)]
    assert [hit for hit in found if hit.word != "woman"] == []


@both_channels
@every_window
async def test_what_a_window_keeps_survives_storage(
    dialog: Dialog, state: State, channel: Channel
) -> None:
    """An object in the data of a dialog fails only with a real store behind it."""
    view = await Viewer("km", channel).see(dialog, state)
    for kept in (view.context.dialog_data, view.context.widget_data):
        assert json.loads(json.dumps(kept)) == kept
    assert Shown.from_json(json.loads(json.dumps(view.shown.as_json()))) == view.shown


@both_languages
@every_window
async def test_a_window_is_at_most_three_sms_parts(
    dialog: Dialog, state: State, language: str
) -> None:
    for view in await Viewer(language, "sms").see_pages(dialog, state):
        if state not in MAY_COST_MORE:
            assert sms_text.count(view.sms).parts <= MOST_PARTS, view.sms
        assert sms_text.count(view.sms_unclear).parts == 1, view.sms_unclear


@both_languages
async def test_the_places_of_the_whole_country_fit(language: str) -> None:
    """Each page of districts and communes, wherever somebody lives."""
    gazetteer = load_gazetteer()
    dialog = next(d for d in ALL_DIALOGS if Registration.commune in d.windows)
    asked = {1: Registration.district, 2: Registration.commune}
    for place in (place for place in gazetteer if place.level in asked):
        codes = {"province": place.code[:2], "district": place.code if place.level > 1 else None}
        viewer = Viewer(language, "sms", answers={**ANSWERS, **codes, "commune": None})
        for view in await viewer.see_pages(dialog, asked[place.level]):
            assert sms_text.count(view.sms).parts <= MOST_PARTS, view.sms
