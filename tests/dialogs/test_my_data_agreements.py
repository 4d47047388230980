"""What somebody agreed to: seen with its day, given and taken back, each purpose alone."""

from db.models import Consent, Person
from services import consent, sms_text, threads
from tests.dialogs.at_my_data import (
    DAY,
    MOST_PARTS,
    MY_DATA,
    address_known,
    count_rows,
    registered,
)
from tests.dialogs.walk import stands, text_to, walk_to, words
from tests.people import Line, SmsPerson, TelegramPerson


async def _agreements(person: TelegramPerson | SmsPerson) -> dict[str, bool | None]:
    address = await address_known(person)
    async with person.line.app.new_session.begin() as session:
        state = await consent.get_state(session, address)
    return {each: answer.given if answer else None for each, answer in state.items()}


async def test_one_agreement_is_given_and_taken_back_alone(line: Line) -> None:
    person = await registered(line)
    before = await _agreements(person)
    await person.press(words(line, "data-agreements"), words(line, "purpose-news"))
    assert words(line, "purpose-words-news") in person.screen
    listed = await person.press(words(line, "consent-agree"))
    assert f"{words(line, 'purpose-news')}៖ យល់ព្រម តាំងពីថ្ងៃទី {DAY}" in listed
    assert await _agreements(person) == before | {"news": True}
    await person.press(words(line, "purpose-news"), words(line, "consent-refuse"))
    assert await _agreements(person) == before | {"news": False}
    await person.press(words(line, "purpose-news"), words(line, "consent-agree"))
    assert await _agreements(person) == before | {"news": True}


async def test_one_agreement_is_given_and_taken_back_by_sms(line: Line) -> None:
    phone = await text_to(line.phone(), "Registration:purposes")
    await phone.send("2 3", MY_DATA)
    listed = await phone.send("3")
    assert "2 ដំណឹងការងារ៖ យល់ព្រម" in listed
    one = await phone.send("2")
    assert DAY in one
    assert "ដំណឹងការងារ៖ ទេ" in await phone.send("2")
    given = {"service": True, "news": False, "phone": True, "sharing": False, "statistics": False}
    assert await _agreements(phone) == given
    await phone.send("2", "1")
    assert await _agreements(phone) == given | {"news": True}


async def test_by_sms_what_was_never_asked_is_no_refusal(line: Line) -> None:
    phone = await text_to(line.phone(), "Registration:done")
    listed = await phone.send(MY_DATA, "3")
    assert f"ដំណឹងការងារ៖ {words(line, 'agreement-not-asked', 'sms')}" in listed
    assert sms_text.count(listed).parts <= MOST_PARTS


async def test_by_sms_news_that_would_not_come_is_told(line: Line) -> None:
    """Whichever of the two is missing, and no longer once both are given."""
    phone = await text_to(line.phone(), "Registration:purposes")
    await phone.send("2 3 4 5", MY_DATA, "3", "3")
    warning = words(line, "notice-news-needs-phone-below", "sms", number=3)
    refused = await phone.send("2")
    assert refused.startswith(warning)
    assert f"3 {words(line, 'purpose-phone', 'sms')}" in refused
    assert sms_text.count(refused).parts <= MOST_PARTS
    await phone.send("3")
    assert warning not in await phone.send("1")
    await phone.send("2", "2", "3")
    assert warning not in await phone.send("2")
    await phone.send("2")
    assert (await phone.send("1")).startswith(warning)


async def test_what_is_so_already_keeps_its_day(line: Line) -> None:
    person = await registered(line)
    before = await count_rows(line, Consent)
    await person.press(words(line, "data-agreements"), words(line, "purpose-service"))
    await person.press(words(line, "consent-agree"))
    assert await count_rows(line, Consent) == before


async def test_the_end_of_the_service_is_said_plainly_and_leaves_what_is_kept(line: Line) -> None:
    person = await registered(line)
    one = await person.press(words(line, "data-agreements"), words(line, "purpose-service"))
    assert words(line, "agreement-service-note") in one
    await person.press(words(line, "consent-refuse"))
    assert (await _agreements(person))["service"] is False
    assert await count_rows(line, Person) == 1


async def test_a_double_tap_answers_one_agreement_once(line: Line) -> None:
    person = await registered(line)
    await person.press(words(line, "data-agreements"), words(line, "purpose-news"))
    data, screen = person.data_of(words(line, "consent-agree"))
    await person.press_data(data, screen)
    await person.press_data(data, screen)
    assert (await stands(person)).window == "MyData:agreements"
    assert (await _agreements(person))["news"] is True
    assert (await _agreements(person))["phone"] is None


async def test_whoever_refuses_still_talks_to_the_centre(line: Line) -> None:
    person = await walk_to(line.person(), "Registration:consent")
    await person.press(words(line, "consent-refuse"))
    assert (await stands(person)).window == "Menu:main"
    await person.write("ខ្ញុំចង់សួរអំពីប្រាក់ខែ")
    address = await address_known(person)
    async with line.app.new_session.begin() as session:
        mine = await threads.list_mine(session, address)
    assert [each.topic for each in mine] == ["talk"]
    await person.write(MY_DATA)
    listed = await person.press(words(line, "data-agreements"))
    assert f"{words(line, 'purpose-service')}៖ មិនយល់ព្រម" in listed
