"""Everything that is kept about a person, to be read on a phone.

By SMS in short: three parts must hold it. The whole, every message included, is in the file.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from aiogram_dialog import DialogManager

from dialogs import labels
from dialogs.my_data import agreements, back
from dialogs.my_data.days import day_words
from dialogs.screen import Screen
from dialogs.states import MyData
from dialogs.texts import Tr
from dialogs.turn import Turn, turn_of
from services import consent, my_data, registration, sms_text
from services.my_data import CountedRequest
from services.my_data import Overview as Held

MOST_REQUESTS = 10
# How much of each answer an SMS repeats: all of them and the counts fit three parts.
SMS_UNITS = {"home": 30}
SMS_UNITS_OF_OTHERS = 16


async def get_held(dialog_manager: DialogManager, **_: Any) -> dict[str, Any]:
    turn = turn_of(dialog_manager)
    turn.heard = None
    async with turn.new_session.begin() as session:
        held = await my_data.get_overview(session, turn.address, most_requests=MOST_REQUESTS)
    return {"held": "\n".join(_lines(turn, held))}


async def preview_held(dialog_manager: DialogManager, **_: Any) -> dict[str, Any]:
    """What was told, and how much there is besides."""
    turn = turn_of(dialog_manager)
    counts = turn.text("held-counts", requests=12, files=3, agreements=len(consent.PURPOSES))
    return {"held": "\n".join([*_told(turn, turn.answers or {}), counts])}


def _lines(turn: Turn, held: Held) -> Iterator[str]:
    answers = _answers(held)
    if answers:
        yield from _told(turn, answers)
    else:
        yield turn.text("held-not-registered")
    if turn.channel == "sms":
        yield turn.text(
            "held-counts",
            requests=held.request_count,
            files=held.file_count,
            agreements=sum(
                answer is not None and answer.given for answer in held.consents.values()
            ),
        )
        return
    for request in held.requests:
        yield _request(turn, request)
    yield turn.text("held-files", count=held.file_count)
    for purpose in consent.PURPOSES:
        yield agreements.line(turn, purpose, held.consents.get(purpose))
    yield turn.text("agreements-line", name=turn.text("data-shared"), state=_shared(turn))


def _answers(held: Held) -> Mapping[str, Any]:
    """What was told: in the registration, or in the form that is not finished."""
    if held.person is not None and held.profile is not None:
        return registration.to_answers(held.person, held.profile)
    forms = [draft.answers for draft in held.drafts if draft.form == registration.FORM]
    return forms[0] if forms else {}


def _told(turn: Turn, answers: Mapping[str, Any]) -> Iterator[str]:
    for field, label, value in labels.lines(turn, answers):
        is_sms = turn.channel == "sms"
        most = SMS_UNITS.get(field, SMS_UNITS_OF_OTHERS)
        if told := sms_text.shorten(value, most) if is_sms else value:
            yield turn.text("summary-line", label=label, value=told)


def _shared(turn: Turn) -> str:
    match turn.address.is_shared:
        case None:
            return turn.text("agreement-never")
        case True:
            return turn.text("shared-yes")
        case False:
            return turn.text("shared-no")


def _request(turn: Turn, held: CountedRequest) -> str:
    return turn.text(
        "held-request",
        code=held.request.code,
        topic=labels.topic(turn, held.request.topic),
        day=day_words(turn, held.request.created_at),
        messages=held.messages,
    )


screen = Screen(
    Tr("data-see-text"),
    state=MyData.see,
    getter=get_held,
    back=back.to_main,
    rests=True,
    preview_data=preview_held,
)
