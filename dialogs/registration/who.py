"""The first questions: consent, then name, age and sex."""

from typing import Any

from aiogram_dialog import DialogManager

from dialogs import labels, navigation
from dialogs.registration.form import FORM
from dialogs.screen import Screen
from dialogs.states import Registration
from dialogs.texts import Tr
from dialogs.turn import turn_of
from dialogs.widgets import AskNumber, AskText, Choice, Item
from services import consent, drafts, registration

CONSENT_WORDING = "registration-1"


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
        if not given:
            await drafts.discard(session, turn.address.id, FORM.name)
    if given:
        await FORM.answer(manager, {"consent": CONSENT_WORDING})
    else:
        turn.answers = None
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


async def on_name(manager: DialogManager, name: str) -> None:
    if not any(letter.isalpha() for letter in name):
        turn = turn_of(manager)
        turn.unclear = True
        turn.say("notice-unclear")
        return
    await FORM.answer(manager, {"name": " ".join(name.split())})


async def on_age(manager: DialogManager, age: int) -> None:
    turn = turn_of(manager)
    turn.heard = turn.text("line-age-value", age=age)
    await FORM.answer(manager, {"age": age})


async def skip_age(manager: DialogManager) -> None:
    await FORM.answer(manager, {"age": None})


async def get_sexes(dialog_manager: DialogManager, **_: Any) -> dict[str, Any]:
    return {"sexes": labels.sexes(turn_of(dialog_manager))}


async def on_sex(manager: DialogManager, sex: str) -> None:
    await FORM.answer(manager, {"sex": sex})


screens = (
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
        AskText("name", on_name, longest=registration.LONGEST_NAME),
        state=Registration.name,
        back=FORM.back,
    ),
    Screen(
        Tr("registration-age"),
        AskNumber("age", on_age, lowest=registration.YOUNGEST, highest=registration.OLDEST),
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
)
