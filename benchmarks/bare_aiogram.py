"""The same windows in bare aiogram-dialog: its own widgets, aiogram's RedisStorage, no database.

Everything is as the two libraries' documentation shows it, the webhook by aiogram's own handler.
It keeps nothing that outlives Redis, encrypts nothing, and handles an update without writing it
down first.
"""

import argparse
from operator import itemgetter
from typing import Any

import uvloop
from aiogram import Bot, Dispatcher
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.filters import CommandStart
from aiogram.fsm.state import State, StatesGroup
from aiogram.fsm.storage.base import DefaultKeyBuilder
from aiogram.fsm.storage.memory import SimpleEventIsolation
from aiogram.fsm.storage.redis import RedisStorage
from aiogram.types import CallbackQuery, ContentType, Message
from aiogram.webhook.aiohttp_server import SimpleRequestHandler, setup_application
from aiogram_dialog import Dialog, DialogManager, StartMode, Window, setup_dialogs
from aiogram_dialog.widgets.input import MessageInput
from aiogram_dialog.widgets.kbd import (
    Button,
    Group,
    Keyboard,
    ManagedMultiselect,
    Multiselect,
    RequestContact,
    Row,
    Select,
)
from aiogram_dialog.widgets.markup.reply_keyboard import ReplyKeyboardFactory
from aiogram_dialog.widgets.text import Const, Format
from aiohttp import web
from redis.asyncio import Redis

from benchmarks import form
from benchmarks.form import BY_NAME, STEPS, Step
from services import phone_numbers, salary
from services.codes import new_code

WEBHOOK_PATH = "/telegram/webhook"


class Registration(StatesGroup):
    """One state per window, named as the steps are."""

    language = State()
    main = State()
    consent = State()
    name = State()
    age = State()
    sex = State()
    province = State()
    district = State()
    commune = State()
    phone = State()
    wanted = State()
    sectors = State()
    salary = State()
    summary = State()
    done = State()


STATES: dict[str, State] = {step.name: getattr(Registration, step.name) for step in STEPS}


def _step(manager: DialogManager) -> Step:
    return BY_NAME[(manager.current_context().state.state or "").partition(":")[2]]


async def _next(manager: DialogManager, **answers: Any) -> None:
    manager.dialog_data.update(answers)
    await manager.switch_to(STATES[form.following(_step(manager)).name])


async def get_window(dialog_manager: DialogManager, **_: Any) -> dict[str, Any]:
    step = _step(dialog_manager)
    answers = dialog_manager.dialog_data
    found = form.options(step, answers)
    return {"options": found[: form.PAGE], "more": len(found) > form.PAGE} | form.values(
        step, answers
    )


async def on_option(_: CallbackQuery, __: Any, manager: DialogManager, value: str) -> None:
    step = _step(manager)
    if step.name == "summary":
        await _next(manager, code=new_code())
    else:
        await _next(manager, **{step.name: value})


async def on_done(_: CallbackQuery, __: Button, manager: DialogManager) -> None:
    step = _step(manager)
    chosen = manager.find(f"{step.name}_chosen")
    assert isinstance(chosen, ManagedMultiselect)
    await _next(manager, **{form.FIELD[step.name]: chosen.get_checked()})


async def on_navigation(_: CallbackQuery, button: Button, manager: DialogManager) -> None:
    if button.widget_id == "menu":
        await manager.switch_to(Registration.main)
    elif button.widget_id == "skip":
        await _next(manager)
    else:
        await manager.switch_to(STATES[STEPS[STEPS.index(_step(manager)) - 1].name])


async def on_typed(message: Message, _: MessageInput, manager: DialogManager) -> None:
    text = message.text or ""
    match _step(manager).name:
        case "name":
            await _next(manager, name=text)
        case "age":
            await _next(manager, age=int(text))
        case "salary":
            wanted = salary.parse(text)
            assert wanted is not None
            await _next(manager, salary={"amount": wanted.amount, "currency": wanted.currency})


async def on_contact(message: Message, _: MessageInput, manager: DialogManager) -> None:
    assert message.contact is not None
    await _next(manager, phone_e164=phone_numbers.parse(message.contact.phone_number).e164)


def _options(step: Step) -> list[Keyboard]:
    if step.name == "phone":
        return [RequestContact(Const(form.words("button-share-contact")))]
    if step.many:
        chosen: Multiselect[str] = Multiselect(
            Format("✓ {item[0]}"),
            Format("{item[0]}"),
            id=f"{step.name}_chosen",
            item_id_getter=itemgetter(1),
            items="options",
        )
        done = Button(Const(form.words("button-done")), id=f"{step.name}_done", on_click=on_done)
        return [Group(chosen, width=step.columns), done]
    if step.typed or step.name == "done":
        return []
    one: Select[str] = Select(
        Format("{item[0]}"),
        id=f"{step.name}_one",
        item_id_getter=itemgetter(1),
        items="options",
        on_click=on_option,
    )
    return [Group(one, width=step.columns)]


def _window(step: Step) -> Window:
    words = form.template(step.key)
    widgets: list[Any] = [Format(words) if "{" in words else Const(words), *_options(step)]
    if step.name in (*form.HOME, "wanted"):
        widgets.append(Button(Const(form.words("button-more")), id="more", when="more"))
    navigation = [
        Button(Const(form.words(f"button-{name}")), id=name, on_click=on_navigation)
        for name in step.navigation
    ]
    if navigation:
        widgets.append(Row(*navigation))
    if step.name == "phone":
        widgets.append(MessageInput(on_contact, content_types=ContentType.CONTACT))
    elif step.typed:
        widgets.append(MessageInput(on_typed))
    keyboard = ReplyKeyboardFactory(resize_keyboard=True, one_time_keyboard=True)
    options: dict[str, Any] = {"markup_factory": keyboard} if step.name == "phone" else {}
    return Window(*widgets, state=STATES[step.name], getter=get_window, **options)


async def on_start(_: Message, dialog_manager: DialogManager) -> None:
    await dialog_manager.start(Registration.language, mode=StartMode.RESET_STACK)


def main() -> None:
    parser = argparse.ArgumentParser()
    for name in ("--port", "--api-url", "--token", "--redis-url", "--secret"):
        parser.add_argument(name, required=True)
    given = parser.parse_args()
    api = TelegramAPIServer.from_base(given.api_url)
    bot = Bot(given.token, session=AiohttpSession(api=api))
    # redis-py's pool refuses the 101st of those who write at once, and their updates would be lost.
    storage = RedisStorage(
        Redis.from_url(given.redis_url, max_connections=500),
        key_builder=DefaultKeyBuilder(with_destiny=True),
    )
    # Without it a person who answers at once finds no state: it is kept after the message went out.
    dispatcher = Dispatcher(storage=storage, events_isolation=SimpleEventIsolation())
    dispatcher.message.register(on_start, CommandStart())
    dispatcher.include_router(Dialog(*map(_window, STEPS)))
    setup_dialogs(dispatcher)
    app = web.Application()
    SimpleRequestHandler(dispatcher, bot, secret_token=given.secret).register(app, WEBHOOK_PATH)
    setup_application(app, dispatcher, bot=bot)
    uvloop.install()
    web.run_app(app, host="127.0.0.1", port=int(given.port), print=None, access_log=None)


if __name__ == "__main__":
    main()
