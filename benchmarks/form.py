"""The windows of the minimum registration, as the other programs of the comparison show them.

Same words, same options, same rows as Tralob's own. What a person does in them is here too: one
script for every program, so that all are asked exactly the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from locales.catalogue import load_catalogue
from services import places

LANGUAGE = "km"
PAGE = 14
KHMER = "ខ្មែរ"
ANYWHERE = "any"
SEXES = ("female", "male", "other", "not_said")
SECTORS = ("garment", "construction", "manufacturing", "agriculture", "services", "other")
PURPOSES = ("news", "phone", "sharing", "statistics")
HOME = ("province", "district", "commune")


def words(key: str, **values: object) -> str:
    return load_catalogue().fill(key, LANGUAGE, "", values)


def template(key: str) -> str:
    return load_catalogue().template(key, LANGUAGE, "")


@dataclass(frozen=True)
class Step:
    """One window: what it says and what it offers besides its options."""

    name: str
    key: str
    columns: int = 1
    back: bool = True
    skip: bool = False
    menu: bool = True
    many: bool = False
    typed: bool = False

    @property
    def navigation(self) -> list[str]:
        return [name for name in ("back", "skip", "menu") if getattr(self, name)]


STEPS = (
    Step("language", "language-choose", back=False, menu=False),
    Step("main", "menu-main", back=False, menu=False),
    Step("consent", "registration-consent", menu=False),
    Step("name", "registration-name", typed=True),
    Step("age", "registration-age", skip=True, typed=True),
    Step("sex", "registration-sex", columns=2),
    Step("province", "registration-province", columns=2),
    Step("district", "registration-district", columns=2, skip=True),
    Step("commune", "registration-commune", columns=2, skip=True),
    Step("phone", "registration-phone", skip=True, typed=True),
    Step("wanted", "registration-wanted", columns=2, skip=True, many=True),
    Step("sectors", "registration-sectors", skip=True, many=True),
    Step("salary", "registration-salary", skip=True, typed=True),
    Step("summary", "registration-summary"),
    # Tralob asks in it what else may be done; here nobody answers that.
    Step("done", "registration-purposes", back=False),
)
BY_NAME = {step.name: step for step in STEPS}
FIELD = {"wanted": "wanted_provinces", "sectors": "sectors"}


def following(step: Step) -> Step:
    return STEPS[STEPS.index(step) + 1]


Options = list[tuple[str, str]]
# By window: what the catalogue's key begins with, and the value that ends it.
_FIXED = {
    "main": [("menu-", way) for way in ("register", "call", "help", "language")],
    "consent": [("consent-", answer) for answer in ("agree", "refuse")],
    "sex": [("sex-", sex) for sex in SEXES],
    "sectors": [("sector-", sector) for sector in SECTORS],
    "summary": [("button-", choice) for choice in ("confirm", "correct")],
}


def options(step: Step, answers: dict[str, Any]) -> Options:
    """(label, value) of every option of the window."""
    if step.name in HOME:
        return _labelled(_inside(step, answers))
    if step.name == "wanted":
        return _wanted(answers["province"])
    found = [(words(prefix + value), value) for prefix, value in _FIXED.get(step.name, ())]
    return [(KHMER, "km"), ("English", "en")] if step.name == "language" else found


def _inside(step: Step, answers: dict[str, Any]) -> Sequence[places.Place]:
    gazetteer = places.load_gazetteer()
    if step.name == "province":
        return gazetteer.likely_provinces(LANGUAGE)
    return gazetteer.children(answers[HOME[HOME.index(step.name) - 1]], LANGUAGE)


def _labelled(found: Sequence[places.Place]) -> Options:
    return [(_button(place), place.code) for place in found]


def _button(place: places.Place) -> str:
    return places.label(place, LANGUAGE, kind=False)


def _wanted(home: str) -> Options:
    provinces = _labelled(places.load_gazetteer().likely_provinces(LANGUAGE))
    near = [option for option in provinces if option[1] == home]
    others = [option for option in provinces if option[1] != home]
    return [*near, (words("wanted-anywhere"), ANYWHERE), *others]


def values(step: Step, answers: dict[str, Any]) -> dict[str, str]:
    """What the placeholders of the window's words stand for."""
    if step.name in HOME[1:]:
        around = answers[HOME[HOME.index(step.name) - 1]]
        return {"parent": places.label(places.load_gazetteer().get(around), LANGUAGE)}
    if step.name == "summary":
        return {"summary": _summary(answers)}
    return {"number": "", "code": answers.get("code", ""), "explained": _purposes()}


def _purposes() -> str:
    return "\n".join(
        words("purpose-line", name=words(f"purpose-{each}"), words=words(f"purpose-words-{each}"))
        for each in PURPOSES
    )


def _summary(answers: dict[str, Any]) -> str:
    gazetteer = places.load_gazetteer()

    def named(codes: Sequence[str]) -> str:
        return " ".join(places.label(gazetteer.get(code), LANGUAGE) for code in codes)

    lines = {
        "name": answers["name"],
        "age": words("line-age-value", age=answers["age"]),
        "sex": words(f"sex-{answers['sex']}"),
        "home": named([answers[level] for level in reversed(HOME)]),
        "phone": answers["phone_e164"],
        "wanted": named(answers["wanted_provinces"]),
        "sectors": " ".join(words(f"sector-{sector}") for sector in answers["sectors"]),
        "salary": words("salary-dollars", amount=answers["salary"]["amount"]),
    }
    return "\n".join(
        words("summary-line", label=words(f"line-{name}"), value=value)
        for name, value in lines.items()
    )


@dataclass(frozen=True)
class Act:
    """What a person does, and by what they know the answer: the words of a window (the catalogue's
    key), or a button that is now ticked."""

    answered_by: str
    press: str | None = None
    text: str | None = None
    contact: str | None = None
    ticked: str | None = None


def script(number: int) -> list[Act]:
    """The straight path of the person of this number."""
    gazetteer = places.load_gazetteer()

    def pick(found: Sequence[places.Place]) -> places.Place:
        return found[number % min(len(found), PAGE)]

    province = pick(gazetteer.likely_provinces(LANGUAGE))
    district = pick(gazetteer.children(province.code, LANGUAGE))
    commune = pick(gazetteer.children(district.code, LANGUAGE))
    home = _button(province)
    sector = words(f"sector-{SECTORS[number % len(SECTORS)]}")
    done = words("button-done")
    return [
        Act("language-choose", text="/start"),
        Act("menu-main", press=KHMER),
        Act("registration-consent", press=words("menu-register")),
        Act("registration-name", press=words("consent-agree")),
        Act("registration-age", text=f"សុខា {number}"),
        Act("registration-sex", text=str(18 + number % 40)),
        Act("registration-province", press=words(f"sex-{SEXES[number % 2]}")),
        Act("registration-district", press=home),
        Act("registration-commune", press=_button(district)),
        Act("registration-phone", press=_button(commune)),
        Act("registration-wanted", contact=f"+85512{300000 + number}"),
        Act("registration-wanted", press=home, ticked=home),
        Act("registration-sectors", press=done),
        Act("registration-sectors", press=sector, ticked=sector),
        Act("registration-salary", press=done),
        Act("registration-summary", text="250"),
        Act("registration-purposes", press=words("button-confirm")),
    ]
