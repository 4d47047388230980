"""Methods that change what is already in a chat, or answer a press."""

from simulator.phones import JSON, TelegramMessage, TelegramPhone
from simulator.telegram.carrier import Method, Telegram
from simulator.telegram.content import read_caption, read_file, read_inline_keyboard, read_text
from simulator.telegram.errors import bad_request
from simulator.telegram.schema import Call

DELETE_WINDOW = 48 * 3600
DELETE_AT_ONCE = 100
ANSWER_LIMIT = 200
NOT_MODIFIED = (
    "message is not modified: specified new message content and reply markup are exactly "
    "the same as a current content and reply markup of the message"
)
_CAPTIONED = ("photo", "document", "voice", "audio")


def _own_message(telegram: Telegram, call: Call) -> tuple[TelegramPhone, TelegramMessage]:
    """The message to edit and its chat; raises BotApiError when the bot may not edit it."""
    if "inline_message_id" in call.params:
        raise bad_request("message to edit not found")
    if "chat_id" not in call.params:
        raise bad_request("chat_id is empty")
    phone = telegram.get_open_chat(call["chat_id"])
    if "message_id" not in call.params:
        raise bad_request("message identifier is not specified")
    message = phone.find_message(call["message_id"])
    if message is None:
        raise bad_request("message to edit not found")
    if message.sender != "bot":
        raise bad_request("message can't be edited")
    return phone, message


def _change(
    telegram: Telegram, call: Call, phone: TelegramPhone, message: TelegramMessage, content: JSON
) -> JSON:
    """Put new content and keyboard in place; without `reply_markup` the keyboard goes."""
    keyboard = read_inline_keyboard(call.get("reply_markup"))
    if content == message.content and keyboard == message.inline_keyboard:
        raise bad_request(NOT_MODIFIED)
    if content != message.content:
        message.edit_date = int(telegram.world.now())
    message.content = content
    message.inline_keyboard = keyboard
    telegram.world.phone_changed(phone)
    return telegram.render(phone, message)


def _kept(message: TelegramMessage, *replaced: str) -> JSON:
    return {key: value for key, value in message.content.items() if key not in replaced}


async def edit_message_text(telegram: Telegram, call: Call) -> JSON:
    phone, message = _own_message(telegram, call)
    text = read_text(call)
    if "text" not in message.content:
        raise bad_request("there is no text in the message to edit")
    return _change(telegram, call, phone, message, _kept(message, "text", "entities") | text)


async def edit_message_caption(telegram: Telegram, call: Call) -> JSON:
    phone, message = _own_message(telegram, call)
    caption = read_caption(call)
    if not any(kind in message.content for kind in _CAPTIONED):
        raise bad_request("there is no caption in the message to edit")
    kept = _kept(message, "caption", "caption_entities")
    return _change(telegram, call, phone, message, kept | caption)


async def edit_message_reply_markup(telegram: Telegram, call: Call) -> JSON:
    phone, message = _own_message(telegram, call)
    return _change(telegram, call, phone, message, message.content)


async def edit_message_media(telegram: Telegram, call: Call) -> JSON:
    phone, message = _own_message(telegram, call)
    media = call["media"]
    kind = media["type"]
    more = {"duration": media.get("duration", 0)} if kind == "audio" else {}
    file = read_file(telegram, call, kind, media["media"], **more)
    protected = {k: v for k, v in message.content.items() if k == "has_protected_content"}
    content = file | read_caption(media) | protected
    return _change(telegram, call, phone, message, content)


async def delete_message(telegram: Telegram, call: Call) -> bool:
    phone = telegram.get_chat(call["chat_id"])
    message = phone.find_message(call["message_id"])
    if message is None:
        raise bad_request("message to delete not found")
    if telegram.world.now() - message.date > DELETE_WINDOW:
        raise bad_request("message can't be deleted for everyone")
    phone.messages.remove(message)
    telegram.world.phone_changed(phone)
    return True


async def delete_messages(telegram: Telegram, call: Call) -> bool:
    """Those that cannot be found or deleted are skipped, as Telegram does."""
    phone = telegram.get_chat(call["chat_id"])
    wanted = call["message_ids"]
    if not wanted:
        raise bad_request("message identifiers are not specified")
    if len(wanted) > DELETE_AT_ONCE:
        raise bad_request("too many message identifiers specified")
    oldest = telegram.world.now() - DELETE_WINDOW
    phone.messages[:] = [m for m in phone.messages if m.message_id not in wanted or m.date < oldest]
    telegram.world.phone_changed(phone)
    return True


async def answer_callback_query(telegram: Telegram, call: Call) -> bool:
    text = call.get("text") or None
    if text and len(text) > ANSWER_LIMIT:
        raise bad_request("MESSAGE_TOO_LONG")
    phone_id = telegram.close_query(call["callback_query_id"])
    telegram.world.publish(
        {
            "type": "callback_answer",
            "phone": phone_id,
            "text": text,
            "alert": call.get("show_alert", False),
        }
    )
    return True


METHODS: dict[str, Method] = {
    "editMessageText": edit_message_text,
    "editMessageCaption": edit_message_caption,
    "editMessageReplyMarkup": edit_message_reply_markup,
    "editMessageMedia": edit_message_media,
    "deleteMessage": delete_message,
    "deleteMessages": delete_messages,
    "answerCallbackQuery": answer_callback_query,
}
