"""My requests: how far each has come, who has it, what comes next, and what the centre wrote."""

from collections.abc import Iterator
from typing import Any

from aiogram_dialog import Dialog, DialogManager
from aiogram_dialog.widgets.text import Case

from dialogs import answers_to_read, labels, navigation, to_centre
from dialogs.answers_to_read import PAGES
from dialogs.moments import say_day
from dialogs.promises import get_receipt, has_stopped, moment, promise
from dialogs.screen import Screen
from dialogs.states import Requests
from dialogs.texts import Tr
from dialogs.turn import Turn, turn_of
from dialogs.widgets import AskText, Choice, Confirm, Item, LongList
from services import errors, threads
from services.referrals import own
from services.threads import MyRequest

STAGES = (
    "received",
    "in_progress",
    "waiting_you",
    "waiting_others",
    "done",
    "confirmed",
    "reopened",
    "withdrawn",
)
ACTIONS = ("read", "answer", "came", "not_came", "add", "withdraw")
# What comes next is here the time by which somebody answers.
_OUR_TURN = ("received", "reopened")
NEXT = tuple(stage for stage in STAGES if stage not in _OUR_TURN)
# Where what comes next is a message of ours.
_WE_WRITE = ("in_progress", "waiting_others")


async def get_list(dialog_manager: DialogManager, **_: Any) -> dict[str, Any]:
    turn = turn_of(dialog_manager)
    async with turn.new_session.begin() as session:
        mine = await threads.list_mine(session, turn.address)
    return {"requests": [_line(turn, each) for each in mine], "any": bool(mine)}


def _line(turn: Turn, request: MyRequest) -> Item:
    label = turn.text(
        "request-line",
        code=request.code,
        topic=labels.topic(turn, request.topic),
        stage=turn.text(f"stage-{request.stage}"),
    )
    return Item(request.code, label)


async def preview_list(dialog_manager: DialogManager, **_: Any) -> dict[str, Any]:
    turn = turn_of(dialog_manager)
    stage = turn.text("stage-waiting_others")
    lines = {
        code: turn.text("request-line", code=code, topic=labels.topic(turn, topic), stage=stage)
        for code, topic in (("12345678", "talk"), ("87654321", "registration"))
    }
    return {"requests": [Item(code, label) for code, label in lines.items()], "any": True}


async def on_request(manager: DialogManager, code: str) -> None:
    turn_of(manager).heard = None
    manager.dialog_data["code"] = code
    await manager.switch_to(Requests.one)


async def get_one(dialog_manager: DialogManager, **_: Any) -> dict[str, Any]:
    """The request in hand; one that is gone since (deleted elsewhere) is said to be so."""
    turn = turn_of(dialog_manager)
    mine = await _find_mine(dialog_manager)
    if mine is None:
        return {"text": _gone(dialog_manager), "actions": []}
    lines, actions = list(_lines(turn, mine)), _actions(turn, mine)
    if await _find_asked(dialog_manager) is not None:
        actions.insert(0, Item("answer", turn.text("request-answer")))
    answers = answers_to_read.list_answers(turn, mine)
    if answers_to_read.fit(turn, [*lines, *answers], actions):
        await answers_to_read.note_read(turn, mine)
        return {"text": "\n".join([*lines, *answers]), "actions": actions}
    read = Item("read", turn.text("request-read", count=len(answers)))
    return {"text": "\n".join(lines), "actions": [read, *actions]}


async def _find_mine(manager: DialogManager) -> MyRequest | None:
    turn = turn_of(manager)
    code = str(manager.dialog_data.get("code", ""))
    try:
        async with turn.new_session.begin() as session:
            return await threads.get_mine(session, turn.address, code)
    except errors.RequestNotFound:
        return None


async def _find_asked(manager: DialogManager) -> int | None:
    """Whether the person may be referred is still being asked about this request: by its id."""
    turn = turn_of(manager)
    code = manager.dialog_data.get("code")
    async with turn.new_session.begin() as session:
        found = await own.list_own(session, turn.address)
    return next((each.id for each in found if each.code == code and each.can_answer), None)


def _gone(manager: DialogManager) -> str:
    return turn_of(manager).text("request-gone", code=manager.dialog_data.get("code", ""))


def _lines(turn: Turn, request: MyRequest) -> Iterator[str]:
    yield turn.text("request-title", code=request.code, topic=labels.topic(turn, request.topic))
    yield turn.text("request-stage", stage=turn.text(f"stage-{request.stage}"))
    if request.owner_name:
        yield turn.text("request-owner", name=request.owner_name)
    yield turn.text("request-since", day=say_day(turn.language, request.created_at))
    yield _next(turn, request)


def _next(turn: Turn, request: MyRequest) -> str:
    if request.due_at is not None or request.stage in _OUR_TURN:
        return promise(turn, request.due_at)
    if request.stage in _WE_WRITE and has_stopped(turn):
        return turn.text("promise-stopped")
    return turn.text(f"next-{request.stage}")


def _actions(turn: Turn, request: MyRequest) -> list[Item]:
    offered = {
        "came": request.can_confirm,
        "not_came": request.can_confirm,
        "add": request.can_write,
        "withdraw": request.can_withdraw,
    }
    return [Item(act, turn.text(f"request-{act}")) for act in offered if offered[act]]


async def preview_one(dialog_manager: DialogManager, **_: Any) -> dict[str, Any]:
    turn = turn_of(dialog_manager)
    lines = (
        turn.text("request-title", code="12345678", topic=labels.topic(turn, "talk")),
        turn.text("request-stage", stage=turn.text("stage-received")),
        turn.text("request-owner", name="ចាន់ ធារី" if turn.language == "km" else "Chan Theary"),
        turn.text("request-since", day=say_day(turn.language, turn.now)),
        promise(turn, None),
    )
    acts = [Item(act, turn.text(f"request-{act}")) for act in ("add", "withdraw")]
    return {"text": "\n".join(lines), "actions": acts}


async def on_action(manager: DialogManager, act: str) -> None:
    turn_of(manager).heard = None
    if act == "read":
        PAGES.begin(manager)
        await manager.switch_to(Requests.answers)
    elif act == "answer":
        if (asked := await _find_asked(manager)) is not None:
            await navigation.to_passing_on(manager, asked)
    elif act == "add":
        await manager.switch_to(Requests.add)
    elif act == "withdraw":
        await manager.switch_to(Requests.withdraw)
    elif act in ("came", "not_came"):
        await _confirm_help(manager, came=act == "came")


async def _confirm_help(manager: DialogManager, *, came: bool) -> None:
    turn = turn_of(manager)
    async with turn.new_session.begin() as session:
        request = await threads.confirm_help(
            session,
            turn.address,
            manager.dialog_data["code"],
            came,
            now=turn.now,
            inbox_id=turn.item_id,
        )
    if request.state != ("done" if came else "reopened"):
        turn.say("notice-stands-thus")
    elif came:
        turn.say("notice-help-came")
    else:
        turn.say("notice-help-did-not-come")


async def get_answers(dialog_manager: DialogManager, **_: Any) -> dict[str, Any]:
    mine = await _find_mine(dialog_manager)
    if mine is None:
        return {"text": _gone(dialog_manager), "pages": [""]}
    return await answers_to_read.show(dialog_manager, mine)


async def preview_answers(dialog_manager: DialogManager, **_: Any) -> dict[str, Any]:
    turn = turn_of(dialog_manager)
    words = "ថ្ងៃចន្ទ សូមមក" if turn.language == "km" else "Please come on Monday."
    when = moment(turn, turn.now)
    text = turn.text("request-page", n=1, count=2, when=when, text=words)
    return {"text": text, "pages": [text, text]}


async def on_addition(manager: DialogManager, text: str) -> None:
    await to_centre.send_words(manager, text)


async def on_withdraw(manager: DialogManager) -> None:
    turn = turn_of(manager)
    turn.heard = None
    try:
        async with turn.new_session.begin() as session:
            await threads.withdraw(
                session,
                turn.address,
                manager.dialog_data["code"],
                now=turn.now,
                inbox_id=turn.item_id,
            )
    except (errors.MoveNotAllowed, errors.RequestNotFound):
        turn.say("notice-stands-thus")
    else:
        turn.say("notice-request-withdrawn")
    await manager.switch_to(Requests.one)


async def get_code(dialog_manager: DialogManager, **_: Any) -> dict[str, Any]:
    return {"code": dialog_manager.dialog_data.get("code", "")}


async def back_to_list(manager: DialogManager) -> None:
    await manager.switch_to(Requests.list)


async def back_to_one(manager: DialogManager) -> None:
    await manager.switch_to(Requests.one)


my_requests_dialog = Dialog(
    Screen(
        Case({True: Tr("requests-list"), False: Tr("requests-none")}, selector="any"),
        LongList("request", "requests", on_request),
        state=Requests.list,
        getter=get_list,
        back=navigation.close,
        rests=True,
        preview_data=preview_list,
    ),
    Screen(
        Tr("requests-one"),
        Choice("act", "actions", on_action),
        state=Requests.one,
        getter=get_one,
        back=back_to_list,
        rests=True,
        preview_data=preview_one,
    ),
    Screen(
        Tr("requests-one"),
        PAGES,
        state=Requests.answers,
        getter=get_answers,
        back=back_to_one,
        rests=True,
        preview_data=preview_answers,
    ),
    Screen(
        Tr("requests-add"),
        AskText("addition", on_addition, longest=to_centre.LONGEST),
        state=Requests.add,
        getter=get_code,
        back=back_to_one,
        takes_words=True,
    ),
    Screen(
        Tr("requests-added"),
        state=Requests.added,
        getter=get_receipt,
        back=back_to_one,
        rests=True,
    ),
    Screen(
        Tr("requests-withdraw"),
        Confirm("withdraw_yes", "request-withdraw-yes", on_withdraw),
        state=Requests.withdraw,
        getter=get_code,
        back=back_to_one,
    ),
)
