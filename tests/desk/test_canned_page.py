"""Replies that are written often, as managers and administrators keep them at the desk."""

import re
from contextlib import AsyncExitStack

import pytest

from tests.desk.at_the_desk import Browser, Desk

NEW = "/desk/canned/new"
HELLO = {"title": "ស្វាគមន៍", "text_km": "សួស្ដី {name}", "text_en": "Hello {name}"}
_SEEN = re.compile(r'name="seen" value="([^"]*)"')


async def _added(browser: Browser, **form: str) -> str:
    """The address of a reply that was just added."""
    assert (await browser.post(NEW, HELLO | form)).to == "/desk/canned?done=added"
    body = (await browser.get("/desk/canned")).body
    addresses: list[str] = re.findall(r'href="(/desk/canned/\d+)"', body)
    return addresses[-1]


async def _seen(browser: Browser, address: str) -> str:
    found = _SEEN.search((await browser.get(address)).body)
    assert found is not None
    return found.group(1)


async def test_a_reply_is_written_changed_and_ended(desk: Desk) -> None:
    async with desk.at_work("boss", "centre_manager") as browser:
        assert "មិនទាន់មានសារគំរូ" in (await browser.get("/desk/canned")).body
        address = await _added(browser)
        again = await browser.post(NEW, HELLO)
        assert again.to == "/desk/canned?done=added"
        assert (await browser.get("/desk/canned")).body.count("ស្វាគមន៍") == 1
        form = {**HELLO, "title": "Hello <b>", "seen": await _seen(browser, address)}
        answer = await browser.post(address, form)
        assert answer.to == "/desk/canned?done=changed"
        assert (await browser.post(address, form)).to == answer.to
        body = (await browser.get(answer.to)).body
        assert "Hello &lt;b&gt;" in body
        assert "SMS 1 ផ្នែក" in body
        answer = await browser.post(f"{address}/end")
        assert answer.to == "/desk/canned?done=ended"
        assert (await browser.get(address)).status == 404
        assert "Hello &lt;b&gt;" not in (await browser.get(answer.to)).body
        ended = (await browser.get("/desk/canned?ended=yes")).body
        assert "Hello &lt;b&gt;" in ended
        assert f"{address}/take-up" in ended
        for _ in range(2):
            answer = await browser.post(f"{address}/take-up")
            assert answer.to == "/desk/canned?done=taken_up"
        assert "Hello &lt;b&gt;" in (await browser.get(answer.to)).body
        assert (await browser.get(address)).status == 200


async def test_a_preview_shows_what_goes_out_on_both_channels_and_keeps_nothing(
    desk: Desk,
) -> None:
    async with desk.at_work("boss", "centre_manager") as browser:
        form = {**HELLO, "text_km": "សូមមក {centre} " + "ក" * 60, "do": "preview"}
        answer = await browser.post(NEW, form)
        assert answer.status == 200
        assert "MRC 12345678៖ សូមមក មជ្ឈមណ្ឌល" in answer.body
        assert "Hello Chan Sophea" in answer.body
        assert "SMS 2 ផ្នែក" in answer.body
        assert answer.body.count("<article") == 4
        assert "មិនទាន់មានសារគំរូ" in (await browser.get("/desk/canned")).body


@pytest.mark.parametrize(
    ("form", "field", "said"),
    [
        ({"title": " "}, "title", "សូមបំពេញ"),
        ({"text_km": ""}, "text_km", "សូមបំពេញ"),
        ({"text_km": "លេខ {phone}"}, "text_km", "{phone}"),
        ({"text_en": "{name"}, "text_en", "{"),
        ({"text_en": "x" * 1001}, "text_en", "វែងពេក"),
    ],
)
async def test_what_cannot_be_kept_is_said_beside_its_field(
    desk: Desk, form: dict[str, str], field: str, said: str
) -> None:
    async with desk.at_work("boss", "centre_manager") as browser:
        answer = await browser.post(NEW, HELLO | form)
        assert answer.status == 422
        fault = re.search(rf'id="{field}-fault">(.*?)</p>', answer.body)
        assert fault is not None
        assert said in fault.group(1)
        kept = HELLO | form
        assert kept["text_km"] in answer.body
        assert kept["text_en"] in answer.body


async def test_of_two_who_change_it_at_once_the_second_sees_both_and_may_insist(
    desk: Desk,
) -> None:
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(desk.at_work("boss", "centre_manager"))
        second = await stack.enter_async_context(desk.at_work("bora", "centre_manager"))
        address = await _added(first)
        form = {**HELLO, "seen": await _seen(second, address)}
        desk.clock.go_on(minutes=1)
        assert (await first.post(address, {**form, "text_km": "ជំរាបសួរ"})).status == 303
        answer = await second.post(address, {**form, "text_km": "សួស្ដីបង"})
        assert answer.status == 409
        assert "ជំរាបសួរ" in answer.body
        assert "សួស្ដីបង</textarea>" in answer.body
        insisting = _SEEN.search(answer.body)
        assert insisting is not None
        form |= {"text_km": "សួស្ដីបង", "seen": insisting.group(1)}
        assert (await second.post(address, form)).status == 303


async def test_case_workers_read_and_nobody_writes_what_is_not_theirs(desk: Desk) -> None:
    async with AsyncExitStack() as stack:
        chief = await stack.enter_async_context(desk.at_work("chief", "administrator"))
        shared = await _added(chief, title="គ្រប់គ្នា")
        boss = await stack.enter_async_context(desk.at_work("boss", "centre_manager"))
        own = await _added(boss)
        body = (await boss.get("/desk/canned")).body
        assert own in body
        assert shared not in body
        assert "គ្រប់គ្នា" in body
        assert (await boss.post(shared, HELLO)).status == 404
        assert (await chief.post(f"{own}/end")).status == 404
        sok = await stack.enter_async_context(desk.at_work("sok", "case_worker"))
        body = (await sok.get("/desk/canned")).body
        assert "គ្រប់គ្នា" in body
        assert own not in body
        assert NEW not in body
        assert (await boss.post(f"{own}/end")).status == 303
        assert own not in (await sok.get("/desk/canned?ended=yes")).body
        assert own not in (await chief.get("/desk/canned?ended=yes")).body
        there = await stack.enter_async_context(
            desk.at_work("sao", "centre_manager", "preah-vihear")
        )
        assert "ស្វាគមន៍" not in (await there.get("/desk/canned")).body
        assert (await there.get(own)).status == 404
        assert (await there.get("/desk/canned/9x")).status == 404
