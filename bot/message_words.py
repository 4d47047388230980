"""The words of what services write to people: `services.message_words` with the catalogues.

It knows no conversation: the workers that deliver and the command line write to people too.
"""

from collections.abc import Sequence
from typing import Any, Final

from locales.catalogue import DEFAULT_LANGUAGE, SMS, Catalogue, load_catalogue
from services import sms_text
from services.message_words import AskedQuestion, Passing, Worded
from services.questions import NO, YES

# By the reasons for which a file is refused (`services.file_types`); any other: it was lost.
_REFUSALS: Final = {
    "too_big": "too_big",
    "too_many": "too_many",
    "heic": "heic",
    "not_allowed": "kind",
    "moving": "kind",
    "macros": "kind",
    "empty": "damaged",
    "damaged": "damaged",
}


def _lettered(question: AskedQuestion, labels: Sequence[str]) -> list[str]:
    """K1 = …, one a line."""
    return [f"{question.letter}{n} = {label}" for n, label in enumerate(labels, 1)]


def _joined_within_parts(asked: str, end: str, answers: Sequence[str]) -> str:
    """The end is left out where it would cost another part."""
    short, long = ("\n".join([*first, *answers]) for first in ([asked], [asked, end]))
    return long if sms_text.count(long).parts == sms_text.count(short).parts else short


def _buttons(question: AskedQuestion, labels: Sequence[str]) -> dict[str, Any]:
    """One button a row."""
    rows = [
        [{"text": label, "callback_data": f"?{question.id}:{n}"}]
        for n, label in enumerate(labels, 1)
    ]
    return {"inline_keyboard": rows}


class CatalogueWords:
    """Whoever has not chosen a language yet reads Khmer."""

    def __init__(self, catalogue: Catalogue | None = None) -> None:
        self._catalogue = catalogue or load_catalogue()

    def reply(self, language: str | None, channel: str, code: str, text: str) -> Worded:
        return Worded(
            self.text("message-reply", language, channel, code=code, text=text),
            self.text("message-neutral", language, channel),
        )

    def help_came(
        self,
        language: str | None,
        channel: str,
        code: str,
        question: AskedQuestion,
        *,
        was_possible: bool = True,
    ) -> Worded:
        """On a shared phone it asks the same, without the code: who reads it may still answer."""
        if was_possible:
            asked = self.text("message-help-came", language, channel, code=code)
        else:
            asked = self.text("message-not-possible", language, channel, code=code)
        neutral = self.text("message-neutral-help-came", language, channel)
        labels = [self._label(option, language, channel) for option in question.options]
        if channel == SMS:
            answers = _lettered(question, labels)
            return Worded("\n".join([asked, *answers]), "\n".join([neutral, *answers]))
        return Worded(asked, neutral, _buttons(question, labels))

    def handed_over(self, language: str | None, channel: str, code: str, centre: str) -> Worded:
        return Worded(
            self.text("message-handed-over", language, channel, code=code, centre=centre),
            self.text("message-neutral", language, channel),
        )

    def may_refer(
        self, language: str | None, channel: str, question: AskedQuestion, passed: Passing
    ) -> Worded:
        """By SMS the letters stand in the words alone: neutral words ask for no answer."""
        asked = self._may_refer(language, channel, passed)
        neutral = self.text("message-neutral", language, channel)
        labels = [self.text(f"consent-{one}", language, channel) for one in question.options]
        if channel == SMS:
            end = self.text("message-may-take-back", language, channel)
            return Worded(_joined_within_parts(asked, end, _lettered(question, labels)), neutral)
        return Worded(asked, neutral, _buttons(question, labels))

    def referral_given(
        self, language: str | None, channel: str, code: str, passed: Passing
    ) -> Worded:
        agency = passed.agency(language or DEFAULT_LANGUAGE)
        return Worded(
            self.text("message-referral-given", language, channel, code=code, agency=agency),
            self.text("message-neutral", language, channel),
        )

    def _may_refer(self, language: str | None, channel: str, passed: Passing) -> str:
        told = {
            "agency": passed.agency(language or DEFAULT_LANGUAGE),
            "purpose": self.text(f"refer-for-{passed.purpose}", language, channel),
        }
        if not passed.shared:
            return self.text("message-may-refer-nothing", language, channel, **told)
        names = [self.text(f"refer-field-{one}", language, channel) for one in passed.shared]
        joined = (" " if (language or DEFAULT_LANGUAGE) == "km" else ", ").join(names)
        asked = self.text("message-may-refer", language, channel, fields=joined, **told)
        if passed.need is None:
            return asked
        need = self.text("message-may-refer-need", language, channel, need=passed.need)
        return f"{asked}\n{need}"

    def file_refused(
        self, language: str | None, channel: str, code: str | None, reason: str
    ) -> Worded:
        why = _REFUSALS.get(reason, "lost")
        said = self.text(f"file-{why}", language, channel)
        if code is not None:
            said = self.text("message-about", language, channel, code=code, text=said)
        return Worded(
            said,
            self.text("message-neutral", language, channel),
        )

    def _label(self, option: str, language: str | None, channel: str) -> str:
        assert option in (YES, NO)
        return self.text(f"help-{option}", language, channel)

    def text(self, key: str, language: str | None, channel: str, **values: object) -> str:
        return self._catalogue.text(key, language or DEFAULT_LANGUAGE, channel, **values)
