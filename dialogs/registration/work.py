"""The work that is wanted: where, of which kind, for which pay."""

from typing import Any

from aiogram_dialog import DialogManager

from dialogs import labels
from dialogs.forms import CORRECTING
from dialogs.labels import ANYWHERE
from dialogs.places import find_provinces, place_items
from dialogs.registration.form import FORM, home_question, number_is_known
from dialogs.screen import Screen
from dialogs.states import Registration
from dialogs.texts import Tr
from dialogs.turn import turn_of
from dialogs.widgets import AskText, Item, Many, TypedOption
from services import salary


async def get_wanted(dialog_manager: DialogManager, **_: Any) -> dict[str, Any]:
    turn = turn_of(dialog_manager)
    answers = await FORM.answers(dialog_manager)
    home = answers.get("province")
    items = [Item(ANYWHERE, turn.text("wanted-anywhere")), *place_items(dialog_manager, None)]
    wanted = answers.get("wanted_provinces") or []
    near = [item for item in items if item.value == home]
    return {
        "provinces": near + [item for item in items if item.value != home],
        "wanted": [ANYWHERE] if answers.get("wanted_anywhere") else wanted,
    }


async def find_wanted(manager: DialogManager, text: str) -> list[Item]:
    return find_provinces(manager, text)


async def on_wanted_typed(manager: DialogManager, codes: list[str]) -> None:
    turn = turn_of(manager)
    turn.heard = labels.places_line(turn, codes)
    await on_wanted_change(manager, codes)
    await on_wanted_done(manager)


async def on_wanted_typed_one(manager: DialogManager, code: str) -> None:
    await on_wanted_typed(manager, [code])


async def back_from_wanted(manager: DialogManager) -> None:
    if number_is_known(manager) and not manager.dialog_data.get(CORRECTING):
        await manager.switch_to(home_question(await FORM.answers(manager)))
    else:
        await FORM.back(manager)


async def on_wanted_change(manager: DialogManager, codes: list[str]) -> None:
    """Anywhere is kept as no province at all, and undone by choosing one."""
    provinces = {place.code for place in turn_of(manager).gazetteer.children(None)}
    anywhere = bool(codes) and codes[-1] == ANYWHERE
    known = [] if anywhere else [code for code in codes if code in provinces]
    await FORM.keep(manager, {"wanted_provinces": known, "wanted_anywhere": anywhere})


async def on_wanted_done(manager: DialogManager) -> None:
    answers = await FORM.answers(manager)
    if not (answers.get("wanted_provinces") or answers.get("wanted_anywhere")):
        turn_of(manager).say("notice-choose-one")
        return
    await FORM.answer(manager, {})


async def skip_wanted(manager: DialogManager) -> None:
    await FORM.answer(manager, {"wanted_provinces": [], "wanted_anywhere": True})


async def get_sectors(dialog_manager: DialogManager, **_: Any) -> dict[str, Any]:
    answers = await FORM.answers(dialog_manager)
    return {
        "sectors": labels.sectors(turn_of(dialog_manager)),
        "chosen": answers.get("sectors") or [],
    }


async def on_sectors_change(manager: DialogManager, sectors: list[str]) -> None:
    known = [sector for sector in sectors if sector in labels.SECTORS]
    await FORM.keep(manager, {"sectors": known})


async def on_sectors_done(manager: DialogManager) -> None:
    if not (await FORM.answers(manager)).get("sectors"):
        turn_of(manager).say("notice-choose-one")
        return
    await FORM.answer(manager, {})


async def skip_sectors(manager: DialogManager) -> None:
    await FORM.answer(manager, {"sectors": []})


async def on_salary(manager: DialogManager, text: str) -> None:
    turn = turn_of(manager)
    wanted = salary.parse(text)
    if wanted is None:
        turn.unclear = True
        turn.say("notice-salary-unclear")
        return
    answer = {"amount": wanted.amount, "currency": wanted.currency}
    turn.heard = labels.salary_line(turn, answer)
    await FORM.answer(manager, {"salary": answer})


async def skip_salary(manager: DialogManager) -> None:
    await FORM.answer(manager, {"salary": None})


screens = (
    Screen(
        Tr("registration-wanted"),
        Many(
            "wanted",
            "provinces",
            chosen="wanted",
            on_change=on_wanted_change,
            on_done=on_wanted_done,
            page_size=14,
            columns=2,
            sms_units=66,
        ),
        TypedOption("wanted_typed", find_wanted, on_wanted_typed_one, on_wanted_typed),
        state=Registration.wanted,
        getter=get_wanted,
        back=back_from_wanted,
        skip=skip_wanted,
        preview_data={"provinces": [Item("22", "ឧត្តរមានជ័យ")], "wanted": ["22"]},
    ),
    Screen(
        Tr("registration-sectors"),
        Many(
            "sectors",
            "sectors",
            chosen="chosen",
            on_change=on_sectors_change,
            on_done=on_sectors_done,
        ),
        state=Registration.sectors,
        getter=get_sectors,
        back=FORM.back,
        skip=skip_sectors,
        preview_data={"sectors": [Item("garment", "កាត់ដេរ")], "chosen": ["garment"]},
    ),
    Screen(
        Tr("registration-salary"),
        AskText("salary", on_salary, longest=60),
        state=Registration.salary,
        back=FORM.back,
        skip=skip_salary,
    ),
)
