"""What the check of the catalogues finds, on catalogues made for it and on our own."""

from pathlib import Path

import polib
import pytest

from locales.catalogue import FOLDER, LANGUAGES, Catalogue
from locales.check import ROOT, check_keys, check_placeholders
from locales.extraction import keys_in_use, undeclared_families


def catalogue(**texts: str) -> Catalogue:
    """`km_greeting="…"`, or `km_sms_greeting="…"` for the wording of an SMS."""
    made = {}
    for name, text in texts.items():
        language, _, key = name.partition("_")
        context = "sms" if key.startswith("sms_") else ""
        made[language, context, key.removeprefix("sms_")] = text
    return Catalogue(made)


def test_a_text_missing_in_one_language_is_named_with_who_asks_for_it() -> None:
    found = list(check_keys(catalogue(km_greeting="សួស្ដី"), {"greeting": "dialogs/menu.py:3"}))
    assert found == ["en greeting: missing, asked for by dialogs/menu.py:3"]


def test_a_text_that_nothing_asks_for_is_named() -> None:
    found = list(check_keys(catalogue(km_old="ចាស់", en_old="old"), {}))
    assert found == ["en old: nothing asks for it", "km old: nothing asks for it"]


def test_placeholders_must_be_the_same_in_both_languages() -> None:
    found = list(check_placeholders(catalogue(km_code="{code}", en_code="{kode}")))
    assert found[0] == "km code: fills {code}, English {kode}"


def test_an_sms_may_leave_a_value_out_but_never_needs_another() -> None:
    shorter = {"km_sms_place": "ណា?", "en_sms_place": "Where?"}
    ordinary = {"km_place": "ក្នុង{parent}?", "en_place": "In {parent}?"}
    assert list(check_placeholders(catalogue(**ordinary, **shorter))) == []
    more = {"km_sms_place": "{x}", "en_sms_place": "{x}"}
    assert len(list(check_placeholders(catalogue(**ordinary, **more)))) == 2


def test_keys_are_found_in_calls_in_second_arguments_and_in_families() -> None:
    used = keys_in_use(ROOT)
    assert used["menu-main"].startswith("dialogs/menu.py:")
    assert used["button-skip"]
    assert used["sex-female"] == "the family sex-"


def test_a_key_put_together_from_an_unknown_family_is_named(tmp_path: Path) -> None:
    for folder in ("dialogs", "bot"):
        (tmp_path / folder).mkdir()
    code = 'turn.text(f"sex-{sex}")\nturn.say(f"colour-{colour}")\nPress("id", f"{x}", role)\n'
    (tmp_path / "dialogs" / "new.py").write_text(code)
    assert undeclared_families(tmp_path) == [
        "dialogs/new.py:2: the values of 'colour-' are not in FAMILIES",
        "dialogs/new.py:3: the values of '' are not in FAMILIES",
    ]


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_is_given_twice_or_left_for_later(language: str) -> None:
    """polib refuses a key that stands twice in one context; gettext lets the last one win."""
    path = FOLDER / language / "LC_MESSAGES" / "messages.po"
    file = polib.pofile(str(path), check_for_duplicates=True)
    assert not file.fuzzy_entries()
    assert not file.obsolete_entries()
    assert not file.untranslated_entries()
