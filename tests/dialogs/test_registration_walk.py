"""The main job: somebody registers, on Telegram and by SMS, and a request waits."""

from services.request_queue import list_requests
from tests.people import Line

BY_SMS = ["hello", "1", "1", "1", "សុខា", "៣២", "1", "2", "1", "1", "1 3", "1", "250", "1"]


async def _waiting(line: Line) -> list[tuple[str, str | None, str | None, str]]:
    async with line.app.new_session.begin() as session:
        found = await list_requests(session)
    return [(each.topic, each.name, each.home, each.channel) for each in found]


async def test_somebody_registers_by_sms(line: Line) -> None:
    phone = line.phone()
    last = await phone.send(*BY_SMS)
    assert "លេខកូដ" in last
    assert await _waiting(line) == [
        ("registration", "សុខា", "ឃុំកញ្ជរ, ពោធិ៍សាត់", "sms"),
    ]


async def test_somebody_registers_on_telegram(line: Line) -> None:
    person = line.person()
    await person.write("/start")
    await person.press("ខ្មែរ", "ចុះឈ្មោះ", "យល់ព្រម")
    await person.write("សុខា")
    await person.write("៣២")
    await person.press("ស្រី", "ពោធិ៍សាត់", "បាកាន", "មេទឹក")
    assert person.line.memory.keyboards
    await person.send(contact={"phone_number": "85512345678", "first_name": "S", "user_id": 500})
    await person.press("ពោធិ៍សាត់", "បាត់ដំបង", "បន្ត", "កាត់ដេរ", "បន្ត")
    summary = await person.write("250$")
    assert "ឃុំមេទឹក ស្រុកបាកាន ខេត្តពោធិ៍សាត់" in summary
    assert "012 345 678" in summary
    done = await person.press("ត្រឹមត្រូវហើយ")
    assert "បងចុះឈ្មោះរួចហើយ" in done
    assert await _waiting(line) == [
        ("registration", "សុខា", "ឃុំមេទឹក, ពោធិ៍សាត់", "telegram"),
    ]


async def test_a_name_has_a_letter(line: Line) -> None:
    phone = line.phone()
    assert "យើងមិនទាន់យល់ទេ" in await phone.send("hello", "1", "1", "1", "។")
    assert "បងអាយុប៉ុន្មានឆ្នាំ" in await phone.send("ស")
