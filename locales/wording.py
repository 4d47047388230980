"""What a text may say, and how: the rules that a reviewer would otherwise check by eye.

The words come from the glossary (`docs/glossary.md`). Each rule takes one text as it stands
in a catalogue and says in a sentence what is wrong with it.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from services import keywords, sms_text

LONGEST_RUN: Final = 40  # units without a space: beyond it an old phone wraps inside a word

# Names and typed words that stay as they are in a Khmer sentence.
LATIN_IN_KHMER: Final = frozenset(
    {
        *("MRC", "CALL", "STOP", "START", "STATUS", "MYDATA", "Telegram", "English", "iPhone"),
        *("Clear", "history", "More"),
    }
)
# Both languages at once: a choice between them, and a line for phones that show boxes.
BILINGUAL: Final = frozenset(
    {"language-choose", "menu-language", "notice-kept", "sms-no-khmer-letters"}
)
# Never sent by SMS: what they speak of exists on Telegram alone.
TELEGRAM_ONLY: Final = frozenset(
    {"button-share-contact", "notice-contact-not-own", "notice-which-button"}
)
# យល់ព្រម is kept for consent, so that agreeing never becomes a habit.
CONSENT: Final = frozenset(
    {
        *(f"event-referral_{one}" for one in ("asked", "agreed", "refused", "given")),
        *(f"desk-audit-did-referral_{one}" for one in ("asked", "agreed", "refused")),
        *("message-may-refer", "message-may-refer-nothing", "message-referral-given"),
        *("message-may-take-back", "notice-which-letter", "notice-which-button"),
        *("answered-agreed", "passing-agree", "passing-agreed", "passing-refused"),
        "passing-take-back",
        *(f"desk-referral-state-{one}" for one in ("agreed", "refused")),
        *(f"desk-event-referral_{one}" for one in ("agreed", "refused")),
        *("desk-referral-ended-person", "desk-referral-ended-consent", "desk-referral-refused"),
        *("desk-referral-refused-agency", "desk-fault-refused_before"),
        *("desk-referral-no-consent-refused", "desk-reopened-agreed", "desk-reopened-taken_back"),
        *("desk-recall-what", "desk-recall-for-taken_back", "desk-referral-end-taken-back"),
        *("desk-referral-consent", "desk-referral-by-told", "desk-referral-do-told"),
        *("desk-referral-did-told", "desk-referral-did-noted", "desk-referral-wrong-not_agreed"),
        *("desk-referral-wrong-taken_back", "desk-fault-refused_since", "desk-fault-before_yes"),
        *("desk-fault-no_consent", "desk-sheet-rule-only", "desk-sheet-rule-delete"),
        "agreement-given",
        "agreement-refused",
        "agreement-service-note",
        "consent-agree",
        "consent-refuse",
        "data-agreement-text",
        "data-agreements",
        "data-agreements-text",
        "data-delete-text",
        "held-counts",
        "notice-agreed",
        "notice-agreement-ended",
        "notice-news-needs-phone",
        "registration-consent",
        "registration-purposes",
    }
)
# Tier B is for what concerns safety; these are answers to a plain question of a form.
PLAIN_ANSWERS: Final = {"sex-female": {"woman"}, "registration-sex": {"woman"}}

# The pages of staff are read on a screen, by who knows the words of their office.
DESK: Final = "desk-"
LATIN_AT_THE_DESK: Final = frozenset({"Tralob", "SMS", "QR", "Google", "Authenticator"})
OFFICE_WORDS: Final = frozenset({"ករណី", "មន្ត្រី", "ស្ថានភាព", "បានបិទ", "បញ្ជូន"})

INSTEAD: Final = {
    "ទូរស័ព្ទ": "ទូរសព្ទ",
    "ឲ្យ": "ឱ្យ",
    "អោយ": "ឱ្យ",
    "ពត៌មាន": "ព័ត៌មាន",
    "ប្រសិនបើ": "បើ",
    "នៅពេលដែល": "ពេល",
    "ករណី": "សំណើ",
    "មន្ត្រី": "បុគ្គលិក",
    "ស្ថានភាព": "ដល់ណាហើយ",
    "បានបិទ": "រួចរាល់",
    "បញ្ជូន": "ផ្ញើ",
    "អះអាង": "ត្រឹមត្រូវហើយ",
    "លោកអ្នក": "បង",
    "បាទ": "repeat the verb (មាន, ចង់)",
    "ចាស៎": "repeat the verb (មាន, ចង់)",
    "ជនរងគ្រោះ": "បង",
    "បណ្ដេញ": "ត្រឡប់មក",
    "ប្រញាប់": "leave it out",
    "ហិង្សា": "leave it out",
}
WHOLE_WORDS_OF_HELP: Final = ("លេខទូរសព្ទជំនួយ", "អ្នកដែលសុំជំនួយ")

_CONSONANT = "[\u1780-\u17a2]"
_INDEPENDENT = "[\u17a5-\u17a7\u17a9-\u17b3]"
_SUBSCRIPT = "\u17d2[\u1780-\u17a2\u17a7\u17ab]"
_SYLLABLE = re.compile(
    rf"(?:{_CONSONANT}|{_INDEPENDENT})"  # base
    "\u17cc?"  # robat
    rf"(?:{_SUBSCRIPT}){{0,3}}"  # subscripts
    "[\u17c9\u17ca]?"  # shifter
    "[\u17b6-\u17c5]?"  # vowel
    "\u17c6?"  # nikahit
    "[\u17c7\u17c8]?"  # final
    "[\u17cb\u17cd-\u17d1\u17dd]?"  # signs
)
_RO_NOT_LAST = "\u17d2\u179a\u17d2"
_SPLIT_VOWELS = re.compile("\u17c1[\u17b6\u17b8]|\u17bb[\u17b6\u17b7-\u17ba]")
_KHMER = re.compile("[\u1780-\u17ff]")
_KHMER_PUNCTUATION = "។៕៖ៗ"
_INVISIBLE = re.compile("[\u200b-\u200f\u2060\ufeff\u00a0\u00ad]")
_SMART_QUOTES = re.compile("[‘’‚“”„]")
_LATIN_WORD = re.compile(r"[A-Za-z]+")
_PLACEHOLDER = re.compile(r"\{\w*\}")
_SENTENCE_END = re.compile(r"[។៖?!\n]")
_PRESSING = re.compile(r"ចុច|ប៊ូតុង|\b(?:press|tap|button)", re.IGNORECASE)


@dataclass(frozen=True)
class Wording:
    """One text. `sms` says that it goes out by SMS, `own_sms` that it was written for it."""

    key: str
    language: str
    text: str
    sms: bool
    own_sms: bool

    @property
    def is_for_staff(self) -> bool:
        return self.key.startswith(DESK)


Rule = Callable[[Wording], Iterator[str]]


def faults(wording: Wording) -> list[str]:
    """What is wrong with a text, a sentence each."""
    rules = [*_EVERYWHERE, *(_KHMER_RULES if wording.language == "km" else _ENGLISH_RULES)]
    if wording.sms and not wording.is_for_staff:
        rules += _SMS_RULES
    return [fault for rule in rules for fault in rule(wording)]


def _invisible(wording: Wording) -> Iterator[str]:
    if _INVISIBLE.search(wording.text):
        yield "holds an invisible character"
    if wording.text != unicodedata.normalize("NFC", wording.text):
        yield "is not in NFC"
    if wording.text != wording.text.strip():
        yield "begins or ends in a space"


def _forbidden_anywhere(wording: Wording) -> Iterator[str]:
    for finding in keywords.scan(wording.text):
        if finding.tier == "A":
            yield f"holds {finding.word!r}, which must go out nowhere"


def _one_exclamation(wording: Wording) -> Iterator[str]:
    if wording.text.count("!") > 1 and wording.key not in BILINGUAL:
        yield "raises its voice twice (!)"


def _letters_in_order(wording: Wording) -> Iterator[str]:
    left = _SYLLABLE.sub("", wording.text)
    stray = [sign for sign in left if _KHMER.match(sign) and sign not in _KHMER_PUNCTUATION]
    if stray:
        names = ", ".join(f"U+{ord(sign):04X}" for sign in stray)
        yield f"has Khmer signs out of order or not used ({names})"
    if _RO_NOT_LAST in wording.text:
        yield "has a subscript after RO, which comes last"
    if _SPLIT_VOWELS.search(wording.text):
        yield "has a vowel typed in two strokes"


def _latin_letters(wording: Wording) -> Iterator[str]:
    if wording.key in BILINGUAL:
        return
    known = LATIN_IN_KHMER | LATIN_AT_THE_DESK if wording.is_for_staff else LATIN_IN_KHMER
    for word in _LATIN_WORD.findall(_PLACEHOLDER.sub("", wording.text)):
        if word not in known:
            yield f"holds the Latin word {word!r}"


def _khmer_spaces(wording: Wording) -> Iterator[str]:
    if re.search(r"[ \n][។៖?!ៗ]", wording.text):
        yield "has a space before a stop"
    if re.search(r"[។៖](?![\s»])(?!$)", wording.text):
        yield "has no space after a stop"
    if wording.is_for_staff:
        return
    runs = _PLACEHOLDER.sub(" ", wording.text).split()
    longest = max(runs, key=sms_text.units, default="")
    if sms_text.units(longest) >= LONGEST_RUN:
        yield f"runs on for {sms_text.units(longest)} units without a space"


def _khmer_manners(wording: Wording) -> Iterator[str]:
    if any(sentence.count("សូម") > 1 for sentence in _SENTENCE_END.split(wording.text)):
        yield "asks twice (សូម) in one sentence"
    if _SMART_QUOTES.search(wording.text):
        yield "has other quotes than « »"


def _khmer_words(wording: Wording) -> Iterator[str]:
    for word, better in INSTEAD.items():
        if word in wording.text and not (wording.is_for_staff and word in OFFICE_WORDS):
            yield f"says {word}; the glossary says {better}"
    if any(finding.word == "វាយ" for finding in keywords.scan(wording.text)):
        yield "says វាយ, which also means to hit; say ផ្ញើ, ចុច or សរសេរ"
    if "ជំនួយ" in _without(wording.text, WHOLE_WORDS_OF_HELP):
        yield "says ជំនួយ alone, which reads as aid; say សួរបុគ្គលិក or របៀបប្រើ"
    if "យល់ព្រម" in wording.text and wording.key not in CONSENT:
        yield "says យល់ព្រម, which is kept for consent"


def _khmer_in_english(wording: Wording) -> Iterator[str]:
    if _KHMER.search(wording.text) and wording.key not in BILINGUAL:
        yield "holds Khmer letters"


def _nothing_to_press(wording: Wording) -> Iterator[str]:
    if _PRESSING.search(wording.text) and wording.key not in TELEGRAM_ONLY:
        yield "speaks of pressing; it needs a wording of its own for SMS"


def _neutral(wording: Wording) -> Iterator[str]:
    for finding in keywords.scan(wording.text):
        allowed = PLAIN_ANSWERS.get(wording.key, set())
        if finding.tier == "B" and finding.word not in allowed:
            yield f"holds {finding.word!r}, which no SMS may"


def _as_it_goes_out(wording: Wording) -> Iterator[str]:
    if not wording.own_sms:
        return
    if sms_text.clean(wording.text) != wording.text:
        yield "holds what never goes out by SMS (an emoji, a curly quote, a double space)"
    gsm = sms_text.count(wording.text).encoding == "GSM-7"
    if wording.language == "en" and not gsm and wording.key not in BILINGUAL:
        yield "holds a letter that doubles the price of an English SMS"


def _without(text: str, words: tuple[str, ...]) -> str:
    for word in words:
        text = text.replace(word, " ")
    return text


_EVERYWHERE: Final[tuple[Rule, ...]] = (_invisible, _forbidden_anywhere, _one_exclamation)
_KHMER_RULES: Final[tuple[Rule, ...]] = (
    _letters_in_order,
    _latin_letters,
    _khmer_spaces,
    _khmer_manners,
    _khmer_words,
)
_ENGLISH_RULES: Final[tuple[Rule, ...]] = (_khmer_in_english,)
_SMS_RULES: Final[tuple[Rule, ...]] = (_nothing_to_press, _neutral, _as_it_goes_out)
