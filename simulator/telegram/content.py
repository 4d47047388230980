"""From the parameters of a call to what a message holds: text, files, keyboards, replies."""

from typing import Any
from urllib.parse import urlsplit

from simulator.phones import JSON, TelegramPhone
from simulator.telegram.carrier import Telegram
from simulator.telegram.entities import format_text
from simulator.telegram.errors import bad_request
from simulator.telegram.schema import Call, Upload

TEXT_LIMIT = 4096
CAPTION_LIMIT = 1024
CALLBACK_DATA_LIMIT = 64
LATITUDE_LIMIT = 90
LONGITUDE_LIMIT = 180

_BUTTON_KINDS = {
    "url",
    "callback_data",
    "web_app",
    "login_url",
    "switch_inline_query",
    "switch_inline_query_current_chat",
    "switch_inline_query_chosen_chat",
    "copy_text",
    "callback_game",
    "pay",
}


def read_text(call: Call) -> JSON:
    """`text` and its entities; raises BotApiError when empty or too long."""
    text, entities = format_text(call.get("text", ""), call.get("parse_mode"), call.get("entities"))
    if not text:
        raise bad_request("message text is empty")
    if len(text) > TEXT_LIMIT:
        raise bad_request("message is too long")
    return {"text": text} | ({"entities": entities} if entities else {})


def read_caption(params: Any) -> JSON:
    """`caption` and its entities, nothing when there is none; raises BotApiError when too long."""
    caption, entities = format_text(
        params.get("caption") or "", params.get("parse_mode"), params.get("caption_entities")
    )
    if len(caption) > CAPTION_LIMIT:
        raise bad_request("message caption is too long")
    if not caption:
        return {}
    return {"caption": caption} | ({"caption_entities": entities} if entities else {})


def read_file(telegram: Telegram, call: Call, kind: str, value: str | Upload, **more: Any) -> JSON:
    """The message field of an upload or of a file known by its id.

    Raises BotApiError for an unknown id; addresses on the web are not fetched.
    """
    source = call.resolve_file(value)
    if isinstance(source, Upload):
        described = telegram.files.add(
            kind, source.data, name=source.name, mime=source.mime, **more
        )
    else:
        stored = telegram.files.find(source)
        if stored is None:
            raise bad_request("wrong file identifier/HTTP URL specified")
        described = telegram.files.describe(stored)
    return {kind: [described] if kind == "photo" else described}


def is_on_earth(latitude: float, longitude: float) -> bool:
    """Whether the degrees name a place."""
    return abs(latitude) <= LATITUDE_LIMIT and abs(longitude) <= LONGITUDE_LIMIT


def read_reply(phone: TelegramPhone, call: Call) -> int | None:
    """The number of the message replied to; raises BotApiError when it is not there."""
    reply = call.get("reply_parameters")
    wanted = reply.get("message_id") if reply else None
    if wanted is None:
        return None
    if phone.find_message(wanted):
        return int(wanted)
    if reply.get("allow_sending_without_reply"):
        return None
    raise bad_request("message to be replied not found")


def read_inline_keyboard(markup: JSON | None) -> list[list[JSON]] | None:
    """The buttons under a message, None when there are none; raises BotApiError on a bad one."""
    rows = [row for row in (markup or {}).get("inline_keyboard", []) if row]
    for button in (button for row in rows for button in row):
        _check_button(button)
    return rows or None


def _check_button(button: JSON) -> None:
    kinds = _BUTTON_KINDS & button.keys()
    if not kinds:
        raise bad_request("Text buttons are not allowed in the inline keyboard")
    data = button.get("callback_data")
    if data is not None and not 1 <= len(data.encode()) <= CALLBACK_DATA_LIMIT:
        raise bad_request("BUTTON_DATA_INVALID")
    if "url" in kinds and not _is_link(button["url"]):
        raise bad_request(
            f"inline keyboard button URL '{button['url']}' is invalid: Wrong HTTP URL"
        )


def _is_link(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    if parts.scheme == "tg":
        return True
    return parts.scheme in {"http", "https"} and bool(parts.hostname)


def apply_reply_keyboard(phone: TelegramPhone, markup: JSON | None) -> None:
    """Show or take away the keyboard under the chat, as a sent message may order."""
    if markup and "keyboard" in markup:
        phone.reply_keyboard = [
            [
                {
                    "text": button["text"],
                    "request_contact": button.get("request_contact", False),
                    "request_location": button.get("request_location", False),
                }
                for button in row
            ]
            for row in markup["keyboard"]
        ]
        phone.one_time_keyboard = markup.get("one_time_keyboard", False)
    elif markup and markup.get("remove_keyboard"):
        phone.reply_keyboard = None
