"""The feature phone as the page and other programs use it: over the control interface."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from starlette.types import ASGIApp

from simulator.app import create_app
from simulator.config import Config
from simulator.state import DamagedStateError
from simulator.world import World
from tests.simulator.sms_carrier import (
    STATUS_URL,
    Application,
    Carrier,
    make_config,
    serving_application,
    serving_carrier,
)

NUMBER = "+85512345678"


def whole_simulator(world: World, config: Config) -> ASGIApp:
    return create_app(config, world=world)


@pytest.fixture
async def application() -> AsyncIterator[Application]:
    async with serving_application() as application:
        yield application


@pytest.fixture
async def carrier(application: Application) -> AsyncIterator[Carrier]:
    async with serving_carrier(make_config(application.url), whole_simulator) as carrier:
        yield carrier


async def control(carrier: Carrier, path: str, content: dict[str, Any]) -> tuple[int, Any]:
    url = f"{carrier.url}/simulator/api{path}"
    async with carrier.session.post(url, json=content) as response:
        return response.status, await response.json()


async def test_a_phone_writes_and_is_written_to(carrier: Carrier, application: Application) -> None:
    status, phone = await control(carrier, "/phones", {"kind": "sms", "number": NUMBER})
    assert (status, phone["stopped"], phone["messages"]) == (201, False, [])

    status, phone = await control(carrier, f"/phones/{phone['id']}/sms", {"body": "សួស្ដី"})
    assert status == 200
    webhook = await application.next()
    assert (webhook.path, webhook.form["Body"]) == ("/sms/inbound", "សួស្ដី")

    await carrier.send(Body="Hello", StatusCallback=STATUS_URL)
    await application.statuses(4)
    async with carrier.session.get(f"{carrier.url}/simulator/api/state") as response:
        (shown,) = (await response.json())["phones"]
    assert [(m["from"], m["body"], m["encoding"], m["status"]) for m in shown["messages"]] == [
        ("person", "សួស្ដី", "UCS-2", "received"),
        ("centre", "Hello", "GSM-7", "delivered"),
    ]


async def test_a_refused_text_is_told_in_a_sentence(carrier: Carrier) -> None:
    _, phone = await control(carrier, "/phones", {"kind": "sms"})
    answer = await control(carrier, f"/phones/{phone['id']}/sms", {"body": " "})
    assert answer == (400, {"error": "an SMS cannot be empty"})


async def test_what_waited_goes_on_when_the_simulator_starts(
    application: Application, tmp_path: Path
) -> None:
    state = tmp_path / "state.json"
    async with serving_carrier(make_config("http://127.0.0.1:1", state_file=state)) as carrier:
        await carrier.text(carrier.world.add_sms_phone(), "still here")

    config = make_config(application.url, state_file=state)
    async with serving_carrier(config, whole_simulator):
        assert (await application.next()).form["Body"] == "still here"


def test_a_damaged_state_is_said_to_be_damaged(tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    state.write_text('{"twilio": {"messages": {"SM1": 5}}}')
    with pytest.raises(DamagedStateError):
        create_app(make_config("http://127.0.0.1:1", state_file=state))
