"""What happens to a message between the application and a phone, in both directions."""

import asyncio
from collections.abc import Mapping
from weakref import WeakKeyDictionary, ref

from simulator.config import Config
from simulator.phones import SmsMessage, SmsPhone
from simulator.twilio import errors
from simulator.twilio.keywords import effect_of
from simulator.twilio.ledger import API_VERSION, Direction, Ledger, Record, new_sid
from simulator.twilio.numbers import is_landline
from simulator.twilio.segments import count_segments, utf16_units
from simulator.twilio.webhooks import INBOUND_PAUSES, STATUS_PAUSES, post_webhook
from simulator.world import World

PRICE_PER_PART = 0.05
CURRENCY = "USD"

# Seconds that a message stays in one status: long enough to be seen moving on the page.
STEP = 0.05

Form = Mapping[str, str]


def price_of(parts: int) -> float:
    """What a message costs the account."""
    return round(PRICE_PER_PART * parts, 5)


class Carrier:
    """The SMS carrier of one world."""

    def __init__(self, world: World, config: Config) -> None:
        # Weak, or the table of carriers below would keep every world alive.
        self._world = ref(world)
        self.config = config
        self.ledger = Ledger(world.state.twilio)
        self._lines: dict[str, asyncio.Lock] = {}

    @property
    def world(self) -> World:
        world = self._world()
        assert world is not None, "the carrier outlived its world"
        return world

    def resume(self) -> None:
        """Go on with what was under way when the simulator was stopped."""
        for record in self.ledger:
            if record.webhook_due:
                self._deliver_inbound_soon(record)
            elif not record.is_settled:
                self._carry_soon(record)

    def _new_record(
        self, direction: Direction, sender: str, to: str, body: str, status: str
    ) -> Record:
        now = self.world.now()
        parts = count_segments(body).parts
        return Record(new_sid("SM"), direction, sender, to, body, parts, status, now, now)

    # From the application to a phone

    def send(
        self, *, to: str, body: str, service_sid: str | None, status_callback: str | None
    ) -> Record:
        """Accept a message that was checked, and carry it in the background."""
        record = self._new_record("outbound-api", self.config.sender, to, body, "queued")
        if service_sid:
            record.service_sid, record.sender, record.status = service_sid, None, "accepted"
        record.status_callback = status_callback
        record.fate = self._fate(to)
        return self._send(record)

    def _send(self, record: Record) -> Record:
        self.ledger.add(record)
        if phone := self.world.find_sms_phone(record.to):
            self._show(phone, record)
        self.world.changed()
        self._carry_soon(record)
        return record

    def _fate(self, to: str) -> int | None:
        """The error that a message to this number will end with, None if it will arrive."""
        if self.take_fault("undelivered_next"):
            return errors.UNREACHABLE_HANDSET
        if self.world.find_sms_phone(to):
            return None
        return errors.LANDLINE if is_landline(to) else errors.UNKNOWN_HANDSET

    def _carry_soon(self, record: Record) -> None:
        self.world.tasks.spawn(self._carry(record), f"sms {record.sid}")

    async def _carry(self, record: Record) -> None:
        """Take a message through its statuses; an application that is slow to hear of them
        does not hold it up."""
        reports: asyncio.Queue[Form | None] = asyncio.Queue()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._tell(record, reports))
            reports.put_nowait(self._status_form(record))
            while not record.is_final:
                await asyncio.sleep(STEP)
                if record not in self.ledger:
                    break
                self._advance(record)
                reports.put_nowait(self._status_form(record))
            reports.put_nowait(None)

    async def _tell(self, record: Record, reports: asyncio.Queue[Form | None]) -> None:
        """Tell the application of each status, or of all of them backwards at the end."""
        held: list[Form] = []
        while (form := await reports.get()) is not None:
            if self.world.faults.twilio.reorder_statuses:
                held.append(form)
            else:
                await self._report(record, form)
        for form in reversed(held):
            await self._report(record, form)

    def _advance(self, record: Record) -> None:
        record.status = self._next_status(record)
        record.updated = self.world.now()
        if record.status == "queued":
            record.sender = self.config.sender
        if record.status == "sent":
            record.sent = record.updated
        if record.status in {"delivered", "undelivered"}:
            record.price = price_of(record.parts)
        if record.status in {"undelivered", "failed"}:
            record.error_code = record.fate
        self._show_status(record)

    def _next_status(self, record: Record) -> str:
        if record.status == "sending" and self._is_refused(record):
            record.fate = errors.UNSUBSCRIBED
            return "failed"
        if record.status == "sent":
            return "undelivered" if record.fate else "delivered"
        return {"accepted": "queued", "queued": "sending", "sending": "sent"}[record.status]

    def _is_refused(self, record: Record) -> bool:
        """Whether the person sent STOP while the message waited."""
        phone = self.world.find_sms_phone(record.to)
        return record.direction == "outbound-api" and phone is not None and phone.stopped

    async def _report(self, record: Record, form: Form) -> None:
        url = record.status_callback
        if url:
            copies = self._copies()
            await post_webhook(self.config, url, form, copies=copies, pauses=STATUS_PAUSES)
        if form["MessageStatus"] == record.status:
            record.told = record.status

    def _status_form(self, record: Record) -> Form:
        form = {
            "AccountSid": self.config.twilio_sid,
            "ApiVersion": API_VERSION,
            "From": record.sender or "",
            "MessageSid": record.sid,
            "MessageStatus": record.status,
            "SmsSid": record.sid,
            "SmsStatus": record.status,
            "To": record.to,
        }
        if record.service_sid:
            form["MessagingServiceSid"] = record.service_sid
        if record.error_code:
            form["ErrorCode"] = str(record.error_code)
        return form

    # From a phone to the application

    def receive(self, phone: SmsPhone, body: str) -> None:
        """A person sends a text: obey the carrier's own words, then hand it on."""
        record = self._new_record("inbound", phone.number, self.config.sender, body, "received")
        record.sent, record.price, record.webhook_due = record.created, 0.0, True
        self.ledger.add(record)
        self._show(phone, record)
        self._obey(phone, body)
        self._deliver_inbound_soon(record)

    def _obey(self, phone: SmsPhone, body: str) -> None:
        effect = effect_of(body, stopped=phone.stopped)
        if effect is None:
            return
        phone.stopped = effect.stopped
        sender = self.config.sender
        self._send(
            self._new_record("outbound-reply", sender, phone.number, effect.answer, "queued")
        )

    def _deliver_inbound_soon(self, record: Record) -> None:
        self.world.tasks.spawn(self._deliver_inbound(record), f"sms {record.sid}")

    async def _deliver_inbound(self, record: Record) -> None:
        """Hand a text to the application, one at a time per phone so that they stay in order."""
        url = self.config.public_url.rstrip("/") + "/sms/inbound"
        async with self._lines.setdefault(record.sender or "", asyncio.Lock()):
            if record not in self.ledger:
                return
            await post_webhook(
                self.config,
                url,
                self._inbound_form(record),
                copies=self._copies(),
                pauses=INBOUND_PAUSES,
            )
        record.webhook_due = False
        self.world.changed()

    def _inbound_form(self, record: Record) -> Form:
        return {
            "AccountSid": self.config.twilio_sid,
            "ApiVersion": API_VERSION,
            "Body": record.body,
            "From": record.sender or "",
            "MessageSid": record.sid,
            "NumMedia": "0",
            "NumSegments": str(record.parts),
            "SmsMessageSid": record.sid,
            "SmsSid": record.sid,
            "SmsStatus": record.status,
            "To": record.to,
        }

    # What the phone shows

    def _show(self, phone: SmsPhone, record: Record) -> None:
        counted = count_segments(record.body)
        inbound = record.direction == "inbound"
        message = SmsMessage(
            sid=record.sid,
            sender="person" if inbound else "centre",
            body=record.body,
            parts=counted.parts,
            encoding=counted.encoding,
            status=record.status,
            date=record.created,
            price=0.0 if inbound else price_of(counted.parts),
        )
        self.world.append_message(phone, message)

    def _show_status(self, record: Record) -> None:
        phone = self.world.find_sms_phone(record.to)
        shown = next((m for m in phone.messages if m.sid == record.sid), None) if phone else None
        if phone and shown:
            shown.status = record.status
            self.world.phone_changed(phone)
        self.world.changed()

    # Trouble on demand

    def _copies(self) -> int:
        return 2 if self.take_fault("duplicate_next") else 1

    def take_fault(self, name: str) -> bool:
        """Whether the next thing of that kind goes wrong; counts down."""
        faults = self.world.faults.twilio
        left = getattr(faults, name)
        if not left:
            return False
        setattr(faults, name, left - 1)
        self.world.publish({"type": "faults", "faults": self.world.faults})
        self.world.changed()
        return True


_CARRIERS: WeakKeyDictionary[World, Carrier] = WeakKeyDictionary()


def carrier_of(world: World, config: Config) -> Carrier:
    """The one SMS carrier of a world."""
    if world not in _CARRIERS:
        _CARRIERS[world] = Carrier(world, config)
    return _CARRIERS[world]


class RefusedTextError(Exception):
    """A phone cannot send this text."""


async def phone_sms(world: World, config: Config, phone: SmsPhone, body: str) -> None:
    """A person sends an SMS to the centre. Raises RefusedTextError for an empty or endless one."""
    if not body.strip():
        raise RefusedTextError("an SMS cannot be empty")
    if utf16_units(body) > errors.MAX_BODY_UNITS:
        raise RefusedTextError(f"an SMS is at most {errors.MAX_BODY_UNITS} characters")
    carrier_of(world, config).receive(phone, body)


def resume(world: World, config: Config) -> None:
    """Go on with the messages of the last run; to be called once, in the running loop."""
    carrier_of(world, config).resume()
