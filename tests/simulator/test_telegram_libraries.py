"""Both real libraries against the local Telegram: what they send is taken, what comes is read."""

import json
from collections.abc import AsyncIterator
from typing import Any

import aiogram
import pytest
import telegram
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import TelegramBadRequest, TelegramForbiddenError, TelegramRetryAfter
from aiogram.types import (
    BotCommand,
    BotCommandScopeAllPrivateChats,
    BufferedInputFile,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputMediaPhoto,
    KeyboardButton,
    MenuButtonCommands,
    ReplyKeyboardMarkup,
    ReplyKeyboardRemove,
    ReplyParameters,
)
from telegram.ext import ExtBot

from simulator.telegram.files import read_sample
from tests.simulator.running import TOKEN, Simulator

PHOTO = read_sample("photo")
VOICE = read_sample("voice")


@pytest.fixture
async def aio(simulator: Simulator) -> AsyncIterator[aiogram.Bot]:
    session = AiohttpSession(api=TelegramAPIServer.from_base(simulator.url))
    async with aiogram.Bot(TOKEN, session=session) as bot:
        yield bot


@pytest.fixture
async def ptb(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ExtBot[None]]:
    monkeypatch.setenv("PTB_TIMEDELTA", "1")
    bot: ExtBot[None] = ExtBot(
        TOKEN, base_url=f"{simulator.url}/bot", base_file_url=f"{simulator.url}/file/bot"
    )
    async with bot:
        yield bot


def keyboard(*texts: str) -> InlineKeyboardMarkup:
    row = [InlineKeyboardButton(text=text, callback_data=f"data-{text}") for text in texts]
    return InlineKeyboardMarkup(inline_keyboard=[row])


# aiogram


async def test_aiogram_sends_edits_and_deletes(simulator: Simulator, aio: aiogram.Bot) -> None:
    phone = await simulator.add_started_phone()
    chat_id = phone["user_id"]
    sent = await aio.send_message(
        chat_id,
        "<b>សួស្តី</b>",
        parse_mode="HTML",
        reply_markup=keyboard("ក", "ខ"),
        reply_parameters=ReplyParameters(message_id=1),
    )
    assert (sent.text, sent.html_text) == ("សួស្តី", "<b>សួស្តី</b>")
    assert sent.reply_to_message is not None
    [_, shown] = await simulator.messages(phone)
    assert [b["text"] for b in shown["inline_keyboard"][0]] == ["ក", "ខ"]
    assert shown["reply_to"] == 1

    edited = await aio.edit_message_text("ថ្មី", chat_id=chat_id, message_id=sent.message_id)
    assert isinstance(edited, aiogram.types.Message)
    assert edited.edit_date is not None
    [_, shown] = await simulator.messages(phone)
    assert (shown["text"], shown["edited"], shown["inline_keyboard"]) == ("ថ្មី", True, None)

    with pytest.raises(TelegramBadRequest, match="message is not modified"):
        await aio.edit_message_text("ថ្មី", chat_id=chat_id, message_id=sent.message_id)
    await aio.edit_message_reply_markup(
        chat_id=chat_id, message_id=sent.message_id, reply_markup=keyboard("គ")
    )
    assert await aio.delete_messages(chat_id, [1, sent.message_id])
    assert await simulator.messages(phone) == []


async def test_aiogram_sees_a_press_and_answers_it(simulator: Simulator, aio: aiogram.Bot) -> None:
    phone = await simulator.add_started_phone()
    sent = await aio.send_message(phone["user_id"], "?", reply_markup=keyboard("ក"))
    await simulator.act(phone, "press", message_id=sent.message_id, data="data-ក")
    [update] = await aio.get_updates()
    query = update.callback_query
    assert query is not None
    assert query.data == "data-ក"
    assert isinstance(query.message, aiogram.types.Message)
    assert query.message.reply_markup is not None
    with simulator.world.subscribe() as events:
        assert await query.answer("បានហើយ", show_alert=True).as_(aio)
        told = await anext(aiter(events))
    assert told == {
        "type": "callback_answer",
        "phone": phone["id"],
        "text": "បានហើយ",
        "alert": True,
    }
    with pytest.raises(TelegramBadRequest, match="query is too old"):
        await query.answer().as_(aio)


async def test_aiogram_sends_files_and_fetches_them(simulator: Simulator, aio: aiogram.Bot) -> None:
    phone = await simulator.add_started_phone()
    chat_id = phone["user_id"]
    photo = await aio.send_photo(chat_id, BufferedInputFile(PHOTO, "house.jpg"), caption="ផ្ទះ")
    voice = await aio.send_voice(chat_id, BufferedInputFile(VOICE, "v.ogg"), duration=2)
    document = await aio.send_document(chat_id, BufferedInputFile(b"abc", "ក.txt"))
    audio = await aio.send_audio(chat_id, BufferedInputFile(VOICE, "a.ogg"), title="t")
    assert photo.photo is not None
    assert voice.voice is not None
    assert document.document is not None
    assert audio.audio is not None
    assert (photo.photo[-1].width, photo.photo[-1].height) == (640, 480)
    assert document.document.file_name == "ក.txt"
    for file_id, data in [
        (photo.photo[-1].file_id, PHOTO),
        (voice.voice.file_id, VOICE),
        (document.document.file_id, b"abc"),
    ]:
        fetched = await aio.download(file_id)
        assert fetched is not None
        assert fetched.read() == data
    again = await aio.send_photo(chat_id, photo.photo[-1].file_id)
    assert again.photo is not None
    replaced = await aio.edit_message_media(
        InputMediaPhoto(media=BufferedInputFile(PHOTO, "x.jpg"), caption="ថ្មី"),
        chat_id=chat_id,
        message_id=photo.message_id,
    )
    assert isinstance(replaced, aiogram.types.Message)
    assert replaced.caption == "ថ្មី"
    captioned = await aio.edit_message_caption(
        chat_id=chat_id, message_id=photo.message_id, caption="ទៀត"
    )
    assert isinstance(captioned, aiogram.types.Message)
    copied = await aio.copy_message(chat_id, chat_id, photo.message_id)
    [*_, last] = await simulator.messages(phone)
    assert (last["message_id"], last["caption"]) == (copied.message_id, "ទៀត")
    async with simulator.http.get(simulator.url + last["photo"]["url"]) as response:
        assert (response.content_type, await response.read()) == ("image/jpeg", PHOTO)


async def test_aiogram_sets_up_the_bot(simulator: Simulator, aio: aiogram.Bot) -> None:
    me = await aio.get_me()
    assert me.is_bot
    commands = [BotCommand(command="menu", description="ម៉ឺនុយ")]
    await aio.set_my_commands(commands, scope=BotCommandScopeAllPrivateChats(), language_code="km")
    got = await aio.get_my_commands(scope=BotCommandScopeAllPrivateChats(), language_code="km")
    assert [(c.command, c.description) for c in got] == [("menu", "ម៉ឺនុយ")]
    await aio.set_my_name("ត្រឡប់ សាកល្បង")
    await aio.set_my_description("ជំនួយ", language_code="km")
    await aio.set_my_short_description("ជំនួយ")
    await aio.set_chat_menu_button(menu_button=MenuButtonCommands())
    assert (await aio.get_my_description(language_code="km")).description == "ជំនួយ"
    assert (await aio.get_my_short_description()).short_description == "ជំនួយ"
    _, state = await simulator.control("GET", "/state")
    assert state["bot"] == {
        "username": me.username,
        "first_name": "ត្រឡប់ សាកល្បង",
        "commands": [{"command": "menu", "description": "ម៉ឺនុយ"}],
    }
    await aio.delete_my_commands(scope=BotCommandScopeAllPrivateChats(), language_code="km")
    _, state = await simulator.control("GET", "/state")
    assert state["bot"]["commands"] == []


async def test_aiogram_offers_a_reply_keyboard_and_takes_it_away(
    simulator: Simulator, aio: aiogram.Bot
) -> None:
    phone = await simulator.add_started_phone()
    chat_id = phone["user_id"]
    button = KeyboardButton(text="លេខខ្ញុំ", request_contact=True)
    markup = ReplyKeyboardMarkup(keyboard=[[button]], one_time_keyboard=True)
    await aio.send_message(chat_id, "លេខ?", reply_markup=markup)
    _, state = await simulator.control("GET", "/state")
    shown = {"text": "លេខខ្ញុំ", "request_contact": True, "request_location": False}
    assert state["phones"][0]["reply_keyboard"] == [[shown]]
    after = await simulator.act(phone, "contact", own=True)
    assert after["reply_keyboard"] is None
    [update] = await aio.get_updates()
    assert update.message is not None
    assert update.message.contact is not None
    assert update.message.contact.phone_number == phone["number"]
    assert update.message.contact.user_id == chat_id
    await aio.send_message(chat_id, "ok", reply_markup=markup)
    await aio.send_message(chat_id, "ok", reply_markup=ReplyKeyboardRemove())
    _, state = await simulator.control("GET", "/state")
    assert state["phones"][0]["reply_keyboard"] is None


async def test_aiogram_reads_whatever_a_person_does(simulator: Simulator, aio: aiogram.Bot) -> None:
    phone = await simulator.add_phone(name="Chan", language_code="en")
    await simulator.act(phone, "start", payload="fair-7")
    await simulator.act(phone, "text", text="សួស្តី", reply_to=1)
    await simulator.act(phone, "location", latitude=11.55, longitude=104.9)
    await simulator.act(phone, "photo")
    await simulator.act(phone, "voice")
    await simulator.act(phone, "document")
    await simulator.act(phone, "contact", phone_number="+66812345678", first_name="Dara")
    await simulator.act(phone, "edit", message_id=2, text="សួស្តីបង")
    await simulator.act(phone, "delete", message_id=3)
    await simulator.act(phone, "block")
    updates = await aio.get_updates()
    kinds = [update.event_type for update in updates]
    assert kinds == ["message"] * 7 + ["edited_message", "my_chat_member"]
    texts = [u.message.text if u.message else None for u in updates]
    assert texts[:2] == ["/start fair-7", "សួស្តី"]
    contents = [str(u.message.content_type) for u in updates[2:7] if u.message]
    assert [c.rpartition(".")[2].lower() for c in contents] == [
        "location",
        "photo",
        "voice",
        "document",
        "contact",
    ]
    voice = updates[4].message
    assert voice is not None
    assert voice.voice is not None
    fetched = await aio.download(voice.voice)
    assert fetched is not None
    assert fetched.read() == VOICE
    member = updates[-1].my_chat_member
    assert member is not None
    assert (member.old_chat_member.status, member.new_chat_member.status) == ("member", "kicked")
    with pytest.raises(TelegramForbiddenError, match="bot was blocked by the user"):
        await aio.send_message(phone["user_id"], "x")


async def test_aiogram_understands_a_flood_refusal(simulator: Simulator, aio: aiogram.Bot) -> None:
    phone = await simulator.add_started_phone()
    await simulator.control("PUT", "/faults", {"telegram": {"rate_limits": True}})
    with pytest.raises(TelegramRetryAfter) as refused:
        for _ in range(40):
            await aio.send_message(phone["user_id"], "x")
    assert refused.value.retry_after == 1


# python-telegram-bot


async def test_ptb_sends_edits_and_deletes(simulator: Simulator, ptb: ExtBot[None]) -> None:
    phone = await simulator.add_started_phone()
    chat_id = phone["user_id"]
    button = telegram.InlineKeyboardButton("ក", callback_data="1")
    markup = telegram.InlineKeyboardMarkup([[button]])
    sent = await ptb.send_message(
        chat_id, "*សួស្តី* \\.", parse_mode="MarkdownV2", reply_markup=markup
    )
    assert sent.text == "សួស្តី ."
    assert sent.reply_markup == markup
    edited = await ptb.edit_message_text("x", chat_id=chat_id, message_id=sent.message_id)
    assert isinstance(edited, telegram.Message)
    with pytest.raises(telegram.error.BadRequest, match="Message is not modified"):
        await ptb.edit_message_text("x", chat_id=chat_id, message_id=sent.message_id)
    await simulator.act(phone, "press", message_id=sent.message_id, data="1")
    [update] = await ptb.get_updates(timeout=1)
    assert update.callback_query is not None
    assert await update.callback_query.answer("បាន")
    assert await ptb.delete_message(chat_id, sent.message_id)
    assert [m["text"] for m in await simulator.messages(phone)] == ["/start"]


async def test_ptb_sends_files_and_fetches_them(simulator: Simulator, ptb: ExtBot[None]) -> None:
    phone = await simulator.add_started_phone()
    chat_id = phone["user_id"]
    photo = await ptb.send_photo(chat_id, PHOTO, caption="ផ្ទះ")
    voice = await ptb.send_voice(chat_id, VOICE, duration=2)
    document = await ptb.send_document(chat_id, b"abc", filename="a.txt")
    await ptb.send_location(chat_id, latitude=11.5, longitude=104.9)
    await ptb.send_contact(chat_id, phone_number="+85512345678", first_name="Dara")
    await ptb.send_chat_action(chat_id, "typing")
    assert voice.voice is not None
    assert document.document is not None
    for file_id, data in [
        (photo.photo[-1].file_id, PHOTO),
        (voice.voice.file_id, VOICE),
        (document.document.file_id, b"abc"),
    ]:
        file = await ptb.get_file(file_id)
        assert bytes(await file.download_as_bytearray()) == data
    _, state = await simulator.control("GET", "/state")
    assert state["phones"][0]["typing"] is True
    await ptb.send_message(chat_id, "x")
    _, state = await simulator.control("GET", "/state")
    assert state["phones"][0]["typing"] is False


async def test_ptb_understands_refusals(simulator: Simulator, ptb: ExtBot[None]) -> None:
    phone = await simulator.add_started_phone()
    await simulator.act(phone, "block")
    with pytest.raises(telegram.error.Forbidden, match="bot was blocked by the user"):
        await ptb.send_message(phone["user_id"], "x")
    await simulator.act(phone, "unblock")
    await simulator.control("PUT", "/faults", {"telegram": {"rate_limits": True}})
    with pytest.raises(telegram.error.RetryAfter) as refused:
        for _ in range(40):
            await ptb.send_message(phone["user_id"], "x")
    assert json.dumps(refused.value.retry_after, default=str) == '"0:00:01"'


async def test_ptb_reads_what_a_webhook_would_carry(
    simulator: Simulator, ptb: ExtBot[None]
) -> None:
    phone = await simulator.add_phone()
    await simulator.act(phone, "start")
    await simulator.act(phone, "voice")
    raw: list[dict[str, Any]] = await simulator.take_updates()
    updates = [telegram.Update.de_json(one, ptb) for one in raw]
    assert [u.effective_user.first_name for u in updates if u.effective_user] == [phone["name"]] * 2
    assert updates[0].message is not None
    assert updates[0].message.parse_entities() == {updates[0].message.entities[0]: "/start"}
