"""Numbers as people type them: Khmer, Thai or ASCII digits, with words and punctuation around."""

from datetime import date

import regex

from services import khmer

_GROUPED = r"[0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,3}(?:\.[0-9]{3})+|[0-9]{1,3}(?: [0-9]{3})+"
NUMBER = rf"(?:{_GROUPED}|[0-9]+)(?![0-9])"
_WHOLE = regex.compile(rf"(?<![0-9.,])({NUMBER})(?![.,]?[0-9])")
_LONGEST = 15  # digits; nothing that is asked for comes near, and nothing absurd is computed with

_AND = f"{khmer.fold('និង')}|{khmer.fold('ហើយ')}|and"
_BETWEEN_CHOICES = regex.compile(rf"(?:[\s,.;:!?/+&()។៖]|{_AND})+")
_MONTHS = {
    khmer.normalise(name): number
    for number, name in enumerate(
        "មករា|កុម្ភៈ|មីនា|មេសា|ឧសភា|មិថុនា|កក្កដា|សីហា|កញ្ញា|តុលា|វិច្ឆិកា|ធ្នូ".split("|"),  # noqa: SIM905
        start=1,
    )
}
_WORDS_OF_A_DATE = regex.compile("|".join(map(khmer.normalise, ("ថ្ងៃទី", "ថ្ងៃ", "ខែ", "ឆ្នាំ"))))
_DAY = regex.compile(
    rf"([0-9]{{1,2}})[\s/.,-]+([0-9]{{1,2}}|{'|'.join(_MONTHS)})[\s/.,-]+([0-9]{{4}})"
)
_ISO_DAY = regex.compile("([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})")
_BUDDHIST_FROM, _BUDDHIST_AHEAD = 2400, 543  # the years on papers from Thailand

_LABEL = regex.compile(rf"^(?:{khmer.fold('លេខ')}|number|no)[\s.:]*")


def parse_int(text: str) -> int | None:
    """The one whole number in the text, else None: "៥។", "32 ឆ្នាំ", "age 32", "280,000".

    None too for a negative number, a fraction, several numbers, or more than 15 digits.
    """
    plain = khmer.normalise(text)
    found = _WHOLE.findall(plain)
    alone = len(found) == 1 and _bare(found[0]) == regex.sub("[^0-9]", "", plain)
    return to_int(found[0]) if alone and not plain.startswith("-") else None


def parse_choices(text: str, maximum: int) -> list[int] | None:
    """The options chosen, in the order given and once each: "1 3 4", "1,3,4", "១ ៣", "1និង3".

    A run of digits is one number: "134" is not 1, 3 and 4. None when anything else is said, or a
    number lies outside 1 to `maximum`, so that nothing is chosen by a half-understood answer.
    """
    plain = _LABEL.sub("", khmer.normalise(text))
    chosen: dict[int, None] = {}
    for word in filter(None, _BETWEEN_CHOICES.split(plain)):
        if not word.isascii() or not word.isdigit() or len(word) > _LONGEST:
            return None
        number = int(word)
        if not 1 <= number <= maximum:
            return None
        chosen[number] = None
    return list(chosen) or None


def parse_date(text: str) -> date | None:
    """A day as day, month, year: "15 3 1990", "១៥/៣/១៩៩០", "15 មីនា 2533"; or 1990-03-15.

    Years of the Buddhist era are understood. None for anything else, and for no such day.
    """
    plain = _WORDS_OF_A_DATE.sub(" ", khmer.normalise(text)).strip(" .។")
    if found := _ISO_DAY.fullmatch(plain):
        year, month, day = found.groups()
    elif found := _DAY.fullmatch(plain):
        day, month, year = found.groups()
    else:
        return None
    in_our_era = int(year) - (_BUDDHIST_AHEAD if int(year) >= _BUDDHIST_FROM else 0)
    try:
        return date(in_our_era, _MONTHS.get(month) or int(month), int(day))
    except ValueError:
        return None


def to_int(digits: str) -> int | None:
    """The value of digits with or without separators of thousands; None beyond 15 digits."""
    bare = _bare(digits)
    return int(bare) if len(bare) <= _LONGEST else None


def _bare(digits: str) -> str:
    return regex.sub("[ ,.]", "", digits)
