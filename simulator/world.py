"""The phones and carriers of one simulator, who watches them, and how they outlive a restart."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import Any

from simulator.config import Config
from simulator.phones import HISTORY, Phone, SmsMessage, SmsPhone, TelegramMessage, TelegramPhone
from simulator.state import Faults, State, load_state, save_state
from simulator.supervision import Supervisor

SAVE_DELAY = 0.2
NAMES = ("សុខា", "ចាន់ធី", "វណ្ណា", "ស្រីមុំ", "បូរ៉ា", "សុភ័ក្ត្រ", "ដារ៉ា", "ស្រីពៅ")

Event = dict[str, Any]


class UnknownPhoneError(Exception):
    """There is no phone of that name."""


class Subscription:
    """The events of the world since the moment of subscribing; ends when the world stops."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[Event | None] = asyncio.Queue()

    def put(self, event: Event | None) -> None:
        self._queue.put_nowait(event)

    async def __aiter__(self) -> AsyncIterator[Event]:
        while (event := await self._queue.get()) is not None:
            yield event


class World:
    """Everything there is; change it, then call `phone_changed` or `changed`."""

    def __init__(self, config: Config, *, now: Callable[[], float] = time.time) -> None:
        self.config = config
        self.now = now
        self.tasks = Supervisor()
        self.stopping = asyncio.Event()
        self.at_stop: list[Callable[[], None]] = []
        self._subscribers: set[Subscription] = set()
        self._save_timer: asyncio.TimerHandle | None = None
        path = config.state_file
        self.state = load_state(path) if path else State()

    # Phones

    @property
    def phones(self) -> list[TelegramPhone | SmsPhone]:
        return self.state.phones

    @property
    def faults(self) -> Faults:
        return self.state.faults

    def add_telegram_phone(
        self, *, name: str | None = None, number: str | None = None, language_code: str = "km"
    ) -> TelegramPhone:
        """A new phone with Telegram on it, its chat not yet started."""
        count = self._take_phone_number()
        phone = TelegramPhone(
            id=f"t{count}",
            name=name or NAMES[(count - 1) % len(NAMES)],
            user_id=700_000_000 + count,
            number=number or self._free_number(),
            language_code=language_code,
        )
        self._add(phone)
        return phone

    def add_sms_phone(
        self, *, name: str | None = None, number: str | None = None, shows_khmer: bool = True
    ) -> SmsPhone:
        """A new feature phone."""
        count = self._take_phone_number()
        phone = SmsPhone(
            id=f"s{count}",
            name=name or NAMES[(count - 1) % len(NAMES)],
            number=number or self._free_number(),
            shows_khmer=shows_khmer,
        )
        self._add(phone)
        return phone

    def _take_phone_number(self) -> int:
        count = self.state.next_phone
        self.state.next_phone += 1
        return count

    def _free_number(self) -> str:
        taken = {phone.number for phone in self.phones}
        numbers = (f"+85512{345_000 + i:06}" for i in itertools.count(1))
        return next(number for number in numbers if number not in taken)

    def _add(self, phone: Phone) -> None:
        self.phones.append(phone)
        self.phone_changed(phone)

    def get_phone(self, phone_id: str) -> Phone:
        """Raises UnknownPhoneError."""
        for phone in self.phones:
            if phone.id == phone_id:
                return phone
        raise UnknownPhoneError(f"there is no phone {phone_id}")

    def find_telegram_phone(self, user_id: int) -> TelegramPhone | None:
        for phone in self.phones:
            if isinstance(phone, TelegramPhone) and phone.user_id == user_id:
                return phone
        return None

    def find_sms_phone(self, number: str) -> SmsPhone | None:
        for phone in self.phones:
            if isinstance(phone, SmsPhone) and phone.number == number:
                return phone
        return None

    def remove_phone(self, phone: Phone) -> None:
        self.phones.remove(phone)
        self.publish({"type": "phone_removed", "id": phone.id})
        self.changed()

    def reset(self) -> None:
        """Remove all phones and what the carriers still hold for them; the bot stays as it is."""
        for phone in list(self.phones):
            self.remove_phone(phone)
        telegram = self.state.telegram
        telegram.updates.clear()
        telegram.open_queries.clear()
        self.state.twilio.clear()
        self.state.faults = Faults()
        self.faults_changed()

    def append_message(self, phone: Phone, message: TelegramMessage | SmsMessage) -> None:
        """Put a message at the end of a phone's conversation and tell everybody."""
        messages: list[Any] = phone.messages
        messages.append(message)
        del messages[:-HISTORY]
        self.phone_changed(phone)

    # Who watches

    def phone_changed(self, phone: Phone) -> None:
        """To be called after any change to a phone or its messages."""
        if self._subscribers:
            self.publish({"type": "phone", "phone": phone.public()})
        self.changed()

    def faults_changed(self) -> None:
        """To be called after any change to the faults, a count going down too."""
        self.publish({"type": "faults", "faults": self.faults})
        self.changed()

    def publish(self, event: Event) -> None:
        """Tell everybody who watches; an event is JSON and dataclasses."""
        for subscriber in self._subscribers:
            subscriber.put(event)

    @contextmanager
    def subscribe(self) -> Iterator[Subscription]:
        """All events from now on."""
        subscription = Subscription()
        if self.stopping.is_set():
            subscription.put(None)
        self._subscribers.add(subscription)
        try:
            yield subscription
        finally:
            self._subscribers.discard(subscription)

    # Outliving a restart

    def changed(self) -> None:
        """Save soon; many changes in a row are written once."""
        if self.config.state_file and self._save_timer is None:
            self._save_timer = asyncio.get_running_loop().call_later(SAVE_DELAY, self.save)

    def save(self) -> None:
        """Write the state file now."""
        if self._save_timer:
            self._save_timer.cancel()
            self._save_timer = None
        if self.config.state_file:
            save_state(self.state, self.config.state_file)

    def stop(self) -> None:
        """Let long polls and watchers go, so that the server can close without waiting."""
        self.stopping.set()
        for subscriber in self._subscribers:
            subscriber.put(None)
        for callback in self.at_stop:
            callback()

    async def aclose(self) -> None:
        """End background work and save for the last time."""
        self.stop()
        await self.tasks.aclose()
        self.save()
