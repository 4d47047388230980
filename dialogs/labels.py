"""How the answers of a registration and the topics of requests read, wherever they are shown."""

from collections.abc import Mapping, Sequence
from typing import Any

from dialogs.turn import Turn
from dialogs.widgets import Item
from services import phone_numbers, places, sms_text
from services.types import SEXES

SECTORS = ("garment", "construction", "manufacturing", "agriculture", "services", "other")
TOPICS = ("registration", "call", "talk")
ANYWHERE = "any"


def sexes(turn: Turn) -> list[Item]:
    return [Item(sex, turn.text(f"sex-{sex}")) for sex in SEXES]


def sectors(turn: Turn) -> list[Item]:
    return [Item(sector, turn.text(f"sector-{sector}")) for sector in SECTORS]


def topic(turn: Turn, topic: str) -> str:
    """What a request is about; one of a later release reads as something else."""
    return turn.text(f"topic-{topic if topic in TOPICS else 'other'}")


def places_line(turn: Turn, codes: Sequence[str]) -> str:
    names = [
        turn.text("wanted-anywhere") if code == ANYWHERE else _place(turn, code) for code in codes
    ]
    return _joined(turn, names)


def salary_line(turn: Turn, answer: Mapping[str, Any]) -> str:
    key = {"USD": "salary-dollars", "KHR": "salary-riel"}[answer["currency"]]
    return turn.text(key, amount=f"{answer['amount']:,}")


# How much of an answer a summary by SMS repeats: all of them together fit three parts.
SMS_UNITS = {"name": 20, "home": 34, "wanted": 22, "sectors": 26}


def lines(turn: Turn, answers: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """(field, label, value) of every line of the summary, unanswered ones said to be so.

    By SMS the number is known, values are cut short and what was not answered is left out.
    """
    phone = answers.get("phone_e164") or answers.get("phone_abroad")
    pay = answers.get("salary")
    values = {
        "name": answers.get("name"),
        "age": answers.get("age") and turn.text("line-age-value", age=answers["age"]),
        "sex": answers.get("sex") and turn.text(f"sex-{answers['sex']}"),
        "home": _home(turn, answers),
        "phone": phone and phone_numbers.display(phone),
        "wanted": _wanted(turn, answers),
        "sectors": answers.get("sectors")
        and _joined(
            turn, [each.label for each in sectors(turn) if each.value in answers["sectors"]]
        ),
        "salary": pay and salary_line(turn, pay),
    }
    labelled = {field: (turn.text(f"line-{field}"), value) for field, value in values.items()}
    if turn.channel == "sms":
        return [
            (field, label, sms_text.shorten(str(value or ""), SMS_UNITS.get(field, 20)))
            for field, (label, value) in labelled.items()
            if field != "phone" or value
        ]
    return [
        (field, label, str(value or turn.text("line-unanswered")))
        for field, (label, value) in labelled.items()
    ]


def _home(turn: Turn, answers: Mapping[str, Any]) -> str:
    """From the smallest place up, as people say it; by SMS the bare names."""
    codes = [answers[level] for level in ("commune", "district", "province") if answers.get(level)]
    return _joined(turn, [_place(turn, code) for code in codes])


def _place(turn: Turn, code: str) -> str:
    kind = turn.channel != "sms"
    return places.label(turn.gazetteer.get(code), turn.language, kind=kind)


def _wanted(turn: Turn, answers: Mapping[str, Any]) -> str:
    if answers.get("wanted_anywhere"):
        return turn.text("wanted-anywhere")
    return places_line(turn, answers.get("wanted_provinces") or [])


def _joined(turn: Turn, names: Sequence[str]) -> str:
    return (" " if turn.language == "km" else ", ").join(names)
