"""What becomes of an answer to a question that was asked outside any dialog.

It may come months later, twice, or after the request was withdrawn: each time the person is told
how things stand now.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from aiogram_dialog import Dialog, DialogManager
from aiogram_dialog.widgets.text import Case

from dialogs import navigation
from dialogs.promises import note_opening, show_opening
from dialogs.screen import Screen
from dialogs.states import Answered
from dialogs.texts import Tr
from dialogs.turn import Turn, turn_of
from services import errors, questions, threads
from services.questions import Answered as AnsweredQuestion
from services.referrals.errors import NotReadYet

# What an answer says, and the state in which its request must be for that to have come true.
_SAID = {questions.YES: ("came", "done"), questions.NO: ("not_came", "reopened")}
# The same of the question whether somebody may be referred, and how the referral stands then.
_CONSENT_SAID = {
    questions.AGREE: {
        **dict.fromkeys(("agreed", "given", "accepted", "done"), "agreed"),
        **dict.fromkeys(("refused", "ended", "asking_back", "asked_back"), "over"),
    },
    # That an agency is asked to delete what it has is said only where somebody has to ask it.
    questions.REFUSE: {
        **dict.fromkeys(("refused", "ended"), "not_agreed"),
        "asking_back": "taken_back",
        "asked_back": "over",
    },
}
_ANSWER = "answer"


@dataclass(frozen=True, slots=True)
class Taken:
    """What an answer came to: what `tell` says of it.

    `is_open_still`: another answer to the same question would count, so its buttons stay.
    """

    told: Mapping[str, str] = field(default_factory=dict)
    is_open_still: bool = False
    to_read_first: int | None = None


def stands_answered(manager: DialogManager, which: int, number: int) -> bool:
    """Whether the screen in hand is what this very answer brought: a second tap brings nothing."""
    if not manager.has_context() or manager.current_context().state != Answered.said:
        return False
    return manager.dialog_data.get(_ANSWER) == f"{which}:{number}"


async def take_answer(manager: DialogManager, which: int | str, number: int) -> Taken:
    """The answer of that number to a question, by its id or (by SMS) its letter."""
    turn = turn_of(manager)
    turn.heard = None
    try:
        async with turn.new_session.begin() as session:
            answered = await questions.answer(
                session, turn.address, which, number, now=turn.now, inbox_id=turn.item_id
            )
            opening = await _note_opening(session, turn, answered)
    except NotReadYet as error:
        return Taken(to_read_first=error.referral_id)
    except errors.NoSuchAnswer as error:
        return Taken(_others(turn, error))
    except (errors.QuestionNotFound, errors.MoveNotAllowed):
        return Taken({"said": "gone"})
    if answered.request is None:
        return Taken({"said": "gone"})
    told = {"said": _said(answered), "code": answered.request.code, **opening}
    told[_ANSWER] = f"{which}:{number}"
    return Taken(told, is_open_still=answered.may_change)


async def tell(manager: DialogManager, taken: Taken) -> None:
    """Show what it came to; a question that must be read in full first is shown instead."""
    if taken.to_read_first is not None:
        await navigation.to_passing_on(manager, taken.to_read_first)
    else:
        await navigation.to_answered(manager, dict(taken.told))


async def _note_opening(session: Any, turn: Turn, answered: AnsweredQuestion) -> dict[str, str]:
    """Whoever says that help did not come wants to know when somebody writes."""
    if answered.option != questions.NO or answered.request is None:
        return {}
    return await note_opening(session, turn, answered.request.centre_id)


def _said(answered: AnsweredQuestion) -> str:
    """What to tell them: their answer has come true, or how it stands instead."""
    if answered.referral is not None:
        return _CONSENT_SAID.get(answered.option, {}).get(answered.referral, "before")
    assert answered.request is not None
    if answered.is_noted:
        return "noted"
    said, state = _SAID.get(answered.option, ("before", ""))
    return said if answered.is_new and answered.request.state == state else "before"


def _others(turn: Turn, error: errors.NoSuchAnswer) -> dict[str, str]:
    """By SMS each answer has a letter and a number; a button always has one that exists."""
    if turn.channel != "sms":
        return {"said": "gone"}
    answers = [
        f"{error.letter}{n} = {_label(turn, option)}" for n, option in enumerate(error.options, 1)
    ]
    return {"said": "others", "answers": "\n".join(answers)}


def _label(turn: Turn, option: str) -> str:
    is_consent = option in (questions.AGREE, questions.REFUSE)
    return turn.text(f"consent-{option}") if is_consent else turn.text(f"help-{option}")


async def on_start(start_data: Any, manager: DialogManager) -> None:
    if isinstance(start_data, dict):
        manager.dialog_data.update(start_data)


async def get_said(dialog_manager: DialogManager, **_: Any) -> dict[str, Any]:
    data = dialog_manager.dialog_data
    said, code = data.get("said", "gone"), str(data.get("code", ""))
    stage = ""
    if said == "before":
        turn = turn_of(dialog_manager)
        try:
            async with turn.new_session.begin() as session:
                mine = await threads.get_mine(session, turn.address, code)
            stage = turn.text(f"stage-{mine.stage}")
        except errors.RequestNotFound:
            said = "gone"
    opening = show_opening(dialog_manager)
    if said == "not_came" and opening["closed"]:
        said = "not_came_closed"
    return {
        "said": said,
        "code": code,
        "stage": stage,
        "answers": data.get("answers", ""),
        **opening,
    }


_PREVIEW: Final = {
    "said": "not_came",
    "code": "12345678",
    "stage": "",
    "answers": "",
    "opening": "",
}

answers_dialog = Dialog(
    Screen(
        Case(
            {
                "came": Tr("answered-came"),
                "not_came": Tr("answered-not-came"),
                "not_came_closed": Tr("answered-not-came-closed"),
                "noted": Tr("answered-noted"),
                "agreed": Tr("answered-agreed"),
                "over": Tr("answered-over"),
                "not_agreed": Tr("answered-not-agreed"),
                "taken_back": Tr("answered-taken-back"),
                "before": Tr("answered-before"),
                "others": Tr("answered-others"),
                "gone": Tr("answered-gone"),
            },
            selector="said",
        ),
        state=Answered.said,
        getter=get_said,
        back=navigation.close,
        rests=True,
        preview_data=_PREVIEW,
    ),
    on_start=on_start,
)
