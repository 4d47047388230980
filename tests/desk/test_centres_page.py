"""When a centre is open and what it is called, at the desk."""

import re

from sqlalchemy import select

from db.models import AuditRow, Centre
from services.office_hours import WEEKDAYS
from tests.desk.at_the_desk import Answer, Browser, Desk

PURSAT = "/desk/centres/pursat"
_SEEN = re.compile(r'action="/desk/centres/pursat/(\w+)">.*?name="seen" value="(\w*)"', re.DOTALL)


def week(**typed: str) -> dict[str, str]:
    """A form: open from Monday to Friday from 8:00 to 12:00 but for what is typed otherwise."""
    form: dict[str, str] = {}
    for day in WEEKDAYS:
        is_open = day not in ("sat", "sun")
        form |= {f"{day}-0-from": "8:00" if is_open else "", f"{day}-0-to": "12" if is_open else ""}
        form |= {f"{day}-1-from": "", f"{day}-1-to": ""}
        if not is_open:
            form[f"{day}-closed"] = "yes"
    return form | {name.replace("_", "-"): value for name, value in typed.items()}


async def seen(browser: Browser, form: str) -> str:
    """The version that the page's form of this name brings back."""
    found: dict[str, str] = dict(_SEEN.findall((await browser.get(PURSAT)).body))
    return found[form]


async def set_hours(browser: Browser, form: dict[str, str], version: str | None = None) -> Answer:
    known = version if version is not None else await seen(browser, "hours")
    return await browser.post(f"{PURSAT}/hours", {**form, "seen": known})


async def test_a_manager_tells_the_hours_and_everybody_of_the_centre_sees_them(desk: Desk) -> None:
    async with desk.at_work("boss", "centre_manager") as browser:
        answer = await browser.get("/desk/centres")
        assert answer.to == PURSAT
        body = (await browser.get(PURSAT)).body
        assert "មិនទាន់ប្រាប់ម៉ោងបើក" in body
        assert 'name="mon-1-to" value="17:00"' in body
        answer = await set_hours(browser, week())
        assert answer.to == f"{PURSAT}?done=hours"
        body = (await browser.get(answer.to)).body
        assert 'role="status"' in body
        assert "Boss បានប្ដូរ" in body
        assert 'name="mon-0-to" value="12:00"' in body
        assert "មិនទាន់ប្រាប់ម៉ោងបើក" not in body
    async with desk.at_work("sok", "case_worker") as browser:
        body = (await browser.get(PURSAT)).body
        assert "08:00–12:00" in body
        assert f'action="{PURSAT}' not in body


async def test_what_cannot_be_is_said_beside_its_day_and_nothing_typed_is_lost(desk: Desk) -> None:
    async with desk.at_work("boss", "centre_manager") as browser:
        answer = await set_hours(
            browser, week(tue_0_to="late <b>", wed_0_to="", thu_0_from="13:00")
        )
        assert answer.status == 422
        assert 'name="tue-0-to" value="late &lt;b&gt;"' in answer.body
        assert 'name="thu-0-from" value="13:00"' in answer.body
        faults = re.findall(r'id="(\w+)-fault">', answer.body)
        assert faults == ["tue", "wed", "thu"]
        assert 'aria-describedby="tue-fault"' in answer.body
        closed = {f"{day}-closed": "yes" for day in WEEKDAYS}
        answer = await set_hours(browser, {**week(), **closed})
        assert answer.status == 422
        assert "យ៉ាងតិចមួយថ្ងៃ" in answer.body
    async with desk.new_session() as session:
        assert (await session.get_one(Centre, "pursat")).hours is None


async def test_monday_s_hours_are_put_into_the_days_to_friday_by_a_button(desk: Desk) -> None:
    async with desk.at_work("boss", "centre_manager") as browser:
        answer = await set_hours(browser, week(mon_0_from="07:15", do="same"))
        assert answer.status == 200
        assert answer.body.count('value="07:15"') == 5
        assert "មិនទាន់រក្សាទុក" in answer.body
    async with desk.new_session() as session:
        assert (await session.get_one(Centre, "pursat")).hours is None


async def test_of_two_who_tell_hours_at_once_the_second_is_told_and_may_insist(desk: Desk) -> None:
    async with desk.at_work("boss", "centre_manager") as browser:
        version = await seen(browser, "hours")
        for _ in range(2):
            assert (await set_hours(browser, week(), version)).status == 303
        later = await set_hours(browser, week(mon_0_to="11:00"), version)
        assert later.status == 409
        assert 'name="mon-0-to" value="11:00"' in later.body
        assert "08:00–12:00" in later.body
        shown = dict(_SEEN.findall(later.body))["hours"]
        assert (await set_hours(browser, week(mon_0_to="11:00"), shown)).status == 303
    async with desk.new_session() as session:
        rows = select(AuditRow.fields).where(AuditRow.subject == "centre")
        assert (await session.scalars(rows)).all() == [["hours"], ["hours"]]


async def test_another_centre_answers_as_one_that_there_is_not(desk: Desk) -> None:
    async with desk.at_work("sao", "centre_manager", "preah-vihear") as browser:
        assert (await browser.get(PURSAT)).status == 404
        assert (await set_hours(browser, week(), "")).status == 404
        assert (await browser.get("/desk/centres/sok-chan")).status == 404
    async with desk.new_session() as session:
        rows = select(AuditRow.subject_id).where(AuditRow.action == "refused").order_by(AuditRow.id)
        assert (await session.scalars(rows)).all() == ["pursat", None]


async def test_an_administrator_says_what_a_centre_is_called_and_who_takes_the_rest(
    desk: Desk,
) -> None:
    async with desk.at_work("chief", "administrator") as browser:
        body = (await browser.get("/desk/centres")).body
        assert body.count("ម៉ោងសន្មត") == 3
        names = {"name_km": "មជ្ឈមណ្ឌល ពោធិ៍សាត់", "name_en": "", "to_confirm": "phone"}
        version = await seen(browser, "names")
        answer = await browser.post(f"{PURSAT}/names", {**names, "seen": version})
        assert answer.status == 422
        assert 'value="មជ្ឈមណ្ឌល ពោធិ៍សាត់"' in answer.body
        assert 'id="name_en-fault"' in answer.body
        names["name_en"] = "MRC Pursat"
        answer = await browser.post(f"{PURSAT}/names", {**names, "seen": version})
        assert answer.to == f"{PURSAT}?done=names"
        names["name_en"] = "Centre Pursat"
        answer = await browser.post(f"{PURSAT}/names", {**names, "seen": version})
        assert (answer.status, "MRC Pursat" in answer.body) == (409, True)
        answer = await browser.post("/desk/centres/preah-vihear/rest")
        assert answer.to == "/desk/centres/preah-vihear?done=rest"
        assert "/rest" in (await browser.get(PURSAT)).body
        assert "/rest" not in (await browser.get(answer.to)).body
