"""Methods about the bot itself: who it is, how it gets updates, what people see of it."""

import re
from typing import Any
from urllib.parse import urlsplit

from simulator.phones import JSON
from simulator.state import Webhook
from simulator.telegram.carrier import Method, Telegram
from simulator.telegram.errors import BotApiError, bad_request
from simulator.telegram.files import DOWNLOAD_LIMIT
from simulator.telegram.schema import Call

LONGEST_POLL = 50
MOST_UPDATES = 100
NAME_LIMIT = 64
DESCRIPTION_LIMIT = 512
SHORT_DESCRIPTION_LIMIT = 120
COMMANDS_LIMIT = 100
COMMAND_DESCRIPTION_LIMIT = 256


async def get_me(telegram: Telegram, _call: Call) -> JSON:
    return telegram.bot_user() | {
        "can_join_groups": False,
        "can_read_all_group_messages": False,
        "supports_inline_queries": False,
        "can_connect_to_business": False,
        "has_main_web_app": False,
    }


async def done(_telegram: Telegram, _call: Call) -> bool:
    """For logOut and close, which have nothing to do here."""
    return True


# Updates


def _remember_allowed(telegram: Telegram, call: Call) -> None:
    if "allowed_updates" in call.params:
        telegram.state.allowed_updates = call["allowed_updates"]


async def get_updates(telegram: Telegram, call: Call) -> list[JSON]:
    if telegram.state.webhook.url:
        raise BotApiError(
            409,
            "Conflict: can't use getUpdates method while webhook is active; "
            "use deleteWebhook to delete the webhook first",
        )
    _remember_allowed(telegram, call)
    limit = call.get("limit", MOST_UPDATES)
    return await telegram.updates.fetch(
        offset=call.get("offset", 0),
        limit=limit if 1 <= limit <= MOST_UPDATES else MOST_UPDATES,
        seconds=min(max(call.get("timeout", 0), 0), LONGEST_POLL),
    )


async def set_webhook(telegram: Telegram, call: Call) -> bool:
    url = call["url"]
    secret = call.get("secret_token", "")
    if url and (urlsplit(url).scheme not in {"http", "https"} or not urlsplit(url).hostname):
        raise bad_request("bad webhook: An HTTPS URL must be provided for webhook")
    if not re.fullmatch(r"[A-Za-z0-9_-]{0,256}", secret):
        raise bad_request("secret token contains unallowed characters")
    _remember_allowed(telegram, call)
    _set_webhook(telegram, call, Webhook(url, secret, call.get("max_connections", 40)))
    if url:
        telegram.updates.end_poll("terminated by setWebhook request")
    return True


async def delete_webhook(telegram: Telegram, call: Call) -> bool:
    _set_webhook(telegram, call, Webhook())
    return True


def _set_webhook(telegram: Telegram, call: Call, webhook: Webhook) -> None:
    if call.get("drop_pending_updates"):
        telegram.updates.drop_all()
    telegram.state.webhook = webhook
    telegram.world.changed()
    telegram.updates.wake()


async def get_webhook_info(telegram: Telegram, _call: Call) -> JSON:
    webhook = telegram.state.webhook
    info: JSON = {
        "url": webhook.url,
        "has_custom_certificate": False,
        "pending_update_count": telegram.updates.pending,
    }
    if webhook.url:
        info["max_connections"] = webhook.max_connections
    if webhook.last_error_date:
        info["last_error_date"] = webhook.last_error_date
        info["last_error_message"] = webhook.last_error_message
    if telegram.state.allowed_updates:
        info["allowed_updates"] = telegram.state.allowed_updates
    return info


# What people see


def _scope_key(call: Call) -> str:
    scope = call.get("scope", {"type": "default"})
    parts = [scope["type"], *(str(scope[k]) for k in ("chat_id", "user_id") if k in scope)]
    return f"{'/'.join(parts)}:{call.get('language_code', '')}"


async def set_my_commands(telegram: Telegram, call: Call) -> bool:
    commands = call["commands"]
    if len(commands) > COMMANDS_LIMIT:
        raise bad_request("BOT_COMMANDS_TOO_MUCH")
    for command in commands:
        if not re.fullmatch(r"[a-z0-9_]{1,32}", command["command"]):
            raise bad_request("BOT_COMMAND_INVALID")
        if not 1 <= len(command["description"]) <= COMMAND_DESCRIPTION_LIMIT:
            raise bad_request("BOT_COMMAND_DESCRIPTION_INVALID")
    telegram.state.bot.commands[_scope_key(call)] = commands
    return _bot_changed(telegram)


async def get_my_commands(telegram: Telegram, call: Call) -> list[dict[str, str]]:
    return telegram.state.bot.commands.get(_scope_key(call), [])


async def delete_my_commands(telegram: Telegram, call: Call) -> bool:
    telegram.state.bot.commands.pop(_scope_key(call), None)
    return _bot_changed(telegram)


def _bot_changed(telegram: Telegram) -> bool:
    telegram.world.publish({"type": "bot", "bot": telegram.state.bot.public()})
    telegram.world.changed()
    return True


def _set_words(
    telegram: Telegram, call: Call, words: dict[str, str], field: str, limit: int
) -> bool:
    """Keep a text by language; an empty one removes it."""
    text = call.get(field, "")
    if len(text) > limit:
        raise bad_request(f"{field} is too long")
    language = call.get("language_code", "")
    if text:
        words[language] = text
    else:
        words.pop(language, None)
    return _bot_changed(telegram)


def _words(call: Call, words: dict[str, str]) -> str:
    return words.get(call.get("language_code", "")) or words.get("", "")


async def set_my_name(telegram: Telegram, call: Call) -> bool:
    return _set_words(telegram, call, telegram.state.bot.names, "name", NAME_LIMIT)


async def get_my_name(telegram: Telegram, call: Call) -> JSON:
    bot = telegram.state.bot
    return {"name": _words(call, bot.names) or bot.first_name}


async def set_my_description(telegram: Telegram, call: Call) -> bool:
    words = telegram.state.bot.descriptions
    return _set_words(telegram, call, words, "description", DESCRIPTION_LIMIT)


async def get_my_description(telegram: Telegram, call: Call) -> JSON:
    return {"description": _words(call, telegram.state.bot.descriptions)}


async def set_my_short_description(telegram: Telegram, call: Call) -> bool:
    words = telegram.state.bot.short_descriptions
    return _set_words(telegram, call, words, "short_description", SHORT_DESCRIPTION_LIMIT)


async def get_my_short_description(telegram: Telegram, call: Call) -> JSON:
    return {"short_description": _words(call, telegram.state.bot.short_descriptions)}


async def set_chat_menu_button(telegram: Telegram, call: Call) -> bool:
    telegram.state.bot.menu_button = call.get("menu_button", {"type": "default"})
    return _bot_changed(telegram)


async def get_chat_menu_button(telegram: Telegram, _call: Call) -> JSON:
    return telegram.state.bot.menu_button


# Chats and files


async def get_chat(telegram: Telegram, call: Call) -> JSON:
    chat = telegram.chat(telegram.get_chat(call["chat_id"]))
    return chat | {
        "accent_color_id": 0,
        "max_reaction_count": 11,
        "accepted_gift_types": {
            "unlimited_gifts": False,
            "limited_gifts": False,
            "unique_gifts": False,
            "premium_subscription": False,
            "gifts_from_channels": False,
        },
    }


async def get_chat_member(telegram: Telegram, call: Call) -> JSON:
    phone = telegram.get_chat(call["chat_id"])
    if call["user_id"] == phone.user_id:
        return {"status": "member", "user": telegram.person_user(phone)}
    if call["user_id"] == telegram.bot_id:
        return {"status": "member", "user": telegram.bot_user()}
    raise bad_request("user not found")


async def get_file(telegram: Telegram, call: Call) -> JSON:
    file = telegram.files.find(call["file_id"])
    if file is None:
        raise bad_request("wrong file_id or the file is temporarily unavailable")
    if file.size > DOWNLOAD_LIMIT:
        raise bad_request("file is too big")
    ids: dict[str, Any] = {"file_id": file.file_id, "file_unique_id": file.unique_id}
    return ids | {"file_size": file.size, "file_path": file.path}


METHODS: dict[str, Method] = {
    "getMe": get_me,
    "logOut": done,
    "close": done,
    "getUpdates": get_updates,
    "setWebhook": set_webhook,
    "deleteWebhook": delete_webhook,
    "getWebhookInfo": get_webhook_info,
    "setMyCommands": set_my_commands,
    "getMyCommands": get_my_commands,
    "deleteMyCommands": delete_my_commands,
    "setMyName": set_my_name,
    "getMyName": get_my_name,
    "setMyDescription": set_my_description,
    "getMyDescription": get_my_description,
    "setMyShortDescription": set_my_short_description,
    "getMyShortDescription": get_my_short_description,
    "setChatMenuButton": set_chat_menu_button,
    "getChatMenuButton": get_chat_menu_button,
    "getChat": get_chat,
    "getChatMember": get_chat_member,
    "getFile": get_file,
}
