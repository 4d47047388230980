"""How the answers of a registration read: in its options and in its summary."""

from collections.abc import Mapping, Sequence
from typing import Any

from dialogs.turn import Turn
from dialogs.widgets import Item
from services import phone_numbers, places

SEXES = ("female", "male", "other", "not_said")
SECTORS = ("garment", "construction", "manufacturing", "agriculture", "services", "other")
ANYWHERE = "any"


def sexes(turn: Turn) -> list[Item]:
    return [Item(sex, turn.text(f"sex-{sex}")) for sex in SEXES]


def sectors(turn: Turn) -> list[Item]:
    return [Item(sector, turn.text(f"sector-{sector}")) for sector in SECTORS]


def places_line(turn: Turn, codes: Sequence[str]) -> str:
    names = [
        turn.text("wanted-anywhere")
        if code == ANYWHERE
        else places.label(turn.gazetteer.get(code), turn.language)
        for code in codes
    ]
    return _joined(turn, names)


def salary_line(turn: Turn, answer: Mapping[str, Any]) -> str:
    key = {"USD": "salary-dollars", "KHR": "salary-riel"}[answer["currency"]]
    return turn.text(key, amount=f"{answer['amount']:,}")


def lines(
    turn: Turn, answers: Mapping[str, Any], *, number: str | None
) -> list[tuple[str, str, str]]:
    """(field, label, value) of every line of the summary, unanswered ones said to be so."""
    phone = answers.get("phone_e164") or answers.get("phone_abroad") or number
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
    return [
        (field, turn.text(f"line-{field}"), str(value or turn.text("line-unanswered")))
        for field, value in values.items()
        if not (field == "phone" and number)
    ]


def _home(turn: Turn, answers: Mapping[str, Any]) -> str:
    """From the smallest place up, as people say it."""
    codes = [answers[level] for level in ("commune", "district", "province") if answers.get(level)]
    return _joined(turn, [places.label(turn.gazetteer.get(code), turn.language) for code in codes])


def _wanted(turn: Turn, answers: Mapping[str, Any]) -> str:
    if answers.get("wanted_anywhere"):
        return turn.text("wanted-anywhere")
    return places_line(turn, answers.get("wanted_provinces") or [])


def _joined(turn: Turn, names: Sequence[str]) -> str:
    return (" " if turn.language == "km" else ", ").join(names)
