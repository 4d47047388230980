"""Who was told what about somebody: asked for in full, agreed to, refused, taken back.

The question comes as a message of its own. Whoever could not read it there (others read the phone
too), or wants to read it again, finds it here, as long as it waits for an answer.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from aiogram_dialog import Dialog, DialogManager
from aiogram_dialog.widgets.text import Case

from dialogs import navigation
from dialogs.moments import CAMBODIA, say_day
from dialogs.screen import Screen
from dialogs.states import PassingOn
from dialogs.texts import Tr
from dialogs.turn import Turn, turn_of
from dialogs.widgets import Choice, Confirm, Item, LongList
from services import sms_text
from services.referrals import own
from services.referrals.errors import ReferralNotFound
from services.referrals.own import OwnReferral

STATES = ("asked", "agreed", "refused", "given", "accepted", "declined", "done", "ended")
TAKEN_BACK = ("asking_back", "asked_back")
ACTS = ("agree", "refuse", "take_back")
REFERRAL = "referral"
# How much of it an SMS repeats: with all else it fits three parts. What is asked it says whole.
_SMS_AGENCY_UNITS, _SMS_NEED_UNITS = 45, 40


async def on_start(start_data: Any, manager: DialogManager) -> None:
    if isinstance(start_data, dict):
        manager.dialog_data.update(start_data)


async def get_list(dialog_manager: DialogManager, **_: Any) -> dict[str, Any]:
    turn = turn_of(dialog_manager)
    async with turn.new_session.begin() as session:
        found = await own.list_own(session, turn.address)
    return {"referrals": [_item(turn, each) for each in found], "any": bool(found)}


async def preview_list(dialog_manager: DialogManager, **_: Any) -> dict[str, Any]:
    turn = turn_of(dialog_manager)
    return {"referrals": [_item(turn, _sample(turn, "given"))], "any": True}


def _item(turn: Turn, referral: OwnReferral) -> Item:
    label = turn.text(
        "passing-line", agency=_agency(turn, referral), state=_state_words(turn, referral)
    )
    return Item(str(referral.id), label)


async def on_referral(manager: DialogManager, referral_id: str) -> None:
    turn_of(manager).heard = None
    manager.dialog_data[REFERRAL] = referral_id
    await manager.switch_to(PassingOn.one)


async def get_one(dialog_manager: DialogManager, **_: Any) -> dict[str, Any]:
    """The one in hand; one that is gone since (deleted elsewhere) is said to be so."""
    turn = turn_of(dialog_manager)
    try:
        async with turn.new_session.begin() as session:
            referral = await own.get_own(session, turn.address, _in_hand(dialog_manager))
    except ReferralNotFound:
        return {"text": turn.text("passing-gone"), "actions": []}
    return _shown(turn, referral)


async def preview_one(dialog_manager: DialogManager, **_: Any) -> dict[str, Any]:
    """The one that is asked about."""
    turn = turn_of(dialog_manager)
    return _shown(turn, _sample(turn, "asked"))


def _in_hand(manager: DialogManager) -> int:
    kept = str(manager.dialog_data.get(REFERRAL, ""))
    return int(kept) if kept.isdecimal() else 0


def _shown(turn: Turn, referral: OwnReferral) -> dict[str, Any]:
    acts = ["agree", "refuse"] if referral.can_answer else []
    if referral.can_take_back:
        acts.append("take_back")
    return {
        "text": "\n".join(_lines(turn, referral)),
        "actions": [Item(act, _act_words(turn, act)) for act in acts],
    }


def _act_words(turn: Turn, act: str) -> str:
    return turn.text("passing-take-back") if act == "take_back" else turn.text(f"consent-{act}")


def _lines(turn: Turn, referral: OwnReferral) -> Iterator[str]:
    agency = _agency(turn, referral)
    if referral.purpose is None:
        yield turn.text("passing-to", agency=agency)
    else:
        purpose = turn.text(f"refer-for-{referral.purpose}")
        yield turn.text("passing-to-for", agency=agency, purpose=purpose)
    if referral.shared:
        yield turn.text("passing-fields", fields=_fields(turn, referral.shared))
    else:
        yield turn.text("passing-no-fields")
    if referral.need is not None:
        is_repeated = turn.channel == "sms" and not referral.can_answer
        need = sms_text.shorten(referral.need, _SMS_NEED_UNITS) if is_repeated else referral.need
        yield turn.text("message-may-refer-need", need=need)
    yield turn.text("passing-agree") if referral.can_answer else _state_words(turn, referral)


def _agency(turn: Turn, referral: OwnReferral) -> str:
    name = referral.agency(turn.language) or turn.text("passing-an-organisation")
    is_repeated = turn.channel == "sms" and not referral.can_answer
    return sms_text.shorten(name, _SMS_AGENCY_UNITS) if is_repeated else name


def _fields(turn: Turn, shared: Sequence[str]) -> str:
    names = [turn.text(f"refer-field-{each}") for each in shared]
    return (" " if turn.language == "km" else ", ").join(names)


def _state_words(turn: Turn, referral: OwnReferral) -> str:
    at = referral.stands_since
    is_this_year = at.astimezone(CAMBODIA).year == turn.now.astimezone(CAMBODIA).year
    day = say_day(turn.language, at, "d MMMM" if is_this_year else "d MMMM y")
    return turn.text(f"passing-{referral.standing}", day=day)


async def on_act(manager: DialogManager, act: str) -> None:
    turn_of(manager).heard = None
    if act == "take_back":
        await manager.switch_to(PassingOn.take_back)
    elif act in ("agree", "refuse"):
        await _answer(manager, agrees=act == "agree")


async def on_take_back(manager: DialogManager) -> None:
    turn_of(manager).heard = None
    await _answer(manager, agrees=False)
    await manager.switch_to(PassingOn.one)


async def _answer(manager: DialogManager, *, agrees: bool) -> None:
    """What became of it is told by the screen; one that is gone by now, too."""
    turn = turn_of(manager)
    try:
        async with turn.new_session.begin() as session:
            await own.answer(
                session,
                turn.address,
                _in_hand(manager),
                agrees,
                now=turn.now,
                inbox_id=turn.item_id,
            )
    except ReferralNotFound:
        return
    turn.say("notice-passing-answered")


async def back_to_list(manager: DialogManager) -> None:
    await manager.switch_to(PassingOn.list)


async def back_to_one(manager: DialogManager) -> None:
    await manager.switch_to(PassingOn.one)


def _sample(turn: Turn, state: str) -> OwnReferral:
    """The one with the most words."""
    return OwnReferral(
        id=1,
        code="12345678",
        state=state,
        agency_km="មជ្ឈមណ្ឌលការងារ (NEA)",
        agency_en="Job Centre (NEA)",
        purpose="work",
        shared=("name", "phone", "age", "sex", "home", "need"),
        need="ចង់បានការងារកាត់ដេរ នៅជិតផ្ទះ" if turn.language == "km" else "Garment work near home",
        asked_at=turn.now,
        given_at=None,
    )


passing_on_dialog = Dialog(
    Screen(
        Case({True: Tr("passing-list"), False: Tr("passing-none")}, selector="any"),
        LongList("passing", "referrals", on_referral),
        state=PassingOn.list,
        getter=get_list,
        back=navigation.close,
        rests=True,
        preview_data=preview_list,
    ),
    Screen(
        Tr("requests-one"),
        Choice("passing_act", "actions", on_act),
        state=PassingOn.one,
        getter=get_one,
        back=back_to_list,
        rests=True,
        preview_data=preview_one,
    ),
    Screen(
        Tr("passing-take-back-text"),
        Confirm("passing_back_yes", "passing-take-back-yes", on_take_back),
        state=PassingOn.take_back,
        back=back_to_one,
    ),
    on_start=on_start,
)
