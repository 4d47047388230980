"""The glossary is what texts are held to, so its own Khmer must be beyond doubt."""

import re
from collections import Counter

from locales.check import ROOT
from locales.wording import Wording, faults

ROW = re.compile(r"^\| `(\w+)` \| ([^|]+) \| ([^|]+) \| [^|]* \|$", re.MULTILINE)
TERMS = ROW.findall((ROOT / "docs" / "glossary.md").read_text(encoding="utf-8"))
SPELLING = ("out of order", "after RO", "two strokes", "invisible", "NFC", "before a stop")


def test_every_term_has_one_line() -> None:
    assert len(TERMS) > 200
    assert [
        code for code, times in Counter(code for code, _, _ in TERMS).items() if times > 1
    ] == []


def test_the_khmer_of_every_term_is_spelt_in_order() -> None:
    wrong = {
        code: fault
        for code, _, khmer in TERMS
        for fault in faults(Wording(code, "km", khmer, sms=False, own_sms=False))
        if any(kind in fault for kind in SPELLING)
    }
    assert wrong == {}
