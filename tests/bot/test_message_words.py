"""What the centre writes reads well on both phones, and says nothing where others read it too."""

from dataclasses import replace

import pytest

from bot.message_words import CatalogueWords
from db.models import PURPOSES, SHARED
from locales.catalogue import LANGUAGES
from services import keywords, sms_text
from services.file_types import REASONS
from services.message_words import AskedQuestion, Passing, Worded

WORDS = CatalogueWords()
CHANNELS = ("telegram", "sms")
QUESTION = AskedQuestion(id=10**12, letter="K", kind="help_came", options=("yes", "no"))
MAY_REFER = AskedQuestion(id=10**12, letter="K", kind="refer", options=("agree", "refuse"))
TOLD = "តើបងមកថ្ងៃចន្ទបានទេ?"
CODE = "12345678"
AGENCY = "ទីភ្នាក់ងារជាតិមុខរបរ និងការងារ (NEA)"
PASSING = Passing(AGENCY, "National Employment Agency", "work", ("name", "phone", "need"), TOLD)


def _all(language: str | None, channel: str) -> list[Worded]:
    return [
        WORDS.reply(language, channel, CODE, TOLD),
        WORDS.help_came(language, channel, CODE, QUESTION),
        WORDS.may_refer(language, channel, MAY_REFER, PASSING),
        WORDS.referral_given(language, channel, CODE, PASSING),
        *(
            WORDS.file_refused(language, channel, CODE, reason)
            for reason in (*REASONS, "too_many", "lost")
        ),
    ]


@pytest.mark.parametrize("channel", CHANNELS)
def test_a_reply_says_who_writes_and_about_what(channel: str) -> None:
    text = WORDS.reply("km", channel, CODE, TOLD).text
    assert TOLD in text
    assert CODE in text


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize("language", [*LANGUAGES, None])
def test_the_neutral_words_tell_no_content(language: str | None, channel: str) -> None:
    for worded in _all(language, channel):
        assert TOLD not in worded.neutral
        assert AGENCY not in worded.neutral
        assert PASSING.agency_en not in worded.neutral
        assert CODE not in worded.neutral
        assert keywords.scan(worded.neutral) == []
        assert channel != "sms" or sms_text.count(worded.neutral).parts == 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_on_telegram_the_answers_are_buttons_that_fit(language: str) -> None:
    markup = WORDS.help_came(language, "telegram", CODE, QUESTION).reply_markup
    assert markup is not None
    data = [row[0]["callback_data"] for row in markup["inline_keyboard"]]
    assert data == [f"?{QUESTION.id}:1", f"?{QUESTION.id}:2"]
    assert max(map(len, data)) <= 64


@pytest.mark.parametrize("language", LANGUAGES)
def test_by_sms_they_have_a_letter_of_their_own(language: str) -> None:
    worded = WORDS.help_came(language, "sms", CODE, QUESTION)
    assert "K1 = " in worded.text
    assert "K2 = " in worded.text
    assert worded.reply_markup is None
    assert sms_text.count(worded.text).parts <= 2, worded.text


@pytest.mark.parametrize("purpose", PURPOSES)
@pytest.mark.parametrize("language", LANGUAGES)
def test_by_sms_the_question_of_consent_is_short_and_names_all(language: str, purpose: str) -> None:
    for shared, parts in ((("name", "phone"), 2), ((), 2), (PASSING.shared, 3), (SHARED, 3)):
        need = TOLD if "need" in shared else None
        passed = replace(PASSING, purpose=purpose, shared=shared, need=need)
        text = WORDS.may_refer(language, "sms", MAY_REFER, passed).text
        assert passed.agency(language) in text
        assert TOLD in text or "need" not in shared
        assert text.endswith(("K2 = មិនយល់ព្រម", "K2 = I do not agree"))
        assert sms_text.count(text).parts <= parts, text


@pytest.mark.parametrize("language", LANGUAGES)
def test_on_a_shared_phone_nothing_is_agreed_to_unread(language: str) -> None:
    """Neutral words say nothing of what a letter would agree to."""
    neutral = WORDS.may_refer(language, "sms", MAY_REFER, PASSING).neutral
    assert "K1" not in neutral


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_shared_phone_can_answer_too(language: str) -> None:
    """Else silence, which opens a request again, would mean nothing."""
    worded = WORDS.help_came(language, "sms", CODE, QUESTION)
    assert worded.neutral.splitlines()[1:] == worded.text.splitlines()[1:]
    assert worded.neutral.count(" = ") == 2
    assert WORDS.help_came(language, "telegram", CODE, QUESTION).neutral.endswith("?")


def test_whoever_has_chosen_no_language_reads_khmer() -> None:
    assert WORDS.reply(None, "sms", CODE, TOLD) == WORDS.reply("km", "sms", CODE, TOLD)
