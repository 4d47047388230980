"""Updates reach the bot: by long poll or webhook, in order, until they are confirmed."""

import asyncio
import time
from pathlib import Path

import pytest

from simulator.state import State, TelegramState, load_state, save_state
from simulator.telegram import updates as delivery
from tests.simulator.running import Simulator, Webhook


@pytest.fixture(autouse=True)
def quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "FIRST_PAUSE", 0.01)


async def test_an_update_stays_until_a_higher_offset_confirms_it(simulator: Simulator) -> None:
    phone = await simulator.add_started_phone()
    for text in "abc":
        await simulator.act(phone, "text", text=text)
    first, second, third = await simulator.call("getUpdates")
    assert await simulator.call("getUpdates") == [first, second, third]
    assert await simulator.call("getUpdates", limit=1) == [first]
    assert await simulator.call("getUpdates", offset=second["update_id"]) == [second, third]
    assert await simulator.call("getUpdates", offset=-1) == [third]
    assert await simulator.call("getUpdates") == [third]
    assert await simulator.call("getUpdates", offset=third["update_id"] + 1) == []


async def test_a_long_poll_ends_with_the_first_update(simulator: Simulator) -> None:
    phone = await simulator.add_started_phone()
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        poll = group.create_task(simulator.call("getUpdates", timeout=30))
        await simulator.call("getMe")
        await simulator.act(phone, "text", text="x")
    assert [u["message"]["text"] for u in poll.result()] == ["x"]


async def test_a_second_poll_ends_the_first_with_a_conflict(simulator: Simulator) -> None:
    phone = await simulator.add_started_phone()
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        polls = [group.create_task(simulator.raw_call("getUpdates", timeout=30)) for _ in range(2)]
        done, _ = await asyncio.wait(polls, return_when=asyncio.FIRST_COMPLETED)
        await simulator.act(phone, "text", text="x")
    [(status, body)] = [task.result() for task in done]
    assert status == 409
    assert body["description"].startswith("Conflict: terminated by other getUpdates request")
    [other] = set(polls) - done
    assert other.result()[0] == 200
    assert len(other.result()[1]["result"]) == 1


async def test_a_webhook_gets_updates_in_order_with_its_secret(
    simulator: Simulator, webhook: Webhook
) -> None:
    phone = await simulator.add_started_phone()
    await simulator.act(phone, "text", text="before")
    await simulator.call("setWebhook", url=webhook.url, secret_token="s-1")
    for text in ("one", "two", "three"):
        await simulator.act(phone, "text", text=text)
    got = [await asyncio.wait_for(webhook.updates.get(), 10) for _ in range(4)]
    assert [u["message"]["text"] for u in got] == ["before", "one", "two", "three"]
    assert webhook.secrets == ["s-1"] * 4
    refused = await simulator.refusal("getUpdates")
    assert refused.startswith("409 Conflict: can't use getUpdates method while webhook is active")
    await simulator.call("deleteWebhook")
    assert (await simulator.call("getWebhookInfo"))["url"] == ""
    assert await simulator.call("getUpdates") == []


async def test_a_webhook_that_fails_is_tried_again_and_holds_the_rest(
    simulator: Simulator, webhook: Webhook
) -> None:
    phone = await simulator.add_started_phone()
    webhook.statuses = [500, 404, 200]
    await simulator.call("setWebhook", url=webhook.url)
    await simulator.act(phone, "text", text="one")
    await simulator.act(phone, "text", text="two")
    got = [await asyncio.wait_for(webhook.updates.get(), 10) for _ in range(4)]
    assert [u["message"]["text"] for u in got] == ["one", "one", "one", "two"]
    info = await simulator.call("getWebhookInfo")
    assert info["last_error_message"] == "Wrong response from the webhook: 404 Not Found"


async def test_updates_wait_while_the_webhook_is_down(simulator: Simulator) -> None:
    phone = await simulator.add_started_phone()
    await simulator.call("setWebhook", url="http://127.0.0.1:9/updates")
    await simulator.act(phone, "text", text="one")
    assert (await simulator.call("getWebhookInfo"))["pending_update_count"] == 1
    await simulator.call("deleteWebhook", drop_pending_updates=True)
    assert (await simulator.call("getWebhookInfo"))["pending_update_count"] == 0


async def test_a_webhook_may_answer_with_a_method(simulator: Simulator, webhook: Webhook) -> None:
    phone = await simulator.add_started_phone()
    webhook.answer = {"method": "sendMessage", "chat_id": phone["user_id"], "text": "យល់ហើយ"}
    await simulator.call("setWebhook", url=webhook.url)
    with simulator.world.subscribe() as events:
        await simulator.act(phone, "text", text="one")
        async with asyncio.timeout(10):
            async for event in events:
                if event["phone"]["messages"][-1]["from"] == "bot":
                    break
    assert event["phone"]["messages"][-1]["text"] == "យល់ហើយ"


async def test_a_duplicate_comes_twice_by_either_way(
    simulator: Simulator, webhook: Webhook
) -> None:
    phone = await simulator.add_started_phone()
    await simulator.control("PUT", "/faults", {"telegram": {"duplicate_next": 2}})
    await simulator.act(phone, "text", text="polled")
    polled = await simulator.take_updates()
    assert [u["message"]["text"] for u in polled] == ["polled"] * 2
    assert polled[0] == polled[1]
    await simulator.call("setWebhook", url=webhook.url)
    await simulator.act(phone, "text", text="pushed")
    await simulator.act(phone, "text", text="once")
    got = [await asyncio.wait_for(webhook.updates.get(), 10) for _ in range(3)]
    assert [u["message"]["text"] for u in got] == ["pushed", "pushed", "once"]


async def test_only_the_kinds_that_the_bot_asked_for_are_kept(simulator: Simulator) -> None:
    phone = await simulator.add_started_phone()
    await simulator.call("getUpdates", allowed_updates=["message"])
    await simulator.act(phone, "block")
    await simulator.act(phone, "unblock")
    await simulator.act(phone, "text", text="x")
    assert [set(u) for u in await simulator.take_updates()] == [{"update_id", "message"}]
    await simulator.call("getUpdates", allowed_updates=[])
    await simulator.act(phone, "block")
    assert [set(u) for u in await simulator.take_updates()] == [{"update_id", "my_chat_member"}]


@pytest.mark.parametrize(
    ("params", "reason"),
    [
        ({}, '400 Bad Request: parameter "url" is required'),
        (
            {"url": "ftp://x"},
            "400 Bad Request: bad webhook: An HTTPS URL must be provided for webhook",
        ),
        (
            {"url": "http://x", "secret_token": "ក"},
            "400 Bad Request: secret token contains unallowed characters",
        ),
    ],
)
async def test_a_bad_webhook_is_refused(
    simulator: Simulator, params: dict[str, str], reason: str
) -> None:
    assert await simulator.refusal("setWebhook", **params) == reason


async def test_a_simulator_without_its_past_does_not_count_anew(
    simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    await simulator.act(await simulator.add_phone(), "start")
    (update,) = await simulator.take_updates()
    a_second_later = time.time_ns() + 1_000_000_000
    monkeypatch.setattr(time, "time_ns", lambda: a_second_later)
    assert TelegramState().next_update_id > update["update_id"]


def test_a_killed_simulator_gives_no_id_out_twice(tmp_path: Path) -> None:
    file = tmp_path / "state.json"
    written_down = State()
    written_down.telegram.next_update_id -= 1000  # ten seconds ago
    save_state(written_down, file)
    given_out_since = written_down.telegram.next_update_id + 100
    assert load_state(file).telegram.next_update_id > given_out_since
