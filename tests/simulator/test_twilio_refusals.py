"""What the SMS carrier refuses, and in which words."""

from asyncio import FIRST_COMPLETED, create_task, wait
from collections.abc import AsyncIterator

import aiohttp
import pytest

from tests.simulator.sms_carrier import (
    MESSAGES,
    SID,
    TOKEN,
    Carrier,
    make_config,
    serving_application,
    serving_carrier,
)

UNKNOWN = "SM" + "0" * 32


@pytest.fixture(scope="module")
async def one_carrier() -> AsyncIterator[Carrier]:
    async with (
        serving_application() as application,
        serving_carrier(make_config(application.url)) as carrier,
    ):
        yield carrier


@pytest.fixture
def carrier(one_carrier: Carrier) -> Carrier:
    """The one server of this file, with nothing left of the test before."""
    one_carrier.world.reset()
    return one_carrier


INVALID_TO = "The 'To' number {} is not a valid phone number."
LANDLINE = "'To' number: {}, is not a valid mobile number"
FOREIGN_FROM = (
    "The 'From' phone number provided ({}) is not a valid message-capable Twilio phone number for "
    "this destination."
)


@pytest.mark.parametrize(
    ("form", "code", "message"),
    [
        ({"To": ""}, 21604, "A 'To' phone number is required."),
        ({"To": "-"}, 21604, "A 'To' phone number is required."),
        ({"To": "012345678"}, 21211, INVALID_TO.format("012345678")),
        ({"To": "+855"}, 21211, INVALID_TO.format("+855")),
        ({"To": "+85512"}, 21211, INVALID_TO.format("+85512")),
        ({"To": "+999999999999"}, 21211, INVALID_TO.format("+999999999999")),
        ({"To": "somebody"}, 21211, INVALID_TO.format("somebody")),
        ({"To": "+៨៥៥១២៣៤៥៦៧៨"}, 21211, INVALID_TO.format("+៨៥៥១២៣៤៥៦៧៨")),
        ({"To": "+85523123456"}, 21614, LANDLINE.format("+85523123456")),
        ({"To": "+85575123456"}, 21614, LANDLINE.format("+85575123456")),
        ({"From_": "-"}, 21603, "A 'From' phone number is required."),
        ({"From_": "+15005550006"}, 21606, FOREIGN_FROM.format("+15005550006")),
        ({"From_": "+85512345678"}, 21266, "'To' and 'From' number cannot be the same"),
        ({"MessagingServiceSid": "MG1"}, 21701, "The Messaging Service does not exist"),
        ({"Body": ""}, 21602, "Message body is required."),
        ({"Body": "-"}, 21602, "Message body is required."),
        (
            {"Body": "ក" * 1601},
            21617,
            "The concatenated message body exceeds the 1600 character limit",
        ),
        (
            {"Body": "🙏" * 801},
            21617,
            "The concatenated message body exceeds the 1600 character limit",
        ),
        ({"StatusCallback": "nowhere"}, 21609, "The 'StatusCallback' URL is not a valid URL."),
        (
            {"StatusCallback": "ftp://a.example/"},
            21609,
            "The 'StatusCallback' URL is not a valid URL.",
        ),
        (
            {"ValidityPeriod": "0"},
            20001,
            "ValidityPeriod must be between 1 and 36000 seconds",
        ),
        (
            {"ValidityPeriod": "36001"},
            20001,
            "ValidityPeriod must be between 1 and 36000 seconds",
        ),
    ],
)
async def test_a_message_is_refused_in_twilios_words(
    carrier: Carrier, form: dict[str, str], code: int, message: str
) -> None:
    answer = await carrier.send(**form)
    assert answer.status == 400
    assert answer.json == {
        "code": code,
        "message": message,
        "more_info": f"https://www.twilio.com/docs/errors/{code}",
        "status": 400,
    }
    assert (await carrier.call("GET", f"{MESSAGES}.json")).json["messages"] == []


@pytest.mark.parametrize(
    ("to", "status"),
    [
        ("+85531234567", 201),
        ("+85538234567", 201),
        ("+85566234567", 201),
        ("+855961234567", 201),
        ("+66812345678", 201),
    ],
)
async def test_mobile_numbers_are_taken(carrier: Carrier, to: str, status: int) -> None:
    assert (await carrier.send(To=to)).status == status


async def test_the_longest_body_is_taken(carrier: Carrier) -> None:
    answer = await carrier.send(Body="ក" * 1600)
    assert (answer.status, answer.json["num_segments"]) == (201, "24")


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        aiohttp.encode_basic_auth(SID, "wrong"),
        aiohttp.encode_basic_auth("AC" + "0" * 32, TOKEN),
        "Basic !!!",
        "Basic é",
        "Bearer " + TOKEN,
    ],
)
async def test_bad_credentials_are_refused(carrier: Carrier, authorization: str | None) -> None:
    headers = {"Authorization": authorization} if authorization else {}
    answer = await carrier.call("POST", f"{MESSAGES}.json", {"To": "x"}, headers=headers)
    assert (answer.status, answer.json["code"]) == (401, 20003)
    assert answer.json["message"] == "Authenticate"
    assert answer.headers["WWW-Authenticate"].startswith("Basic ")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", f"{MESSAGES}/{UNKNOWN}.json"),
        ("POST", f"{MESSAGES}/{UNKNOWN}.json"),
        ("DELETE", f"{MESSAGES}/{UNKNOWN}.json"),
        ("GET", f"/2010-04-01/Accounts/{'AC' + '0' * 32}/Messages.json"),
        ("GET", f"/2010-04-01/Accounts/{SID}/Calls.json"),
    ],
)
async def test_what_is_not_there_is_not_found(carrier: Carrier, method: str, path: str) -> None:
    answer = await carrier.call(method, path)
    assert (answer.status, answer.json["code"]) == (404, 20404)
    assert answer.json["message"] == f"The requested resource {path} was not found"


async def test_a_method_that_is_not_there_is_not_allowed(carrier: Carrier) -> None:
    answer = await carrier.call("PUT", f"{MESSAGES}.json")
    assert (answer.status, answer.json["code"]) == (405, 20004)


@pytest.mark.parametrize(
    "body", [b"To=%FF", b"\xff\xfe", b"a=1&" * 101 + b"a=1", b"Body=" + b"a" * 70_000]
)
async def test_a_malformed_form_is_refused(carrier: Carrier, body: bytes) -> None:
    answer = await carrier.call("POST", f"{MESSAGES}.json", body)
    assert (answer.status, answer.json["code"]) == (400, 20001)


async def test_after_stop_a_message_is_refused_until_start(carrier: Carrier) -> None:
    phone = carrier.world.add_sms_phone(number="+85512345678")
    await carrier.text(phone, " stop ")
    refused = await carrier.send()
    assert (refused.status, refused.json["code"]) == (400, 21610)
    assert refused.json["message"] == "Attempt to send to unsubscribed recipient"

    await carrier.text(phone, "START")
    assert (await carrier.send()).status == 201


async def test_a_message_that_is_under_way_cannot_be_changed(carrier: Carrier) -> None:
    sid = (await carrier.send()).json["sid"]
    for method, form in (("DELETE", None), ("POST", {"Body": ""})):
        answer = await carrier.call(method, f"{MESSAGES}/{sid}.json", form)
        assert (answer.status, answer.json["code"]) == (409, 20009)


@pytest.mark.parametrize(
    ("form", "status", "code"),
    [
        ({"Body": "another text"}, 400, 30400),
        ({}, 400, 30400),
        ({"Body": "", "Status": "canceled"}, 400, 30400),
        ({"Status": "canceled"}, 409, 30409),
    ],
)
async def test_a_body_can_only_be_emptied(
    carrier: Carrier, form: dict[str, str], status: int, code: int
) -> None:
    phone = carrier.world.add_sms_phone(number="+85512345678")
    sid = (await carrier.send()).json["sid"]
    await carrier.until(lambda: phone.messages[0].status == "delivered")
    answer = await carrier.call("POST", f"{MESSAGES}/{sid}.json", form)
    assert (answer.status, answer.json["code"]) == (status, code)


@pytest.mark.parametrize(
    "query",
    [
        "PageSize=0",
        "PageSize=x",
        "Page=-1",
        "PageToken=x",
        f"PageToken=PA{UNKNOWN}",
        "DateSent=yesterday",
        "DateSent%3C=2026-13-01",
    ],
)
async def test_a_list_that_cannot_be_understood_is_refused(carrier: Carrier, query: str) -> None:
    answer = await carrier.call("GET", f"{MESSAGES}.json?{query}")
    assert (answer.status, answer.json["code"]) == (400, 20001)


async def test_too_many_requests_at_a_time_are_refused(
    carrier: Carrier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("simulator.twilio.rest.MAX_CONCURRENT", 2)
    carrier.world.faults.twilio.delay_ms = 1_500
    calls = [create_task(carrier.call("GET", f"{MESSAGES}.json")) for _ in range(3)]
    done, waiting = await wait(calls, timeout=10, return_when=FIRST_COMPLETED)
    for call in waiting:
        call.cancel()
    assert [(call.result().status, call.result().json["code"]) for call in done] == [(429, 20429)]
