"""What Telegram refuses, word for word, and what it takes at the edge of it."""

import io
from typing import Any

import aiohttp
import pytest

from simulator.telegram.files import PHOTO_LIMIT, UPLOAD_LIMIT, read_sample
from tests.simulator.running import TOKEN, Simulator

NOT_MODIFIED = (
    "400 Bad Request: message is not modified: specified new message content and reply markup "
    "are exactly the same as a current content and reply markup of the message"
)
OLD_QUERY = "400 Bad Request: query is too old and response timeout expired or query ID is invalid"


def inline(*buttons: dict[str, Any]) -> dict[str, Any]:
    return {"inline_keyboard": [list(buttons)]}


ONE_BUTTON = inline({"text": "a", "callback_data": "1"})

SENDING: list[tuple[str, str, dict[str, Any]]] = [
    ("message text is empty", "sendMessage", {}),
    ("message text is empty", "sendMessage", {"text": ""}),
    ("message text is empty", "sendMessage", {"text": " \n "}),
    ("message text is empty", "sendMessage", {"text": "<b></b>", "parse_mode": "HTML"}),
    ("message is too long", "sendMessage", {"text": "ក" * 4097}),
    (
        "message caption is too long",
        "sendPhoto",
        {"photo": "attach://f", "caption": "ក" * 1025},
    ),
    (
        "BUTTON_DATA_INVALID",
        "sendMessage",
        {"text": "x", "reply_markup": inline({"text": "a", "callback_data": "ក" * 22})},
    ),
    (
        "Text buttons are not allowed in the inline keyboard",
        "sendMessage",
        {"text": "x", "reply_markup": inline({"text": "a"})},
    ),
    (
        "inline keyboard button URL 'nowhere' is invalid: Wrong HTTP URL",
        "sendMessage",
        {"text": "x", "reply_markup": inline({"text": "a", "url": "nowhere"})},
    ),
    (
        'can\'t parse inline keyboard button: Field "text" must be of type String',
        "sendMessage",
        {"text": "x", "reply_markup": inline({"callback_data": "1"})},
    ),
    ("object expected as reply markup", "sendMessage", {"text": "x", "reply_markup": "nonsense"}),
    (
        "message to be replied not found",
        "sendMessage",
        {"text": "x", "reply_parameters": {"message_id": 999}},
    ),
    ("unsupported parse_mode", "sendMessage", {"text": "x", "parse_mode": "Word"}),
    (
        'can\'t parse entities: Unsupported start tag "blink" at byte offset 4',
        "sendMessage",
        {"text": "ក <blink>", "parse_mode": "HTML"},
    ),
    (
        "can't parse entities: Can't find end tag corresponding to start tag \"b\"",
        "sendMessage",
        {"text": "<b>x", "parse_mode": "HTML"},
    ),
    (
        'can\'t parse entities: Unmatched end tag at byte offset 7, expected "</i>", found "</b>"',
        "sendMessage",
        {"text": "<b><i>x</b></i>", "parse_mode": "HTML"},
    ),
    (
        "can't parse entities: Unexpected end tag at byte offset 1",
        "sendMessage",
        {"text": "x</b>", "parse_mode": "HTML"},
    ),
    (
        "can't parse entities: Character '.' is reserved and must be escaped "
        "with the preceding '\\'",
        "sendMessage",
        {"text": "x.", "parse_mode": "MarkdownV2"},
    ),
    (
        "can't parse entities: Can't find end of Bold entity at byte offset 0",
        "sendMessage",
        {"text": "*x", "parse_mode": "MarkdownV2"},
    ),
    ("there is no photo in the request", "sendPhoto", {}),
    ("wrong file identifier/HTTP URL specified", "sendPhoto", {"photo": "unknown"}),
    ("wrong file identifier/HTTP URL specified", "sendVoice", {"voice": "attach://nothing"}),
    ("message to edit not found", "editMessageText", {"message_id": 999, "text": "x"}),
    ("message identifier is not specified", "editMessageText", {"text": "x"}),
    ("message can't be edited", "editMessageText", {"message_id": 1, "text": "x"}),
    ("message to edit not found", "editMessageReplyMarkup", {"message_id": 999}),
    ("message to delete not found", "deleteMessage", {"message_id": 999}),
    ("message to copy not found", "copyMessage", {"from_chat_id": 1, "message_id": 999}),
    ("wrong parameter action in request", "sendChatAction", {"action": "dancing"}),
    ("wrong latitude or longitude specified", "sendLocation", {"latitude": 91, "longitude": 0}),
]


@pytest.mark.parametrize(("reason", "method", "params"), SENDING)
async def test_a_bad_message_is_refused_in_telegrams_words(
    simulator: Simulator, reason: str, method: str, params: dict[str, Any]
) -> None:
    phone = await simulator.add_started_phone()
    wanted = {"chat_id": phone["user_id"]} | params
    if "from_chat_id" in wanted:
        wanted["from_chat_id"] = phone["user_id"]
    if wanted.get("photo") == "attach://f":
        status, body = await upload(simulator, "sendPhoto", wanted, "f", read_sample("photo"))
        assert f"{status} {body['description']}" == f"400 Bad Request: {reason}"
    else:
        assert await simulator.refusal(method, **wanted) == f"400 Bad Request: {reason}"
    assert len(await simulator.messages(phone)) == 1


async def upload(
    simulator: Simulator, method: str, fields: dict[str, Any], name: str, data: bytes
) -> tuple[int, dict[str, Any]]:
    form = aiohttp.FormData({key: str(value) for key, value in fields.items()})
    form.add_field(name, io.BytesIO(data), filename="file.bin")
    url = f"{simulator.url}/bot{TOKEN}/{method}"
    async with simulator.http.post(url, data=form) as response:
        return response.status, await response.json()


@pytest.mark.parametrize(
    ("method", "data", "reason"),
    [
        ("sendPhoto", b"not a picture", "400 Bad Request: IMAGE_PROCESS_FAILED"),
        ("sendPhoto", b"\x89PNG" + bytes(PHOTO_LIMIT), "400 Bad Request: file is too big"),
        ("sendDocument", bytes(UPLOAD_LIMIT + 1), "400 Bad Request: file is too big"),
        ("sendDocument", b"", "400 Bad Request: file must be non-empty"),
    ],
    ids=["no picture", "big photo", "big document", "empty"],
)
async def test_a_file_that_telegram_would_not_take_is_refused(
    simulator: Simulator, method: str, data: bytes, reason: str
) -> None:
    phone = await simulator.add_started_phone()
    kind = method.removeprefix("send").lower()
    status, body = await upload(simulator, method, {"chat_id": phone["user_id"]}, kind, data)
    assert f"{status} {body['description']}" == reason


async def test_the_longest_text_caption_and_button_data_are_taken(simulator: Simulator) -> None:
    phone = await simulator.add_started_phone()
    chat_id = phone["user_id"]
    markup = inline({"text": "a", "callback_data": "x" * 64})
    sent = await simulator.call(
        "sendMessage", chat_id=chat_id, text="ក" * 4096, reply_markup=markup
    )
    assert len(sent["text"]) == 4096
    fields = {"chat_id": chat_id, "caption": "ក" * 1024, "photo": "attach://f"}
    status, body = await upload(simulator, "sendPhoto", fields, "f", read_sample("photo"))
    assert (status, len(body["result"]["caption"])) == (200, 1024)


@pytest.mark.parametrize(
    ("chat_id", "reason"),
    [
        (None, "400 Bad Request: chat_id is empty"),
        ("", "400 Bad Request: chat_id is empty"),
        (12345, "400 Bad Request: chat not found"),
        ("@channel", "400 Bad Request: chat not found"),
        ([1], "400 Bad Request: chat not found"),
    ],
)
async def test_a_chat_must_be_named_and_be_there(
    simulator: Simulator, chat_id: Any, reason: str
) -> None:
    assert await simulator.refusal("sendMessage", chat_id=chat_id, text="x") == reason


async def test_a_bot_cannot_write_first_nor_to_one_who_blocked_it(simulator: Simulator) -> None:
    phone = await simulator.add_phone()
    words = {"chat_id": phone["user_id"], "text": "x"}
    first = "403 Forbidden: bot can't initiate conversation with a user"
    assert await simulator.refusal("sendMessage", **words) == first
    await simulator.act(phone, "start")
    await simulator.call("sendMessage", **words)
    await simulator.act(phone, "block")
    blocked = "403 Forbidden: bot was blocked by the user"
    assert await simulator.refusal("sendMessage", **words) == blocked
    assert await simulator.refusal("editMessageText", **words, message_id=2) == blocked
    await simulator.act(phone, "unblock")
    await simulator.call("sendMessage", **words)


async def test_an_unknown_method_and_a_wrong_token_are_refused(simulator: Simulator) -> None:
    assert await simulator.refusal("danceNow") == "404 Not Found: method not found"
    async with simulator.http.post(f"{simulator.url}/bot1:wrong/getMe") as response:
        assert (response.status, (await response.json())["description"]) == (401, "Unauthorized")


async def test_an_edit_that_changes_nothing_is_refused(simulator: Simulator) -> None:
    phone = await simulator.add_started_phone()
    chat_id = phone["user_id"]
    sent = await simulator.call("sendMessage", chat_id=chat_id, text="x", reply_markup=ONE_BUTTON)
    same = {"chat_id": chat_id, "message_id": sent["message_id"], "text": "x"}
    refused = await simulator.refusal("editMessageText", **same, reply_markup=ONE_BUTTON)
    assert refused == NOT_MODIFIED
    edited = await simulator.call("editMessageText", **same)
    assert "reply_markup" not in edited
    del same["text"]
    assert await simulator.refusal("editMessageReplyMarkup", **same) == NOT_MODIFIED


async def test_text_and_caption_are_edited_where_they_are(simulator: Simulator) -> None:
    phone = await simulator.add_started_phone()
    text = await simulator.call("sendMessage", chat_id=phone["user_id"], text="x")
    fields = {"chat_id": phone["user_id"], "photo": "attach://f"}
    _, photo = await upload(simulator, "sendPhoto", fields, "f", read_sample("photo"))
    here = {"chat_id": phone["user_id"]}
    no_caption = await simulator.refusal(
        "editMessageCaption", **here, message_id=text["message_id"], caption="y"
    )
    assert no_caption == "400 Bad Request: there is no caption in the message to edit"
    no_text = await simulator.refusal(
        "editMessageText", **here, message_id=photo["result"]["message_id"], text="y"
    )
    assert no_text == "400 Bad Request: there is no text in the message to edit"


async def test_a_press_is_answered_once(simulator: Simulator) -> None:
    phone = await simulator.add_started_phone()
    sent = await simulator.call(
        "sendMessage", chat_id=phone["user_id"], text="x", reply_markup=ONE_BUTTON
    )
    await simulator.act(phone, "press", message_id=sent["message_id"], data="1")
    [update] = await simulator.take_updates()
    query_id = update["callback_query"]["id"]
    assert await simulator.call("answerCallbackQuery", callback_query_id=query_id) is True
    for wrong in (query_id, "777", ""):
        assert await simulator.refusal("answerCallbackQuery", callback_query_id=wrong) == OLD_QUERY


async def test_after_48_hours_a_message_stays(simulator: Simulator) -> None:
    phone = await simulator.add_started_phone()
    chat_id = phone["user_id"]
    sent = await simulator.call("sendMessage", chat_id=chat_id, text="x")
    for message in simulator.world.phones[0].messages:
        message.date -= 48 * 3600 + 60
    fresh = await simulator.call("sendMessage", chat_id=chat_id, text="y")
    refused = await simulator.refusal(
        "deleteMessage", chat_id=chat_id, message_id=sent["message_id"]
    )
    assert refused == "400 Bad Request: message can't be deleted for everyone"
    ids = [1, sent["message_id"], fresh["message_id"]]
    await simulator.call("deleteMessages", chat_id=chat_id, message_ids=ids)
    assert [m["message_id"] for m in await simulator.messages(phone)] == ids[:2]


@pytest.mark.parametrize(
    "body",
    [b"{", b"[]", b"\xff\xfe", b'{"chat_id": {"a": 1}}', b"[" * 100_000],
    ids=["cut off", "list", "no text", "object for a chat", "deep"],
)
async def test_a_body_that_is_no_call_is_refused_without_a_trace(
    simulator: Simulator, body: bytes
) -> None:
    for kind in ("application/json", "multipart/form-data", "application/x-www-form-urlencoded"):
        url = f"{simulator.url}/bot{TOKEN}/sendMessage"
        headers = {"Content-Type": kind}
        async with simulator.http.post(url, data=body, headers=headers) as response:
            answer = await response.json()
            assert response.status == 400
            assert answer["description"].startswith("Bad Request: ")
