"""Methods that put a new message into a chat."""

from simulator.phones import JSON, TelegramMessage, TelegramPhone
from simulator.telegram.carrier import Method, Telegram
from simulator.telegram.content import (
    apply_reply_keyboard,
    is_on_earth,
    read_caption,
    read_file,
    read_inline_keyboard,
    read_reply,
    read_text,
)
from simulator.telegram.errors import BotApiError, bad_request
from simulator.telegram.schema import Call

TYPING_SECONDS = 5
ACTIONS = {
    "typing",
    "upload_photo",
    "record_video",
    "upload_video",
    "record_voice",
    "upload_voice",
    "upload_document",
    "choose_sticker",
    "find_location",
    "record_video_note",
    "upload_video_note",
}


def _open_chat(telegram: Telegram, call: Call) -> TelegramPhone:
    return telegram.get_open_chat(call["chat_id"])


def _send(telegram: Telegram, call: Call, phone: TelegramPhone, content: JSON) -> JSON:
    """Check the rest, count it against the limits, and put the message into the chat."""
    markup = call.get("reply_markup")
    keyboard = read_inline_keyboard(markup)
    reply_to = read_reply(phone, call)
    if telegram.world.faults.telegram.rate_limits and (wait := telegram.limits.wait(phone.user_id)):
        raise BotApiError(429, f"Too Many Requests: retry after {wait}", retry_after=wait)
    apply_reply_keyboard(phone, markup)
    phone.typing = False
    if call.get("protect_content"):
        content["has_protected_content"] = True
    message = TelegramMessage(
        message_id=0,
        sender="bot",
        date=int(telegram.world.now()),
        content=content,
        inline_keyboard=keyboard,
        reply_to=reply_to,
    )
    return telegram.render(phone, telegram.post(phone, message))


async def send_message(telegram: Telegram, call: Call) -> JSON:
    phone = _open_chat(telegram, call)
    return _send(telegram, call, phone, read_text(call))


async def _send_file(telegram: Telegram, call: Call, kind: str, *details: str) -> JSON:
    phone = _open_chat(telegram, call)
    caption = read_caption(call)
    known = {name: call[name] for name in details if name in call.params}
    if kind in {"voice", "audio"}:
        known.setdefault("duration", 0)
    return _send(
        telegram, call, phone, read_file(telegram, call, kind, call[kind], **known) | caption
    )


async def send_photo(telegram: Telegram, call: Call) -> JSON:
    return await _send_file(telegram, call, "photo")


async def send_document(telegram: Telegram, call: Call) -> JSON:
    return await _send_file(telegram, call, "document")


async def send_voice(telegram: Telegram, call: Call) -> JSON:
    return await _send_file(telegram, call, "voice", "duration")


async def send_audio(telegram: Telegram, call: Call) -> JSON:
    return await _send_file(telegram, call, "audio", "duration", "performer", "title")


async def send_location(telegram: Telegram, call: Call) -> JSON:
    phone = _open_chat(telegram, call)
    latitude, longitude = call["latitude"], call["longitude"]
    if not is_on_earth(latitude, longitude):
        raise bad_request("wrong latitude or longitude specified")
    location = {"latitude": latitude, "longitude": longitude}
    return _send(telegram, call, phone, {"location": location})


async def send_contact(telegram: Telegram, call: Call) -> JSON:
    phone = _open_chat(telegram, call)
    names = ("phone_number", "first_name", "last_name")
    contact = {name: call[name] for name in names if name in call.params}
    return _send(telegram, call, phone, {"contact": contact})


async def copy_message(telegram: Telegram, call: Call) -> JSON:
    phone = _open_chat(telegram, call)
    source = telegram.get_chat(call["from_chat_id"]).find_message(call["message_id"])
    if source is None or source.sender == "service":
        raise bad_request("message to copy not found")
    content = dict(source.content)
    if "caption" in call.params:
        content = {k: v for k, v in content.items() if not k.startswith("caption")}
        content |= read_caption(call)
    return {"message_id": _send(telegram, call, phone, content)["message_id"]}


async def send_chat_action(telegram: Telegram, call: Call) -> bool:
    phone = _open_chat(telegram, call)
    if call["action"] not in ACTIONS:
        raise bad_request("wrong parameter action in request")
    phone.typing = True
    telegram.world.phone_changed(phone)
    telegram.stop_typing_later(phone, TYPING_SECONDS)
    return True


METHODS: dict[str, Method] = {
    "sendMessage": send_message,
    "sendPhoto": send_photo,
    "sendDocument": send_document,
    "sendVoice": send_voice,
    "sendAudio": send_audio,
    "sendLocation": send_location,
    "sendContact": send_contact,
    "copyMessage": copy_message,
    "sendChatAction": send_chat_action,
}
