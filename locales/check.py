"""`python -m locales.check`: every text is there, is used, and keeps the rules of the language.

gettext compiles a wrong placeholder silently and shows a missing key as if it were a text, and
nobody sees a Khmer sign out of order in a diff. One line for each fault; exits 1 if there is any.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from locales.catalogue import LANGUAGES, SMS, Catalogue, load_catalogue, placeholders
from locales.extraction import keys_in_use, undeclared_families
from locales.wording import Wording, faults

ROOT = Path(__file__).parent.parent


def check_keys(catalogue: Catalogue, used: dict[str, str]) -> Iterator[str]:
    """Keys that are asked for and missing, and keys that nobody asks for."""
    known = set(catalogue.keys())
    for key, where in sorted(used.items()):
        for language in LANGUAGES:
            if (language, "", key) not in known:
                yield f"{language} {key}: missing, asked for by {where}"
    for language, context, key in sorted(known):
        if key not in used:
            yield f"{_name(language, context, key)}: nothing asks for it"


def check_placeholders(catalogue: Catalogue) -> Iterator[str]:
    """Both languages fill the same values; an SMS may leave some out but never needs others."""
    known = set(catalogue.keys())
    for key in sorted({key for _, _, key in known}):
        if any((language, "", key) not in known for language in LANGUAGES):
            continue  # `check_keys` says so
        filled = {
            (language, channel): placeholders(catalogue.template(key, language, channel))
            for language in LANGUAGES
            for channel in ("", SMS)
        }
        for channel in ("", SMS):
            km, en = (filled[language, channel] for language in LANGUAGES)
            if km != en:
                yield f"{_name('km', channel, key)}: fills {_set(km)}, English {_set(en)}"
        for language in LANGUAGES:
            if more := filled[language, SMS] - filled[language, ""]:
                yield f"{_name(language, SMS, key)}: fills {_set(more)}, which no window gives"


def check_wordings(catalogue: Catalogue) -> Iterator[str]:
    known = set(catalogue.keys())
    for language, context, key in sorted(known):
        own_sms = context == SMS
        wording = Wording(
            key,
            language,
            catalogue.template(key, language, context),
            sms=own_sms or (language, SMS, key) not in known,
            own_sms=own_sms,
        )
        for fault in faults(wording):
            yield f"{_name(language, context, key)}: {fault}"


def check(catalogue: Catalogue, root: Path) -> list[str]:
    """Everything that is wrong with the texts, one line each."""
    return [
        *undeclared_families(root),
        *check_keys(catalogue, keys_in_use(root)),
        *check_placeholders(catalogue),
        *check_wordings(catalogue),
    ]


def _name(language: str, context: str, key: str) -> str:
    return f"{language} {key} ({context})" if context else f"{language} {key}"


def _set(names: set[str]) -> str:
    return "{" + ", ".join(sorted(names)) + "}"


def main() -> int:
    found = check(load_catalogue(), ROOT)
    for line in found:
        sys.stderr.write(f"{line}\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
