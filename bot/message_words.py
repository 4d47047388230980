"""The words of what services write to people: `services.message_words` with the catalogues.

It knows no conversation: the workers that deliver and the command line write to people too.
"""

from typing import Final

from locales.catalogue import DEFAULT_LANGUAGE, SMS, Catalogue, load_catalogue
from services.message_words import AskedQuestion, Worded
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
            answers = [f"{question.letter}{n} = {label}" for n, label in enumerate(labels, 1)]
            return Worded("\n".join([asked, *answers]), "\n".join([neutral, *answers]))
        buttons = [
            [{"text": label, "callback_data": f"?{question.id}:{n}"}]
            for n, label in enumerate(labels, 1)
        ]
        return Worded(asked, neutral, {"inline_keyboard": buttons})

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
