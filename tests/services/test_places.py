"""A typed place is found in either script, and names that repeat are shown with their parent."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services import places
from services.errors import UnknownPlace
from services.places import COMMUNE, DISTRICT, PROVINCE

GAZETTEER = places.load_gazetteer()


def names(matches) -> list[str]:
    return [match.place.name_en for match in matches]


def test_the_whole_country_is_there() -> None:
    assert Counter(place.level for place in GAZETTEER) == {
        PROVINCE: 25,
        DISTRICT: 210,
        COMMUNE: 1652,
    }


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("បាត់ដំបង", "02"),
        ("ខេត្តបាត់ដំបង", "02"),
        ("ខេត្ត បាត់\u200bដំបង។", "02"),
        ("Battambang", "02"),
        ("battambang province", "02"),
        ("khaet battambang", "02"),
        ("battambong", "02"),
        ("siemreap", "17"),
        ("siem-reap", "17"),
        ("ពោធិសាត់", "15"),
        ("ឧត្ដរមានជ័យ", "22"),
        ("oddor meanchey", "22"),
        ("កំពង់ធំ", "06"),
        ("kompong thom", "06"),
        ("takeo", "21"),
        ("phnom penh", "12"),
        ("រាជធានីភ្នំពេញ", "12"),
        ("preah vihear", "13"),
        ("batt", "02"),
    ],
)
def test_a_province_is_found_however_it_is_typed(text: str, code: str) -> None:
    assert GAZETTEER.find(text, PROVINCE)[0].place.code == code
    assert GAZETTEER.find_any(text)[0].place.code == code


@pytest.mark.parametrize("text", ["samraong", "Khum Samraong", "សំរោង", "សម្រោង", "ឃុំសំរោង"])
def test_a_name_that_repeats_gives_all_who_bear_it(text: str) -> None:
    found = GAZETTEER.find(text, COMMUNE)
    assert names(found) == ["Samraong"] * 10
    shown = {places.label(match.place, "km", with_parent=True) for match in found}
    assert len(shown) == 10


@pytest.mark.parametrize("text", ["ឃុំសំរោង ស្រុកព្រៃឈរ", "ស្រុក ព្រៃឈរ ឃុំ សំរោង", "samraong, prey chhor"])
def test_the_parent_that_is_typed_too_decides(text: str) -> None:
    (match,) = GAZETTEER.find(text, COMMUNE)
    assert GAZETTEER.get(match.place.parent or "").name_en == "Prey Chhor"


def test_a_name_that_holds_a_kind_is_not_cut() -> None:
    assert names(GAZETTEER.find("ភ្នំស្រុក", DISTRICT)) == ["Phnum Srok"]
    assert names(GAZETTEER.find("ស្រុកភ្នំស្រុក", DISTRICT)) == ["Phnum Srok"]


def test_a_search_stays_within_its_parent() -> None:
    found = GAZETTEER.find("samrong", COMMUNE, within="22")
    assert [match.place.code[:2] for match in found] == ["22"]


def test_a_commune_may_be_typed_where_its_province_is_asked() -> None:
    (match,) = GAZETTEER.find_any("អូរស្មាច់")
    assert (match.place.level, match.place.code[:2]) == (COMMUNE, "22")


def test_the_level_that_is_asked_goes_before_deeper_ones() -> None:
    (match,) = GAZETTEER.find_any("pursat")
    assert match.place.level == PROVINCE
    (match,) = GAZETTEER.find_any("ក្រុងពោធិ៍សាត់")
    assert match.place.level == DISTRICT


@pytest.mark.parametrize("text", ["", "ok", "xyzzy", "មិនដឹង", "hello", "?", "ខេត្ត", "1"])
def test_what_is_no_place_finds_nothing(text: str) -> None:
    assert list(GAZETTEER.find(text, PROVINCE)) == []
    assert list(GAZETTEER.find_any(text)) == []


def test_every_place_is_found_by_its_own_names() -> None:
    for place in GAZETTEER:
        for name in (place.name_km, place.name_en):
            found = GAZETTEER.find(name, place.level, within=place.parent, limit=1)
            assert place in [match.place for match in found], name
            assert found[0].score >= places.CERTAIN


def test_no_two_places_of_a_list_read_alike() -> None:
    for place in GAZETTEER:
        for language in ("km", "en"):
            labels = [places.label(p, language) for p in GAZETTEER.children(place.code)]
            assert len(labels) == len(set(labels))


def test_labels_say_the_kind_and_the_parent() -> None:
    place = GAZETTEER.get("010202")
    parent = GAZETTEER.get("0102")
    assert places.label(place, "km") == f"{place.kind_km}{place.name_km}"
    assert places.label(place, "km", kind=False) == place.name_km
    assert places.label(place, "en", with_parent=True) == (
        f"{place.name_en} Commune ({parent.name_en})"
    )
    assert places.label(GAZETTEER.get("12"), "en") == "Phnom Penh"
    assert places.label(GAZETTEER.get("1201"), "en").startswith("Khan ")


def test_lists_are_in_the_order_of_the_language() -> None:
    english = [place.name_en for place in GAZETTEER.children("22", "en")]
    assert english == sorted(english)
    assert GAZETTEER.children("22")[0].name_km == "ចុងកាល់"
    assert GAZETTEER.children("220101") == []


def test_the_likely_provinces_come_first() -> None:
    codes = [place.code for place in GAZETTEER.likely_provinces()]
    assert codes[:8] == ["22", "15", "13", "02", "01", "17", "06", "14"]
    assert len(set(codes)) == 25


def test_an_unknown_code_is_a_domain_error() -> None:
    assert GAZETTEER.find_code("99") is None
    with pytest.raises(UnknownPlace):
        GAZETTEER.get("99")


@given(st.text(max_size=200), st.sampled_from([None, "22", "2203", "nowhere"]))
def test_nothing_typed_makes_a_search_fail(text: str, within: str | None) -> None:
    assert all(0 < match.score <= 100 for match in GAZETTEER.find_any(text, within, limit=8))
