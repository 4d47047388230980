"""After registering: each purpose alone or none, and no purpose agreed to unseen."""

import hashlib
from collections.abc import Mapping

import pytest
from sqlalchemy import select

from db.models import Consent
from dialogs import purposes
from dialogs.registration import who
from locales.catalogue import LANGUAGES, load_catalogue
from services import consent, sms_text
from tests.dialogs.walk import question, stands, text_to, walk_to, words
from tests.people import Line

# The words behind each version that people agreed to. Other words need another version; an old
# line stays, since somebody may have agreed to it.
VERSIONS = {
    "registration-1": "c0f3c43973b9d7ae",
    "purposes-1": "a5602a5cfd7b75da",
    "purposes-2": "9a41e53795b09a9d",
}
SHOWN_UNDER: Mapping[str, tuple[str, ...]] = {
    who.CONSENT_WORDING: ("registration-consent", "consent-agree", "consent-refuse"),
    purposes.WORDING: (
        "registration-purposes",
        "agreement-service-note",
        "purpose-none",
        *(f"purpose-{purpose}" for purpose in consent.PURPOSES),
        *(f"purpose-words-{purpose}" for purpose in consent.PURPOSES),
    ),
}


async def _answers(line: Line) -> dict[str, bool]:
    """What was answered after registering, by purpose."""
    async with line.app.new_session.begin() as session:
        rows = await session.execute(
            select(Consent.purpose, Consent.given, Consent.wording_version).order_by(Consent.id)
        )
        return {row.purpose: row.given for row in rows if row.wording_version == purposes.WORDING}


@pytest.mark.parametrize("version", SHOWN_UNDER)
def test_other_words_need_another_version(version: str) -> None:
    """Whoever changes a text of consent gives it a new version, here and beside its screen."""
    catalogue = load_catalogue()
    told = hashlib.sha256()
    for key in SHOWN_UNDER[version]:
        for language in LANGUAGES:
            for channel in ("telegram", "sms"):
                told.update(catalogue.template(key, language, channel).encode() + b"\0")
    assert told.hexdigest()[:16] == VERSIONS[version]


async def test_on_telegram_nothing_is_chosen_beforehand(line: Line) -> None:
    person = await walk_to(line.person(), "Registration:purposes")
    assert "បងចុះឈ្មោះរួចហើយ" in person.screen
    assert not [button for button in person.buttons if button.startswith("✓")]
    for purpose in purposes.ASKED:
        assert words(line, f"purpose-words-{purpose}") in person.screen


@pytest.mark.parametrize("purpose", purposes.ASKED)
async def test_on_telegram_each_purpose_is_agreed_to_alone(line: Line, purpose: str) -> None:
    person = await walk_to(line.person(), "Registration:purposes")
    await person.press(words(line, f"purpose-{purpose}"), words(line, "button-done"))
    assert question(line, "registration-done") in person.screen
    assert await _answers(line) == {each: each == purpose for each in purposes.ASKED}


async def test_a_tick_is_taken_back_by_a_second_press(line: Line) -> None:
    person = await walk_to(line.person(), "Registration:purposes")
    news = words(line, "purpose-news")
    await person.press(news)
    assert f"✓ {news}" in person.buttons
    await person.press(news, words(line, "button-done"))
    assert not any((await _answers(line)).values())


async def test_it_is_said_that_a_tick_is_not_an_answer_yet(line: Line) -> None:
    """In the menu nothing is left of the ticks; what is opened on top of the screen keeps them."""
    person = await walk_to(line.person(), "Registration:purposes")
    warning = words(line, "notice-not-noted-yet")
    news = words(line, "purpose-news")
    assert warning not in person.screen
    assert (await person.press(news)).startswith(warning)
    assert warning not in await person.press(news)
    await person.press(news)
    await person.write("MYDATA")
    assert (await person.press(words(line, "button-back"))).startswith(warning)
    assert f"✓ {news}" in person.buttons
    assert warning not in await person.press(words(line, "button-menu"))
    assert await _answers(line) == {}


async def test_whoever_skips_has_answered_nothing(line: Line) -> None:
    person = await walk_to(line.person(), "Registration:purposes")
    await person.press(words(line, "purpose-news"), words(line, "button-skip"))
    assert question(line, "registration-done") in person.screen
    assert await _answers(line) == {}


@pytest.mark.parametrize(
    ("sent", "given"),
    [
        ("2", {"news"}),
        ("2 4", {"news", "sharing"}),
        ("២ ៣ ៤ ៥", set(purposes.ASKED)),
        ("1", set()),
        ("1 2", {"news"}),
    ],
)
async def test_by_sms_the_numbers_sent_are_agreed_to(
    line: Line, sent: str, given: set[str]
) -> None:
    phone = await text_to(line.phone(), "Registration:purposes")
    assert "លេខកូដ" in await phone.send(sent)
    assert await _answers(line) == {each: each in given for each in purposes.ASKED}
    assert (await stands(phone)).window == "Registration:done"


@pytest.mark.parametrize(
    ("sent", "warned"), [("2", True), ("2 4", True), ("2 3", False), ("3", False), ("1", False)]
)
async def test_by_sms_news_that_would_not_come_is_told(line: Line, sent: str, warned: bool) -> None:
    """News by SMS needs the agreement to be contacted by phone as well, and where it is given."""
    phone = await text_to(line.phone(), "Registration:purposes")
    told = await phone.send(sent)
    name = words(line, "purpose-phone", "sms")
    warning = words(line, "notice-news-needs-phone", "sms", name=name)
    assert told.startswith(warning) is warned
    assert sms_text.count(told).parts <= 2
    await phone.send("MYDATA")
    assert (await stands(phone)).window == "MyData:main"


async def test_on_telegram_news_needs_no_phone(line: Line) -> None:
    person = await walk_to(line.person(), "Registration:purposes")
    told = await person.press(words(line, "purpose-news"), words(line, "button-done"))
    assert words(line, "purpose-phone") not in told


async def test_by_sms_skipping_answers_nothing(line: Line) -> None:
    phone = await text_to(line.phone(), "Registration:purposes")
    await phone.send("00")
    assert await _answers(line) == {}
    assert (await stands(phone)).window == "Registration:done"


async def test_by_sms_a_second_one_agrees_to_nothing_unseen(line: Line) -> None:
    """Somebody impatient confirms the form twice; the first answer was still on its way."""
    phone = await text_to(line.phone(), "Registration:summary")
    await phone.send("1", "1")
    assert not any((await _answers(line)).values())


async def test_leaving_without_an_answer_leaves_the_registration(line: Line) -> None:
    person = await walk_to(line.person(), "Registration:purposes")
    await person.press(words(line, "button-menu"))
    assert words(line, "menu-register") not in person.buttons
    assert await _answers(line) == {}
