"""The same conversation in plain python-telegram-bot, writing the same rows to the same database.

A ConversationHandler as the library's documentation shows it, behind the Starlette webhook of its
`customwebhookbot` example. The rows are written by the very services that Tralob uses, so that
only what stands around them differs. It has no inbox: an update that it took and did not finish
is lost. As the library asks with a ConversationHandler, it handles one update at a time.
"""

import argparse
import json
import warnings
from datetime import UTC, datetime
from typing import Any

import uvicorn
import uvloop
from sqlalchemy import func
from sqlalchemy.dialects.postgresql import insert
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from telegram import (
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    KeyboardButton,
    ReplyKeyboardMarkup,
    Update,
)
from telegram.ext import (
    Application,
    CallbackQueryHandler,
    CommandHandler,
    ContextTypes,
    ConversationHandler,
    MessageHandler,
    filters,
)
from telegram.warnings import PTBUserWarning

from benchmarks import form
from benchmarks.form import BY_NAME, STEPS, Step
from bot.channels.telegram_out import AiohttpRequest
from db.crypto import Keyring, derive_key, use_keyring
from db.engine import create_engine, new_session_factory
from db.models import Draft
from services import addresses, consent, drafts, phone_numbers, registration, salary
from services.sessions import NewSession
from services.types import Address

WEBHOOK_PATH = "/telegram/webhook"
Context = ContextTypes.DEFAULT_TYPE


class Conversation:
    """One method per kind of answer; each ends by showing the next window."""

    def __init__(self, new_session: NewSession) -> None:
        self._new_session = new_session

    def handler(self) -> ConversationHandler[Context]:
        return ConversationHandler(
            entry_points=[CommandHandler("start", self.on_start)],
            states={step.name: self._handlers(step) for step in STEPS},
            fallbacks=[CommandHandler("start", self.on_start)],
        )

    def _handlers(self, step: Step) -> list[Any]:
        if step.name == "phone":
            return [MessageHandler(filters.CONTACT, self.on_contact)]
        if step.typed:
            return [MessageHandler(filters.TEXT & ~filters.COMMAND, self.on_text)]
        return [CallbackQueryHandler(self.on_press)]

    async def _address(self, update: Update) -> Address:
        assert update.effective_chat is not None
        now = datetime.now(UTC)
        async with self._new_session.begin() as session:
            address = await addresses.get_or_create(
                session, "telegram", str(update.effective_chat.id), now=now
            )
            await addresses.touch(session, address, now=now)
        return address

    async def on_start(self, update: Update, context: Context) -> str:
        await self._address(update)
        answers = _answers(context)
        answers.clear()
        return await self._show(update, context, BY_NAME["language"])

    async def on_text(self, update: Update, context: Context) -> str:
        address = await self._address(update)
        assert update.message is not None
        text = update.message.text or ""
        step = _step(context)
        if step.name == "salary":
            wanted = salary.parse(text)
            assert wanted is not None
            found: Any = {"amount": wanted.amount, "currency": wanted.currency}
        else:
            found = int(text) if step.name == "age" else text
        return await self._answer(update, context, address, {step.name: found})

    async def on_contact(self, update: Update, context: Context) -> str:
        address = await self._address(update)
        assert update.message is not None
        assert update.message.contact is not None
        number = phone_numbers.parse(update.message.contact.phone_number).e164
        return await self._answer(update, context, address, {"phone_e164": number})

    async def on_press(self, update: Update, context: Context) -> str:
        address = await self._address(update)
        assert update.callback_query is not None
        value = update.callback_query.data or ""
        step = _step(context)
        match step.name:
            case "language":
                async with self._new_session.begin() as session:
                    await addresses.set_language(session, address.id, value)
                async with self._new_session.begin() as session:
                    await registration.find_registration(session, address.id)
                    await drafts.find_draft(session, address.id, registration.FORM)
            case "main":
                async with self._new_session.begin() as session:
                    await drafts.find_draft(session, address.id, registration.FORM)
            case "consent":
                await self._consent(address)
                return await self._answer(update, context, address, {"consent": "registration-1"})
            case "summary":
                async with self._new_session.begin() as session:
                    now = datetime.now(UTC)
                    request = await registration.register(session, address, now=now)
                _answers(context)["code"] = request.code
            case "wanted" | "sectors":
                return await self._press_one_of_many(update, context, address, value)
            case name:
                return await self._answer(update, context, address, {name: value})
        return await self._show(update, context, form.following(step))

    async def _press_one_of_many(
        self, update: Update, context: Context, address: Address, value: str
    ) -> str:
        step = _step(context)
        chosen: list[str] = _answers(context).setdefault(form.FIELD[step.name], [])
        if value == "done":
            return await self._answer(update, context, address, {})
        chosen.remove(value) if value in chosen else chosen.append(value)
        await self._save(address, {form.FIELD[step.name]: chosen}, step)
        return await self._show(update, context, step)

    async def _consent(self, address: Address) -> None:
        async with self._new_session.begin() as session:
            await consent.record(
                session,
                address,
                purpose="service",
                given=True,
                wording_version="registration-1",
                now=datetime.now(UTC),
            )

    async def _answer(
        self, update: Update, context: Context, address: Address, answers: dict[str, Any]
    ) -> str:
        _answers(context).update(answers)
        step = form.following(_step(context))
        await self._save(address, answers, step)
        return await self._show(update, context, step)

    async def _save(self, address: Address, answers: dict[str, Any], step: Step) -> None:
        async with self._new_session.begin() as session:
            new = insert(Draft).values(
                address_id=address.id, form=registration.FORM, step=step.name, answers=answers
            )
            changed = {
                "step": new.excluded.step,
                "answers": Draft.__table__.c.answers.op("||")(new.excluded.answers),
                "updated_at": func.now(),
            }
            await session.execute(
                new.on_conflict_do_update(index_elements=["address_id", "form"], set_=changed)
            )

    async def _show(self, update: Update, context: Context, step: Step) -> str:
        answers = _answers(context)
        text = form.words(step.key, **form.values(step, answers))
        markup = _contact_keyboard(step) if step.name == "phone" else _keyboard(step, answers)
        assert context.user_data is not None
        context.user_data["step"] = step.name
        if update.callback_query is None or isinstance(markup, ReplyKeyboardMarkup):
            assert update.effective_chat is not None
            await update.effective_chat.send_message(text, reply_markup=markup)
        else:
            await update.callback_query.edit_message_text(text, reply_markup=markup)
        if update.callback_query is not None:
            await update.callback_query.answer()
        return step.name


def _answers(context: Context) -> dict[str, Any]:
    assert context.user_data is not None
    answers: dict[str, Any] = context.user_data.setdefault("answers", {})
    return answers


def _step(context: Context) -> Step:
    assert context.user_data is not None
    return BY_NAME[context.user_data["step"]]


def _keyboard(step: Step, answers: dict[str, Any]) -> InlineKeyboardMarkup:
    found = form.options(step, answers)
    chosen = answers.get(form.FIELD.get(step.name, ""), [])
    buttons = [
        InlineKeyboardButton(f"✓ {label}" if value in chosen else label, callback_data=value)
        for label, value in found[: form.PAGE]
    ]
    rows = [buttons[at : at + step.columns] for at in range(0, len(buttons), step.columns)]
    last = ["more"] * (len(found) > form.PAGE) + ["done"] * step.many
    rows += [[_button(name)] for name in last]
    rows.append([_button(name) for name in step.navigation])
    return InlineKeyboardMarkup([row for row in rows if row])


def _button(name: str) -> InlineKeyboardButton:
    return InlineKeyboardButton(form.words(f"button-{name}"), callback_data=name)


def _contact_keyboard(step: Step) -> ReplyKeyboardMarkup:
    share = KeyboardButton(form.words("button-share-contact"), request_contact=True)
    others = [KeyboardButton(form.words(f"button-{name}")) for name in step.navigation]
    return ReplyKeyboardMarkup([[share], others], resize_keyboard=True, one_time_keyboard=True)


def _build(given: argparse.Namespace) -> Application[Any, Any, Any, Any, Any, Any]:
    secret, key = given.secret_key, bytes.fromhex(given.encryption_key)
    use_keyring(Keyring([key], derive_key(secret, b"blind-index")))
    builder = Application.builder().token(given.token).base_url(f"{given.api_url}/bot")
    if given.request == "aiohttp":
        builder = builder.request(AiohttpRequest()).get_updates_request(AiohttpRequest())
    application = builder.updater(None).build()
    new_session = new_session_factory(create_engine(given.database_url, pool_size=12))
    application.add_handler(Conversation(new_session).handler())
    return application


async def _serve(given: argparse.Namespace) -> None:
    application = _build(given)

    async def on_update(request: Request) -> Response:
        if request.headers.get("X-Telegram-Bot-Api-Secret-Token") != given.secret:
            return Response(status_code=401)
        update = Update.de_json(json.loads(await request.body()), application.bot)
        await application.update_queue.put(update)
        return Response()

    web = Starlette(routes=[Route(WEBHOOK_PATH, on_update, methods=["POST"])])
    server = uvicorn.Server(
        uvicorn.Config(web, port=int(given.port), http="httptools", log_config=None)
    )
    async with application:
        await application.start()
        await server.serve()
        await application.stop()


def main() -> None:
    warnings.filterwarnings("ignore", category=PTBUserWarning)
    parser = argparse.ArgumentParser()
    names = ("port", "api-url", "token", "database-url", "secret", "secret-key", "encryption-key")
    for name in names:
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--request", choices=("httpx", "aiohttp"), required=True)
    uvloop.run(_serve(parser.parse_args()))


if __name__ == "__main__":
    main()
