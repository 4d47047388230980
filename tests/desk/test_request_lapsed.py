"""Who writes while their session ends, or while a colleague answers, loses no words."""

import re

import pytest
from sqlalchemy import select

from db.models import AuditRow, OutboxRow, ReplyDraft
from tests.desk.at_the_desk import Answer, Browser, Desk, Worker
from tests.services.desk_visitors import ask

WORDS = "សូមមកជួបយើង <b>ថ្ងៃចន្ទ</b>"
ESCAPED = "សូមមកជួបយើង &lt;b&gt;ថ្ងៃចន្ទ&lt;/b&gt;"
AWAY = {"hours": 13}  # longer than any session lasts
ELSEWHERE = {"Origin": "https://evil.example"}
FIELDS = re.compile(r'type="hidden" name="([a-z-]+)" value="([^"]*)"')


async def _asked(desk: Desk) -> str:
    async with desk.new_session.begin() as session:
        return (await ask(session)).code


async def _sent(desk: Desk) -> int:
    async with desk.new_session() as session:
        return len((await session.scalars(select(OutboxRow))).all())


async def _form(browser: Browser, code: str) -> dict[str, str]:
    """The hidden fields of the form of a reply, as the page drew them."""
    body = (await browser.get(f"/desk/requests/{code}")).body
    return dict(FIELDS.findall(body.partition('/do/reply"')[2].partition("</form>")[0]))


async def _send(browser: Browser, code: str, form: dict[str, str], **request: object) -> Answer:
    address = f"/desk/requests/{code}/do/reply"
    return await browser.ask("POST", address, data={**form, "value": WORDS}, **request)


async def _sign_in(desk: Desk, browser: Browser, worker: Worker) -> None:
    browser.use(await desk.sign_in(worker))


async def test_a_reply_without_a_session_comes_back_to_be_sent_after_signing_in(desk: Desk) -> None:
    code, sok = await _asked(desk), await desk.hire("sok", "case_worker")
    async with desk.browser() as browser:
        await _sign_in(desk, browser, sok)
        form = await _form(browser, code)
        desk.clock.go_on(**AWAY)
        lost = await _send(browser, code, form)
        assert lost.status == 401
        assert ESCAPED in lost.body
        assert f'href="/desk/sign-in?next=/desk/requests/{code}" target="_blank"' in lost.body
        await _sign_in(desk, browser, sok)
        again = await _send(browser, code, dict(FIELDS.findall(lost.body)))
        assert (again.status, ESCAPED in again.body, await _sent(desk)) == (409, True, 0)
        fresh = again.body.partition('/do/reply">')[2]
        done = await _send(browser, code, dict(FIELDS.findall(fresh)))
        assert (done.to[-10:], await _sent(desk)) == ("?done=sent", 1)


async def test_words_of_nobody_are_kept_nowhere(desk: Desk) -> None:
    code = await _asked(desk)
    async with desk.browser() as browser:
        await _send(browser, code, {})
        await browser.post(f"/desk/requests/{code}/draft", {"value": WORDS})
    async with desk.new_session() as session:
        assert (await session.scalars(select(ReplyDraft))).all() == []
    assert await _sent(desk) == 0


async def test_no_other_site_gets_its_words_into_a_form_of_the_desk(desk: Desk) -> None:
    code = await _asked(desk)
    async with desk.browser() as stranger:
        answer = await _send(stranger, code, {}, headers=ELSEWHERE)
        assert (answer.status, answer.to) == (303, "/desk/sign-in")
    async with desk.at_work("sok", "case_worker") as browser:
        answer = await _send(browser, code, await _form(browser, code), headers=ELSEWHERE)
        assert (answer.status, ESCAPED in answer.body) == (403, False)


async def test_a_draft_without_a_session_leaves_the_page_and_says_what_to_do(desk: Desk) -> None:
    code, sok = await _asked(desk), await desk.hire("sok", "case_worker")
    address, as_part = f"/desk/requests/{code}/draft", {"HX-Request": "true"}
    async with desk.browser() as browser:
        await _sign_in(desk, browser, sok)
        form = {**await _form(browser, code), "value": WORDS}
        desk.clock.go_on(**AWAY)
        part = await browser.ask("POST", address, data=form, headers=as_part)
        assert (part.status, "HX-Redirect" in part.headers) == (401, False)
        assert "ការចូលរបស់បងចប់ហើយ" in part.body
        assert f'href="/desk/sign-in?next=/desk/requests/{code}" target="_blank"' in part.body
        await _sign_in(desk, browser, sok)
        part = await browser.ask("POST", address, data=form, headers=as_part)
        assert (part.status, "បងបានចូលម្ដងទៀតហើយ" in part.body) == (409, True)


@pytest.mark.parametrize(
    ("path", "form", "kept"),
    [
        ("reveal", {"value": WORDS, "why": ""}, 'name="value" required maxlength="500"'),
        ("do/hand_over", {"value": "preah-vihear", "reason": WORDS}, 'value="preah-vihear"'),
    ],
)
async def test_a_reason_comes_back_with_what_it_was_for(
    desk: Desk, path: str, form: dict[str, str], kept: str
) -> None:
    code = await _asked(desk)
    async with desk.browser() as browser:
        answer = await browser.post(f"/desk/requests/{code}/{path}", form)
    assert (answer.status, ESCAPED in answer.body, kept in answer.body) == (401, True, True)
    assert f'action="/desk/requests/{code}/{path}"' in answer.body


@pytest.mark.parametrize("path", ["do/take", "reveal"])
async def test_what_holds_no_words_leads_back_to_the_request(desk: Desk, path: str) -> None:
    code = await _asked(desk)
    async with desk.browser() as browser:
        answer = await browser.post(f"/desk/requests/{code}/{path}", {"why": "call"})
        assert answer.to == f"/desk/sign-in?next=/desk/requests/{code}"
    async with desk.at_work("sok", "case_worker") as browser:
        answer = await browser.ask("POST", f"/desk/requests/{code}/{path}", data={"why": "call"})
        assert answer.status == 403
        assert "ទម្រង់នេះចាស់ពេក" in answer.body  # of the form, not of the role
        assert "តួនាទី" not in answer.body.partition("<main")[2]
    async with desk.new_session() as session:
        refused = select(AuditRow.fields).where(AuditRow.action == "refused")
        assert (await session.scalars(refused)).all() == [["form-token"]]


async def test_a_role_that_has_no_such_page_is_told_so(desk: Desk) -> None:
    async with desk.at_work("eye", "auditor") as browser:
        answer = await browser.get("/desk/queue")
    assert answer.status == 403
    assert "តួនាទីរបស់បងមិនមានទំព័រនេះទេ" in answer.body
    assert "ចាស់ពេក" not in answer.body


async def test_who_replies_after_a_colleague_reads_that_first(desk: Desk) -> None:
    code = await _asked(desk)
    sok, sao = [await desk.hire(name, "case_worker") for name in ("sok", "sao")]
    async with desk.browser() as one, desk.browser() as other:
        await _sign_in(desk, one, sok)
        await _sign_in(desk, other, sao)
        form = await _form(one, code)
        await _send(other, code, await _form(other, code))
        early = await _send(one, code, form)
        assert early.to.endswith("?wrong=answered")
        told = (await one.get(early.to)).body
        assert "Sao បានឆ្លើយ" in told
        assert f">{ESCAPED}</textarea>" in told
        assert await _sent(desk) == 1
        read = await _send(one, code, await _form(one, code))
        assert (read.to[-10:], await _sent(desk)) == ("?done=sent", 2)
