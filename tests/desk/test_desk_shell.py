"""What every page of the desk has in common: headers, tokens of forms, languages, refusals."""

from dataclasses import replace
from pathlib import Path
from typing import NoReturn
from urllib.parse import quote

import aiohttp
import pytest
from sqlalchemy import select
from starlette.requests import HTTPConnection

from bot.web import create_web
from db.models import AuditRow
from desk.security import comes_from_here, is_form_token, new_form_token
from tests.desk.at_the_desk import Desk, served_desk
from tests.served_app import make_app, served
from tests.support import Database

POLICY = "default-src 'self'"


async def test_who_is_not_signed_in_is_sent_to_the_door_and_back_afterwards(desk: Desk) -> None:
    async with desk.browser() as browser:
        answer = await browser.get("/desk/?tab=1")
        assert (answer.status, answer.to) == (303, "/desk/sign-in?next=/desk/%3Ftab%3D1")


async def test_the_start_leads_to_the_first_page_of_the_role(desk: Desk) -> None:
    async with desk.at_work("sok", "auditor") as browser:
        answer = await browser.get("/desk/")
        assert answer.status == 303
        assert (await browser.get(answer.to)).status == 200


@pytest.mark.parametrize("path", ["/desk/nowhere", "/desk/static/fonts.css", "/desk/account"])
async def test_every_answer_keeps_scripts_frames_and_guessing_out(desk: Desk, path: str) -> None:
    async with desk.browser() as browser:
        headers = (await browser.get(path)).headers
    assert headers["Content-Security-Policy"].startswith(POLICY)
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "Strict-Transport-Security" not in headers


async def test_pages_are_kept_nowhere_and_versioned_files_for_long(desk: Desk) -> None:
    async with desk.browser() as browser:
        assert (await browser.get("/desk/nowhere")).headers["Cache-Control"] == "no-store"
        kept = (await browser.get("/desk/static/base.css?v=1")).headers["Cache-Control"]
        fresh = (await browser.get("/desk/static/base.css")).headers["Cache-Control"]
    assert "immutable" in kept
    assert fresh == "no-cache"


async def test_an_unknown_page_says_so_in_the_language_that_was_chosen(desk: Desk) -> None:
    async with desk.browser() as browser:
        khmer = await browser.get("/desk/nowhere")
        assert (khmer.status, '<html lang="km">' in khmer.body) == (404, True)
        chosen = await browser.post("/desk/language", {"language": "en", "back": "/desk/account"})
        assert (chosen.status, chosen.to) == (303, "/desk/account")
        assert '<html lang="en">' in (await browser.get("/desk/nowhere")).body


async def test_the_language_of_an_account_follows_it(desk: Desk) -> None:
    worker = await desk.hire("sok", "case_worker")
    async with desk.browser() as browser:
        browser.use(await desk.sign_in(worker))
        await browser.post("/desk/language", {"language": "en", "back": "/desk/"})
    async with desk.browser() as other:
        other.use(await desk.sign_in(worker))
        assert '<html lang="en">' in (await other.get("/desk/nowhere")).body


@pytest.mark.parametrize("language", ["fr", "", "km\0x"])
async def test_a_language_that_the_desk_does_not_speak_is_refused(
    desk: Desk, language: str
) -> None:
    async with desk.browser() as browser:
        assert (await browser.post("/desk/language", {"language": language})).status == 400


@pytest.mark.parametrize(
    "back", ["https://evil.example", "//evil.example", "/desk//x", "/desk/\\x", "/", "javascript:x"]
)
async def test_a_form_leads_nowhere_but_into_the_desk(desk: Desk, back: str) -> None:
    async with desk.browser() as browser:
        answer = await browser.post("/desk/language", {"language": "km", "back": back})
        assert answer.to == "/desk/"


async def test_a_part_of_a_page_is_led_to_an_address_with_khmer_in_it(desk: Desk) -> None:
    async with desk.browser() as browser:
        form = {"language": "km", "back": "/desk/ក?q=ខ"}
        answer = await browser.post("/desk/language", form, headers={"HX-Request": "true"})
        assert (answer.status, answer.headers["HX-Redirect"]) == (
            204,
            f"/desk/{quote('ក')}?q=%E1%9E%81",
        )


@pytest.mark.parametrize("path", ["/desk/account/", "/desk/sign-in/"])
async def test_nobody_is_led_to_the_host_that_a_request_names(desk: Desk, path: str) -> None:
    async with desk.browser() as browser:
        answer = await browser.get(path, headers={"Host": "evil.example"})
        assert (answer.status, answer.to) == (404, "")


async def test_what_fails_says_so_calmly_and_is_as_closed_as_every_page(
    db: Database, redis_url: str, tmp_path: Path
) -> None:
    def fail() -> NoReturn:
        raise RuntimeError("inside")

    async with served_desk(db, redis_url, tmp_path, now=fail) as desk, desk.browser() as browser:
        browser.use("anything")
        answer = await browser.get("/desk/account")
    assert (answer.status, 'lang="km"' in answer.body) == (500, True)
    assert "inside" not in answer.body
    assert answer.headers["Content-Security-Policy"].startswith(POLICY)
    assert answer.headers["Cache-Control"] == "no-store"


async def test_a_form_without_its_token_is_refused(desk: Desk) -> None:
    async with desk.browser() as browser:
        form = {"language": "en"}
        assert (await browser.ask("POST", "/desk/language", data=form)).status == 403
        await browser.form_token()
        assert (await browser.ask("POST", "/desk/language", data=form)).status == 403
        mine = {"form-token": "ff" * 64, **form}
        assert (await browser.ask("POST", "/desk/language", data=mine)).status == 403


async def test_a_token_of_another_browser_is_refused(desk: Desk) -> None:
    async with desk.browser() as other, desk.at_work("sok", "case_worker") as browser:
        form = {"form-token": await other.form_token(), "language": "en"}
        assert (await browser.ask("POST", "/desk/language", data=form)).status == 403


async def test_a_refused_form_of_somebody_who_is_signed_in_is_written_down(desk: Desk) -> None:
    async with desk.browser() as other, desk.at_work("sok", "case_worker") as browser:
        form = {"form-token": await other.form_token(), "old": "x"}
        assert (await browser.ask("POST", "/desk/account/password", data=form)).status == 403
        assert (await other.ask("POST", "/desk/language", data={})).status == 403
    async with desk.new_session() as session:
        rows = await session.scalars(select(AuditRow).where(AuditRow.action == "refused"))
        assert [(row.actor, row.subject, row.subject_id, row.fields) for row in rows] == [
            ("staff", "page", "/account/password", ["form-token"])
        ]


@pytest.mark.parametrize(
    ("public_url", "origin"),
    [
        ("https://Tralob.Example", "https://tralob.example"),
        ("https://tralob.example:443/line", "https://tralob.example"),
        ("http://tralob.example:80", "http://tralob.example"),
        ("https://tralob.example:8443", "https://tralob.example:8443"),
    ],
)
def test_however_the_settings_write_its_address_its_forms_are_its_own(
    desk: Desk, public_url: str, origin: str
) -> None:
    parts = replace(desk.parts, public_url=public_url)
    assert comes_from_here(_sent_from(origin), parts)
    for strange in ("https://evil.example", f"{origin}.evil.example", f"{origin}1", "null"):
        assert not comes_from_here(_sent_from(strange), parts)


def _sent_from(origin: str) -> HTTPConnection:
    return HTTPConnection({"type": "http", "headers": [(b"origin", origin.encode())]})


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
async def test_a_form_of_another_site_is_refused(desk: Desk, headers: dict[str, str]) -> None:
    async with desk.browser() as browser:
        form = {"language": "en"}
        assert (await browser.post("/desk/language", form, headers=headers)).status == 403
        own = {"Origin": desk.url, "Sec-Fetch-Site": "same-origin"}
        assert (await browser.post("/desk/language", form, headers=own)).status == 303


async def test_a_token_may_come_in_a_header(desk: Desk) -> None:
    async with desk.browser() as browser:
        headers = {"X-Form-Token": await browser.form_token()}
        answer = await browser.ask(
            "POST", "/desk/language", data={"language": "en"}, headers=headers
        )
        assert answer.status == 303


def test_a_form_token_is_never_written_twice_alike_and_opens_for_its_secret_alone() -> None:
    one, other = new_form_token("secret"), new_form_token("secret")
    assert one != other
    assert is_form_token("secret", one)
    assert is_form_token("secret", other)
    assert not is_form_token("another", one)
    for damaged in ("", "zz", one[:-2], one + "00", "\0", "ក"):
        assert not is_form_token("secret", damaged)


async def test_a_body_too_large_for_any_form_is_ended(desk: Desk) -> None:
    async with desk.browser() as browser:
        form = {"language": "en", "back": "x" * 300_000}
        assert (await browser.post("/desk/language", form)).status == 413


async def test_a_file_where_a_word_belongs_is_refused(desk: Desk) -> None:
    async with desk.browser() as browser:
        form = aiohttp.FormData({"form-token": await browser.form_token()})
        form.add_field("language", b"en", filename="en.txt")
        assert (await browser.ask("POST", "/desk/language", data=form)).status == 400


async def test_by_https_cookies_are_bound_to_the_host(db: Database, redis_url: str) -> None:
    async with (
        make_app(db.engine, redis_url, public_url="https://tralob.example") as app,
        served(create_web(app)) as url,
        aiohttp.ClientSession() as http,
        http.get(f"{url}/desk/nowhere") as answer,
    ):
        cookie = answer.headers["Set-Cookie"]
        assert cookie.startswith("__Host-tralob-visit=")
        for attribute in ("HttpOnly", "Secure", "Path=/", "SameSite=lax"):
            assert attribute in cookie
        assert "expires" not in cookie.lower()
        assert "max-age" not in cookie.lower()
        assert "Strict-Transport-Security" in answer.headers


async def test_the_desk_stands_beside_the_doors(db: Database, redis_url: str) -> None:
    async with (
        make_app(db.engine, redis_url) as app,
        served(create_web(app)) as url,
        aiohttp.ClientSession() as http,
    ):
        async with http.get(f"{url}/desk", allow_redirects=False) as answer:
            assert (answer.status, answer.headers["Location"]) == (303, "/desk/")
        async with http.get(f"{url}/desk/", allow_redirects=False) as answer:
            assert answer.headers["Location"] == "/desk/sign-in?next=/desk/"
