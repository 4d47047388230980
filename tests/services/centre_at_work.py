"""A person, the staff of two centres, and words, for the tests of threads."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import Address, OutboxRow, Request, RequestEvent, Staff
from services import addresses, staff
from services.message_words import AskedQuestion, Passing, Worded

# A Friday morning: the centre is open, and nobody is asleep.
FRIDAY = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)


@dataclass
class PlainWords:
    """Says what it was asked to say; remembers the questions."""

    asked: list[AskedQuestion] = field(default_factory=list)

    def reply(self, language: str | None, channel: str, code: str, text: str) -> Worded:
        return Worded(f"{channel} {code}: {text}", "neutral")

    def help_came(
        self,
        language: str | None,
        channel: str,
        code: str,
        question: AskedQuestion,
        *,
        was_possible: bool = True,
    ) -> Worded:
        self.asked.append(question)
        return Worded(f"{code}: did help come?", "neutral", {"inline_keyboard": []})

    def handed_over(self, language: str | None, channel: str, code: str, centre: str) -> Worded:
        return Worded(f"{code}: {centre}", "neutral")

    def may_refer(
        self, language: str | None, channel: str, question: AskedQuestion, passed: Passing
    ) -> Worded:
        self.asked.append(question)
        return Worded(f"may {passed.agency_en} know?", "neutral", {"inline_keyboard": []})

    def referral_given(
        self, language: str | None, channel: str, code: str, passed: Passing
    ) -> Worded:
        return Worded(f"{code}: {passed.agency_en} knows", "neutral")

    def file_refused(
        self, language: str | None, channel: str, code: str | None, reason: str
    ) -> Worded:
        return Worded(reason, "neutral")


async def write_from(
    session: AsyncSession, value: str = "42", channel: str = "telegram", now: datetime = FRIDAY
) -> Address:
    """The address of somebody who has just written to us."""
    address = await addresses.get_or_create(session, channel, value, now=now)
    await addresses.touch(session, address, now=now)
    return address


async def hire(
    session: AsyncSession,
    name: str = "Sok",
    role: str = "case_worker",
    centre: str | None = "pursat",
) -> Staff:
    return await staff.add(session, name, role, centre, now=FRIDAY)


async def events_of(session: AsyncSession, request: Request) -> list[RequestEvent]:
    return list(await session.scalars(request.events.select()))


async def kinds_of(session: AsyncSession, request: Request) -> list[str]:
    return [event.kind for event in await events_of(session, request)]


async def outbox(session: AsyncSession) -> list[Any]:
    return list(await session.scalars(select(OutboxRow).order_by(OutboxRow.id)))
