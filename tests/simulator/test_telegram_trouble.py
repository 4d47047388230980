"""Trouble on demand: limits, slow answers, failures, and answers lost on the way."""

import aiohttp
import pytest

from simulator.telegram.limits import CHAT_BURST, PER_SECOND, Limits
from tests.simulator.running import Simulator


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_chat_takes_a_burst_and_then_one_a_second() -> None:
    clock = Clock()
    limits = Limits(clock)
    assert [limits.wait(1) for _ in range(CHAT_BURST)] == [0] * CHAT_BURST
    assert limits.wait(1) == 1
    clock.now += 1
    assert [limits.wait(1), limits.wait(1)] == [0, 1]
    clock.now += 3600
    assert [limits.wait(1) for _ in range(CHAT_BURST + 1)] == [0] * CHAT_BURST + [1]


def test_all_chats_together_take_thirty_in_any_second() -> None:
    clock = Clock()
    limits = Limits(clock)
    assert [limits.wait(chat) for chat in range(PER_SECOND)] == [0] * PER_SECOND
    assert limits.wait(99) == 1
    clock.now += 0.9
    assert limits.wait(99) == 1
    clock.now += 0.1
    assert limits.wait(99) == 0


async def test_limits_are_off_unless_asked_for(simulator: Simulator) -> None:
    phone = await simulator.add_started_phone()
    chat_id = phone["user_id"]
    for _ in range(CHAT_BURST + 15):
        await simulator.call("sendMessage", chat_id=chat_id, text="x")


async def test_only_sending_counts_and_a_refusal_says_when_to_come_back(
    simulator: Simulator,
) -> None:
    clock = Clock()
    simulator.telegram.limits = Limits(clock)
    phone = await simulator.add_started_phone()
    chat_id = phone["user_id"]
    await simulator.control("PUT", "/faults", {"telegram": {"rate_limits": True}})
    sent = [await simulator.call("sendMessage", chat_id=chat_id, text="x") for _ in range(20)]
    status, body = await simulator.raw_call("sendMessage", chat_id=chat_id, text="x")
    assert (status, body) == (
        429,
        {
            "ok": False,
            "error_code": 429,
            "description": "Too Many Requests: retry after 1",
            "parameters": {"retry_after": 1},
        },
    )
    await simulator.call(
        "editMessageText", chat_id=chat_id, message_id=sent[0]["message_id"], text="y"
    )
    assert len(await simulator.messages(phone)) == 21
    clock.now += 1
    await simulator.call("sendMessage", chat_id=chat_id, text="x")


async def test_a_failure_does_nothing(simulator: Simulator) -> None:
    phone = await simulator.add_started_phone()
    await simulator.control("PUT", "/faults", {"telegram": {"fail_next": 1}})
    words = {"chat_id": phone["user_id"], "text": "x"}
    assert await simulator.refusal("sendMessage", **words) == "502 Bad Gateway"
    await simulator.call("sendMessage", **words)
    assert len(await simulator.messages(phone)) == 2


async def test_a_dropped_answer_hides_work_that_was_done(simulator: Simulator) -> None:
    phone = await simulator.add_started_phone()
    await simulator.control("PUT", "/faults", {"telegram": {"drop_answers_next": 1}})
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await simulator.call("sendMessage", chat_id=phone["user_id"], text="x")
    assert [m["text"] for m in await simulator.messages(phone)] == ["/start", "x"]
    await simulator.call("sendMessage", chat_id=phone["user_id"], text="y")


async def test_a_delay_holds_every_call(simulator: Simulator) -> None:
    await simulator.control("PUT", "/faults", {"telegram": {"delay_ms": 60_000}})
    with pytest.raises(TimeoutError):
        async with simulator.http.get(
            f"{simulator.url}/bot4242:test-token/getMe", timeout=aiohttp.ClientTimeout(total=0.2)
        ):
            pass


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"telegram": {"delay_ms": -1}}, "telegram.delay_ms: "),
        ({"telegram": {"dance": 1}}, "there is no such trouble: telegram dance"),
        ({"pigeon": {"delay_ms": 1}}, "there is no such trouble: pigeon delay_ms"),
        ([], "Input should be an object"),
    ],
)
async def test_trouble_that_does_not_exist_is_refused(
    simulator: Simulator, body: object, sentence: str
) -> None:
    status, answer = await simulator.control("PUT", "/faults", body)
    assert status == 400
    assert answer["error"].startswith(sentence)
