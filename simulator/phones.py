"""The two kinds of phones, what lies on them, and how the page sees them.

Plain dataclasses, so that the whole world can be written to a file and read back as it was.
`public()` gives the JSON of the control API; everything else stays inside the simulator.
"""

from dataclasses import dataclass, field
from typing import Any, Literal

HISTORY = 300
"""Messages kept per phone; older ones vanish, as the page shows a phone whole after each change."""

JSON = dict[str, Any]


def file_url(file_id: str) -> str:
    """Where the page finds a file that went over the Telegram carrier."""
    return f"/simulator/api/files/{file_id}"


@dataclass
class TelegramMessage:
    """One message of a chat; `content` holds its Bot API fields (text, entities, photo, …)."""

    message_id: int
    sender: Literal["bot", "person", "service"]
    date: int
    content: JSON
    inline_keyboard: list[list[JSON]] | None = None
    edit_date: int | None = None
    reply_to: int | None = None

    def public(self) -> JSON:
        """The message as the page shows it."""
        content = self.content
        photo = content.get("photo")
        return {
            "message_id": self.message_id,
            "from": self.sender,
            "date": self.date,
            "edited": self.edit_date is not None,
            "text": content.get("text"),
            "entities": content.get("entities") or content.get("caption_entities") or [],
            "caption": content.get("caption"),
            "photo": {"url": file_url(photo[-1]["file_id"])} if photo else None,
            "voice": _media(content.get("voice"), "duration"),
            "audio": _media(content.get("audio"), "duration", "title", "file_name"),
            "document": _media(content.get("document"), "file_name"),
            "contact": _only(content.get("contact"), "phone_number", "first_name"),
            "location": _only(content.get("location"), "latitude", "longitude"),
            "inline_keyboard": self.inline_keyboard,
            "reply_to": self.reply_to,
        }


def _only(value: JSON | None, *keys: str) -> JSON | None:
    return {key: value.get(key) for key in keys} if value else None


def _media(value: JSON | None, *keys: str) -> JSON | None:
    return {"url": file_url(value["file_id"])} | {k: value.get(k) for k in keys} if value else None


@dataclass
class TelegramPhone:
    """A person's Telegram with one chat: the one with the bot."""

    id: str
    name: str
    user_id: int
    number: str
    language_code: str = "km"
    kind: Literal["telegram"] = "telegram"
    started: bool = False
    blocked: bool = False
    typing: bool = False
    reply_keyboard: list[list[JSON]] | None = None
    one_time_keyboard: bool = False
    messages: list[TelegramMessage] = field(default_factory=list)

    def find_message(self, message_id: int) -> TelegramMessage | None:
        """The message of that number, unless it was deleted or is too old to be kept."""
        return next((m for m in reversed(self.messages) if m.message_id == message_id), None)

    def public(self) -> JSON:
        """The phone as the page shows it."""
        return {
            "id": self.id,
            "kind": self.kind,
            "name": self.name,
            "user_id": self.user_id,
            "language_code": self.language_code,
            "number": self.number,
            "started": self.started,
            "blocked": self.blocked,
            "typing": self.typing,
            "reply_keyboard": self.reply_keyboard,
            "messages": [message.public() for message in self.messages],
        }


@dataclass
class SmsMessage:
    """One SMS as the phone shows it; what Twilio keeps about it is the SMS carrier's own."""

    sid: str
    sender: Literal["centre", "person"]
    body: str
    parts: int
    encoding: Literal["GSM-7", "UCS-2"]
    status: str
    date: float
    price: float = 0.0

    def public(self) -> JSON:
        """The message as the page shows it."""
        return {
            "sid": self.sid,
            "from": self.sender,
            "body": self.body,
            "parts": self.parts,
            "encoding": self.encoding,
            "price": self.price,
            "status": self.status,
            "date": self.date,
        }


@dataclass
class SmsPhone:
    """A feature phone: SMS only, and perhaps a screen that draws boxes instead of Khmer."""

    id: str
    name: str
    number: str
    kind: Literal["sms"] = "sms"
    shows_khmer: bool = True
    stopped: bool = False
    messages: list[SmsMessage] = field(default_factory=list)

    def public(self) -> JSON:
        """The phone as the page shows it."""
        return {
            "id": self.id,
            "kind": self.kind,
            "name": self.name,
            "number": self.number,
            "shows_khmer": self.shows_khmer,
            "stopped": self.stopped,
            "messages": [message.public() for message in self.messages],
        }


Phone = TelegramPhone | SmsPhone
