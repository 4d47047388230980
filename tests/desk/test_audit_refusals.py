"""What the desk refuses is in the log: forged addresses, and forms that come again."""

from collections.abc import Sequence

import pytest
from sqlalchemy import select

from db.models import AuditRow, Request
from tests.desk.at_the_desk import Desk
from tests.services.desk_visitors import register


async def _open(desk: Desk) -> str:
    async with desk.new_session.begin() as session:
        await register(session)
        return (await session.scalars(select(Request.code))).one()


async def _audited(desk: Desk, action: str) -> Sequence[tuple[str, str | None]]:
    query = select(AuditRow).where(AuditRow.action == action).order_by(AuditRow.id)
    async with desk.new_session() as session:
        return [(row.subject, row.subject_id) for row in await session.scalars(query)]


@pytest.mark.parametrize(
    ("method", "path", "page"),
    [
        ("GET", "/requests/{code}/files/passwd", "/requests/{code}/files/{file}"),
        ("POST", "/requests/{code}/do/king", "/requests/{code}/do/{move}"),
        ("POST", "/account/sessions/1/end", "/account/sessions/{session_id}/end"),
        ("GET", "/requests/%00", "/requests/{code}"),
        ("GET", "/requests/{code}%E2%80%AE", "/requests/{code}"),
    ],
)
async def test_an_address_that_no_page_leads_to_is_written_down(
    desk: Desk, method: str, path: str, page: str
) -> None:
    code = await _open(desk)
    async with desk.at_work("sok", "case_worker") as browser:
        address = "/desk" + path.format(code=code)
        answer = await (browser.get if method == "GET" else browser.post)(address)
        assert answer.status == 404
    assert await _audited(desk, "refused") == [("page", page)]


async def test_a_form_that_comes_again_is_written_down_once(desk: Desk) -> None:
    code = await _open(desk)
    async with desk.at_work("sok", "case_worker") as browser:
        form = {"value": "She called", "seen": "0"}
        for _ in range(3):
            answer = await browser.post(f"/desk/requests/{code}/do/note", form)
        assert answer.to.endswith("done=again")
    ((subject, request_id),) = await _audited(desk, "repeated")
    async with desk.new_session() as session:
        request = (await session.scalars(select(Request))).one()
    assert (subject, request_id) == ("request", str(request.id))


async def test_who_comes_with_a_session_that_is_over_is_written_down_once(desk: Desk) -> None:
    async with desk.at_work("sok", "case_worker") as browser:
        await browser.get("/desk/queue")
        desk.clock.go_on(hours=1)
        for _ in range(3):
            assert (await browser.get("/desk/queue")).to.startswith("/desk/sign-in")
    ((subject, _),) = await _audited(desk, "expired")
    assert subject == "desk_session"


async def test_what_no_page_of_ours_sends_is_written_down(desk: Desk) -> None:
    async with desk.at_work("sok", "case_worker") as browser:
        for _ in range(2):
            assert (await browser.post("/desk/language", {"language": "elvish"})).status == 400
            for letters in (10_001, 300_000):
                form = {"language": "en", "back": "x" * letters}
                assert (await browser.post("/desk/language", form)).status == 413
    async with desk.new_session() as session:
        rows = await session.scalars(select(AuditRow).where(AuditRow.action == "refused"))
        kept = [(row.subject_id, row.fields) for row in rows]
    assert kept == [("/language", ["made-up"]), ("/language", ["too-much"])]


@pytest.mark.parametrize("path", ["/centres/%00", "/agencies/%1B", "/staff/%00"])
async def test_control_letters_in_an_address_are_nothing_that_is_there(
    desk: Desk, path: str
) -> None:
    async with desk.at_work("sao", "administrator") as browser:
        assert (await browser.get(f"/desk{path}")).status == 404
    assert len(await _audited(desk, "refused")) == 1
