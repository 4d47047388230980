"""A screen as one SMS: its words, its options numbered, and the fixed keys that work here."""

from collections.abc import Iterator

from bot.shown import Shown
from bot.understanding import KEY_OF_ROLE
from dialogs.buttons import Answer, Role
from dialogs.turn import Turn
from services import sms_text

# For phones that show boxes: whoever cannot read the rest can still send one letter.
KEY_ORDER = (Role.SKIP, Role.MORE, Role.BACK, Role.MENU)
HEARD_UNITS = 20
_STOPS = (".", "!", "?", "។")


def render(turn: Turn, shown: Shown) -> str:
    """The whole screen, what was understood first."""
    lines: list[str] = []
    if turn.heard:
        lines.append(_heard(turn, sms_text.shorten(turn.heard, HEARD_UNITS)))
    lines.append(shown.question)
    lines += [f"{number} {label}" for number, (label, _) in enumerate(shown.options, 1)]
    lines.append(_keys(turn, shown))
    if turn.first_contact:
        lines.append(turn.text("sms-no-khmer-letters"))
    return sms_text.clean("\n".join(line for line in lines if line))


def _heard(turn: Turn, heard: str) -> str:
    """What was cut, or ends like a sentence, has its stop already."""
    return heard if heard.endswith(_STOPS) else turn.text("sms-heard", heard=heard)


def render_unclear(turn: Turn, shown: Shown) -> str:
    """An answer that fits nothing: the question again in one part, with the way out.

    What only told something does not tell it again, as if it had happened again.
    """
    texts = [sms_text.clean(text) for text in _unclear(turn, shown)]
    return next((text for text in texts if sms_text.count(text).parts == 1), texts[-1])


def _unclear(turn: Turn, shown: Shown) -> Iterator[str]:
    notice = turn.notice or turn.text("notice-unclear")
    keys = _keys(turn, shown)
    hint = ""
    if shown.answer in (Answer.CHOICE, Answer.MANY) and shown.options:
        count = len(shown.options)
        hint = turn.text("sms-send-number", count=count) if count > 1 else turn.text("sms-send-one")
    elif shown.answer is Answer.NUMBER:
        hint = turn.text("sms-send-any-number")
    asks_something = shown.options or not shown.takes_words or shown.answer is Answer.TEXT
    question = shown.question.rpartition("\n")[2] if asks_something else ""
    yield "\n".join(part for part in (notice, question, hint, keys) if part)
    yield "\n".join(part for part in (notice, hint, keys) if part)
    yield "\n".join((notice, keys))


def _keys(turn: Turn, shown: Shown) -> str:
    return " ".join(
        f"{KEY_OF_ROLE[role]} {turn.text(f'button-{role}')}"
        for role in KEY_ORDER
        if role in shown.keys
    )
