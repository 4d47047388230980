"""My data: seen, corrected, taken away and deleted, by those whose it is."""

from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import text

from db.models import Address, Consent, Draft, Person, Request, RequestEvent
from services import exports, sms_text
from tests.dialogs.at_my_data import (
    DAY,
    MOST_PARTS,
    MY_DATA,
    address_known,
    count_rows,
    registered,
    registered_by_sms,
)
from tests.dialogs.walk import question, stands, text_to, walk_to, words
from tests.people import NOW, Line


async def _jobs(line: Line) -> Sequence[tuple[str, dict[str, Any]]]:
    async with line.app.new_session.begin() as session:
        rows = await session.execute(
            text("SELECT task_name, args FROM procrastinate_jobs ORDER BY id")
        )
        return [(row.task_name, row.args) for row in rows]


# --- seeing ---


async def test_everything_is_seen_on_telegram(line: Line) -> None:
    person = await registered(line)
    seen = await person.press(words(line, "data-see"))
    assert "ឈ្មោះ៖ សុខា" in seen
    assert "32 ឆ្នាំ" in seen
    assert "ឃុំមេទឹក ស្រុកបាកាន ខេត្តពោធិ៍សាត់" in seen
    assert "012 345 678" in seen
    assert words(line, "topic-registration") in seen
    assert words(line, "purpose-news") in seen
    assert DAY in seen
    assert f"{words(line, 'data-shared')}៖ {words(line, 'agreement-never')}" in seen


async def test_everything_is_seen_by_sms_in_three_parts(line: Line) -> None:
    phone = await text_to(line.phone(), "Registration:name")
    await phone.send("ស" * 80, "32", "1", "2", "1", "1", "1 2 3 4 5", "1 2 3 4 5 6", "1000000")
    await phone.send("1", "2 3 4 5", MY_DATA)
    seen = await phone.send("1")
    assert (await stands(phone)).window == "MyData:see"
    assert "សំណើមាន 1" in seen
    assert "យល់ព្រម 5" in seen
    assert sms_text.count(seen).parts <= MOST_PARTS, seen


async def test_a_form_that_is_not_finished_is_seen_too(line: Line) -> None:
    person = await walk_to(line.person(), "Registration:province")
    await person.write(MY_DATA)
    assert words(line, "data-correct") not in person.buttons
    seen = await person.press(words(line, "data-see"))
    assert "ឈ្មោះ៖ សុខា" in seen


async def test_somebody_new_sees_that_nothing_was_told(line: Line) -> None:
    person = await walk_to(line.person(), "Menu:main")
    await person.write(MY_DATA)
    assert words(line, "held-not-registered") in await person.press(words(line, "data-see"))


# --- correcting ---


async def test_one_line_is_corrected_and_nobody_registers_twice(line: Line) -> None:
    person = await registered(line)
    await person.press(words(line, "data-correct"), words(line, "line-name"))
    summary = await person.write("ចន្ទា")
    assert "ឈ្មោះ៖ ចន្ទា" in summary
    assert "012 345 678" in summary
    told = await person.press(words(line, "button-confirm"))
    assert words(line, "notice-data-changed") in told
    assert (await stands(person)).window == "MyData:main"
    assert "ឈ្មោះ៖ ចន្ទា" in await person.press(words(line, "data-see"))
    assert await count_rows(line, Person) == await count_rows(line, Request) == 1
    assert await count_rows(line, Draft) == 0


async def test_a_line_is_corrected_by_sms(line: Line) -> None:
    phone = await registered_by_sms(line)
    lines = await phone.send("2")
    assert "1 ឈ្មោះ" in lines
    await phone.send("2")
    assert "33" in await phone.send("33")
    assert words(line, "notice-data-changed", "sms") in await phone.send("1")
    assert await count_rows(line, Request) == 1
    assert "33" in await phone.send("1")


async def test_a_request_that_was_taken_stays_the_only_one(line: Line) -> None:
    person = await registered(line)
    async with line.app.new_session.begin() as session:
        await session.execute(text("UPDATE request SET state = 'done'"))
    await person.press(words(line, "data-correct"), words(line, "line-name"))
    await person.write("ចន្ទា")
    await person.press(words(line, "button-confirm"))
    assert await count_rows(line, Request) == 1


async def test_leaving_a_correction_leaves_everything_as_it_was(line: Line) -> None:
    person = await registered(line)
    await person.press(words(line, "data-correct"), words(line, "line-name"))
    await person.write("ចន្ទា")
    left = await person.press(words(line, "button-back"))
    assert words(line, "notice-data-unchanged") in left
    assert await count_rows(line, Draft) == 0
    assert "ឈ្មោះ៖ សុខា" in await person.press(words(line, "data-see"))


async def test_a_correction_goes_on_after_a_flush(line: Line) -> None:
    person = await registered(line)
    await person.press(words(line, "data-correct"), words(line, "line-name"))
    await person.write("ចន្ទា")
    await line.app.redis.flushdb()
    await person.write("/start")
    assert person.screen.startswith(words(line, "notice-correcting"))
    assert "ឈ្មោះ៖ ចន្ទា" in person.screen
    await person.press(words(line, "button-confirm"))
    assert (await stands(person)).window == "MyData:main"


async def test_words_after_a_flush_are_kept_beside_a_correction(line: Line) -> None:
    person = await registered(line)
    await person.press(words(line, "data-correct"), words(line, "line-name"))
    await person.write("ចន្ទា")
    await line.app.redis.flushdb()
    screen = await person.write("ខ្ញុំមិនទាន់បានប្រាក់ខែ")
    assert screen.startswith(question(line, "notice-kept-correcting"))
    assert (await stands(person)).window == "Registration:summary"


async def test_a_correction_by_sms_goes_on_after_a_flush(line: Line) -> None:
    phone = await registered_by_sms(line)
    await phone.send("2", "2", "33")
    await line.app.redis.flushdb()
    screen = await phone.send("1")
    assert screen.startswith(words(line, "notice-correcting", "sms"))
    assert "33" in screen
    assert sms_text.count(screen).parts <= MOST_PARTS


async def test_the_menu_asks_nobody_to_register_who_corrects(line: Line) -> None:
    person = await registered(line)
    await person.press(words(line, "data-correct"), words(line, "line-name"))
    await person.write("ម៉ឺនុយ")
    assert person.buttons[0] == words(line, "menu-mine")
    assert words(line, "menu-go-on") not in person.buttons


# --- a shared phone ---


@pytest.mark.parametrize(("answer", "shared"), [("yes", True), ("no", False)])
async def test_whether_the_phone_is_shared_is_told(line: Line, answer: str, shared: bool) -> None:
    person = await registered(line)
    asked = await person.press(words(line, "data-shared"))
    assert words(line, "agreement-never") in asked
    told = await person.press(words(line, f"shared-{answer}"))
    assert words(line, f"notice-shared-{answer}") in told
    assert (await address_known(person)).is_shared is shared
    again = await person.press(words(line, "data-shared"))
    assert words(line, f"shared-now-{answer}") in again


async def test_whether_the_phone_is_shared_is_told_by_sms(line: Line) -> None:
    phone = await registered_by_sms(line)
    await phone.send("4", "1")
    assert (await address_known(phone)).is_shared is True


# --- a file ---


async def test_the_file_is_promised_once(line: Line) -> None:
    person = await registered(line)
    for _ in range(2):
        await person.press(words(line, "data-download"), words(line, "button-send-file"))
        assert words(line, "notice-file-coming") in person.screen
    address = await address_known(person)
    arguments = {"address_id": address.id, "asked_at": NOW.isoformat()}
    assert await _jobs(line) == [("export_my_data", arguments)]


async def test_who_asks_again_within_the_hour_reads_where_the_file_is(line: Line) -> None:
    person = await registered(line)
    async with line.app.new_session.begin() as session:
        known = await session.get_one(Address, (await address_known(person)).id)
        await exports.add(session, known, "a/b", size=1, media_type="text/html", now=NOW)
    await person.press(words(line, "data-download"), words(line, "button-send-file"))
    assert words(line, "notice-file-made") in person.screen
    assert await _jobs(line) == []


async def test_by_sms_it_says_where_to_get_the_file(line: Line) -> None:
    phone = await registered_by_sms(line)
    told = await phone.send("5")
    assert "Telegram" in told
    assert "មជ្ឈមណ្ឌល" in told
    await phone.send("1")
    assert await _jobs(line) == []


# --- deleting ---


async def test_what_goes_is_said_before_it_goes(line: Line) -> None:
    person = await registered(line)
    told = await person.press(words(line, "data-delete"))
    for goes in ("ចុះឈ្មោះ", "សំណើ", "រូបថត", "យល់ព្រម", "យកមកវិញមិនបាន"):
        assert goes in told
    assert await count_rows(line, Person) == 1
    await person.press(words(line, "button-back"))
    assert await count_rows(line, Person) == 1


async def test_everything_is_deleted_and_somebody_new_comes_back(line: Line) -> None:
    person = await registered(line)
    await person.press(words(line, "data-delete"))
    gone = await person.press(words(line, "button-delete-all"))
    assert question(line, "data-deleted-text") in gone
    for model in (Person, Request, RequestEvent, Consent, Draft):
        assert await count_rows(line, model) == 0
    await person.press(words(line, "button-menu"))
    assert words(line, "menu-register") in person.buttons
    assert MY_DATA not in person.buttons
    await person.press(words(line, "menu-register"), words(line, "consent-agree"))
    await person.write("ចន្ទា")
    assert (await stands(person)).answers == {"consent": "registration-1", "name": "ចន្ទា"}


async def test_everything_is_deleted_by_sms(line: Line) -> None:
    phone = await registered_by_sms(line)
    asked = await phone.send("6")
    assert "1 ចង់លុបទាំងអស់" in asked
    gone = await phone.send("1")
    assert question(line, "data-deleted-text", "sms") in gone
    assert await count_rows(line, Person) == await count_rows(line, Request) == 0
    await phone.send("*")
    assert (await stands(phone)).window == "Menu:main"


async def test_a_double_tap_deletes_nothing(line: Line) -> None:
    person = await registered(line)
    data, screen = person.data_of(words(line, "data-delete"))
    await person.press_data(data, screen)
    await person.press_data(data, screen)
    assert (await stands(person)).window == "MyData:delete"
    assert await count_rows(line, Person) == 1


async def test_a_number_sent_twice_deletes_nothing(line: Line) -> None:
    phone = await registered_by_sms(line)
    await phone.send("6", "6")
    assert (await stands(phone)).window == "MyData:delete"
    assert await count_rows(line, Person) == 1


async def test_deleting_twice_at_once_is_deleting_once(line: Line) -> None:
    person = await registered(line)
    await person.press(words(line, "data-delete"))
    data, screen = person.data_of(words(line, "button-delete-all"))
    await person.press_data(data, screen)
    await person.press_data(data, screen)
    assert (await stands(person)).window == "MyData:deleted"


async def test_a_form_in_hand_is_gone_with_the_rest(line: Line) -> None:
    """My data lay on top of the form: nothing leads back into it."""
    person = await walk_to(line.person(), "Registration:sex")
    await person.write(MY_DATA)
    await person.press(words(line, "data-delete"), words(line, "button-delete-all"))
    assert (await stands(person)).answers is None
    await person.write("ថយក្រោយ")
    assert (await stands(person)).window != "Registration:sex"


# --- everywhere ---


@pytest.mark.parametrize("way", ["see", "agreements", "shared", "download", "delete"])
async def test_every_window_leads_back(line: Line, way: str) -> None:
    person = await registered(line)
    await person.press(words(line, f"data-{way}"), words(line, "button-back"))
    assert (await stands(person)).window == "MyData:main"
    await person.press(words(line, "button-back"))
    assert (await stands(person)).window == "Menu:main", "the receipt was shown before"


async def test_every_window_by_sms_is_at_most_three_parts(line: Line) -> None:
    phone = await registered_by_sms(line)
    for sent in ("1", "0", "3", "1", "0", "0", "4", "0", "5", "0", "6"):
        told = await phone.send(sent)
        assert sms_text.count(told).parts <= MOST_PARTS, told
