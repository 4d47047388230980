"""What a person does on a Telegram phone, and the updates that the bot gets of it."""

import secrets
from dataclasses import dataclass
from typing import Any, Literal

from simulator.phones import JSON, TelegramMessage, TelegramPhone
from simulator.telegram.carrier import Telegram
from simulator.telegram.content import TEXT_LIMIT, is_on_earth
from simulator.telegram.entities import automatic_entities
from simulator.telegram.errors import BotApiError, PersonError
from simulator.telegram.files import read_sample

SAMPLE_SECONDS = 2

MediaKind = Literal["photo", "voice", "document"]


@dataclass(frozen=True)
class Picked:
    """A file that the person picked on the phone."""

    data: bytes
    name: str | None
    mime: str | None


def _say(
    telegram: Telegram, phone: TelegramPhone, content: JSON, reply_to: int | None = None
) -> TelegramMessage:
    """Put the person's message into the chat and tell the bot."""
    if phone.blocked:
        raise PersonError("the bot is blocked on this phone: unblock it first")
    if reply_to is not None and phone.find_message(reply_to) is None:
        raise PersonError(f"there is no message {reply_to} to reply to")
    phone.started = True
    if phone.one_time_keyboard:
        phone.reply_keyboard = None
        phone.one_time_keyboard = False
    message = TelegramMessage(
        message_id=0,
        sender="person",
        date=int(telegram.world.now()),
        content=content,
        reply_to=reply_to,
    )
    telegram.post(phone, message)
    telegram.updates.add("message", telegram.render(phone, message))
    return message


def _text_content(text: str) -> JSON:
    text = text.strip()
    if not text:
        raise PersonError("there is no text to send")
    if len(text) > TEXT_LIMIT:
        raise PersonError(f"a message has at most {TEXT_LIMIT} characters")
    entities = automatic_entities(text)
    return {"text": text} | ({"entities": entities} if entities else {})


def write(telegram: Telegram, phone: TelegramPhone, text: str, reply_to: int | None = None) -> None:
    _say(telegram, phone, _text_content(text), reply_to)


def start(telegram: Telegram, phone: TelegramPhone, payload: str | None = None) -> None:
    """Press START, perhaps from a deep link; this also unblocks."""
    if phone.blocked:
        unblock(telegram, phone)
    write(telegram, phone, f"/start {payload}" if payload else "/start")


def press(telegram: Telegram, phone: TelegramPhone, message_id: int, data: str) -> str:
    """Press an inline button; returns the id of the query.

    The data is not compared with the keyboard: the message may have been edited on the way.
    """
    message = phone.find_message(message_id)
    if message is None or message.sender != "bot":
        raise PersonError(f"there is no message {message_id} with buttons")
    if phone.blocked:
        raise PersonError("the bot is blocked on this phone: unblock it first")
    query_id = str(secrets.randbelow(10**18) + 10**18)
    telegram.open_query(query_id, phone)
    telegram.updates.add(
        "callback_query",
        {
            "id": query_id,
            "from": telegram.person_user(phone),
            "message": telegram.render(phone, message),
            "chat_instance": str(phone.user_id * 7919),
            "data": data,
        },
    )
    return query_id


def share_contact(
    telegram: Telegram,
    phone: TelegramPhone,
    other: tuple[str, str] | None = None,
) -> None:
    """Share one's own number, or another's as (phone number, first name)."""
    if other:
        contact: JSON = {"phone_number": other[0], "first_name": other[1]}
    else:
        contact = {
            "phone_number": phone.number,
            "first_name": phone.name,
            "user_id": phone.user_id,
        }
    _say(telegram, phone, {"contact": contact})


def share_location(
    telegram: Telegram, phone: TelegramPhone, latitude: float, longitude: float
) -> None:
    if not is_on_earth(latitude, longitude):
        raise PersonError("latitude is within -90…90 and longitude within -180…180")
    _say(telegram, phone, {"location": {"latitude": latitude, "longitude": longitude}})


def send_media(
    telegram: Telegram,
    phone: TelegramPhone,
    kind: MediaKind,
    picked: Picked | None = None,
) -> None:
    """Send a file, or the built-in sample of its kind when none was picked."""
    file = picked or _sample(kind)
    more: dict[str, Any] = {"duration": SAMPLE_SECONDS} if kind == "voice" else {}
    name = file.name if kind == "document" else None
    try:
        described = telegram.files.add(kind, file.data, name=name, mime=file.mime, **more)
    except BotApiError as error:
        raise PersonError(f"Telegram does not take this file: {error.description}") from None
    _say(telegram, phone, {kind: [described] if kind == "photo" else described})


def _sample(kind: MediaKind) -> Picked:
    if kind == "document":
        return Picked(read_sample(kind), "sample.pdf", "application/pdf")
    return Picked(read_sample(kind), None, None)


def edit(telegram: Telegram, phone: TelegramPhone, message_id: int, text: str) -> None:
    """Change the text of one's own message."""
    message = _own(phone, message_id)
    if "text" not in message.content:
        raise PersonError("only text can be edited")
    message.content = _text_content(text)
    message.edit_date = int(telegram.world.now())
    telegram.world.phone_changed(phone)
    telegram.updates.add("edited_message", telegram.render(phone, message))


def delete(telegram: Telegram, phone: TelegramPhone, message_id: int) -> None:
    """Delete any message of the chat; bots are not told."""
    message = phone.find_message(message_id)
    if message is None:
        raise PersonError(f"there is no message {message_id}")
    phone.messages.remove(message)
    telegram.world.phone_changed(phone)


def _own(phone: TelegramPhone, message_id: int) -> TelegramMessage:
    message = phone.find_message(message_id)
    if message is None or message.sender != "person":
        raise PersonError(f"there is no own message {message_id}")
    return message


def block(telegram: Telegram, phone: TelegramPhone) -> None:
    _set_blocked(telegram, phone, blocked=True)


def unblock(telegram: Telegram, phone: TelegramPhone) -> None:
    _set_blocked(telegram, phone, blocked=False)


def _set_blocked(telegram: Telegram, phone: TelegramPhone, *, blocked: bool) -> None:
    if phone.blocked == blocked:
        return
    phone.blocked = blocked
    telegram.world.phone_changed(phone)
    member = {"status": "member", "user": telegram.bot_user()}
    kicked = {"status": "kicked", "user": telegram.bot_user(), "until_date": 0}
    telegram.updates.add(
        "my_chat_member",
        {
            "chat": telegram.chat(phone),
            "from": telegram.person_user(phone),
            "date": int(telegram.world.now()),
            "old_chat_member": member if blocked else kicked,
            "new_chat_member": kicked if blocked else member,
        },
    )
