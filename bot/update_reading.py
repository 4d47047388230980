"""Reads an update as far as it is used here.

aiogram demands every field that its own version of the Bot API has. A server of another version
leaves one out, somewhere in a forwarded poll, and the whole message would fail. What a
conversation needs is old and stable: that alone is read.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from aiogram import Bot
from aiogram.types import Update
from pydantic import ValidationError

_ENVELOPE: Final = ("message_id", "date", "chat", "from")
_FILES: Final = ("voice", "audio", "video_note", "video", "animation", "document")
_CONTENT: Final = ("text", "caption", "contact", "photo", *_FILES, "media_group_id")
_PRESS: Final = ("id", "from", "chat_instance", "data")
_PARTS: Final = {
    "chat": ("id", "type"),
    "from": ("id", "is_bot"),
    "contact": ("phone_number", "user_id"),
    "voice": ("file_id", "file_unique_id", "duration"),
    "audio": ("file_id", "file_unique_id", "duration"),
    "video_note": ("file_id", "file_unique_id", "duration", "length"),
    "video": ("file_id", "file_unique_id", "duration", "width", "height"),
    "animation": ("file_id", "file_unique_id", "duration", "width", "height"),
    "document": ("file_id", "file_unique_id"),
}
_PHOTO: Final = ("file_id", "file_unique_id", "width", "height")
# aiogram wants their names, which nobody here needs to know.
_NAMED: Final = ("from", "contact")

# What aiogram wants and nothing here uses; other servers leave it out.
_UNSAID_MESSAGE: Final = {"date": 0}
_UNSAID_PRESS: Final = {"chat_instance": ""}


def read_update(payload: Mapping[str, Any], bot: Bot) -> Update:
    """A message, also an edited one, or a press of a button. Raises ValidationError else.

    A message with contents that make no sense is one without contents.
    """
    try:
        return _read(payload, (*_ENVELOPE, *_CONTENT), bot)
    except ValidationError:
        return _read(payload, _ENVELOPE, bot)


def is_correction(payload: Mapping[str, Any]) -> bool:
    """Whether a message was edited; it is read like a new one."""
    return isinstance(payload.get("edited_message"), dict)


def find_quoted(payload: Mapping[str, Any]) -> int | None:
    """The id of the message that a message answers by quoting it."""
    message = payload.get("message")
    quoted = message.get("reply_to_message") if isinstance(message, dict) else None
    number = quoted.get("message_id") if isinstance(quoted, dict) else None
    return number if isinstance(number, int) else None


@dataclass(frozen=True, slots=True)
class Membership:
    """A person blocked the bot, or no longer does."""

    chat_id: int
    blocked: bool


def find_membership(payload: Mapping[str, Any]) -> Membership | None:
    change = payload.get("my_chat_member")
    member = change.get("new_chat_member") if isinstance(change, dict) else None
    if not isinstance(change, dict) or not isinstance(member, dict):
        return None
    return Membership(change["chat"]["id"], member.get("status") == "kicked")


def _read(payload: Mapping[str, Any], fields: Sequence[str], bot: Bot) -> Update:
    update: dict[str, Any] = {"update_id": payload["update_id"]}
    message = payload.get("message") or payload.get("edited_message")
    if isinstance(message, dict):
        update["message"] = _UNSAID_MESSAGE | _pick(message, fields)
    elif isinstance(press := payload.get("callback_query"), dict):
        update["callback_query"] = _UNSAID_PRESS | _pick(press, _PRESS)
        if isinstance(pressed := press.get("message"), dict):
            envelope = _pick(pressed, (*_ENVELOPE, "text"))
            update["callback_query"]["message"] = _UNSAID_MESSAGE | envelope
    return Update.model_validate(update, context={"bot": bot})


def _pick(source: Mapping[str, Any], fields: Sequence[str]) -> dict[str, Any]:
    picked = {field: source[field] for field in fields if field in source}
    for name in _PARTS.keys() & picked.keys():
        if isinstance(picked[name], dict):
            picked[name] = _pick(picked[name], _PARTS[name])
            if name in _NAMED:
                picked[name]["first_name"] = ""
            if name == "from":
                picked[name].setdefault("is_bot", False)
    if isinstance(sizes := picked.get("photo"), list):
        picked["photo"] = [_pick(size, _PHOTO) for size in sizes if isinstance(size, dict)]
    return picked
