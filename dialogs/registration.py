"""Registration, its minimum: who, how old, from where, and which work is wanted where.

The centres ask what the ministry's job line asks (name, age, wanted province, sector,
expected pay) plus sex and home commune. Confirming makes the person and one request.
"""

from typing import Any

from aiogram.types import Message
from aiogram_dialog import Dialog, DialogManager
from aiogram_dialog.widgets.input import MessageInput

from dialogs import navigation, registration_labels
from dialogs.contact import ContactMarkupFactory, own_contact_number
from dialogs.forms import CORRECTING, Form
from dialogs.places import find_places, find_provinces, place_items, remember_found
from dialogs.screen import Screen
from dialogs.states import Registration
from dialogs.texts import Tr
from dialogs.turn import turn_of
from dialogs.widgets import (
    AskNumber,
    AskText,
    Choice,
    Item,
    LongList,
    Many,
    TypedOption,
)
from services import consent, drafts, errors, phone_numbers, places, registration, salary

FORM = Form(
    registration.FORM,
    (
        Registration.consent,
        Registration.name,
        Registration.age,
        Registration.sex,
        Registration.province,
        Registration.district,
        Registration.commune,
        Registration.phone,
        Registration.wanted,
        Registration.sectors,
        Registration.salary,
        Registration.summary,
    ),
    registration.usable,
)
CONSENT_WORDING = "registration-1"
LOWEST_AGE, HIGHEST_AGE = 10, 100
ANYWHERE = registration_labels.ANYWHERE

# Which window corrects which line of the summary, or asks for a field that is missing.
LINES = {
    "consent": Registration.consent,
    "name": Registration.name,
    "age": Registration.age,
    "sex": Registration.sex,
    "home": Registration.province,
    "province": Registration.province,
    "district": Registration.province,
    "commune": Registration.province,
    "phone": Registration.phone,
    "phone_e164": Registration.phone,
    "wanted": Registration.wanted,
    "wanted_provinces": Registration.wanted,
    "sectors": Registration.sectors,
    "salary": Registration.salary,
}


async def on_start(start_data: Any, manager: DialogManager) -> None:
    """Go on where a draft stands; `start_data` "resumed" says so to the person."""
    turn = turn_of(manager)
    async with turn.new_session.begin() as session:
        draft = await drafts.find_draft(session, turn.address.id, FORM.name)
    if draft:
        turn.answers = draft.answers
        await manager.switch_to(FORM.step(draft.step))


# --- consent ---


async def on_consent(manager: DialogManager, answer: str) -> None:
    turn = turn_of(manager)
    turn.heard = None
    given = answer == "agree"
    async with turn.new_session.begin() as session:
        await consent.record(
            session,
            turn.address,
            purpose="service",
            given=given,
            wording_version=CONSENT_WORDING,
            now=turn.now,
        )
    if given:
        await FORM.answer(manager, {"consent": CONSENT_WORDING})
    else:
        turn.say("notice-consent-refused")
        await navigation.to_menu(manager)


async def get_consent(dialog_manager: DialogManager, **_: Any) -> dict[str, Any]:
    turn = turn_of(dialog_manager)
    return {
        "consents": [
            Item("agree", turn.text("consent-agree")),
            Item("refuse", turn.text("consent-refuse")),
        ]
    }


# --- who ---


async def on_name(manager: DialogManager, name: str) -> None:
    await FORM.answer(manager, {"name": " ".join(name.split())})


async def on_age(manager: DialogManager, age: int) -> None:
    turn = turn_of(manager)
    turn.heard = turn.text("line-age-value", age=age)
    await FORM.answer(manager, {"age": age})


async def skip_age(manager: DialogManager) -> None:
    await FORM.answer(manager, {"age": None})


async def get_sexes(dialog_manager: DialogManager, **_: Any) -> dict[str, Any]:
    return {"sexes": registration_labels.sexes(turn_of(dialog_manager))}


async def on_sex(manager: DialogManager, sex: str) -> None:
    await FORM.answer(manager, {"sex": sex})


# --- where they live ---


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


def _after_home(manager: DialogManager) -> Any:
    if manager.dialog_data.get(CORRECTING):
        return Registration.summary
    return Registration.wanted if _number_is_known(manager) else Registration.phone


def _number_is_known(manager: DialogManager) -> bool:
    """By SMS from a Cambodian number there is nothing to ask."""
    number = turn_of(manager).phone_number
    return number is not None and phone_numbers.parse(number).is_cambodian


# --- phone ---


async def get_phone(dialog_manager: DialogManager, **_: Any) -> dict[str, Any]:
    number = turn_of(dialog_manager).phone_number
    return {"number": phone_numbers.display(number) if number else ""}


async def on_typed_phone(manager: DialogManager, text: str) -> None:
    turn = turn_of(manager)
    try:
        phone = phone_numbers.parse(text)
    except phone_numbers.PhoneNumberError:
        turn.unclear = True
        turn.say("notice-phone-unclear")
        return
    await _take_phone(manager, phone.e164)


async def on_contact(message: Message, _: MessageInput, manager: DialogManager) -> None:
    number = own_contact_number(message)
    if number is None:
        turn_of(manager).say("notice-contact-not-own")
        return
    await _take_phone(manager, number)


async def _take_phone(manager: DialogManager, e164: str) -> None:
    """A foreign number says who it is; the number used now is still asked for."""
    turn = turn_of(manager)
    turn.heard = phone_numbers.display(e164)
    if phone_numbers.parse(e164).is_cambodian:
        await FORM.answer(manager, {"phone_e164": e164})
        return
    await FORM.keep(manager, {"phone_abroad": e164})
    turn.say("notice-phone-abroad", number=phone_numbers.display(e164))


async def skip_phone(manager: DialogManager) -> None:
    await FORM.answer(manager, {"phone_e164": None})


# --- wanted work ---


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
    turn.heard = registration_labels.places_line(turn, codes)
    await on_wanted_change(manager, codes)
    await on_wanted_done(manager)


async def on_wanted_typed_one(manager: DialogManager, code: str) -> None:
    await on_wanted_typed(manager, [code])


async def back_from_wanted(manager: DialogManager) -> None:
    if _number_is_known(manager) and not manager.dialog_data.get(CORRECTING):
        await manager.switch_to(Registration.commune)
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
        "sectors": registration_labels.sectors(turn_of(dialog_manager)),
        "chosen": answers.get("sectors") or [],
    }


async def on_sectors_change(manager: DialogManager, sectors: list[str]) -> None:
    known = [sector for sector in sectors if sector in registration_labels.SECTORS]
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
    turn.heard = registration_labels.salary_line(turn, answer)
    await FORM.answer(manager, {"salary": answer})


async def skip_salary(manager: DialogManager) -> None:
    await FORM.answer(manager, {"salary": None})


# --- summary ---


async def get_summary(dialog_manager: DialogManager, **_: Any) -> dict[str, Any]:
    turn = turn_of(dialog_manager)
    dialog_manager.dialog_data.pop(CORRECTING, None)
    answers = await FORM.answers(dialog_manager)
    lines = registration_labels.lines(turn, answers, number=turn.phone_number)
    choices = [Item("confirm", turn.text("button-confirm"))]
    if dialog_manager.dialog_data.get("choosing_line"):
        choices = [Item(f"line-{name}", label) for name, label, _ in lines]
    else:
        choices.append(Item("correct", turn.text("button-correct")))
    return {
        "summary": "\n".join(
            turn.text("summary-line", label=label, value=value) for _, label, value in lines
        ),
        "choices": choices,
    }


async def on_summary(manager: DialogManager, choice: str) -> None:
    turn_of(manager).heard = None
    if choice == "confirm":
        await on_confirm(manager)
    elif choice == "correct":
        manager.dialog_data["choosing_line"] = True
    elif (state := LINES.get(choice.removeprefix("line-"))) is not None:
        manager.dialog_data.pop("choosing_line", None)
        manager.dialog_data[CORRECTING] = True
        await manager.switch_to(state)


async def back_from_summary(manager: DialogManager) -> None:
    if not manager.dialog_data.pop("choosing_line", None):
        await FORM.back(manager)


async def on_confirm(manager: DialogManager) -> None:
    turn = turn_of(manager)
    try:
        async with turn.new_session.begin() as session:
            await registration.register(session, turn.address, now=turn.now)
    except errors.IncompleteForm as error:
        turn.say("notice-incomplete")
        missing = next((LINES[field] for field in error.fields if field in LINES), None)
        await manager.switch_to(missing or Registration.consent)
        return
    turn.answers = None
    await manager.switch_to(Registration.done)


async def get_done(dialog_manager: DialogManager, **_: Any) -> dict[str, Any]:
    turn = turn_of(dialog_manager)
    async with turn.new_session.begin() as session:
        registered = await registration.find_registration(session, turn.address.id)
    return {"code": registered.code if registered else ""}


def home_screen(state: Any, name: str) -> Screen:
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


registration_dialog = Dialog(
    Screen(
        Tr("registration-consent"),
        Choice("consent", "consents", on_consent),
        state=Registration.consent,
        getter=get_consent,
        back=navigation.to_menu,
        menu=False,
        preview_data={"consents": [Item("agree", "យល់ព្រម"), Item("refuse", "មិនយល់ព្រម")]},
    ),
    Screen(
        Tr("registration-name"),
        AskText("name", on_name, longest=80),
        state=Registration.name,
        back=FORM.back,
    ),
    Screen(
        Tr("registration-age"),
        AskNumber("age", on_age, lowest=LOWEST_AGE, highest=HIGHEST_AGE),
        state=Registration.age,
        back=FORM.back,
        skip=skip_age,
    ),
    Screen(
        Tr("registration-sex"),
        Choice("sex", "sexes", on_sex, columns=2),
        state=Registration.sex,
        getter=get_sexes,
        back=FORM.back,
        preview_data={"sexes": [Item("female", "ស្រី"), Item("male", "ប្រុស")]},
    ),
    home_screen(Registration.province, "province"),
    home_screen(Registration.district, "district"),
    home_screen(Registration.commune, "commune"),
    Screen(
        Tr("registration-phone"),
        MessageInput(on_contact, content_types="contact"),
        AskText("phone", on_typed_phone, longest=60),
        state=Registration.phone,
        getter=get_phone,
        back=FORM.back,
        skip=skip_phone,
        markup_factory=ContactMarkupFactory(),
        preview_data={"number": "+66 81 234 5678"},
    ),
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
    Screen(
        Tr("registration-summary"),
        Choice("choice", "choices", on_summary),
        state=Registration.summary,
        getter=get_summary,
        back=back_from_summary,
        preview_data={
            "summary": "ឈ្មោះ៖ សុខា",
            "choices": [Item("confirm", "ត្រឹមត្រូវហើយ"), Item("correct", "កែ")],
        },
    ),
    Screen(
        Tr("registration-done"),
        state=Registration.done,
        getter=get_done,
        preview_data={"code": "12345678"},
    ),
    on_start=on_start,
)
