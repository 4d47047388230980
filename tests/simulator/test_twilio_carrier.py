"""A message on its way between the application and a phone, and trouble on that way."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from simulator.phones import SmsPhone
from simulator.twilio import RefusedTextError
from tests.simulator.sms_carrier import (
    MESSAGES,
    SENDER,
    SID,
    STATUS_URL,
    Application,
    Carrier,
    make_config,
    serving_application,
    serving_carrier,
)

NUMBER = "+85512345678"
SERVICE = "MG" + "0" * 32
KHMER = "សូមជ្រើសរើសភាសា"


@pytest.fixture(scope="module")
async def one_pair() -> AsyncIterator[tuple[Application, Carrier]]:
    async with (
        serving_application() as application,
        serving_carrier(make_config(application.url)) as carrier,
    ):
        yield application, carrier


@pytest.fixture
async def carrier(one_pair: tuple[Application, Carrier]) -> Carrier:
    """The one server of this file, with nothing left of the test before."""
    application, carrier = one_pair
    await carrier.world.tasks.aclose()
    carrier.world.reset()
    application.arrived = asyncio.Queue()
    application.answers.clear()
    return carrier


@pytest.fixture
def application(carrier: Carrier, one_pair: tuple[Application, Carrier]) -> Application:
    return one_pair[0]


@pytest.fixture
def phone(carrier: Carrier) -> SmsPhone:
    return carrier.world.add_sms_phone(number=NUMBER)


async def test_a_message_reaches_the_phone_and_each_status_is_told(
    carrier: Carrier, application: Application, phone: SmsPhone
) -> None:
    created = (await carrier.send(Body=KHMER * 5, StatusCallback=STATUS_URL)).json
    assert (created["status"], created["price"], created["num_segments"]) == ("queued", None, "2")

    assert await application.statuses(4) == ["queued", "sending", "sent", "delivered"]
    shown = phone.public()["messages"]
    assert [(m["from"], m["body"], m["status"]) for m in shown] == [
        ("centre", KHMER * 5, "delivered")
    ]
    assert (shown[0]["parts"], shown[0]["encoding"], shown[0]["price"]) == (2, "UCS-2", 0.1)
    resource = (await carrier.call("GET", f"{MESSAGES}/{created['sid']}.json")).json
    assert (resource["status"], resource["price"]) == ("delivered", "-0.10000")
    assert resource["date_sent"] is not None


async def test_a_status_names_the_message_as_twilio_does(
    carrier: Carrier, application: Application, phone: SmsPhone
) -> None:
    sid = (await carrier.send(StatusCallback=STATUS_URL + "?row=7")).json["sid"]
    webhook = await application.next()
    assert webhook.path == "/sms/status?row=7"
    assert webhook.form == {
        "AccountSid": SID,
        "ApiVersion": "2010-04-01",
        "From": SENDER,
        "MessageSid": sid,
        "MessageStatus": "queued",
        "SmsSid": sid,
        "SmsStatus": "queued",
        "To": NUMBER,
    }


async def test_a_messaging_service_chooses_the_sender_later(
    carrier: Carrier, application: Application, phone: SmsPhone
) -> None:
    created = await carrier.send(From_="-", MessagingServiceSid=SERVICE, StatusCallback=STATUS_URL)
    resource = created.json
    assert (resource["status"], resource["from"]) == ("accepted", None)
    assert (resource["num_segments"], resource["messaging_service_sid"]) == ("0", SERVICE)
    statuses = ["accepted", "queued", "sending", "sent", "delivered"]
    assert await application.statuses(5) == statuses
    resource = (await carrier.call("GET", f"{MESSAGES}/{resource['sid']}.json")).json
    assert (resource["from"], resource["num_segments"]) == (SENDER, "1")


@pytest.mark.parametrize(
    ("to", "code", "words"),
    [
        (NUMBER, 30003, "Unreachable destination handset"),
        ("+85512999999", 30005, "Unknown destination handset"),
        ("+6621234567", 30006, "Landline or unreachable carrier"),
    ],
)
async def test_a_message_that_does_not_arrive_says_why(
    carrier: Carrier, application: Application, to: str, code: int, words: str
) -> None:
    phone = carrier.world.add_sms_phone(number=NUMBER)
    carrier.world.faults.twilio.undelivered_next = int(to == NUMBER)
    sid = (await carrier.send(To=to, StatusCallback=STATUS_URL)).json["sid"]
    assert await application.statuses(3) == ["queued", "sending", "sent"]
    last = (await application.next()).form
    assert (last["MessageStatus"], last["ErrorCode"]) == ("undelivered", str(code))
    resource = (await carrier.call("GET", f"{MESSAGES}/{sid}.json")).json
    assert (resource["error_code"], resource["error_message"]) == (code, words)
    assert [m.status for m in phone.messages] == (["undelivered"] if to == NUMBER else [])


@pytest.mark.parametrize("url", ["http://..../", "http://a b/", "http://127.0.0.1:1/"])
async def test_a_callback_that_nobody_answers_holds_nothing_up(
    carrier: Carrier, phone: SmsPhone, url: str
) -> None:
    assert (await carrier.send(StatusCallback=url)).status == 201
    await carrier.until(lambda: phone.messages[0].status == "delivered")


async def test_a_stop_overtakes_a_message_that_waits(
    carrier: Carrier, application: Application, phone: SmsPhone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("simulator.twilio.carrier.STEP", 0.3)
    await carrier.send(StatusCallback=STATUS_URL)
    await carrier.text(phone, "STOP")
    forms = [(await application.next()).form for _ in range(4)]
    told = [form["MessageStatus"] for form in forms if "MessageStatus" in form]
    assert told == ["queued", "sending", "failed"]
    assert forms[-1]["ErrorCode"] == "21610"


async def test_what_a_person_writes_reaches_the_application(
    carrier: Carrier, application: Application, phone: SmsPhone
) -> None:
    await carrier.text(phone, KHMER + " 🙏")
    webhook = await application.next()
    sid = webhook.form["MessageSid"]
    assert webhook.path == "/sms/inbound"
    assert webhook.form == {
        "AccountSid": SID,
        "ApiVersion": "2010-04-01",
        "Body": KHMER + " 🙏",
        "From": NUMBER,
        "MessageSid": sid,
        "NumMedia": "0",
        "NumSegments": "1",
        "SmsMessageSid": sid,
        "SmsSid": sid,
        "SmsStatus": "received",
        "To": SENDER,
    }
    assert [(m.sender, m.body) for m in phone.messages] == [("person", KHMER + " 🙏")]
    resource = (await carrier.call("GET", f"{MESSAGES}/{sid}.json")).json
    assert (resource["direction"], resource["status"]) == ("inbound", "received")


@pytest.mark.parametrize("body", ["", "  \n", "ក" * 1601])
async def test_a_phone_sends_neither_nothing_nor_a_book(
    carrier: Carrier, phone: SmsPhone, body: str
) -> None:
    with pytest.raises(RefusedTextError):
        await carrier.text(phone, body)
    assert phone.messages == []


async def test_texts_stay_in_order_while_the_application_fails(
    carrier: Carrier, application: Application, phone: SmsPhone
) -> None:
    application.answers[:] = [503]
    await carrier.text(phone, "1")
    await carrier.text(phone, "2")
    bodies = [(await application.next()).form["Body"] for _ in range(3)]
    assert bodies == ["1", "1", "2"]


async def test_stop_and_start_are_obeyed_answered_and_handed_on(
    carrier: Carrier, application: Application, phone: SmsPhone
) -> None:
    for text in ("stop please", "START", "Stop", "STOP", "start"):
        await carrier.text(phone, text)
        assert (await application.next()).form["Body"] == text
    assert [m.body.partition(".")[0] for m in phone.messages if m.sender == "centre"] == [
        "You have successfully been unsubscribed",
        "You have successfully been re-subscribed to messages from this number",
    ]
    assert not phone.stopped
    await carrier.until(lambda: all(m.status != "queued" for m in phone.messages))
    listed = (await carrier.call("GET", f"{MESSAGES}.json?To=%2B85512345678")).json["messages"]
    assert [message["direction"] for message in listed] == ["outbound-reply"] * 2


async def test_an_emptied_body_stays_on_the_phone(carrier: Carrier, phone: SmsPhone) -> None:
    sid = (await carrier.send(Body="Your code is 1234")).json["sid"]
    await carrier.until(lambda: phone.messages[0].status == "delivered")
    emptied = await carrier.call("POST", f"{MESSAGES}/{sid}.json", {"Body": ""})
    assert (emptied.status, emptied.json["body"]) == (200, "")
    assert (await carrier.call("DELETE", f"{MESSAGES}/{sid}.json")).status == 204
    assert (await carrier.call("GET", f"{MESSAGES}/{sid}.json")).status == 404
    assert [m.body for m in phone.messages] == ["Your code is 1234"]


# Trouble on demand


async def test_a_dropped_answer_leaves_the_message_sent(
    carrier: Carrier, application: Application, phone: SmsPhone
) -> None:
    carrier.world.faults.twilio.drop_answers_next = 1
    with pytest.raises(aiohttp.ClientConnectionError):
        await carrier.send(Body="once", StatusCallback=STATUS_URL)
    assert await application.statuses(4) == ["queued", "sending", "sent", "delivered"]
    listed = (await carrier.call("GET", f"{MESSAGES}.json")).json["messages"]
    assert [message["body"] for message in listed] == ["once"]
    assert (await carrier.send()).status == 201


async def test_a_failing_carrier_does_nothing(carrier: Carrier, phone: SmsPhone) -> None:
    carrier.world.faults.twilio.fail_next = 2
    for _ in range(2):
        answer = await carrier.send()
        assert (answer.status, answer.json["code"]) == (500, 20500)
    assert phone.messages == []
    assert (await carrier.send()).status == 201


async def test_a_slow_carrier_takes_its_time(carrier: Carrier) -> None:
    carrier.world.faults.twilio.delay_ms = 60
    before = time.monotonic()
    await carrier.send()
    assert time.monotonic() - before >= 0.06


async def test_webhooks_are_doubled(
    carrier: Carrier, application: Application, phone: SmsPhone
) -> None:
    carrier.world.faults.twilio.duplicate_next = 2
    await carrier.text(phone, "1")
    first, second = await application.next(), await application.next()
    assert first.form == second.form
    await carrier.send(StatusCallback=STATUS_URL)
    statuses = ["queued", "queued", "sending", "sent", "delivered"]
    assert await application.statuses(5) == statuses


async def test_statuses_come_in_the_wrong_order(
    carrier: Carrier, application: Application, phone: SmsPhone
) -> None:
    carrier.world.faults.twilio.reorder_statuses = True
    await carrier.send(StatusCallback=STATUS_URL)
    assert await application.statuses(4) == ["delivered", "sent", "sending", "queued"]


async def test_the_page_is_told_when_trouble_is_used_up(carrier: Carrier) -> None:
    carrier.world.faults.twilio.fail_next = 1
    with carrier.world.subscribe() as events:
        await carrier.send()
        event = await anext(aiter(events))
    assert event["type"] == "faults"
    assert carrier.world.faults.twilio.fail_next == 0


# The list


async def test_a_list_is_filtered_and_newest_first(carrier: Carrier, phone: SmsPhone) -> None:
    for body in ("a", "b"):
        await carrier.send(Body=body)
    await carrier.send(To="+85512111111", Body="c")
    await carrier.text(phone, "d")

    async def bodies(query: str) -> str:
        answer = await carrier.call("GET", f"{MESSAGES}.json?{query}")
        return "".join(message["body"] for message in answer.json["messages"])

    today = time.strftime("%Y-%m-%d", time.gmtime(carrier.world.now()))
    assert await bodies("") == "dcba"
    assert await bodies("To=%2B85512345678") == "ba"
    assert await bodies("From=2580") == "cba"
    assert await bodies("From=%2B85512345678") == "d"
    assert await bodies(f"DateSent={today}") == "dcba"
    assert await bodies(f"DateSent%3E={today}") == "dcba"
    assert await bodies(f"DateSent%3C={today}") == ""
    assert await bodies("DateSent%3E=2099-01-01T00:00:00Z") == ""
    assert await bodies("DateSent=2020-01-01") == ""


async def test_pages_stay_put_while_messages_come_in(carrier: Carrier) -> None:
    for body in "abcde":
        await carrier.send(Body=body)
    first = (await carrier.call("GET", f"{MESSAGES}.json?PageSize=2&From=2580")).json
    await carrier.send(Body="f")
    second = (await carrier.call("GET", first["next_page_uri"])).json
    third = (await carrier.call("GET", second["next_page_uri"])).json
    back = (await carrier.call("GET", second["previous_page_uri"])).json
    pages = (first, second, third, back)
    shown = ["".join(message["body"] for message in page["messages"]) for page in pages]
    assert shown == ["ed", "cb", "a", "ed"]
    assert [(p["page"], p["start"], p["end"], p["page_size"]) for p in pages[:3]] == [
        (0, 0, 1, 2),
        (1, 2, 3, 2),
        (2, 4, 4, 2),
    ]
    assert first["previous_page_uri"] is None
    assert third["next_page_uri"] is None


# A restart


async def test_what_was_under_way_goes_on_after_a_restart(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        nobody = f"http://127.0.0.1:{closed.getsockname()[1]}"
    state = tmp_path / "state.json"
    async with serving_carrier(make_config(nobody, state_file=state)) as carrier:
        phone = carrier.world.add_sms_phone(number=NUMBER)
        await carrier.text(phone, "one")
        await carrier.text(phone, "two")
        await carrier.send(Body="three", StatusCallback=STATUS_URL)

    async with (
        serving_application() as application,
        serving_carrier(make_config(application.url, state_file=state)) as carrier,
    ):
        carrier.resume()
        bodies: list[str] = []
        statuses: list[str] = []
        while len(bodies) < 2 or "delivered" not in statuses:
            form = (await application.next()).form
            (bodies if "Body" in form else statuses).append(form.get("Body") or form["SmsStatus"])
        assert bodies == ["one", "two"]
        kept = carrier.world.find_sms_phone(NUMBER)
        assert kept is not None
        assert [m.body for m in kept.messages] == ["one", "two", "three"]
        assert kept.messages[-1].status == "delivered"
