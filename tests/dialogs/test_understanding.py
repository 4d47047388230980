"""What a typed text means on each screen: digits, labels, keys, words; never by half."""

import pytest

from bot.shown import Shown
from bot.understanding import Meaning, Pressed, Replied, Said, Typed, understand
from dialogs.buttons import Answer, Role

KEYS = {
    Role.BACK: ("ថយក្រោយ", "i:back"),
    Role.SKIP: ("រំលង", "i:skip"),
    Role.MORE: ("បន្ថែម", "i:more"),
    Role.MENU: ("ម៉ឺនុយ", "i:menu"),
}
OPTIONS = [("ភ្នំពេញ", "i:12"), ("ពោធិ៍សាត់", "i:15"), ("Kep", "i:23"), ("សៀមរាប", "i:17")]


def _shown(answer: Answer, options: list[tuple[str, str]] = OPTIONS) -> Shown:
    return Shown(answer, "?", options, {str(role): key for role, key in KEYS.items()})


CHOICE, MANY = _shown(Answer.CHOICE), _shown(Answer.MANY)
NUMBER, TEXT = _shown(Answer.NUMBER, []), _shown(Answer.TEXT, [])
BARE = Shown(Answer.CHOICE, "?", OPTIONS, {})
BACK, SKIP, MORE, MENU = (Pressed(data, steers=True) for _, data in KEYS.values())


@pytest.mark.parametrize(
    "text",
    [
        "2",
        "២",
        "๒",
        "２",
        " 2 ",
        "2.",
        "២។",
        "(2)",
        "2)",
        "លេខ 2",
        "លេខ២",
        "no. 2",
        "\u200b2\u200b",
        "\ufeff2",
        "2\u200c\u200c",
        "\u202e2\u202c",
        "2\x00",
        "02",
        "\n2\n",
        "2 2",
        "2 !",
        "2,",
    ],
)
def test_a_number_presses_the_option_it_numbers(text: str) -> None:
    assert understand(text, CHOICE, "sms") == Pressed("i:15", "ពោធិ៍សាត់", by_number=True)


@pytest.mark.parametrize("text", ["5", "-2", "2.5", "12", "1 3", "2x", "2 or 3", "៥", "1e1"])
def test_a_number_of_no_option_is_not_an_answer(text: str) -> None:
    assert understand(text, CHOICE, "sms") == Typed(text)


@pytest.mark.parametrize("text", ["1 3 4", "1,3,4", "១ ៣ ៤", "១និង៣ និង ៤", "1. 3. 4.", "4\n3\n1"])
def test_several_numbers_mean_exactly_these(text: str) -> None:
    meaning = understand(text, MANY, "sms")
    assert isinstance(meaning, Pressed)
    widget, _, values = meaning.data.partition(":=")
    assert (widget, sorted(values.split(","))) == ("i", ["12", "17", "23"])


def test_one_half_understood_number_chooses_nothing() -> None:
    assert understand("1 3 9", MANY, "sms") == Typed("1 3 9")
    assert understand("134", MANY, "sms") == Typed("134")


@pytest.mark.parametrize("text", ["2", "២", "12", "1 3", "99 ឆ្នាំ"])
def test_a_number_screen_presses_nothing(text: str) -> None:
    assert understand(text, NUMBER, "sms") == Typed(text)
    with_options = _shown(Answer.NUMBER)
    assert understand(text, with_options, "sms") == Typed(text)


@pytest.mark.parametrize("text", ["2", "២", "1 3"])
@pytest.mark.parametrize("shown", [CHOICE, MANY, NUMBER, TEXT, None])
def test_on_telegram_digits_press_nothing(text: str, shown: Shown | None) -> None:
    assert understand(text, shown, "telegram") == Typed(text)


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        *[(text, BACK) for text in ("0", "០", " 0 ", "0.", "០។", "\u200b0", "0\u2060", "๐")],
        *[(text, SKIP) for text in ("00", "០០", "00.", " 00", "\u200b00")],
        *[(text, MORE) for text in ("99", "៩៩", "99!")],
        *[(text, MENU) for text in ("*", " * ", "*.", "＊")],
    ],
)
@pytest.mark.parametrize("shown", [CHOICE, MANY, NUMBER, TEXT])
def test_the_fixed_keys_work_on_every_screen_that_has_them(
    text: str, meaning: Meaning, shown: Shown
) -> None:
    assert understand(text, shown, "sms") == meaning


@pytest.mark.parametrize(
    ("text", "meaning"),
    [("0", Said("menu")), ("*", Said("menu")), ("00", Typed("")), ("99", Typed(""))],
)
@pytest.mark.parametrize("shown", [BARE, None])
def test_a_key_that_the_screen_lacks_never_becomes_an_answer(
    text: str, meaning: Meaning, shown: Shown | None
) -> None:
    assert understand(text, shown, "sms") == meaning


@pytest.mark.parametrize("text", ["*", "0", "00", "99"])
def test_on_telegram_there_are_no_keys(text: str) -> None:
    assert understand(text, TEXT, "telegram") == Typed(text)


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("ពោធិ៍សាត់", "i:15"),
        ("ពោធិសាត់", "i:15"),
        (" ពោធិ៍\u200bសាត់ ", "i:15"),
        ("KEP", "i:23"),
        ("kep", "i:23"),
        ("ថយក្រោយ", "i:back"),
        ("back", "i:back"),
        ("thoy", "i:back"),
        ("រំលង", "i:skip"),
        ("skip", "i:skip"),
        ("បន្ថែម", "i:more"),
        ("more", "i:more"),
        ("ម៉ឺនុយ", "i:menu"),
    ],
)
@pytest.mark.parametrize("channel", ["sms", "telegram"])
def test_the_words_of_a_button_press_it(text: str, data: str, channel: str) -> None:
    meaning = understand(text, CHOICE, channel)
    if text == "ពោធិសាត់":
        assert meaning in (Pressed(data, "ពោធិ៍សាត់"), Typed(text))
        return
    assert isinstance(meaning, Pressed)
    assert meaning.data == data


def test_words_of_a_key_that_the_screen_lacks_are_left_to_it() -> None:
    for text in ("skip", "រំលង", "back", "more"):
        assert understand(text, BARE, "telegram") == Typed(text)


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("/start", "start"),
        ("/START", "start"),
        ("/start 8f3a", "start"),
        ("/menu@tralob_bot", "menu"),
        ("/call", "call"),
        ("/stop now", "stop"),
        ("/help", "help"),
        ("/language", "language"),
        ("CALL", "call"),
        ("call me!", "call"),
        ("ទូរសព្ទមកខ្ញុំ", "call"),
        ("ទូរសព្ទ\u200bមក\u200bខ្ញុំ", "call"),
        ("tursap mok knhom", "call"),
        ("STOP", "stop"),
        ("ឈប់", "stop"),
        ("chhob", "stop"),
        ("ភាសា", "language"),
        ("menu", "menu"),
        ("ជួយ", "help"),
        ("មិនចង់រស់", "offer"),
    ],
)
@pytest.mark.parametrize("shown", [CHOICE, NUMBER, TEXT, BARE, None])
@pytest.mark.parametrize("channel", ["sms", "telegram"])
def test_words_and_commands_work_on_every_screen(
    text: str, intent: str, shown: Shown | None, channel: str
) -> None:
    meaning = understand(text, shown, channel)
    if text == "menu" and shown is not None and Role.MENU in shown.keys:
        assert meaning in (Said("menu"), MENU)
    else:
        assert meaning == Said(intent)


@pytest.mark.parametrize("text", ["/", "//", "/ ", "/unknown", "/register now", "/សួស្តី"])
def test_an_unknown_command_is_no_answer(text: str) -> None:
    assert understand(text, TEXT, "telegram") == Typed("")


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "\n",
        "\x00",
        "\u200b",
        "\u200c\u200d\u2060",
        "\ufeff",
        "\u202e\u202e",
        "\ud800",
        "។",
        "\u200c\u200c",
        "\u00ad\u2062",
    ],
)
@pytest.mark.parametrize("shown", [CHOICE, MANY, NUMBER, TEXT, None])
@pytest.mark.parametrize("channel", ["sms", "telegram"])
def test_nothing_that_can_be_read_is_no_answer(
    text: str, shown: Shown | None, channel: str
) -> None:
    meaning = understand(text, shown, channel)
    assert isinstance(meaning, Typed)
    assert meaning.text in ("", "។")


def test_a_typed_name_keeps_its_letters_and_loses_its_tricks() -> None:
    name = "\u202eសុខ\u200bា\x00 Ros\u00e9\u2060\ud800\u200c\u200c"
    assert understand(name, TEXT, "telegram") == Typed("សុខ\u200bា Ros\u00e9")


@pytest.mark.parametrize("text", ["K1", "k1", "K 1", "K១", "k.1", "K1។", " K1! "])
@pytest.mark.parametrize("shown", [None, CHOICE, MANY, NUMBER, TEXT])
def test_by_sms_a_letter_and_a_number_answer_a_question_asked_long_ago(
    text: str, shown: Shown | None
) -> None:
    assert understand(text, shown, "sms") == Replied("K", 1)


@pytest.mark.parametrize("text", ["K", "K0", "K12", "A1", "KK1", "Kep 1", "K1 ok"])
def test_what_only_looks_like_it_is_no_such_answer(text: str) -> None:
    assert understand(text, TEXT, "sms") == Typed(text)


def test_on_telegram_such_questions_have_buttons() -> None:
    assert understand("K1", TEXT, "telegram") == Typed("K1")
