"""The page of a request, as a browser without scripts sees it."""

import re
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, select

from db.models import AuditRow, File, OutboxRow, Request, RequestEvent
from services import codes, files, threads
from services.desk_requests import canned
from simulator.telegram.files import read_sample
from tests.desk.at_the_desk import Answer, Browser, Desk
from tests.services.desk_visitors import HOME_PHONE, NAME, PHONE, ask, register, visit

SEEN = re.compile(r'name="seen" value="(\d+)"')


async def _asked(desk: Desk) -> str:
    async with desk.new_session.begin() as session:
        return (await ask(session)).code


async def _do(browser: Browser, code: str, move: str, value: str = "", **form: str) -> Answer:
    address = f"/desk/requests/{code}/do/{move}"
    return await browser.post(address, {"value": value, "seen": "0", **form})


async def _kinds(desk: Desk) -> list[str]:
    async with desk.new_session() as session:
        query = select(RequestEvent.kind).order_by(RequestEvent.id)
        return list(await session.scalars(query))


async def test_a_days_work_without_scripts(desk: Desk) -> None:
    code = await _asked(desk)
    async with desk.at_work("sok", "case_worker") as browser:
        page = await browser.get(f"/desk/requests/{code}")
        assert page.status == 200
        assert "ខ្ញុំចង់បានការងារ" in page.body
        for move, value, done in [
            ("take", "", "take"),
            ("reply", "បង សូមមកជួប\r\nយើង", "sent"),
            ("note", "call again", "note"),
            ("wait_for_others", "", "wait_for_others"),
            ("go_on", "", "go_on"),
            ("set_urgency", "urgent", "set_urgency"),
            ("finish", "helped", "finished"),
        ]:
            answer = await _do(browser, code, move, value)
            assert (answer.status, answer.to) == (303, f"/desk/requests/{code}?done={done}")
            assert 'role="status"' in (await browser.get(answer.to)).body
        body = (await browser.get(f"/desk/requests/{code}")).body
    assert "បង សូមមកជួប\nយើង" in body
    assert "call again" in body
    assert (await _kinds(desk))[-7:] == [
        "taken",
        "staff_message",
        "note",
        "waiting_others",
        "going_on",
        "urgency",
        "done",
    ]


async def test_another_centres_request_answers_as_one_that_does_not_exist(desk: Desk) -> None:
    code = await _asked(desk)
    async with desk.at_work("sao", "case_worker", "preah-vihear") as browser:
        theirs = await browser.get(f"/desk/requests/{code}")
        nobodys = await browser.get("/desk/requests/10000000")
        done = await _do(browser, code, "take")
    assert (theirs.status, nobodys.status, done.status) == (404, 404, 404)
    token = re.compile(r'"[0-9a-f]{128}"|[0-9]{8}')
    assert token.sub("", theirs.body) == token.sub("", nobodys.body)
    async with desk.new_session() as session:
        query = select(AuditRow).where(AuditRow.action == "refused").order_by(AuditRow.id)
        refused = [(row.subject_id, row.fields) for row in await session.scalars(query)]
        assert refused == [(f"code:{code}", []), (None, []), (f"code:{code}", ["tried:taken"])]
        assert (await session.scalars(select(Request.owner_id))).all() == [None, None]


async def test_name_and_numbers_show_once_and_for_a_reason(desk: Desk) -> None:
    code = await _asked(desk)
    address = f"/desk/requests/{code}"
    async with desk.at_work("sok", "case_worker") as browser:
        before = (await browser.get(address)).body
        shown = (await browser.post(f"{address}/reveal", {"value": "to call", "seen": "0"})).body
        after = (await browser.get(address)).body
        refused = await browser.post(f"{address}/reveal", {"value": " "})
        too_few = await browser.post(f"{address}/reveal", {"value": "abc", "why": "other"})
        known = await browser.post(f"{address}/reveal", {"why": "visit", "seen": "0"})
        at_last = (await browser.get(address)).body
    for secret in (NAME, PHONE, HOME_PHONE, "012 345 678"):
        assert secret not in before + after
    assert NAME in shown
    assert "012 345 678" in shown
    assert "to call" in after
    assert refused.to == f"{address}?wrong=reason"
    assert "សូមសរសេរមូលហេតុពីរបីពាក្យ" in too_few.body
    assert 'name="value" value="abc"' in too_few.body
    assert '<option value="other" selected>' in too_few.body
    assert NAME in known.body
    assert "គាត់មកដល់មជ្ឈមណ្ឌល" in at_last.partition("<details")[0]


async def test_the_one_who_comes_second_is_told_who_was_first(desk: Desk) -> None:
    code = await _asked(desk)
    async with desk.at_work("sok", "case_worker") as one:
        await _do(one, code, "take")
    async with desk.at_work("sao", "case_worker") as other:
        answer = await _do(other, code, "take")
        assert answer.to.endswith("?wrong=already_taken")
        body = (await other.get(answer.to)).body
    assert 'role="alert"' in body
    assert "Sok" in body


async def test_what_a_colleague_has_can_be_taken_over(desk: Desk) -> None:
    code = await _asked(desk)
    async with desk.at_work("sok", "case_worker") as one:
        await _do(one, code, "take")
    async with desk.at_work("sao", "case_worker") as other:
        body = (await other.get(f"/desk/requests/{code}")).body
        found = re.search(r'/do/assign".*?name="value" value="([0-9a-f-]{36})"', body, re.DOTALL)
        assert found is not None
        await _do(other, code, "assign", found.group(1))
        assert "Sao" in (await other.get(f"/desk/requests/{code}?done=assign")).body
    async with desk.new_session() as session:
        owner = await session.scalar(select(Request.owner_id).where(Request.code == code))
    assert str(owner) == found.group(1)


async def test_a_form_sent_again_says_so_and_does_nothing(desk: Desk) -> None:
    code = await _asked(desk)
    async with desk.at_work("sok", "case_worker") as browser:
        found = SEEN.search((await browser.get(f"/desk/requests/{code}")).body)
        assert found is not None
        first = await _do(browser, code, "reply", "Yes", seen=found.group(1))
        second = await _do(browser, code, "reply", "Yes", seen=found.group(1))
    assert (first.to[-10:], second.to[-10:]) == ("?done=sent", "done=again")
    async with desk.new_session() as session:
        assert await session.scalar(select(func.count()).select_from(OutboxRow)) == 1


async def test_a_reply_goes_out_without_what_nobody_sees(desk: Desk) -> None:
    code = await _asked(desk)
    async with desk.at_work("sok", "case_worker") as browser:
        for again in (False, True):
            answer = await _do(browser, code, "reply", "Come\u202e on \x07Monday\u200f")
            assert answer.to.endswith("done=again" if again else "done=sent")
        assert '<p class="words">Come on Monday</p>' in (await browser.get(answer.to)).body


@pytest.mark.parametrize(
    "words",
    ["a word " * 200, "ស្ត្រី" * 300, "ក្" * 700],
    ids=["words", "no space", "subscripts alone"],
)
async def test_a_long_message_is_folded_and_whole(desk: Desk, words: str) -> None:
    code = await _asked(desk)
    words = words.strip()
    async with desk.at_work("sok", "case_worker") as browser:
        await _do(browser, code, "note", words)
        body = (await browser.get(f"/desk/requests/{code}")).body
    shown, more = re.findall(r'<p class="words">([^<]*)</p>', body)[-2:]
    assert body.count("បង្ហាញទាំងអស់") == 1
    assert shown.removesuffix("…") + more == words
    assert len(shown) < 1000
    assert shown.endswith("្…") is words.endswith("្")


async def test_a_reply_that_cannot_be_sent_waits_as_a_draft(desk: Desk) -> None:
    code = await _asked(desk)
    words = "ក" * 1700
    async with desk.at_work("sok", "case_worker") as browser:
        answer = await _do(browser, code, "reply", words)
        assert answer.to.endswith("?wrong=too_long")
        assert words in (await browser.get(answer.to)).body


async def test_what_is_typed_is_kept_and_counted(desk: Desk) -> None:
    code = await _asked(desk)
    address = f"/desk/requests/{code}"
    async with desk.at_work("sok", "case_worker") as browser:
        part = await browser.post(f"{address}/draft", {"value": "ក" * 100, "seen": "0"})
        assert (part.status, "<html" in part.body) == (200, False)
        assert "SMS 2" in part.body
        assert "ក" * 100 in (await browser.get(address)).body


async def test_a_template_is_put_behind_what_was_written(desk: Desk) -> None:
    code = await _asked(desk)
    async with desk.at_work("sok", "case_worker") as browser:
        async with desk.new_session.begin() as session:
            manager = await visit(session, "Boss", "centre_manager")
            reply = await canned.add(
                session, manager, "Come", "បង {name} សូមមក", None, now=desk.clock.now
            )
        form = {"value": "សួស្តី", "canned": str(reply.id), "seen": "0"}
        answer = await browser.post(f"/desk/requests/{code}/canned", form)
        assert answer.to == f"/desk/requests/{code}?at=reply"
        assert f"សួស្តី\nបង {NAME} សូមមក" in (await browser.get(answer.to)).body


async def test_a_desk_in_english_shows_replies_in_english(desk: Desk) -> None:
    code = await _asked(desk)
    async with desk.at_work("sok", "case_worker") as browser:
        async with desk.new_session.begin() as session:
            boss = await visit(session, "Boss", "centre_manager")
            for title, english in (("មក", "Please come"), ("ចាំ", None)):
                await canned.add(session, boss, title, "សូមមក", english, now=desk.clock.now)
        khmer = (await browser.get(f"/desk/requests/{code}")).body
        await browser.post("/desk/language", {"language": "en"})
        english = (await browser.get(f"/desk/requests/{code}")).body
    assert ">មក</option>" in khmer
    assert ">មក · Please come</option>" in english
    assert ">ចាំ</option>" in english


async def test_a_request_that_was_handed_over_is_left_for_the_queue(desk: Desk) -> None:
    code = await _asked(desk)
    async with desk.at_work("sok", "case_worker") as browser:
        for _ in range(2):  # an impatient finger
            answer = await _do(browser, code, "hand_over", "preah-vihear", reason="ជិតផ្ទះ")
            told = f"/desk/queue?handed_over={code}.preah-vihear&person_told="
            assert answer.to.startswith(told)
        at_list = await browser.get((await browser.get(answer.to)).to)
        assert codes.display(code) in at_list.body
        assert "ព្រះវិហារ" in at_list.body
        assert (await browser.get(f"/desk/requests/{code}")).status == 404
        assert (await _do(browser, code, "hand_over", "pursat")).status == 404
    assert (await _kinds(desk)).count("handed_over") == 1


@pytest.mark.parametrize(
    ("move", "value", "wrong"),
    [
        ("reopen", "", "changed"),
        ("finish", "fine", "not_allowed"),
        ("set_urgency", "very", "not_allowed"),
        ("assign", "nobody", "not_allowed"),
        ("hand_over", "preah-vihear", "empty"),
        ("hand_over", "pursat", "not_allowed"),
        ("note", " ", "empty"),
        ("note", "\u202e", "empty"),
        ("reply", "\u200b \x07", "empty"),
    ],
)
async def test_what_cannot_be_done_is_said(desk: Desk, move: str, value: str, wrong: str) -> None:
    code = await _asked(desk)
    async with desk.at_work("sok", "case_worker") as browser:
        answer = await _do(browser, code, move, value)
        assert answer.to == f"/desk/requests/{code}?wrong={wrong}"
        assert 'role="alert"' in (await browser.get(answer.to)).body
    assert await _count_refused(desk) == int(wrong == "not_allowed")


async def test_what_no_form_of_ours_asks_for_is_written_down(desk: Desk) -> None:
    code = await _asked(desk)
    elsewhere = await desk.hire("dara", "case_worker", "preah-vihear")
    async with desk.at_work("sok", "case_worker") as browser:
        forms = [
            ("do/assign", {"value": str(elsewhere.staff_id)}, "elsewhere"),
            ("canned", {"canned": "7"}, "not_allowed"),
        ]
        for number, (path, form, wrong) in enumerate(forms, 1):
            answer = await browser.post(f"/desk/requests/{code}/{path}", {"seen": "0", **form})
            assert answer.to.endswith(f"?wrong={wrong}")
            assert await _count_refused(desk) == number
            desk.clock.go_on(minutes=2)
    async with desk.at_work("sao", "case_worker", "preah-vihear") as browser:
        answer = await browser.post(f"/desk/requests/{code}/reveal", {"value": " ", "seen": "0"})
        assert (answer.status, await _count_refused(desk)) == (404, 3)
        back = await browser.get(f"/desk/requests/{code}/reveal")
        assert back.to == f"/desk/requests/{code}"


async def _count_refused(desk: Desk) -> int:
    query = select(func.count()).where(AuditRow.subject_id.like("code:%"))
    async with desk.new_session() as session:
        return await session.scalar(query.where(AuditRow.action == "refused")) or 0


async def test_no_words_of_the_address_reach_the_page(desk: Desk) -> None:
    code = await _asked(desk)
    async with desk.at_work("sok", "case_worker") as browser:
        answer = await browser.get(f"/desk/requests/{code}?done=<script>&wrong=nonsense")
        assert answer.status == 200
        assert "<script>" not in answer.body
        assert (await _do(browser, code, "delete")).status == 404


async def test_a_person_s_words_are_never_markup(desk: Desk) -> None:
    async with desk.new_session.begin() as session:
        address = await register(session)
        request = await threads.talk(session, address, "<b>x</b>{{ 7*7 }}", now=desk.clock.now)
    async with desk.at_work("sok", "case_worker") as browser:
        body = (await browser.get(f"/desk/requests/{request.code}")).body
    assert "&lt;b&gt;x&lt;/b&gt;{{ 7*7 }}" in body


async def _sent_file(desk: Desk, kind: str, sample: str) -> tuple[str, str]:
    async with desk.new_session.begin() as session:
        address = await register(session)
        now = desk.clock.now - timedelta(hours=1)
        request = await threads.attach_file(session, address, kind, "source", now=now)
        file = (await session.scalars(select(File))).one()
        await files.keep(session, desk.parts.files, file.id, read_sample(sample))
        return request.code, f"/desk/requests/{request.code}/files/{file.id}"


async def test_a_voice_message_plays_in_whole_and_in_part(desk: Desk) -> None:
    code, path = await _sent_file(desk, "voice", "voice")
    sample = read_sample("voice")
    async with desk.at_work("sok", "case_worker") as browser:
        page = (await browser.get(f"/desk/requests/{code}")).body
        assert f'<audio controls preload="none" src="{path}"' in page
        async with browser.http.get(browser.url + path) as answer:
            assert (answer.status, await answer.read()) == (200, sample)
            assert answer.headers["Content-Type"].startswith("audio/")
            assert answer.headers["Content-Security-Policy"].startswith("sandbox")
            assert answer.headers["Cache-Control"] == "no-store"
            assert answer.headers["Content-Disposition"].startswith("inline; filename=")
        wanted = {"Range": "bytes=2-5"}
        async with browser.http.get(browser.url + path, headers=wanted) as answer:
            assert (answer.status, await answer.read()) == (206, sample[2:6])
            assert answer.headers["Content-Range"] == f"bytes 2-5/{len(sample)}"


async def test_a_document_is_saved_and_never_opened(desk: Desk) -> None:
    _, path = await _sent_file(desk, "document", "document")
    async with (
        desk.at_work("sok", "case_worker") as browser,
        browser.http.get(browser.url + path) as answer,
    ):
        assert answer.status == 200
        assert answer.headers["Content-Disposition"].startswith("attachment; filename=")


async def test_a_file_is_not_found_under_another_request_or_by_another_centre(
    desk: Desk,
) -> None:
    code, path = await _sent_file(desk, "photo", "photo")
    async with desk.at_work("sao", "case_worker", "preah-vihear") as browser:
        assert (await browser.get(path)).status == 404
    async with desk.at_work("sok", "case_worker") as browser:
        assert (await browser.get(path.replace(code, "10000000"))).status == 404
        forged = f"/desk/requests/{code}/files/{UUID(int=0)}"
        assert (await browser.get(forged)).status == 404
        async with desk.new_session() as session:
            last = select(AuditRow).order_by(AuditRow.id.desc()).limit(1)
            row = (await session.scalars(last)).one()
        assert (row.action, row.subject) == ("refused", "file")
        assert forged.endswith(str(row.subject_id))
        assert (await browser.get(path + "x")).status == 404
