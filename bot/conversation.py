"""One incoming message, from its row to its answer: the handler of the inbox.

Loads where the person stands, lets the Dispatcher act, and keeps where they stand then. A
message whose turn was finished but not yet marked so (a crash in between) is not handled
again: its answer was seen, or, by SMS, is shown once more. One whose turn ended earlier is handled
whole once more, from where the person stood: what it wrote to a request carries its number.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from aiogram import Bot, Dispatcher
from aiogram.exceptions import TelegramRetryAfter
from aiogram.types import CallbackQuery, Chat, InaccessibleMessage, Message, Update, User
from sqlalchemy.ext.asyncio import AsyncSession

from bot.answering import may_be_words, note_shown
from bot.belated import is_belated, take_belated
from bot.bootstrap import App
from bot.channels.sms_render import render, render_unclear
from bot.channels.sms_session import SmsSession, last_screen
from bot.dispatcher import the_dispatcher
from bot.errors import is_passing
from bot.message_words import CatalogueWords
from bot.outside import MEANING, find_answer, find_enclosure
from bot.reachable import tell_of_answers, unblock
from bot.shown import Shown
from bot.staff_cards.handling import StaffCards
from bot.staff_cards.words import CatalogueCardWords, find_desk_url
from bot.state_store import Standing, StateStore, standing_of_turn
from bot.understanding import (
    Corrected,
    Meaning,
    Pressed,
    Said,
    Typed,
    Unreadable,
    readable,
    understand,
)
from bot.update_reading import (
    Membership,
    find_membership,
    find_quoted,
    is_correction,
    read_update,
)
from bot.weighing import weigh
from bot.written import Written
from db.models.address import address_index
from dialogs.promises import find_opening, opening
from dialogs.to_centre import says_something
from dialogs.turn import TURN_KEY, Channel, Turn
from locales.catalogue import DEFAULT_LANGUAGE, Catalogue, load_catalogue
from services import addresses, requests, taking_back, threads
from services.direct import direct_connection
from services.inbox import MAX_ATTEMPTS, InboxItem, OutgoingSms, PassingFault
from services.places import Gazetteer, load_gazetteer
from services.types import Address, Request

# aiogram wants a token of the usual shape; an SMS bot calls nobody.
_SMS_BOT_TOKEN = "1:sms"  # noqa: S105


@dataclass(frozen=True)
class Conversation:
    """Everything that a turn needs; `handle` is the handler of the inbox."""

    app: App
    dispatcher: Dispatcher
    telegram: Bot
    sms: Bot
    store: StateStore
    catalogue: Catalogue
    gazetteer: Gazetteer
    staff_cards: StaffCards
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    async def handle(self, item: InboxItem) -> Sequence[OutgoingSms]:
        """Raises PassingFault when the turn may well succeed in a while."""
        try:
            if item.channel == "sms":
                return await self._handle_sms(item)
            await self._handle_telegram(item)
        except TelegramRetryAfter as error:
            raise PassingFault(error.retry_after) from error
        except Exception as error:
            if is_passing(error):
                raise PassingFault from error
            raise
        return []

    async def close(self) -> None:
        await self.telegram.session.close()

    # --- Telegram ---

    async def _handle_telegram(self, item: InboxItem) -> None:
        if membership := find_membership(item.payload):
            await self._on_membership(membership, item)
            return
        update = read_update(item.payload, self.telegram)
        chat = _private_chat(update)
        if chat is None:
            return
        key = address_index("telegram", str(chat.id))
        standing = await self.store.load(key)
        if standing.handled == item.id:
            return
        turn = await self._begin("telegram", str(chat.id), item)
        if turn.is_belated:
            await take_belated(turn, _meaning_at_any_moment(update, item), update)
            return
        if await self.staff_cards.take(update, turn, find_quoted(item.payload)):
            return
        meaning = None
        if update.message is not None:
            meaning = await self._meaning(update.message, turn, standing, item)
            update = _as_update(update, update.message, meaning)
        elif press := update.callback_query:
            update = _as_seen(update, press, standing.shown)
        await self._feed(self.telegram, update, turn, meaning, standing=standing, item=item)
        standing.handled = item.id
        if standing.is_below:
            note_shown(standing, meaning, item)
        await self.store.save(key, standing)

    async def _meaning(
        self, message: Message, turn: Turn, standing: Standing, item: InboxItem
    ) -> Meaning:
        """What quotes the centre is for the centre, whatever screen stands."""
        meaning = _meaning_of(message, standing.shown, is_correction(item.payload))
        quotes = find_quoted(item.payload)
        turn.quoted = await self._find_quoted(turn, quotes)
        if not may_be_words(meaning):
            return meaning
        text = readable(message.text or "")
        return await weigh(self.app, Written(item, text, turn, standing, quotes), meaning)

    async def _find_quoted(self, turn: Turn, quotes: int | None) -> str | None:
        if quotes is None:
            return None
        async with self.app.new_session.begin() as session:
            return await threads.find_quoted(session, turn.address, str(quotes))

    async def _on_membership(self, membership: Membership, item: InboxItem) -> None:
        """Blocking the bot means STOP for this address; unblocking ends that.

        Belated it may have been undone since: the next message will tell.
        """
        async with self.app.new_session.begin() as session:
            address = await addresses.find(session, "telegram", str(membership.chat_id))
            if address is None or is_belated(item, address, self.now()):
                return
            if membership.blocked:
                await taking_back.block(session, address.id, now=self.now())
            elif await unblock(session, address):
                words = CatalogueWords(self.catalogue)
                await tell_of_answers(session, address, words, self.now())

    # --- SMS ---

    async def _handle_sms(self, item: InboxItem) -> list[OutgoingSms]:
        number, text = item.payload["From"], item.payload.get("Body", "")
        key = address_index("sms", number)
        standing = await self.store.load(key)
        turn = await self._begin("sms", number, item)
        if turn.is_belated:
            await take_belated(turn, understand(text, None, "sms"))
            return []
        body: str | None
        if not self.app.settings.sms_two_way:
            body = await self._one_way(turn, text)
        else:
            meaning = understand(text, standing.shown, "sms")
            if standing.handled == item.id:
                meaning = Said("show")
            else:
                written = Written(item, readable(text), turn, standing)
                meaning = await weigh(self.app, written, meaning)
            body = await self._converse(turn, standing, item, meaning)
            standing.handled = item.id
            note_shown(standing, meaning, item)
            await self.store.save(key, standing)
        if body is None:
            return []
        return [OutgoingSms(turn.address.id, body, "dialog", f"answer:{item.id}")]

    async def _converse(
        self, turn: Turn, standing: Standing, item: InboxItem, meaning: Meaning
    ) -> str | None:
        """The one SMS that answers, or None when nothing was shown."""
        user = User(id=turn.address.id, is_bot=False, first_name="")
        message = Message(
            message_id=item.id,
            date=turn.now,
            chat=Chat(id=turn.address.id, type="private"),
            from_user=user,
        ).as_(self.sms)
        if isinstance(meaning, Pressed):
            turn.heard = meaning.heard
        update = _as_update(Update(update_id=item.id, message=message), message, meaning)
        token = last_screen.set([])
        try:
            await self._feed(self.sms, update, turn, meaning, standing=standing, item=item)
            sent = last_screen.get()
        finally:
            last_screen.reset(token)
        if not sent or standing.shown is None:
            return None
        if turn.unclear:
            return render_unclear(turn, standing.shown)
        return render(turn, standing.shown)

    async def _one_way(self, turn: Turn, text: str) -> str | None:
        """No answer can come back: a person calls instead, having read what was written."""
        said = understand(text, None, "sms")
        async with self.app.new_session.begin() as session:
            if said == Said("stop"):
                await taking_back.stop(session, turn.address.id, now=turn.now)
                return None
            if said == Said("offer"):
                # Nothing is set going: whoever holds this phone may not be free to be called.
                return turn.text("sms-one-way-neutral")
            if said == Said("start"):
                await addresses.start(session, turn.address.id)
                return turn.text("sms-one-way-start")
            request = await requests.find_made_by(session, turn.address, turn.item_id)
            if request is None:
                request = await self._call_back(session, turn, said)
            opens_at = await find_opening(session, turn, request.centre_id)
        if opens_at is None:
            return turn.text("sms-one-way", code=request.code)
        return turn.text("sms-one-way-closed", code=request.code, opening=opening(turn, opens_at))

    async def _call_back(self, session: AsyncSession, turn: Turn, said: Meaning) -> Request:
        request = await requests.ask_for_call(
            session, turn.address, now=turn.now, inbox_id=turn.item_id
        )
        if isinstance(said, Typed) and says_something(said.text):
            await threads.write_to_request(
                session, turn.address, request.code, said.text, now=turn.now
            )
        return request

    # --- both ---

    async def _begin(self, channel: Channel, value: str, item: InboxItem) -> Turn:
        now = self.now()
        async with direct_connection(self.app.engine) as connection:
            address = await addresses.find_known(connection, channel, value)
        first = address is None or address.last_in_at is None
        answers_wait = False
        if belated := is_belated(item, address, now):
            now = item.received_at or now
        if address is None or not (belated or addresses.is_noted(address, now)):
            address, answers_wait = await self._note(channel, value, now)
        turn = Turn(
            address=address,
            channel=channel,
            language=address.language or DEFAULT_LANGUAGE,
            now=now,
            new_session=self.app.new_session,
            connect=partial(direct_connection, self.app.engine),
            catalogue=self.catalogue,
            gazetteer=self.gazetteer,
            item_id=item.id,
            is_belated=belated,
            phone_number=value if channel == "sms" else None,
            first_contact=first,
        )
        if answers_wait:
            turn.say("notice-answers-wait")
        return turn

    async def _note(self, channel: Channel, value: str, now: datetime) -> tuple[Address, bool]:
        """Write down that this address wrote: it is reached again, whatever a carrier said.

        Returns whether answers wait that could not be sent meanwhile, too.
        """
        async with self.app.new_session.begin() as session:
            address = await addresses.get_or_create(session, channel, value, now=now)
            await addresses.touch(session, address, now=now)
            answers_wait = await unblock(session, address)
        return address, answers_wait

    async def _feed(
        self,
        bot: Bot,
        update: Update,
        turn: Turn,
        meaning: Meaning | None,
        *,
        standing: Standing,
        item: InboxItem,
    ) -> None:
        data: dict[str, Any] = {
            TURN_KEY: turn,
            MEANING: meaning,
            "attempt": item.attempt,
            "last_attempt": item.attempt >= MAX_ATTEMPTS,
        }
        with standing_of_turn(standing):
            await self.dispatcher.feed_update(bot, update, **data)


def _private_chat(update: Update) -> Chat | None:
    """The private chat that the update is a message or a press of; None for all else."""
    press = update.callback_query
    message = update.message or (press.message if press is not None else None)
    if message is None or message.chat.type != "private":
        return None
    if update.message is not None and update.message.from_user is None:
        return None
    return message.chat


def _meaning_of(message: Message, shown: Shown | None, is_edited: bool) -> Meaning:
    """Of a caption, and of what was edited, only words of danger count: they answer no screen.

    With such words nothing is kept, no file either: whoever finds this phone may not read of it.
    """
    has_file = find_enclosure(message) is not None
    if not (has_file or is_edited):
        if message.text is None and message.contact is None:
            return Unreadable()
        return understand(message.text or "", shown, "telegram")
    meaning = understand(message.text or message.caption or "", None, "telegram")
    if meaning == Said("offer"):
        return meaning
    if is_edited:
        return Corrected(meaning.text if isinstance(meaning, Typed) else "")
    return Typed("")


def _meaning_at_any_moment(update: Update, item: InboxItem) -> Meaning | None:
    """None for a press."""
    if update.message is None:
        return None
    return _meaning_of(update.message, None, is_correction(item.payload))


def _as_update(update: Update, message: Message, meaning: Meaning) -> Update:
    """A typed button becomes a press (with an empty id: there is nothing to answer).

    Of a text what can be read remains. What it quotes goes: there is one question at a time.
    """
    if not isinstance(meaning, Pressed):
        text = meaning.text if isinstance(meaning, Typed) else None
        plain = message.model_copy(update={"text": text or None, "reply_to_message": None})
        return Update(update_id=update.update_id, message=plain)
    press = CallbackQuery(
        id="",
        from_user=message.from_user or User(id=message.chat.id, is_bot=False, first_name=""),
        chat_instance="",
        data=meaning.data,
        message=InaccessibleMessage(chat=message.chat, message_id=message.message_id),
    )
    return Update(update_id=update.update_id, callback_query=press.as_(message.bot))


def _as_seen(update: Update, press: CallbackQuery, shown: Shown | None) -> Update:
    """A press of what the last screen did not offer says nothing: its data goes.

    An answer to a question that was asked outside the screens is offered for ever.
    """
    if find_answer(press) is not None or (shown is not None and shown.offers(press.data)):
        return update
    empty = press.model_copy(update={"data": None})
    return Update(update_id=update.update_id, callback_query=empty)


def build_conversation(app: App, telegram: Bot) -> Conversation:
    return Conversation(
        app=app,
        dispatcher=the_dispatcher(),
        telegram=telegram,
        sms=Bot(_SMS_BOT_TOKEN, session=SmsSession()),
        store=StateStore(app.redis, app.keyring),
        catalogue=load_catalogue(),
        gazetteer=load_gazetteer(),
        staff_cards=StaffCards(telegram, CatalogueCardWords(find_desk_url(app.settings))),
    )
