"""The way in: password, code, recovery codes, invitation; and what ends a session."""

import asyncio
import re
import threading

import pyotp
import pytest

from desk.devices import name_device
from desk.security import KNOWN_COOKIE
from services.accounts import passwords
from tests.desk.at_the_desk import PASSWORD, Answer, Browser, Desk, Worker

NEW_PASSWORD = "mango tree by the river"
_SECRET = re.compile(r'class="secret"[^>]*>([A-Z2-7 ]+)<')
_CODE = re.compile(r"<li>([0-9]{5} [0-9]{5})</li>")


async def give_password(
    browser: Browser, username: str, password: str = PASSWORD, wanted: str = ""
) -> Answer:
    form = {"username": username, "password": password, "next": wanted}
    return await browser.post("/desk/sign-in", form)


async def give_code(browser: Browser, code: str, wanted: str = "") -> Answer:
    return await browser.post("/desk/code", {"code": code, "next": wanted})


async def test_password_and_code_lead_to_where_somebody_wanted_to_go(desk: Desk) -> None:
    worker = await desk.hire("sok", "case_worker")
    async with desk.browser() as browser:
        wanted = (await browser.get("/desk/account?done=session")).to
        assert "/desk/account?done=session" in (await browser.get(wanted)).body
        asked = await give_password(browser, "Sok ", wanted="/desk/account?done=session")
        assert asked.to == "/desk/code?next=/desk/account%3Fdone%3Dsession"
        answer = await give_code(
            browser, worker.code(desk.clock.now), wanted="/desk/account?done=session"
        )
        assert answer.to == "/desk/account?done=session"
        assert "Sok" in (await browser.get(answer.to)).body


async def test_the_code_opens_another_session_than_the_password(desk: Desk) -> None:
    worker = await desk.hire("sok", "case_worker")
    async with desk.browser() as browser:
        first = (await give_password(browser, "sok")).cookies["tralob-desk"].value
        second = (await give_code(browser, worker.code(desk.clock.now))).cookies
        assert second["tralob-desk"].value != first
        async with desk.browser() as other:
            other.use(first)
            assert (await other.get("/desk/account")).status == 303


async def test_an_unknown_name_and_a_wrong_password_are_answered_alike(desk: Desk) -> None:
    await desk.hire("sok", "case_worker")
    async with desk.browser() as browser:
        unknown = await give_password(browser, "nobody", "wrong password")
        wrong = await give_password(browser, "sok", "wrong password")
    assert unknown.status == wrong.status == 422
    assert 'role="alert"' in unknown.body
    assert without_secrets(unknown.body, "nobody") == without_secrets(wrong.body, "sok")


def without_secrets(body: str, username: str) -> str:
    body = re.sub(r'name="form-token" value="[0-9a-f]+"', "", body)
    return body.replace(f'value="{username}"', "")


async def test_after_too_many_attempts_the_page_says_how_long_to_wait(desk: Desk) -> None:
    worker = await desk.hire("sok", "case_worker")
    async with desk.browser() as browser:
        for _ in range(4):
            assert (await give_password(browser, "sok", "wrong password")).status == 422
        locked = await give_password(browser, "sok", "wrong password")
        assert (locked.status, "1 នាទី" in locked.body) == (429, True)
        assert (await give_password(browser, "sok")).status == 429
        desk.clock.go_on(minutes=2)
        assert (await give_password(browser, "sok")).status == 303
        assert (await give_code(browser, worker.code(desk.clock.now))).status == 303


async def test_a_stranger_locks_nobody_out_of_the_browser_in_which_they_work(desk: Desk) -> None:
    worker = await desk.hire("sok", "case_worker")
    async with desk.browser() as browser, desk.browser() as stranger:
        await give_password(browser, "sok")
        let_in = await give_code(browser, worker.code(desk.clock.now))
        kept = let_in.cookies[KNOWN_COOKIE]
        assert (kept["httponly"], kept["samesite"], kept["max-age"]) == (True, "lax", "7776000")
        await browser.post("/desk/sign-out")
        for _ in range(5):
            await give_password(stranger, "sok", "wrong password")
        desk.clock.go_on(seconds=30)
        assert (await give_password(stranger, "sok")).status == 429
        assert (await give_password(browser, "sok")).to == "/desk/code"
        assert (await give_code(browser, worker.code(desk.clock.now))).to == "/desk/"
        assert (await give_password(stranger, "sok")).status == 429


async def test_a_wrong_code_is_told_and_a_recovery_code_helps_once(desk: Desk) -> None:
    worker = await desk.hire("sok", "case_worker")
    async with desk.browser() as browser:
        await give_password(browser, "sok")
        wrong = await give_code(browser, "000000")
        assert (wrong.status, 'role="alert"' in wrong.body) == (422, True)
        let_in = await give_code(browser, worker.recovery_codes[0], wanted="/desk/queue")
        assert let_in.to == "/desk/account?done=recovered&next=/desk/queue"
        told = (await browser.get(let_in.to)).body
        assert "លេខកូដបម្រុងនៅសល់ 9" in told
        assert 'href="/desk/queue">បន្ត<' in told
    async with desk.browser() as browser:
        await give_password(browser, "sok")
        assert (await give_code(browser, worker.recovery_codes[0])).status == 422


async def test_a_code_that_is_sent_twice_at_once_lets_in_and_is_not_called_wrong(
    desk: Desk,
) -> None:
    worker = await desk.hire("sok", "case_worker")
    async with desk.browser() as browser:
        browser.use(await desk.half_sign_in(worker))
        form = {"code": worker.code(desk.clock.now), "next": "/desk/account"}
        await send_twice_at_once(browser, "/desk/code", form)


async def test_the_first_code_of_a_phone_that_is_sent_twice_at_once_sets_it_up_once(
    desk: Desk,
) -> None:
    token = await desk.invite("dara", "case_worker")
    async with desk.browser() as browser:
        both = {"password": NEW_PASSWORD, "again": NEW_PASSWORD}
        await browser.post(f"/desk/invitation/{token}", both)
        code = pyotp.TOTP(await read_secret(browser)).at(desk.clock.now)
        form = {"code": code, "next": "/desk/account"}
        await send_twice_at_once(browser, "/desk/second-factor", form)


async def test_of_two_who_set_up_one_account_at_once_one_does(desk: Desk) -> None:
    token = await desk.invite("dara", "case_worker")
    async with desk.browser() as one, desk.browser() as other:
        both = {"password": NEW_PASSWORD, "again": NEW_PASSWORD}
        await one.post(f"/desk/invitation/{token}", both)
        await give_password(other, "dara", NEW_PASSWORD)
        forms = [
            {
                "form-token": await browser.form_token(),
                "code": pyotp.TOTP(await read_secret(browser)).at(desk.clock.now),
            }
            for browser in (one, other)
        ]
        answers = await asyncio.gather(
            *(
                browser.ask("POST", "/desk/second-factor", data=form)
                for browser, form in zip((one, other), forms, strict=True)
            )
        )
        codes = "/desk/account/recovery-codes"
        assert [answer.to == codes for answer in answers].count(True) == 1
        late = next(answer for answer in answers if answer.to != codes)
        assert late.status in (303, 422)


async def send_twice_at_once(browser: Browser, path: str, form: dict[str, str]) -> None:
    """Somebody presses twice: one is let in, the other is sent to where both wanted to go."""
    form = form | {"form-token": await browser.form_token()}
    answers = [browser.ask("POST", path, data=form) for _ in range(2)]
    for answer in await asyncio.gather(*answers):
        assert answer.to.partition("?")[0] in (
            *("/desk/account", "/desk/account/recovery-codes"),
            "/desk/sign-in",
        )
    assert (await browser.get("/desk/account")).status == 200


async def test_who_signs_in_anew_is_signed_in_once(desk: Desk) -> None:
    worker = await desk.hire("sok", "case_worker")
    token = await desk.invite("dara", "case_worker")
    first = await desk.sign_in(worker)
    async with desk.browser() as browser, desk.browser() as thief:
        browser.use(first)
        both = {"password": NEW_PASSWORD, "again": NEW_PASSWORD}
        answer = await browser.post(f"/desk/invitation/{token}", both)
        assert answer.to == "/desk/second-factor"
        thief.use(first)
        assert (await thief.get("/desk/account")).status == 303


async def test_many_who_guess_at_once_leave_the_desk_to_those_who_work(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashing, go_on = threading.Semaphore(0), threading.Event()

    def wait(*_: object) -> bool:
        hashing.release()
        return go_on.wait() and False

    async with desk.at_work("sok", "case_worker") as browser, desk.browser() as stranger:
        monkeypatch.setattr(passwords, "_verify", wait)
        form = {"form-token": await stranger.form_token(), "password": "wrong password"}
        guesses = [
            asyncio.ensure_future(
                stranger.ask("POST", "/desk/sign-in", data=form | {"username": f"nobody-{number}"})
            )
            for number in range(20)
        ]
        try:
            await asyncio.to_thread(hashing.acquire)
            async with asyncio.timeout(10):
                assert (await browser.get("/desk/account")).status == 200
        finally:
            go_on.set()
        assert {(await guess).status for guess in guesses} == {422}


async def test_half_signed_in_means_not_signed_in(desk: Desk) -> None:
    worker = await desk.hire("sok", "case_worker")
    async with desk.browser() as browser:
        browser.use(await desk.half_sign_in(worker))
        assert (await browser.get("/desk/account")).to == "/desk/code"
        assert (await browser.get("/desk/sign-in")).to == "/desk/code"
        assert (await browser.get("/desk/second-factor")).to == "/desk/code"
        assert "Sok" not in (await browser.get("/desk/code")).body


async def test_an_invitation_leads_through_password_and_phone_to_the_desk(desk: Desk) -> None:
    token = await desk.invite("dara", "case_worker")
    async with desk.browser() as browser:
        page = await browser.get(f"/desk/invitation/{token}")
        assert "Dara" in page.body
        both = {"password": NEW_PASSWORD, "again": NEW_PASSWORD}
        answer = await browser.post(f"/desk/invitation/{token}", both)
        assert answer.to == "/desk/second-factor"
        setting_up = await browser.get(answer.to)
        assert "<svg" in setting_up.body
        assert await read_secret(browser) == await read_secret(browser)
        authenticator = pyotp.TOTP(await read_secret(browser))
        code = authenticator.at(desk.clock.now)
        done = await browser.post("/desk/second-factor", {"code": code})
        assert done.to == "/desk/account/recovery-codes"
        assert len(set(_CODE.findall((await browser.get(done.to)).body))) == 10
        assert "ចូលពី" in (await browser.get("/desk/account")).body
        assert (await browser.get("/desk/second-factor")).to == "/desk/"
        # Who walked round the recovery codes is led to them when signing in again.
        await browser.post("/desk/sign-out")
        desk.clock.go_on(minutes=1)
        await give_password(browser, "dara", NEW_PASSWORD)
        again = await give_code(browser, authenticator.at(desk.clock.now), wanted="/desk/queue")
        assert again.to == "/desk/account/recovery-codes?next=/desk/queue"


async def read_secret(browser: Browser) -> str:
    found = _SECRET.search((await browser.get("/desk/second-factor")).body)
    assert found is not None
    return found.group(1).replace(" ", "")


async def test_a_used_old_or_invented_invitation_says_so(desk: Desk) -> None:
    used = await desk.invite("dara", "case_worker")
    old = await desk.invite("bopha", "case_worker")
    async with desk.browser() as browser:
        both = {"password": NEW_PASSWORD, "again": NEW_PASSWORD}
        await browser.post(f"/desk/invitation/{used}", both)
        desk.clock.go_on(days=4)
        for token in (used, old, "invented", "ក"):
            assert (await browser.get(f"/desk/invitation/{token}")).status == 410
            assert (await browser.post(f"/desk/invitation/{token}", both)).status == 410
        assert (await browser.get("/desk/invitation/%00")).status == 404


@pytest.mark.parametrize(
    ("password", "again", "said"),
    [
        (NEW_PASSWORD, "mango tree", "មិនដូចគ្នា"),
        ("short", "short", "យ៉ាងតិច 10"),
        ("1234567890", "1234567890", "ងាយទាយពេក"),
    ],
)
async def test_a_password_that_cannot_be_kept_is_explained(
    desk: Desk, password: str, again: str, said: str
) -> None:
    token = await desk.invite("dara", "case_worker")
    async with desk.browser() as browser:
        form = {"password": password, "again": again}
        answer = await browser.post(f"/desk/invitation/{token}", form)
        assert answer.status == 422
        found = re.search(r'role="alert">([^<]+)<', answer.body)
        assert found is not None
        assert said in found.group(1)
        assert password not in answer.body.replace('minlength="10"', "")


# An account of one's own


async def signed_in(desk: Desk, browser: Browser, worker: Worker) -> None:
    browser.use(await desk.sign_in(worker))


async def test_a_new_password_signs_out_everywhere(desk: Desk) -> None:
    worker = await desk.hire("sok", "case_worker")
    async with desk.browser() as browser, desk.browser() as other:
        await signed_in(desk, browser, worker)
        await signed_in(desk, other, worker)
        form = {"old": "wrong password", "password": NEW_PASSWORD, "again": NEW_PASSWORD}
        told = await browser.post("/desk/account/password", form)
        assert (told.status, 'id="old-fault"' in told.body) == (422, True)
        assert re.search(r'id="old"[^>]* autofocus', told.body)
        assert (await browser.get("/desk/account/password")).to == "/desk/account"
        same = {"old": PASSWORD, "password": PASSWORD, "again": PASSWORD}
        told = await browser.post("/desk/account/password", same)
        assert re.search(r'id="new"[^>]* autofocus', told.body)
        answer = await browser.post("/desk/account/password", form | {"old": PASSWORD})
        assert answer.to == "/desk/sign-in?done=changed"
        assert (await other.get("/desk/account")).status == 303
        assert (await give_password(browser, "sok")).status == 422
        assert (await give_password(browser, "sok", NEW_PASSWORD)).to == "/desk/code"


async def test_another_device_is_shown_and_can_be_signed_out(desk: Desk) -> None:
    worker = await desk.hire("sok", "case_worker")
    async with desk.browser() as browser, desk.browser() as other:
        await signed_in(desk, other, worker)
        await signed_in(desk, browser, worker)
        shown = (await browser.get("/desk/account")).body
        (path,) = re.findall(r'action="(/desk/account/sessions/[0-9a-f-]+/end)"', shown)
        assert (await browser.post(path)).to == "/desk/account?done=session"
        assert (await other.get("/desk/account")).status == 303
        assert (await browser.get("/desk/account")).status == 200


async def test_a_session_of_somebody_else_or_none_is_not_found(desk: Desk) -> None:
    async with desk.at_work("sok", "case_worker") as one, desk.at_work("dara", "auditor") as other:
        await signed_in(desk, other, await desk.hire("vanna", "case_worker"))
        mine = (await one.get("/desk/account")).body
        assert "/end" not in mine
        for session_id in ("1", "00000000-0000-0000-0000-000000000000", "ក"):
            assert (await one.post(f"/desk/account/sessions/{session_id}/end")).status == 404


async def test_signing_out_ends_the_session_and_not_only_the_cookie(desk: Desk) -> None:
    worker = await desk.hire("sok", "case_worker")
    token = await desk.sign_in(worker)
    async with desk.browser() as browser, desk.browser() as thief:
        browser.use(token)
        thief.use(token)
        answer = await browser.post("/desk/sign-out")
        assert (answer.status, answer.to) == (303, "/desk/sign-in")
        assert answer.cookies["tralob-desk"].value == ""
        over = await thief.get("/desk/account")
        assert (over.status, over.to) == (303, "/desk/sign-in?next=/desk/account")


async def test_who_was_away_for_long_is_told_why_they_sign_in_again(desk: Desk) -> None:
    async with desk.at_work("sok", "case_worker") as browser:
        desk.clock.go_on(minutes=31)
        answer = await browser.get("/desk/account")
        assert 'role="status"' in (await browser.get(answer.to)).body
    async with desk.browser() as stranger:
        assert 'role="status"' not in (await stranger.get("/desk/sign-in")).body


async def test_who_is_signed_in_needs_no_door(desk: Desk) -> None:
    async with desk.at_work("sok", "case_worker") as browser:
        for path in ("/desk/sign-in", "/desk/code", "/desk/second-factor"):
            assert (await browser.get(path)).to == "/desk/"


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        (
            "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) "
            "Chrome/142.0.0.0 Mobile Safari/537.36",
            "Chrome · Android",
        ),
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
            "Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0",
            "Edge · Windows",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 "
            "(KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1",
            "Safari · iPhone",
        ),
        ("curl/8.0", ""),
    ],
)
def test_a_browser_is_called_by_the_name_that_people_know(user_agent: str, name: str) -> None:
    assert name_device(user_agent) == name
