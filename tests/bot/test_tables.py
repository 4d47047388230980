"""What people wrote is shown on a terminal as it stands there."""

import pytest

from bot.commands.tables import format_table, printable


@pytest.mark.parametrize("sign", ["\u202e", "\u2066", "\u200f", "\u061c"])
def test_nothing_turns_a_line_around(sign: str) -> None:
    assert printable(f"Sokha {sign}00000001") == "Sokha 00000001"


def test_nothing_moves_the_cursor() -> None:
    assert printable("one\x1b[2J\ntwo\u2028three") == "one [2J two three"


def test_khmer_keeps_its_joiners() -> None:
    assert printable("ស្ត្រី\u200bសុខា\u200d") == "ស្ត្រី\u200bសុខា\u200d"


def test_columns_are_aligned() -> None:
    assert format_table([("a", "b"), ("ccc", "d")]) == "a    b\nccc  d"
