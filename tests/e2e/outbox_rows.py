"""Messages that wait for many people, and what became of each."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from services import addresses, outbox

_CHANNELS = ("telegram", "sms")


@dataclass(frozen=True)
class Promised:
    """One message that somebody must get."""

    id: int
    channel: str
    to: str
    text: str


async def promise_to_many(
    session: AsyncSession, *, people: int, each: int, first: int = 0
) -> list[Promised]:
    """So many messages to each of so many people, on Telegram and by SMS in turn.

    A text names its place in the person's row: it is unlike any other, and tells the order.
    """
    promised = []
    ids = {to: await _address_id(session, to) for to in _list_people(people)}
    for number in range(first, first + each):
        for to, address_id in ids.items():
            channel, words = _channel_of(to), f"{number:04} សារសាកល្បង"
            row_id = await outbox.enqueue(
                session, address_id=address_id, channel=channel, text=words, purpose="reply"
            )
            assert row_id is not None
            promised.append(Promised(row_id, channel, to, words))
    return promised


def _list_people(people: int) -> list[str]:
    return [_name(number) for number in range(people)]


def _name(number: int) -> str:
    return f"+8551299{number:04}" if number % 2 else str(9_100_000_000 + number)


def _channel_of(to: str) -> str:
    return _CHANNELS[to.startswith("+")]


async def _address_id(session: AsyncSession, to: str) -> int:
    found = await addresses.get_or_create(session, _channel_of(to), to, now=datetime.now(UTC))
    return int(found.id)


async def list_states(engine: AsyncEngine) -> dict[int, str]:
    """The state of each row by its id."""
    async with engine.connect() as connection:
        found = await connection.execute(text("SELECT id, state FROM outbox"))
        return {row.id: row.state for row in found}


async def has_ended(engine: AsyncEngine) -> bool:
    """Whether nothing is left to send."""
    is_left = "SELECT EXISTS (SELECT 1 FROM outbox WHERE state IN ('waiting', 'sending'))"
    async with engine.connect() as connection:
        return not await connection.scalar(text(is_left))


async def let_leases_end(engine: AsyncEngine) -> None:
    """A minute passes."""
    async with engine.begin() as connection:
        await connection.execute(
            text("UPDATE outbox SET leased_until = now() WHERE leased_until IS NOT NULL")
        )


@dataclass(frozen=True)
class Tally:
    """How a crowd of promised messages fared."""

    sent: int
    uncertain_arrived: int
    uncertain_lost: int
    uncertain_sms: int
    twice: int
    never: int
    others: Counter[str]

    def __str__(self) -> str:
        uncertain = self.uncertain_arrived + self.uncertain_lost
        return (
            f"{self.sent} sent, {uncertain} uncertain ({self.uncertain_arrived} of them arrived, "
            f"{self.uncertain_sms} of them SMS), {self.twice} arrived twice, "
            f"{self.never} sent without arriving, others {dict(self.others)}"
        )


def tally(
    promised: Sequence[Promised],
    states: dict[int, str],
    copies: Counter[tuple[str, str]],
) -> Tally:
    """Hold what the database believes against what the carrier has."""
    state = {one: states[one.id] for one in promised}
    arrived = {one: copies[one.to, one.text] for one in promised}
    sent = [one for one in promised if state[one] == "sent"]
    uncertain = [one for one in promised if state[one] == "uncertain"]
    return Tally(
        sent=len(sent),
        uncertain_arrived=sum(arrived[one] > 0 for one in uncertain),
        uncertain_lost=sum(arrived[one] == 0 for one in uncertain),
        uncertain_sms=sum(one.channel == "sms" and arrived[one] > 0 for one in uncertain),
        twice=sum(times > 1 for times in arrived.values()),
        never=sum(arrived[one] == 0 for one in sent),
        others=Counter(state.values()) - Counter({"sent": len(sent), "uncertain": len(uncertain)}),
    )
