"""What somebody agreed to and since when; each purpose taken back, or given, alone.

One purpose at a time, and no list to tick: by SMS "3" on such a list means three and nothing
else, and would take back all the others unseen.
"""

from collections.abc import Mapping
from typing import Any

from aiogram_dialog import DialogManager

from dialogs import purposes
from dialogs.my_data import back
from dialogs.my_data.days import day_words
from dialogs.promises import has_stopped
from dialogs.screen import Screen
from dialogs.states import MyData
from dialogs.texts import Tr
from dialogs.turn import Turn, turn_of
from dialogs.widgets import Choice, Item
from services import consent, taking_back
from services.types import Consent

PURPOSE = "purpose"
_OF_NEWS = (consent.NEWS, consent.PHONE)
Agreements = Mapping[str, Consent | None]


async def get_agreements(dialog_manager: DialogManager, **_: Any) -> dict[str, Any]:
    turn = turn_of(dialog_manager)
    turn.heard = None
    async with turn.new_session.begin() as session:
        agreements = await consent.get_state(session, turn.address)
    return _listed(turn, agreements)


async def preview_agreements(dialog_manager: DialogManager, **_: Any) -> dict[str, Any]:
    return _listed(turn_of(dialog_manager), {})


def _listed(turn: Turn, agreements: Agreements) -> dict[str, Any]:
    lines = [line(turn, purpose, agreements.get(purpose)) for purpose in consent.PURPOSES]
    if has_stopped(turn):
        lines.append(turn.text("agreements-stopped"))
    return {
        "agreements": "\n".join(lines),
        "purposes": [
            Item(purpose, _button(turn, purpose, agreements.get(purpose)))
            for purpose in consent.PURPOSES
        ],
    }


def line(turn: Turn, purpose: str, answer: Consent | None) -> str:
    state = state_words(turn, answer)
    return turn.text("agreements-line", name=purposes.name(turn, purpose), state=state)


def _button(turn: Turn, purpose: str, answer: Consent | None) -> str:
    """By SMS there is no list beside the numbers: the answer stands behind each name."""
    name = purposes.name(turn, purpose)
    if turn.channel != "sms":
        return name
    if answer is None:
        state = turn.text("agreement-not-asked")
    else:
        state = turn.text("consent-agree") if answer.given else turn.text("agreement-no")
    return turn.text("agreements-line", name=name, state=state)


def state_words(turn: Turn, answer: Consent | None) -> str:
    """Yes or no, and since when; or that it was never asked."""
    if answer is None:
        return turn.text("agreement-never")
    day = day_words(turn, answer.at)
    if answer.given:
        return turn.text("agreement-given", day=day)
    return turn.text("agreement-refused", day=day)


async def on_purpose(manager: DialogManager, purpose: str) -> None:
    turn_of(manager).heard = None
    if purpose in consent.PURPOSES:
        manager.dialog_data[PURPOSE] = purpose
        await manager.switch_to(MyData.agreement)


def _purpose(manager: DialogManager) -> str:
    kept = manager.dialog_data.get(PURPOSE)
    return kept if kept in consent.PURPOSES else consent.SERVICE


async def get_agreement(dialog_manager: DialogManager, **_: Any) -> dict[str, Any]:
    turn = turn_of(dialog_manager)
    async with turn.new_session.begin() as session:
        agreements = await consent.get_state(session, turn.address)
    purpose = _purpose(dialog_manager)
    return _one(turn, purpose, agreements.get(purpose))


async def preview_agreement(dialog_manager: DialogManager, **_: Any) -> dict[str, Any]:
    """The one with the most words."""
    return _one(turn_of(dialog_manager), consent.SERVICE, None)


def _one(turn: Turn, purpose: str, answer: Consent | None) -> dict[str, Any]:
    lines = [purposes.words(turn, purpose)]
    if purpose == consent.SERVICE:
        lines.append(turn.text("agreement-service-note"))
    return {
        "agreement": "\n".join([*lines, state_words(turn, answer)]),
        "answers": [
            Item("agree", turn.text("consent-agree")),
            Item("refuse", turn.text("consent-refuse")),
        ],
    }


async def on_agreement(manager: DialogManager, answer: str) -> None:
    turn = turn_of(manager)
    turn.heard = None
    purpose = _purpose(manager)
    if answer == "agree":
        await _keep(turn, purpose, given=True)
        turn.say("notice-agreed")
    elif answer == "refuse":
        await _keep(turn, purpose, given=False)
        turn.say("notice-agreement-ended")
    if purpose in _OF_NEWS:
        await _warn_of_silence(turn)
    await back_to_agreements(manager)


async def _keep(turn: Turn, purpose: str, *, given: bool) -> None:
    """What is so already is not written down again: its day stays."""
    async with turn.new_session.begin() as session:
        await taking_back.answer_purpose(
            session, turn.address, purpose, given, purposes.WORDING, now=turn.now
        )


async def _warn_of_silence(turn: Turn) -> None:
    """Say it when the news that was agreed to will not come, in place of what was noted."""
    async with turn.new_session.begin() as session:
        state = await consent.get_state(session, turn.address)
    given = {purpose for purpose, answer in state.items() if answer is not None and answer.given}
    if purposes.is_news_without_phone(turn, given):
        number = consent.PURPOSES.index(consent.PHONE) + 1
        turn.say("notice-news-needs-phone-below", number=number)


async def back_to_agreements(manager: DialogManager) -> None:
    await manager.switch_to(MyData.agreements)


screens = (
    Screen(
        Tr("data-agreements-text"),
        Choice("data_purpose", "purposes", on_purpose, sms_units=160),
        state=MyData.agreements,
        getter=get_agreements,
        back=back.to_main,
        rests=True,
        preview_data=preview_agreements,
    ),
    Screen(
        Tr("data-agreement-text"),
        Choice("data_agree", "answers", on_agreement, columns=2),
        state=MyData.agreement,
        getter=get_agreement,
        back=back_to_agreements,
        preview_data=preview_agreement,
    ),
)
