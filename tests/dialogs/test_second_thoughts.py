"""People change their minds, go back, send twice: the form follows and asks nothing twice."""

from datetime import timedelta

from services import addresses, drafts, registration
from services.request_queue import list_requests
from tests.dialogs.walk import stands, text_to, walk_to, words
from tests.people import NOW, Line


async def test_whoever_takes_consent_back_leaves_no_answer_behind(line: Line) -> None:
    phone = await text_to(line.phone(), "Registration:sex")
    await phone.send("0", "0", "0", "2")
    assert (await stands(phone)).window == "Menu:main"
    async with line.app.new_session.begin() as session:
        address = await addresses.find(session, "sms", phone.number)
        assert address is not None
        assert await drafts.find_draft(session, address.id, registration.FORM) is None


async def test_the_name_of_an_option_is_the_whole_answer_by_sms(line: Line) -> None:
    phone = await text_to(line.phone(), "Registration:sectors")
    await phone.send(words(line, "sector-construction", "sms"))
    at = await stands(phone)
    assert at.window == "Registration:salary"
    assert at.answers is not None
    assert at.answers["sectors"] == ["construction"]


async def test_ninety_nine_is_an_age(line: Line) -> None:
    phone = await text_to(line.phone(), "Registration:age")
    await phone.send("99")
    at = await stands(phone)
    assert at.window == "Registration:sex"
    assert at.answers is not None
    assert at.answers["age"] == 99


async def test_after_the_last_page_by_sms_comes_the_first(line: Line) -> None:
    phone = await text_to(line.phone(), "Registration:province")
    first = phone.received[-1].partition("\n1 ")[2]
    pages = []
    while not pages or pages[-1].partition("\n1 ")[2] != first:
        pages.append(await phone.send("99"))
        assert len(pages) < 12
    assert len(pages) > 2


async def test_hits_and_lists_begin_at_their_first_page(line: Line) -> None:
    phone = await text_to(line.phone(), "Registration:province")
    await phone.send("99", "99", "សំរោង")
    assert "1 " in phone.received[-1]
    await phone.send("0")
    again = await phone.send("????")
    assert again
    assert (await phone.send("1")).startswith("ខេត្តឧត្តរមានជ័យ")


async def test_an_sms_sent_twice_does_not_answer_the_next_question_unseen(line: Line) -> None:
    phone = await text_to(line.phone(), "Registration:consent")
    before = NOW - timedelta(seconds=1)
    payload = {"From": phone.number, "Body": "1"}
    await line.take("sms", payload)
    assert (await stands(phone)).window == "Registration:name"
    (again,) = await line.take("sms", payload, received_at=before)
    at = await stands(phone)
    assert at.window == "Registration:name"
    assert at.answers is not None
    assert "name" not in at.answers
    assert words(line, "registration-name", "sms") in again.text


async def test_somebody_elses_contact_is_not_taken(line: Line) -> None:
    person = await walk_to(line.person(), "Registration:phone")
    card = {"phone_number": "85512999888", "first_name": "Somebody"}
    assert words(line, "notice-contact-not-own") in await person.send(contact=card)
    await person.send(contact=card | {"user_id": 12})
    at = await stands(person)
    assert at.window == "Registration:phone"
    assert at.answers is not None
    assert "phone_e164" not in at.answers


async def test_back_from_a_skipped_district_asks_for_the_district(line: Line) -> None:
    phone = await text_to(line.phone(), "Registration:district")
    await phone.send("00")
    assert (await stands(phone)).window == "Registration:wanted"
    await phone.send("0")
    assert (await stands(phone)).window == "Registration:district"


async def test_one_missing_answer_costs_one_question(line: Line) -> None:
    phone = await text_to(line.phone(), "Registration:summary")
    await phone.send("2", words(line, "line-home", "sms"), "3", "0", "0", "1")
    asked = await stands(phone)
    assert asked.window == "Registration:province"
    await phone.send("1", "1", "1")
    assert (await stands(phone)).window == "Registration:summary"


async def test_a_number_of_a_range_not_yet_known_can_register_and_be_called(line: Line) -> None:
    phone = line.phone("+85538123456")
    assert "លេខកូដ" in await phone.send("CALL")
    await phone.send("*", "1", "1", "1", "សុខា", "32", "1", "1", "1", "1")
    assert (await stands(phone)).window == "Registration:wanted"


async def test_english_can_be_asked_for_at_any_moment(line: Line) -> None:
    phone = line.phone()
    first = await phone.send("CALL")
    assert "Send EN: English" in first
    assert "We have received your request" in await phone.send("EN")
    async with line.app.new_session.begin() as session:
        assert [found.topic for found in await list_requests(session)] == ["call"]
