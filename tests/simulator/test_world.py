"""The phones as the page and a restart see them."""

import asyncio
import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from simulator.__main__ import main
from simulator.phones import HISTORY
from tests.simulator.running import Simulator, run_simulator


async def next_event(stream: aiohttp.StreamReader) -> Any:
    async with asyncio.timeout(10):
        async for line in stream:
            if line.startswith(b"data: "):
                return json.loads(line.removeprefix(b"data: "))
    raise AssertionError("the stream ended")


async def test_every_change_is_told_to_whoever_watches(simulator: Simulator) -> None:
    async with simulator.http.get(f"{simulator.url}/simulator/api/events") as response:
        assert response.content_type == "text/event-stream"
        phone = await simulator.add_phone(name="Dara")
        assert await next_event(response.content) == {"type": "phone", "phone": phone}
        started = await simulator.act(phone, "start")
        assert await next_event(response.content) == {"type": "phone", "phone": started}
        assert started["messages"][0]["text"] == "/start"
        await simulator.call("setMyName", name="ត្រឡប់")
        assert (await next_event(response.content))["bot"]["first_name"] == "ត្រឡប់"
        _, faults = await simulator.control("PUT", "/faults", {"twilio": {"delay_ms": 5}})
        assert await next_event(response.content) == {"type": "faults", "faults": faults}
        await simulator.control("DELETE", f"/phones/{phone['id']}")
        removed = {"type": "phone_removed", "id": phone["id"]}
        assert await next_event(response.content) == removed


async def test_phones_are_added_changed_and_removed(simulator: Simulator) -> None:
    first = await simulator.add_phone()
    second = await simulator.add_phone(kind="sms", shows_khmer=False)
    assert (first["id"], second["id"]) == ("t1", "s2")
    assert first["number"] != second["number"]
    status, changed = await simulator.control(
        "PATCH", "/phones/s2", {"name": "ដារ៉ា", "shows_khmer": True}
    )
    assert (status, changed) == (200, second | {"name": "ដារ៉ា", "shows_khmer": True})
    assert (await simulator.control("DELETE", "/phones/s2"))[0] == 204
    _, state = await simulator.control("GET", "/state")
    assert [phone["id"] for phone in state["phones"]] == ["t1"]
    await simulator.control("POST", "/reset")
    _, state = await simulator.control("GET", "/state")
    assert state["phones"] == []


@pytest.mark.parametrize(
    ("request_line", "body", "status", "sentence"),
    [
        ("POST /phones", {"kind": "pigeon"}, 400, "kind: "),
        ("POST /phones", {"kind": "sms", "number": "012"}, 400, "number: "),
        ("POST /phones", {"kind": "sms", "number": "+85512345001"}, 409, "another phone "),
        ("POST /phones", {"kind": "sms", "name": " "}, 400, "name: "),
        ("PATCH /phones/t1", {"number": None}, 400, "number: "),
        ("PATCH /phones/t1", {"shows_khmer": False}, 400, "a phone of the kind telegram"),
        ("DELETE /phones/t9", None, 404, "there is no phone t9"),
        ("POST /phones/t1/text", {"text": " "}, 400, "there is no text to send"),
        ("POST /phones/t1/text", {"text": "x", "reply_to": 9}, 400, "there is no message 9"),
        ("POST /phones/t1/text", {"text": "x" * 4097}, 400, "a message has at most 4096"),
        ("POST /phones/t1/press", {"message_id": 9, "data": ""}, 400, "there is no message 9"),
        ("POST /phones/t1/edit", {"message_id": 9, "text": "x"}, 400, "there is no own mess"),
        ("POST /phones/t1/delete", {"message_id": 9}, 400, "there is no message 9"),
        ("POST /phones/t1/contact", {}, 400, "a contact is one's own, or has"),
        ("POST /phones/t1/location", {"latitude": 91, "longitude": 0}, 400, "latitude is"),
        ("POST /phones/t1/start", {"payload": "a b"}, 400, "payload: "),
        ("POST /phones/t1/photo", {"x": 1}, 400, "x: "),
        ("POST /phones/t1/sms", {"body": "x"}, 400, "t1 sends no SMS"),
        ("POST /phones/t1/text", [1], 400, "Input should be an object"),
        ("GET /files/none", None, 404, "there is no such file"),
    ],
)
async def test_what_a_phone_cannot_do_is_said_in_a_sentence(
    simulator: Simulator, request_line: str, body: Any, status: int, sentence: str
) -> None:
    await simulator.add_phone()
    verb, path = request_line.split()
    got, answer = await simulator.control(verb, path, body)
    assert got == status, answer
    assert answer["error"].startswith(sentence)


async def test_a_picked_file_is_sent_and_shown(simulator: Simulator) -> None:
    phone = await simulator.add_started_phone()
    form = aiohttp.FormData()
    form.add_field("file", b"<script>", filename="x.html", content_type="text/html")
    url = f"{simulator.url}/simulator/api/phones/{phone['id']}/document"
    async with simulator.http.post(url, data=form) as response:
        document = (await response.json())["messages"][-1]["document"]
    assert document["file_name"] == "x.html"
    async with simulator.http.get(simulator.url + document["url"]) as response:
        assert response.content_type == "application/octet-stream"
        assert response.headers["Content-Disposition"] == "attachment"
        assert await response.read() == b"<script>"
    form = aiohttp.FormData()
    form.add_field("file", b"no picture", filename="x.jpg")
    url = url.replace("/document", "/photo")
    async with simulator.http.post(url, data=form) as response:
        assert response.status == 400
        assert "IMAGE_PROCESS_FAILED" in (await response.json())["error"]


async def test_old_messages_vanish_from_a_full_phone(simulator: Simulator) -> None:
    phone = await simulator.add_started_phone()
    for _ in range(HISTORY):
        await simulator.call("sendMessage", chat_id=phone["user_id"], text="x")
    messages = await simulator.messages(phone)
    assert (len(messages), messages[0]["text"]) == (HISTORY, "x")


async def test_everything_outlives_a_restart(tmp_path: Path) -> None:
    state_file = tmp_path / "simulator" / "state.json"
    async with run_simulator(state_file) as first:
        phone = await first.add_started_phone()
        chat_id = phone["user_id"]
        button = {"text": "a", "callback_data": "1"}
        sent = await first.call(
            "sendMessage",
            chat_id=chat_id,
            text="x",
            reply_markup={"inline_keyboard": [[button]]},
        )
        await first.act(phone, "voice")
        await first.act(phone, "press", message_id=sent["message_id"], data="1")
        await first.add_phone(kind="sms")
        await first.call("setMyCommands", commands=[{"command": "menu", "description": "m"}])
        _, before = await first.control("GET", "/state")
    assert state_file.stat().st_mode & 0o777 == 0o600
    async with run_simulator(state_file) as second:
        _, after = await second.control("GET", "/state")
        assert after == before
        voice, press = await second.take_updates()
        assert press["callback_query"]["data"] == "1"
        await second.call("answerCallbackQuery", callback_query_id=press["callback_query"]["id"])
        file_id = voice["message"]["voice"]["file_id"]
        path = (await second.call("getFile", file_id=file_id))["file_path"]
        assert path == "voice/file_1.oga"
        again = await second.call("sendMessage", chat_id=chat_id, text="y")
        assert again["message_id"] == sent["message_id"] + 2
        folder = state_file.with_suffix(".files")
        assert len(list(folder.iterdir())) == 1
        await second.control("POST", "/reset")
        assert not folder.exists()


async def test_a_change_is_saved_without_waiting_for_the_end(tmp_path: Path) -> None:
    state_file = tmp_path / "state.json"
    async with run_simulator(state_file) as running:
        await running.add_phone(name="Dara")
        running.world.save()
        saved = json.loads(state_file.read_text())
    assert [phone["name"] for phone in saved["phones"]] == ["Dara"]


async def test_the_server_stops_though_somebody_watches_and_polls(tmp_path: Path) -> None:
    async with asyncio.timeout(10), asyncio.TaskGroup() as group, run_simulator() as running:
        poll = group.create_task(running.raw_call("getUpdates", timeout=50))
        watch = await running.http.get(f"{running.url}/simulator/api/events")
        await running.call("getMe")
        running.world.stop()
        assert await poll == (200, {"ok": True, "result": []})
        assert await watch.content.read() == b""


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--port", "80000"], "argument --port: a port is a number from 1 to 65535"),
        (["--bot-token", "abc"], "argument --bot-token: a bot token is digits, a colon"),
        (["--app-url", "localhost"], "argument --app-url: an address begins with http://"),
    ],
)
def test_a_wrong_argument_stops_the_start_with_one_line(
    arguments: list[str],
    sentence: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("sys.argv", ["simulator", "--bot-token", "1:a", *arguments])
    with pytest.raises(SystemExit):
        main()
    assert sentence in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "No such file or directory"),
        ("{", "Expecting property name"),
        ("[]", "it must be a JSON object with no names but bot_token, telegram_secret, twilio_to"),
        ('{"port": "1"}', "it must be a JSON object with no names but"),
        ('{"twilio_token": 1}', "every value must be a text"),
        ('{"bot_token": "s3cret"}', "a bot token is digits, a colon"),
        ("{}", "a bot token is needed: --bot-token, or bot_token in --secrets-file"),
    ],
)
def test_a_wrong_file_of_secrets_stops_the_start_with_one_line(
    content: str | None,
    sentence: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    secrets = tmp_path / "secrets.json"
    if content is not None:
        secrets.write_text(content)
    monkeypatch.setattr("sys.argv", ["simulator", "--secrets-file", str(secrets)])
    with pytest.raises(SystemExit):
        main()
    last = capsys.readouterr().err.splitlines()[-1]
    assert sentence in last
    assert "s3cret" not in last


def test_a_damaged_state_file_stops_the_start_with_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    state_file = tmp_path / "state.json"
    state_file.write_text("{")
    arguments = ["simulator", "--bot-token", "1:a", "--state-file", str(state_file)]
    monkeypatch.setattr("sys.argv", arguments)
    assert main() == 1
    sentence = f"{state_file} is not a state of the simulator: move it away and start again\n"
    assert capsys.readouterr().err == sentence
