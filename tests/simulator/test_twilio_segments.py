"""Parts as the carrier bills them."""

import pytest

from simulator.twilio.segments import count_segments, utf16_units

KHMER = "ខ្ញុំចង់ចុះឈ្មោះ"  # 16 units


@pytest.mark.parametrize(
    ("text", "encoding", "units", "parts"),
    [
        ("", "GSM-7", 0, 1),
        ("a", "GSM-7", 1, 1),
        ("a" * 160, "GSM-7", 160, 1),
        ("a" * 161, "GSM-7", 161, 2),
        ("a" * 306, "GSM-7", 306, 2),
        ("a" * 307, "GSM-7", 307, 3),
        ("\n\r@£$¥èéùìòÇØøÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ¤¡ÄÖÑÜ§¿äöñüà", "GSM-7", 44, 1),
        # an extension character takes two, and is not torn between two parts
        ("€", "GSM-7", 2, 1),
        ("[]{}^~|\\€\f", "GSM-7", 20, 1),
        ("€" * 80, "GSM-7", 160, 1),
        ("€" * 81, "GSM-7", 162, 2),
        ("€" * 152, "GSM-7", 304, 2),
        ("€" * 153, "GSM-7", 306, 3),
        ("a" * 152 + "€" + "a" * 151, "GSM-7", 305, 2),
        ("a" * 152 + "€" + "a" * 152, "GSM-7", 306, 3),
        # one letter outside the tables makes the whole text UCS-2
        ("c" * 69 + "ç", "UCS-2", 70, 1),
        ("c" * 70 + "ç", "UCS-2", 71, 2),
        ("it`s", "UCS-2", 4, 1),
        ("it’s", "UCS-2", 4, 1),
        (KHMER, "UCS-2", 16, 1),
        ("ក" * 70, "UCS-2", 70, 1),
        ("ក" * 71, "UCS-2", 71, 2),
        ("ក" * 134, "UCS-2", 134, 2),
        ("ក" * 135, "UCS-2", 135, 3),
        (KHMER * 10, "UCS-2", 160, 3),
        ("a\u200bb", "UCS-2", 3, 1),
        # a surrogate pair takes two, and is not torn between two parts
        ("🙏", "UCS-2", 2, 1),
        ("🙏" * 35, "UCS-2", 70, 1),
        ("🙏" * 36, "UCS-2", 72, 2),
        ("🙏" * 66, "UCS-2", 132, 2),
        ("🙏" * 67, "UCS-2", 134, 3),
        ("ក" * 66 + "🙏" + "ក" * 65, "UCS-2", 133, 2),
        ("ក" * 66 + "🙏" + "ក" * 66, "UCS-2", 134, 3),
    ],
)
def test_a_text_costs_what_the_carrier_bills(
    text: str, encoding: str, units: int, parts: int
) -> None:
    counted = count_segments(text)
    assert (counted.encoding, counted.units, counted.parts) == (encoding, units, parts)


def test_units_are_those_of_utf16() -> None:
    for text in ("", "abc", KHMER, "🙏ក"):
        assert utf16_units(text) == len(text.encode("utf-16-le")) // 2
