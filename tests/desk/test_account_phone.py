"""One's own account: another phone, new codes on paper, other browsers."""

import re

import pyotp

from tests.desk.at_the_desk import PASSWORD, Answer, Browser, Desk

CODES = "/desk/account/recovery-codes"
PHONE = "/desk/account/second-factor"
_CODE = re.compile(r"<li>([0-9]{5} [0-9]{5})</li>")
_AFTER = re.compile(r'name="after" value="([0-9]+)"')
_PROOF = re.compile(r'name="proof" value="([^"]+)"')
_SECRET = re.compile(r'class="secret"[^>]*>([A-Z2-7 ]+)<')


def first(pattern: re.Pattern[str], answer: Answer) -> str:
    found = pattern.search(answer.body)
    assert found is not None, answer.body
    return found.group(1)


async def sign_in_with(desk: Desk, username: str, code: str) -> int:
    async with desk.browser() as browser:
        await browser.post("/desk/sign-in", {"username": username, "password": PASSWORD})
        return (await browser.post("/desk/code", {"code": code})).status


async def prove_for_phone(browser: Browser, code: str) -> Answer:
    """The page of the new phone, to which the form leads."""
    assert (await prove(browser, PHONE, code)).to == PHONE
    return await browser.get(PHONE)


async def prove(browser: Browser, path: str, code: str, password: str = PASSWORD) -> Answer:
    return await browser.post(path, {"password": password, "code": code})


async def test_new_codes_are_shown_until_they_are_written_down(desk: Desk) -> None:
    worker = await desk.hire("sok", "case_worker")
    async with desk.browser() as browser:
        browser.use(await desk.sign_in(worker))
        assert 'name="password"' in (await browser.get(CODES)).body
        answer = await prove(browser, CODES, worker.code(desk.clock.now))
        assert answer.to == f"{CODES}?next=/desk/account%3Fdone%3Dcodes"
        shown = await browser.get(answer.to)
        new = _CODE.findall(shown.body)
        assert _CODE.findall((await browser.get(answer.to)).body) == new
        assert len(set(new) - set(worker.recovery_codes)) == 10
        form = {"after": first(_AFTER, shown), "next": "/desk/account?done=codes"}
        for _ in range(2):
            kept = await browser.post(CODES, form)
            assert kept.to == "/desk/account?done=codes"
        assert "10" in (await browser.get(kept.to)).body
        assert not _CODE.search((await browser.get(CODES)).body)
    assert await sign_in_with(desk, "sok", worker.recovery_codes[0]) == 422
    assert await sign_in_with(desk, "sok", new[0]) == 303


async def test_who_signs_in_without_a_code_left_is_led_to_new_ones(desk: Desk) -> None:
    worker = await desk.hire("sok", "case_worker")
    for code in worker.recovery_codes[:-1]:
        assert await sign_in_with(desk, "sok", code) == 303
    async with desk.browser() as browser:
        await browser.post("/desk/sign-in", {"username": "sok", "password": PASSWORD})
        form = {"code": worker.recovery_codes[-1], "next": "/desk/queue"}
        answer = await browser.post("/desk/code", form)
        assert answer.to == f"{CODES}?next=/desk/queue"
        assert _CODE.search((await browser.get(answer.to)).body)


async def test_another_phone_takes_over_with_its_first_code(desk: Desk) -> None:
    worker = await desk.hire("sok", "case_worker")
    async with desk.browser() as browser, desk.browser() as other:
        other.use(await desk.sign_in(worker))
        browser.use(await desk.sign_in(worker))
        assert 'name="password"' in (await browser.get(PHONE)).body
        shown = await prove_for_phone(browser, worker.code(desk.clock.now))
        proof, secret = first(_PROOF, shown), first(_SECRET, shown).replace(" ", "")
        wrong = await browser.post(PHONE, {"proof": proof, "code": "000000"})
        assert wrong.status == 422
        assert first(_SECRET, wrong).replace(" ", "") == secret
        assert first(_SECRET, await browser.get(PHONE)).replace(" ", "") == secret
        code = pyotp.TOTP(secret).at(desk.clock.now)
        for _ in range(2):
            done = await browser.post(PHONE, {"proof": proof, "code": code})
            assert done.to == "/desk/account?done=factor"
        assert 'role="status"' in (await browser.get(done.to)).body
        assert 'name="password"' in (await browser.get(PHONE)).body
        assert (await other.get("/desk/account")).status == 303
    desk.clock.go_on(minutes=1)
    assert await sign_in_with(desk, "sok", worker.code(desk.clock.now)) == 422
    assert await sign_in_with(desk, "sok", pyotp.TOTP(secret).at(desk.clock.now)) == 303


async def test_the_new_phone_is_shown_until_it_is_over_and_no_second_code_is_used(
    desk: Desk,
) -> None:
    worker = await desk.hire("sok", "case_worker")
    async with desk.browser() as browser, desk.browser() as other:
        browser.use(await desk.sign_in(worker))
        shown = await prove_for_phone(browser, worker.recovery_codes[0])
        for _ in range(2):
            assert first(_SECRET, await browser.get(PHONE)) == first(_SECRET, shown)
        assert "9" in (await browser.get("/desk/account")).body
        other.use(await desk.sign_in(worker))
        assert 'name="password"' in (await other.get(PHONE)).body
        desk.clock.go_on(minutes=16)
        over = await browser.get(PHONE)
        assert over.to == PHONE
        assert 'name="password"' in (await browser.get(PHONE)).body


async def test_what_cannot_be_a_code_is_said_at_the_field_and_not_counted(desk: Desk) -> None:
    worker = await desk.hire("sok", "case_worker")
    async with desk.browser() as browser:
        browser.use(await desk.sign_in(worker))
        for _ in range(6):
            told = await prove(browser, PHONE, "12345")
            assert told.status == 422
        assert 'id="code-fault" role="alert">លេខកូដមាន 6 ខ្ទង់' in told.body
        assert re.search(r'id="code"[^>]* autofocus', told.body)
        wrong = await prove(browser, PHONE, worker.code(desk.clock.now), "wrong password")
        assert re.search(r'id="password"[^>]* autofocus', wrong.body)


async def test_password_and_code_are_asked_for_and_guessing_locks(desk: Desk) -> None:
    worker = await desk.hire("sok", "case_worker")
    async with desk.browser() as browser:
        browser.use(await desk.sign_in(worker))
        code = worker.code(desk.clock.now)
        for path in (CODES, PHONE):
            assert (await prove(browser, path, code, "wrong password")).status == 422
            assert (await prove(browser, path, "000000")).status == 422
        locked = await prove(browser, PHONE, "000000")
        assert (locked.status, 'role="alert"' in locked.body) == (429, True)
        assert (await browser.get("/desk/account")).status == 200


async def test_a_forged_or_old_proof_begins_anew(desk: Desk) -> None:
    worker = await desk.hire("sok", "case_worker")
    async with desk.browser() as browser:
        browser.use(await desk.sign_in(worker))
        shown = await prove_for_phone(browser, worker.code(desk.clock.now))
        desk.clock.go_on(minutes=15)
        for proof in ("invented", first(_PROOF, shown)):
            answer = await browser.post(PHONE, {"proof": proof, "code": "000000"})
            assert answer.to == PHONE
        assert (await browser.post(CODES, {"after": "ក"})).status == 400


async def test_all_other_browsers_are_signed_out_at_once(desk: Desk) -> None:
    worker = await desk.hire("sok", "case_worker")
    async with desk.browser() as browser, desk.browser() as one, desk.browser() as two:
        for each in (one, two, browser):
            each.use(await desk.sign_in(worker))
        assert "/desk/account/sessions/end" in (await browser.get("/desk/account")).body
        answer = await browser.post("/desk/account/sessions/end")
        assert answer.to == "/desk/account?done=sessions"
        shown = (await browser.get(answer.to)).body
        assert "/desk/account/sessions/end" not in shown
        for each in (one, two):
            assert (await each.get("/desk/account")).status == 303
