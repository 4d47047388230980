"""The agencies to which people can be referred, as the desk shows and keeps them."""

import re
from contextlib import AsyncExitStack

import pytest

from tests.desk.at_the_desk import Browser, Desk

NEW = "/desk/agencies/new"
SCHOOL = {
    "name_km": "សាលាជំនាញ",
    "name_en": "Skills school",
    "purposes": "training",
    "places": "15",
    "phone": "012 345 678",
    "confirmed_on": "",
    "note": "សួរ <b>សុខា</b>",
}
_SEEN = re.compile(r'name="seen" value="([^"]*)"')


async def _added(browser: Browser, **form: str) -> str:
    assert (await browser.post(NEW, SCHOOL | form)).to == "/desk/agencies?done=added"
    body = (await browser.get("/desk/agencies")).body
    addresses: list[str] = re.findall(r'href="(/desk/agencies/\d+)"', body)
    return addresses[-1]


async def _form(browser: Browser, address: str, **form: str) -> dict[str, str]:
    found = _SEEN.search((await browser.get(address)).body)
    assert found is not None
    return {**SCHOOL, "seen": found.group(1), **form}


async def test_a_number_is_to_be_confirmed_until_somebody_has_called_it(desk: Desk) -> None:
    async with desk.at_work("chief", "administrator") as browser:
        address = await _added(browser)
        body = (await browser.get("/desk/agencies")).body
        assert "ពោធិ៍សាត់" in body
        assert "012 345 678" in body
        assert "ត្រូវបញ្ជាក់" in body
        assert "សួរ &lt;b&gt;" in body
        today = desk.clock.now.date().isoformat()
        answer = await browser.post(address, await _form(browser, address, confirmed_on=today))
        assert answer.to == "/desk/agencies?done=changed"
        body = (await browser.get(answer.to)).body
        assert "បានបញ្ជាក់" in body
        assert "· Chief" in body
        other = await _form(browser, address, confirmed_on=today, phone="012 345 679")
        answer = await browser.post(address, other)
        assert answer.status == 422
        assert 'id="confirmed_on-fault"' in answer.body
        assert (await browser.post(address, {**other, "is_called": "yes"})).status == 303
    desk.clock.go_on(days=181)
    async with desk.at_work("sok", "case_worker") as browser:
        body = (await browser.get("/desk/agencies")).body
        assert "ត្រូវទូរសព្ទម្ដងទៀត" in body
        assert address not in body


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"name_km": ""}, "name_km"),
        ({"purposes": "magic"}, "purposes"),
        ({"places": "99"}, "places"),
        ({"phone": "call us"}, "phone"),
        ({"confirmed_on": "yesterday"}, "confirmed_on"),
        ({"confirmed_on": "2999-01-01"}, "confirmed_on"),
    ],
)
async def test_what_cannot_be_kept_is_said_beside_its_field(
    desk: Desk, form: dict[str, str], field: str
) -> None:
    async with desk.at_work("chief", "administrator") as browser:
        answer = await browser.post(NEW, SCHOOL | form)
        assert answer.status == 422
        assert re.findall(r'id="(\w+)-fault">', answer.body) == [field]
        kept = SCHOOL | form
        for name in ("name_en", "phone"):
            assert f'value="{kept[name]}"' in answer.body
        assert ("checked" in answer.body) is True
        assert "មិនមានអង្គភាពដៃគូ" in (await browser.get("/desk/agencies")).body


async def test_of_two_who_change_it_at_once_the_second_sees_both_and_may_insist(
    desk: Desk,
) -> None:
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(desk.at_work("chief", "administrator"))
        second = await stack.enter_async_context(desk.at_work("dara", "administrator"))
        address = await _added(first)
        form = await _form(second, address, note="my own words")
        desk.clock.go_on(minutes=1)
        other = await _form(first, address, note="their words")
        assert (await first.post(address, other)).status == 303
        assert (await first.post(address, other)).status == 303
        answer = await second.post(address, form)
        assert answer.status == 409
        assert "their words" in answer.body
        assert "my own words</textarea>" in answer.body
        insisting = _SEEN.search(answer.body)
        assert insisting is not None
        assert (await second.post(address, {**form, "seen": insisting.group(1)})).status == 303


async def test_one_that_is_ended_is_shown_apart_and_can_be_taken_up_again(desk: Desk) -> None:
    async with desk.at_work("chief", "administrator") as browser:
        address = await _added(browser)
        answer = await browser.post(f"{address}/end")
        assert answer.to == "/desk/agencies?done=ended"
        assert "សាលាជំនាញ" not in (await browser.get(answer.to)).body
        assert address in (await browser.get("/desk/agencies?ended=yes")).body
        assert "/take-up" in (await browser.get(address)).body
        answer = await browser.post(f"{address}/take-up")
        assert "សាលាជំនាញ" in (await browser.get(answer.to)).body
        assert (await browser.get("/desk/agencies/999")).status == 404


async def test_the_list_shows_those_that_help_with_one_thing(desk: Desk) -> None:
    async with desk.at_work("chief", "administrator") as browser:
        await _added(browser)
        await _added(browser, name_km="មេធាវី", purposes="legal", is_sensitive="yes", places="22")
        body = (await browser.get("/desk/agencies?purpose=legal")).body
        assert "មេធាវី" in body
        assert "រសើប" in body
        assert "សាលាជំនាញ" not in body
        assert "មេធាវី" in (await browser.get("/desk/agencies?purpose=<script>")).body
