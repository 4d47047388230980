"""Looks a text up by key, language and channel.

The catalogues are gettext files (translators' tools read them), but the msgids are stable
keys: Khmer is not a translation of English, nor English of Khmer. An SMS wording is the same
key under the context `sms`; without one the ordinary wording serves both channels.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from string import Formatter
from typing import Final

from babel.messages.pofile import read_po

LANGUAGES: Final = ("km", "en")
DEFAULT_LANGUAGE: Final = "km"
SMS: Final = "sms"
FOLDER: Final = Path(__file__).parent


class UnknownTextError(LookupError):
    """No catalogue has this key."""


class Catalogue:
    """Immutable after loading; one serves every task of a process."""

    def __init__(self, texts: Mapping[tuple[str, str, str], str]) -> None:
        """`texts` maps (language, context, key) to the words; context is "" or "sms"."""
        self._texts = dict(texts)

    def template(self, key: str, language: str, channel: str) -> str:
        """The words with their placeholders. Raises UnknownTextError."""
        if channel == SMS and (found := self._texts.get((language, SMS, key))) is not None:
            return found
        try:
            return self._texts[language, "", key]
        except KeyError:
            raise UnknownTextError(f"no text {key!r} in language {language!r}") from None

    def text(self, key: str, language: str, channel: str = "", **values: object) -> str:
        return self.fill(key, language, channel, values)

    def fill(self, key: str, language: str, channel: str, values: Mapping[str, object]) -> str:
        template = self.template(key, language, channel)
        return template.format_map(values) if "{" in template else template

    def keys(self) -> Iterator[tuple[str, str, str]]:
        return iter(self._texts)


def placeholders(template: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(template) if name}


@cache
def load_catalogue() -> Catalogue:
    texts: dict[tuple[str, str, str], str] = {}
    for language in LANGUAGES:
        path = FOLDER / language / "LC_MESSAGES" / "messages.po"
        with path.open("rb") as file:
            for message in read_po(file, locale=language):
                if message.id and message.string:
                    key = str(message.id)
                    texts[language, message.context or "", key] = str(message.string)
    return Catalogue(texts)
