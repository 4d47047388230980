"""Nobody is sent, called or shown what cannot be seen."""

import pytest

from services import plain_text


@pytest.mark.parametrize(
    "typed",
    [
        "",
        " \n\t",
        "\u200b",
        "\u202e \u202c",
        "\x07\x00\x1b",
        "\u2800",
        "\u3164",
        "\u17b4",
        "\ufe0f\u200d",
        "\u00ad",
    ],
)
def test_what_shows_nothing_is_empty(typed: str) -> None:
    assert plain_text.clean(typed) == ""
    assert plain_text.clean_line(typed) == ""


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("See you\u202e on Monday\u202c", "See you on Monday"),
        ("\u200fបង\u200e \x07មកបាន", "បង មកបាន"),
        ("\u2066ask\u2069 \ufeffus\ud800", "ask us"),
        ("one\r\ntwo\rthree\u2028four", "one\ntwo\nthree\nfour"),
        ("a\tb", "a b"),
        ("  \u200b yes \u200b\n", "yes"),
    ],
)
def test_what_steers_letters_is_taken_out(typed: str, kept: str) -> None:
    assert plain_text.clean(typed) == kept


@pytest.mark.parametrize(
    "typed",
    [
        "ខ្ញុំ\u200bចង់\u200bរក\u200bការងារ",  # hints where a line may break
        "ស៊ី\u200cម៉ង់ត៍",
        "👩\u200d🌾 ❤\ufe0f",
        "Come on Monday.\n\nBring your passport.",
    ],
)
def test_words_stay_as_they_were_typed(typed: str) -> None:
    assert plain_text.clean(typed) == typed


def test_a_name_is_one_line() -> None:
    assert (
        plain_text.clean_line(" Legal \n Aid\u00a0of\u202e  Cambodia ") == "Legal Aid of Cambodia"
    )
