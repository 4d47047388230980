"""Where somebody lives now: province, district, commune, by button or by typed name."""

from typing import Any

from aiogram.fsm.state import State
from aiogram_dialog import DialogManager

from dialogs.forms import CORRECTING
from dialogs.places import find_places, place_items, remember_found
from dialogs.registration.form import FORM, number_is_known
from dialogs.screen import Screen
from dialogs.states import Registration
from dialogs.texts import Tr
from dialogs.turn import turn_of
from dialogs.widgets import Item, LongList, TypedOption
from services import places

# Within which answer each of the three questions looks.
AROUND = {
    Registration.province: None,
    Registration.district: "province",
    Registration.commune: "district",
}
ASK_NEXT = {"province": Registration.district, "district": Registration.commune}
LEVELS = {places.PROVINCE: "province", places.DISTRICT: "district", places.COMMUNE: "commune"}


async def _around(manager: DialogManager) -> str | None:
    """The code of the place within which the window in hand asks."""
    field = AROUND[manager.current_context().state]
    code = (await FORM.answers(manager)).get(field) if field else None
    return code if isinstance(code, str) else None


async def get_places(dialog_manager: DialogManager, **_: Any) -> dict[str, Any]:
    turn = turn_of(dialog_manager)
    around = await _around(dialog_manager)
    parent = turn.gazetteer.get(around) if around else None
    return {
        "places": place_items(dialog_manager, around),
        "parent": places.label(parent, turn.language) if parent else "",
    }


async def find_home(manager: DialogManager, text: str) -> list[Item]:
    return find_places(manager, text, await _around(manager))


async def on_home(manager: DialogManager, code: str) -> None:
    """A place of any level: ask on within it, or go on when it is a commune."""
    turn = turn_of(manager)
    place = turn.gazetteer.find_code(code)
    if place is None:
        turn.say("notice-unclear")
        return
    remember_found(manager, [])
    turn.heard = places.label(place, turn.language)
    known = {LEVELS[found.level]: found.code for found in (place, *turn.gazetteer.ancestors(place))}
    await FORM.answer(
        manager,
        known,
        ASK_NEXT.get(LEVELS[place.level]) or _after_home(manager),
        forget=[field for field in LEVELS.values() if field not in known],
    )


async def on_several_homes(manager: DialogManager, codes: list[str]) -> None:
    remember_found(manager, codes)
    turn_of(manager).say("notice-several-places")


async def skip_home(manager: DialogManager) -> None:
    """Not in the list: what is known so far is kept; the centre asks the rest."""
    remember_found(manager, [])
    answers = await FORM.answers(manager)
    unknown = {field: None for field in LEVELS.values() if not answers.get(field)}
    await FORM.answer(manager, unknown, _after_home(manager))


async def back_from_place(manager: DialogManager) -> None:
    """From the hits of a typed name to the list; else the question before."""
    if manager.dialog_data.get("found"):
        remember_found(manager, [])
        return
    steps = {
        Registration.district: Registration.province,
        Registration.commune: Registration.district,
    }
    state = manager.current_context().state
    if state in steps:
        await manager.switch_to(steps[state])
    else:
        await FORM.back(manager)


def _after_home(manager: DialogManager) -> State:
    if manager.dialog_data.get(CORRECTING):
        return Registration.summary
    return Registration.wanted if number_is_known(manager) else Registration.phone


def home_screen(state: State, name: str) -> Screen:
    return Screen(
        Tr(f"registration-{name}"),
        LongList(name, "places", on_home, page_size=14, columns=2, sms_units=76),
        TypedOption(f"{name}_typed", find_home, on_home, on_several_homes),
        state=state,
        getter=get_places,
        back=back_from_place,
        skip=None if state == Registration.province else skip_home,
        preview_data={
            "places": [Item("2201", "អន្លង់វែង"), Item("2202", "បន្ទាយអំពិល")],
            "parent": "ឧត្តរមានជ័យ",
        },
    )


screens = (
    home_screen(Registration.province, "province"),
    home_screen(Registration.district, "district"),
    home_screen(Registration.commune, "commune"),
)
