"""The log at the desk, as a browser without scripts sees it."""

import re
from datetime import timedelta
from html import unescape
from urllib.parse import parse_qsl, quote, urlsplit

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import AuditRow, Invitation, Request, Staff
from services import audit, staff
from tests.desk.at_the_desk import Answer, Browser, Desk
from tests.services.desk_visitors import HOME_PHONE, NAME, PHONE, register

_ROW = re.compile(r'<tr role="row"[^>]*>\n(<td.*?)</tr>', re.DOTALL)
_TAG = re.compile(r"<[^>]+>")
_LINK = re.compile(r'href="(/desk/audit[^"]*)"')


def _rows(answer: Answer) -> list[str]:
    """The words of each line, without its day and time."""
    found = [_TAG.sub(" ", unescape(row)) for row in _ROW.findall(answer.body)]
    return [" ".join(row.split()[4:]) for row in found]


def _links(answer: Answer) -> list[str]:
    return [unescape(link) for link in _LINK.findall(answer.body)]


async def _english(browser: Browser) -> None:
    await browser.post("/desk/language", {"language": "en", "back": "/desk/audit"})


async def reveal(desk: Desk) -> str:
    """A registered person's request, looked at and revealed by Sok; its code."""
    async with desk.new_session.begin() as session:
        await register(session)
        code = (await session.scalars(select(Request.code))).one()
    async with desk.at_work("sok", "case_worker") as browser:
        await browser.get(f"/desk/requests/{code}")
        await browser.post(f"/desk/requests/{code}/reveal", {"value": "She asked for a call"})
    return code


async def test_an_auditor_begins_with_the_log_and_has_nothing_else(desk: Desk) -> None:
    async with desk.at_work("eye", "auditor") as browser:
        assert (await browser.get("/desk/")).to == "/desk/audit"
        shown = await browser.get("/desk/audit")
        assert shown.status == 200
        rail = shown.body.split('class="entries"')[1].split("</nav>")[0]
        assert re.findall(r'<a href="([^"]+)"', rail) == ["/desk/audit", "/desk/account"]


async def test_what_was_done_is_said_without_who_it_is_about(desk: Desk) -> None:
    code = await reveal(desk)
    async with desk.at_work("eye", "auditor") as browser:
        await _english(browser)
        shown = await browser.get("/desk/audit")
        request = f"request {code[:4]} {code[4:]}"
        rows = _rows(shown)
        assert any(
            re.fullmatch(rf"Sok looked at {request} person [0-9a-f]{{8}}", row) for row in rows
        )
        assert any(
            row.startswith("Sok revealed name and number name · phone number · a reason")
            for row in rows
        )
        for secret in (NAME, PHONE[4:], HOME_PHONE[4:], "She asked"):
            assert secret not in shown.body
        assert "/desk/requests/" not in shown.body


async def test_looks_at_one_list_in_one_moment_are_told_once(desk: Desk) -> None:
    async with desk.at_work("boss", "administrator") as browser:
        for _ in range(2):
            await browser.get("/desk/staff")
    async with desk.at_work("eye", "auditor") as browser:
        await _english(browser)
        rows = _rows(await browser.get("/desk/audit"))
        assert [row for row in rows if "looked at the list" in row] == [
            "Boss looked at the list member of staff"
        ]


async def test_each_id_leads_to_its_trail(desk: Desk) -> None:
    code = await reveal(desk)
    async with desk.at_work("eye", "auditor") as browser:
        await _english(browser)
        links = _links(await browser.get("/desk/audit"))
        of_request = f"/desk/audit?subject=request&about={code}"
        of_person = next(
            link for link in links if link.startswith("/desk/audit?subject=person&about=")
        )
        assert of_request in links
        assert [row for row in _rows(await browser.get(of_request)) if code[4:] not in row] == []
        person_rows = _rows(await browser.get(of_person))
        assert any("revealed" in row for row in person_rows)
        assert any("looked at" in row for row in person_rows)


async def test_the_short_form_of_an_id_leads_to_its_trail(desk: Desk) -> None:
    await reveal(desk)
    async with desk.at_work("eye", "auditor") as browser:
        await _english(browser)
        shown = await browser.get("/desk/audit?action=revealed")
        (short,) = set(re.findall(r"person +([0-9a-f]{8})", " ".join(_rows(shown))))
        (link,) = {one for one in _links(shown) if "subject=person" in one}
        found = await browser.get(f"/desk/audit?about={short}")
        assert found.status == 303
        assert dict(parse_qsl(urlsplit(found.to).query)) == dict(parse_qsl(urlsplit(link).query))


async def test_of_several_ids_that_begin_alike_one_is_chosen(desk: Desk) -> None:
    ids = [f"538ebdac-0000-4000-8000-00000000000{last}" for last in (1, 2)]
    async with desk.new_session.begin() as session:
        for own_id in ids:
            await _record(session, desk, "read", "file", own_id)
    async with desk.at_work("eye", "auditor") as browser:
        await _english(browser)
        shown = await browser.get("/desk/audit?about=538ebdac")
        assert "Several things begin with “538ebdac”" in shown.body
        links = [one for one in _links(shown) if "about=538ebdac-" in one]
        assert links == [f"/desk/audit?subject=file&about={own_id}" for own_id in ids]
        assert len(_rows(await browser.get(links[0]))) == 1


async def test_who_did_it_is_told_truly_also_of_strangers(desk: Desk) -> None:
    sok = await desk.hire("sok", "case_worker")
    async with desk.new_session.begin() as session:
        now = desk.clock.now
        person = await session.get_one(Staff, sok.staff_id)
        invitation = Invitation(
            token_hash=b"hash", staff_id=person.id, created_at=now, expires_at=now
        )
        session.add(invitation)
        await session.flush()
        await _record(session, desk, "expired", "invitation", str(invitation.id))
        card_at = now + timedelta(seconds=1)
        await audit.record_stranger_refused(session, ("staff_card", 7), now=card_at)
        await audit.record_stranger_refused(
            session, ("chat_link", None), ("staff_chat", person.id), now=now
        )
        await _record(session, desk, "changed", "centre", "pursat")
    async with desk.at_work("eye", "auditor") as browser:
        await _english(browser)
        rows = "\n".join(_rows(await browser.get("/desk/audit")))
        name = "A chat in Telegram that is linked to nobody refused"
        assert f"{name} link for Telegram Telegram of staff (Sok)" in rows
        assert f"{name} card in Telegram #7" in rows
        opened = r"Not signed in opened an invitation that was over invitation \(Sok\) \w{8}"
        assert re.search(opened, rows)
        assert re.search(r"The system changed centre \(.*Pursat.*\)", rows)


async def test_a_day_of_somebody_is_split_into_what_they_did_and_what_was_done_to_them(
    desk: Desk,
) -> None:
    async with desk.at_work("sok", "case_worker"), desk.at_work("eye", "auditor") as browser:
        await _english(browser)
        found = (await browser.get("/desk/audit?who=sok")).to
        sides = [one for one in _links(await browser.get(found)) if "side=" in one]
        did, met = [_rows(await browser.get(address)) for address in sides]
        assert any("signed in" in row for row in did)
        assert any("added Sok" in row for row in met)
        assert not set(did) & set(met)


async def _record(
    session: AsyncSession, desk: Desk, action: str, subject: str, subject_id: str
) -> None:
    await audit.record(
        session,
        actor="system",
        actor_id=None,
        action=action,
        subject=subject,
        subject_id=subject_id,
        now=desk.clock.now,
    )


async def test_a_typed_name_is_found_or_chosen(desk: Desk) -> None:
    await reveal(desk)
    async with desk.new_session.begin() as session:
        for name in ("Bopha Chan", "Bopha Keo"):
            await staff.add(session, name, "case_worker", "pursat", by=None, now=desk.clock.now)
    async with desk.at_work("eye", "auditor") as browser:
        found = await browser.get("/desk/audit?who=SOK&action=revealed")
        assert found.status == 303
        assert "who=" not in found.to
        assert len(_rows(await browser.get(found.to))) == 1
        chosen = await browser.get("/desk/audit?who=bopha")
        assert [row for row in ("Bopha Chan", "Bopha Keo") if row not in chosen.body] == []
        assert _rows(chosen) == []
        nobody = await browser.get(f"/desk/audit?who={quote('ដារ៉ា')}")
        assert "មិនមានបុគ្គលិកឈ្មោះ «ដារ៉ា» ទេ។" in nobody.body


async def test_pages_lead_to_the_end_and_keep_the_search(desk: Desk) -> None:
    async with desk.new_session.begin() as session:
        for number in range(120):
            await _record(session, desk, "read", "file", str(number))
            desk.clock.go_on(seconds=1)
    async with desk.at_work("eye", "auditor") as browser:
        seen: list[str] = []
        address: str | None = "/desk/audit?subject=file"
        while address is not None:
            shown = await browser.get(address)
            seen += re.findall(r"#\d+(?=</span>)", shown.body)
            older = [link for link in _links(shown) if "before=" in link]
            address = older[0] if older else None
        assert seen == [f"#{number}" for number in reversed(range(120))]
    async with desk.new_session() as session:
        searched = await session.scalars(select(AuditRow).where(AuditRow.action == "searched"))
        assert [(row.subject, row.fields) for row in searched] == [("audit", ["subject"])]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("first=yesterday", "We do not understand this day"),
        ("first=2026-11-22&last=2026-11-01", "The first day is after the last one"),
        ("subject=request&about=1234", "Nothing has such a code"),
        ("staff=sok", "There is no such member of staff"),
        ("action=deleted&subject=canned_reply", "Nothing was done that fits"),
        ("about=hello", "Nothing has such a code"),
        ("about=12ab34cd", "Nothing has such a code"),
        ("about=%00%27%22%3Cscript%3E", "Nothing has such a code"),
    ],
)
async def test_what_finds_nothing_is_said_in_words(desk: Desk, query: str, said: str) -> None:
    async with desk.at_work("eye", "auditor") as browser:
        await _english(browser)
        shown = await browser.get(f"/desk/audit?{query}")
        assert shown.status == 200
        assert said in shown.body
        assert _rows(shown) == []
        assert "<script>" not in shown.body


async def test_two_weeks_lead_to_what_they_count(desk: Desk) -> None:
    await reveal(desk)
    async with desk.at_work("eye", "auditor") as browser:
        await _english(browser)
        links = [
            link for link in _links(await browser.get("/desk/audit")) if "view=reveals" in link
        ]
        of_week, of_centre = (
            next(link for link in links if "first=" in link and ("centre=" in link) is wanted)
            for wanted in (False, True)
        )
        assert len(_rows(await browser.get(of_week))) == 1
        assert "centre=pursat" in of_centre
        assert len(_rows(await browser.get(of_centre))) == 1
