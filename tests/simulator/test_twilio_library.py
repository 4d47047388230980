"""Twilio's own client library, pointed at the local carrier, finds nothing strange."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import urlsplit

import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.http.async_http_client import AsyncTwilioHttpClient
from twilio.http.response import Response
from twilio.rest import Client

from simulator.phones import SmsPhone
from tests.simulator.sms_carrier import (
    SENDER,
    SID,
    STATUS_URL,
    TOKEN,
    Carrier,
    make_config,
    prove,
    serving_application,
    serving_carrier,
)

# aiohttp warns about the way in which the library hands over its credentials.
pytestmark = [
    pytest.mark.filterwarnings("ignore:BasicAuth is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:The 'auth' parameter:DeprecationWarning"),
]

NUMBER = "+85512345678"


class ProvingClient(AsyncTwilioHttpClient):  # type: ignore[misc]  # the library is untyped
    """Checks every success against Twilio's description before the library reads it."""

    async def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Response:
        response = await super().request(method, url, *args, **kwargs)
        if response.status_code < 400:
            prove(method, urlsplit(url).path, response.status_code, response.text.encode())
        else:
            error = json.loads(response.text)
            assert set(error) == {"code", "message", "more_info", "status"}
        return response


@pytest.fixture
async def carrier() -> AsyncIterator[Carrier]:
    async with (
        serving_application() as application,
        serving_carrier(make_config(application.url)) as carrier,
    ):
        yield carrier


@pytest.fixture
async def client(carrier: Carrier) -> AsyncIterator[Client]:
    async with ProvingClient(timeout=5) as http_client:
        yield make_client(carrier, http_client)


@pytest.fixture
def phone(carrier: Carrier) -> SmsPhone:
    return carrier.world.add_sms_phone(number=NUMBER)


def make_client(carrier: Carrier, http_client: AsyncTwilioHttpClient, token: str = TOKEN) -> Client:
    client = Client(SID, token, http_client=http_client)
    client.api.base_url = carrier.url
    return client


async def test_a_message_is_sent_and_followed(
    carrier: Carrier, client: Client, phone: SmsPhone
) -> None:
    message = await client.messages.create_async(
        to=NUMBER, from_=SENDER, body="សួស្ដី 🙏", status_callback=STATUS_URL, validity_period=600
    )
    assert (message.status, message.direction) == ("queued", "outbound-api")
    assert (message.num_segments, message.num_media) == ("1", "0")
    assert message.price is None
    assert abs((datetime.now(UTC) - message.date_created).total_seconds()) < 10

    await carrier.until(lambda: phone.messages[0].status == "delivered")
    fetched = await client.messages(message.sid).fetch_async()
    assert (fetched.status, fetched.price, fetched.price_unit) == ("delivered", "-0.05000", "USD")
    assert fetched.date_sent is not None
    assert fetched.error_code is None
    assert fetched.body == "សួស្ដី 🙏"


async def test_a_body_is_emptied_and_a_record_deleted(
    carrier: Carrier, client: Client, phone: SmsPhone
) -> None:
    message = await client.messages.create_async(to=NUMBER, from_=SENDER, body="secret")
    await carrier.until(lambda: phone.messages[0].status == "delivered")
    assert (await client.messages(message.sid).update_async(body="")).body == ""
    assert await client.messages(message.sid).delete_async()
    with pytest.raises(TwilioRestException) as refusal:
        await client.messages(message.sid).fetch_async()
    assert (refusal.value.status, refusal.value.code) == (404, 20404)


async def test_messages_are_listed_over_several_pages(carrier: Carrier, client: Client) -> None:
    for number in range(7):
        await client.messages.create_async(to=NUMBER, from_=SENDER, body=str(number))
    await client.messages.create_async(to="+85512999999", from_=SENDER, body="other")

    listed = await client.messages.list_async(to=NUMBER, page_size=3)
    assert [message.body for message in listed] == ["6", "5", "4", "3", "2", "1", "0"]
    today = datetime.fromtimestamp(carrier.world.now(), UTC).date()
    assert len(await client.messages.list_async(date_sent=today)) == 8
    assert len(await client.messages.list_async(date_sent_after=today)) == 8
    assert await client.messages.list_async(date_sent_before=date(2020, 1, 1)) == []

    page = await client.messages.page_async(to=NUMBER, page_size=3)
    second = await page.next_page_async()
    assert second is not None
    assert [message.body for message in second] == ["3", "2", "1"]
    back = await second.previous_page_async()
    assert back is not None
    assert [message.body for message in back] == ["6", "5", "4"]


async def test_a_refusal_is_an_exception_with_its_code(
    carrier: Carrier, client: Client, phone: SmsPhone
) -> None:
    await carrier.text(phone, "STOP")
    with pytest.raises(TwilioRestException) as refusal:
        await client.messages.create_async(to=NUMBER, from_=SENDER, body="hello")
    assert (refusal.value.status, refusal.value.code) == (400, 21610)
    assert "unsubscribed" in refusal.value.msg


async def test_a_wrong_token_is_an_exception(carrier: Carrier) -> None:
    async with ProvingClient(timeout=5) as http_client:
        client = make_client(carrier, http_client, token="wrong")
        with pytest.raises(TwilioRestException) as refusal:
            await client.messages.create_async(to=NUMBER, from_=SENDER, body="hello")
    assert (refusal.value.status, refusal.value.code) == (401, 20003)
