"""Formatting becomes the entities that Telegram would make of it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.telegram.entities import format_text, utf16_length
from simulator.telegram.errors import BotApiError


def spans(text: str, entities: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Each entity's kind and the text under it, cut by UTF-16 units."""
    units = text.encode("utf-16-le")
    return [
        (e["type"], units[2 * e["offset"] : 2 * (e["offset"] + e["length"])].decode("utf-16-le"))
        for e in entities
    ]


@pytest.mark.parametrize(
    ("source", "mode", "plain", "expected"),
    [
        ("<b>ក<i>ខ</i></b>", "HTML", "កខ", [("bold", "កខ"), ("italic", "ខ")]),
        ("😀 <b>x</b>", "html", "😀 x", [("bold", "x")]),
        ("a &lt;b&gt; &amp; &#6016; &nbsp;", "HTML", "a <b> & ក &nbsp;", []),
        ('<a href="https://a.kh/?x=1&amp;y">l</a>', "HTML", "l", [("text_link", "l")]),
        ("<code>/no</code> /yes", "HTML", "/no /yes", [("code", "/no"), ("bot_command", "/yes")]),
        ('<pre><code class="language-py">x</code></pre>', "HTML", "x", [("pre", "x")]),
        ("<u>a</u><s>b</s><tg-spoiler>c</tg-spoiler>", "HTML", "abc", [
            ("underline", "a"), ("strikethrough", "b"), ("spoiler", "c"),
        ]),
        ("<blockquote expandable>q</blockquote>", "HTML", "q", [("expandable_blockquote", "q")]),
        ("  \n<b> x </b>  ", "HTML", "x", [("bold", "x")]),
        ("*ក* _ខ_ ~គ~ ||ឃ|| __ង__", "MarkdownV2", "ក ខ គ ឃ ង", [
            ("bold", "ក"), ("italic", "ខ"), ("strikethrough", "គ"), ("spoiler", "ឃ"),
            ("underline", "ង"),
        ]),
        ("`a*b` ```py\nx```", "MarkdownV2", "a*b x", [("code", "a*b"), ("pre", "x")]),
        ("[l](https://a\\.kh) \\*", "MarkdownV2", "l *", [("text_link", "l")]),
        ("see https://a.kh", None, "see https://a.kh", [("url", "https://a.kh")]),
    ],
)  # fmt: skip
def test_formatting_becomes_entities(
    source: str, mode: str | None, plain: str, expected: list[tuple[str, str]]
) -> None:
    text, entities = format_text(source, mode, None)
    assert text == plain
    assert spans(text, entities) == expected


def test_a_link_keeps_its_address() -> None:
    _, [link] = format_text('<a href="https://a.kh/?x=1&amp;y=2">l</a>', "HTML", None)
    assert link["url"] == "https://a.kh/?x=1&y=2"


@given(st.text(), st.sampled_from(["HTML", "MarkdownV2", None]))
def test_any_text_is_either_formatted_or_refused(source: str, mode: str | None) -> None:
    try:
        text, entities = format_text(source, mode, None)
    except BotApiError as error:
        assert error.description.startswith("Bad Request: can't parse entities: ")
        return
    assert text == text.strip()
    assert all(0 <= e["offset"] < e["offset"] + e["length"] <= utf16_length(text) for e in entities)


@given(st.text(alphabet="<>/abipre*_~|`[]()\\& ;=\"'x", max_size=60))
def test_near_misses_of_markup_never_break_the_parser(source: str) -> None:
    for mode in ("HTML", "MarkdownV2"):
        try:
            format_text(source, mode, None)
        except BotApiError as error:
            assert error.code == 400
