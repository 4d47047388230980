"""How a referral reads at the desk, and on the sheet that is given to the agency."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from typing import Final

from babel.dates import format_date, get_day_names

from desk.rendering import CAMBODIA
from desk.request import DeskRequest
from locales.catalogue import load_catalogue
from services.agencies import display_phone
from services.codes import display as display_code
from services.office_hours import WEEKDAYS, Hours
from services.referrals.reading import Sheet

SHEET_LANGUAGE: Final = "km"
"""The agency reads Khmer, whatever whoever prints it reads."""


@dataclass(frozen=True, slots=True)
class SheetPage:
    """The sheet line by line: (label, value) of who gives what, of the person, of where to answer
    to, and what is asked.

    `language` is that of all its words. `centre_without_phone` is the centre when it has told no
    number yet: who prints it is to know.
    """

    language: str
    title: str
    head: Sequence[tuple[str, str]]
    told: Sequence[tuple[str, str]] = field(repr=False)
    nothing_told: str
    answer_to: Sequence[tuple[str, str]]
    asks: Sequence[str]
    rules: Sequence[str]
    centre_without_phone: str | None


def say_field(request: DeskRequest, name: str, value: str) -> str:
    """What would be told under this name, as a screen shows it."""
    if name == "sex":
        return request.text(f"sex-{value}")
    return request.text("line-age-value", age=value) if name == "age" else value


def write_sheet(request: DeskRequest, sheet: Sheet) -> SheetPage:
    """Only what was agreed to, under the code, and whom of the centre to ask for."""
    words = _Words()
    day = format_date(request.now().astimezone(CAMBODIA), "d MMMM y", locale=SHEET_LANGUAGE)
    head = [
        (words.text("desk-sheet-to"), sheet.agency.name_km),
        (words.text("desk-sheet-from"), sheet.centre_km),
        (words.text("desk-sheet-code"), display_code(sheet.code)),
        (words.text("desk-sheet-day"), day),
        (
            words.text("desk-sheet-purpose"),
            words.text(f"desk-agency-purpose-{sheet.purpose}"),
        ),
    ]
    asks = [words.text("desk-sheet-ask-accept")]
    if sheet.has_phone:
        asks.append(words.text("desk-sheet-ask-contact"))
    else:
        asks.append(words.text("desk-sheet-ask-us"))
    return SheetPage(
        language=SHEET_LANGUAGE,
        title=words.text("desk-sheet-title"),
        head=head,
        told=[(words.text(f"desk-refer-field-{name}"), said) for name, said in words.tell(sheet)],
        nothing_told=words.text("desk-sheet-nothing"),
        answer_to=_list_answer_to(words, sheet),
        asks=[*asks, words.text("desk-sheet-ask-result")],
        rules=[
            words.text("desk-sheet-quote", code=display_code(sheet.code)),
            words.text("desk-sheet-rule-only"),
            words.text("desk-sheet-rule-delete"),
            words.text("desk-sheet-rule-destroy"),
        ],
        centre_without_phone=sheet.centre_id if sheet.centre_phone is None else None,
    )


def _list_answer_to(words: "_Words", sheet: Sheet) -> Sequence[tuple[str, str]]:
    """What the centre has told of itself, and nothing that it has not."""
    told = [
        (words.text("desk-sheet-answer-to"), sheet.centre_km),
        (words.text("desk-sheet-worker"), sheet.worker),
    ]
    if sheet.centre_phone is not None:
        told.append((words.text("desk-sheet-phone"), display_phone(sheet.centre_phone)))
    if sheet.centre_hours is not None:
        told.append((words.text("desk-sheet-hours"), "\n".join(_say_hours(sheet.centre_hours))))
    return told


def _say_hours(hours: Hours) -> Iterator[str]:
    """A line for each run of days with the same hours; those on which it is closed have none."""
    names = get_day_names("wide", "stand-alone", locale=SHEET_LANGUAGE)
    by_day = [(number, _say_spans(hours.get(day, ()))) for number, day in enumerate(WEEKDAYS)]
    for spans, run in groupby(by_day, key=itemgetter(1)):
        days = [names[number] for number, _ in run]
        first, last = days[0], days[-1]
        if spans:
            yield f"{first if first == last else f'{first} – {last}'}៖ {spans}"


def _say_spans(spans: Sequence[Sequence[str]]) -> str:
    return ", ".join(f"{opens}–{closes}" for opens, closes in spans)


class _Words:
    """The catalogue in the sheet's language."""

    def text(self, key: str, **values: object) -> str:
        return load_catalogue().fill(key, SHEET_LANGUAGE, "", values)

    def tell(self, sheet: Sheet) -> Sequence[tuple[str, str]]:
        told: Mapping[str, str] = sheet.told
        return [(name, self._say(name, value)) for name, value in told.items()]

    def _say(self, name: str, value: str) -> str:
        if name == "sex":
            return self.text(f"sex-{value}")
        return self.text("line-age-value", age=value) if name == "age" else value
