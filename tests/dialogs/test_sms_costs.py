"""What the minimum registration costs by SMS, beside a renderer that does nothing clever.

The naive one sends each Telegram screen as it is: its words, the whole list without pages, and
every button numbered as one more option, back and menu too. The table is printed.
"""

import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pytest

from services import addresses, keywords, sms_text
from services.request_queue import list_requests
from tests.dialogs.walk import CONTACT, SMS_WAY
from tests.people import Line, SmsPerson, TelegramPerson, open_line
from tests.served_app import make_app
from tests.support import Database

MOST_PARTS_OF_A_SCREEN = 3
MOST_PARTS_IN_ALL = 30
LEAST_RATIO = 1.75
CONSENT = "Registration:consent"  # told in full, whatever it costs
ASKING = re.compile(r"ផ្ញើ|ឆ្លើយ|សូម|\b(?:send|reply|answer|please|press)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Row:
    window: str
    ours: str
    naive: str

    @property
    def parts(self) -> int:
        return sms_text.count(self.ours).parts

    @property
    def naive_parts(self) -> int:
        return sms_text.count(sms_text.clean(self.naive)).parts


async def naive_screen(person: TelegramPerson, more: str) -> str:
    """The screen in hand with every option there is, all pages of its list joined."""
    text, options, rest = person.screen, [], []
    while True:
        markup = person.chat[-1].reply_markup
        rows = markup.inline_keyboard if markup else []
        labels = [button.text for row in rows for button in row]
        tail = labels.index(more) if more in labels else len(labels)
        options += [label for label in labels[:tail] if label not in options]
        rest = [label for label in labels[tail + 1 :] if label not in options]
        if more not in labels:
            break
        await person.press(more)
    lines = [f"{number} {label}" for number, label in enumerate([*options, *rest], 1)]
    return "\n".join([text, *lines])


# The same answers on Telegram, by window: what is written or pressed there.
ANSWERS_ON_TELEGRAM: dict[str, tuple[str, ...]] = {
    "Language:choose": ("ខ្មែរ",),
    "Menu:main": ("ចុះឈ្មោះ",),
    CONSENT: ("យល់ព្រម",),
    "Registration:name": ("សុខា",),
    "Registration:age": ("៣២",),
    "Registration:sex": ("ស្រី",),
    "Registration:province": ("ពោធិ៍សាត់",),
    "Registration:district": ("បាកាន",),
    "Registration:commune": ("មេទឹក",),
    "Registration:wanted": ("ពោធិ៍សាត់",),
    "Registration:sectors": ("កាត់ដេរ", "បន្ត"),
    "Registration:salary": ("250$",),
    "Registration:summary": ("ត្រឹមត្រូវហើយ",),
    "Registration:purposes": ("រំលង",),
    "Registration:done": (),
}


async def _walk(line: Line) -> list[Row]:
    """Both people give the same answers; the naive screens are the Telegram person's."""
    phone, person = line.phone(), line.person()
    more = line.conversation.catalogue.text("button-more", "km")
    await person.write("/start")
    rows = []
    for window, text in SMS_WAY:
        ours = await phone.send(text)
        rows.append(Row(window, ours, await naive_screen(person, more)))
        for answer in ANSWERS_ON_TELEGRAM[window]:
            await person.write(answer)
        if window == "Registration:commune":  # known by SMS, asked on Telegram
            await person.send(contact=CONTACT | {"user_id": person.id})
    return rows


def table(rows: list[Row]) -> str:
    lines = [f"{'window':24} {'units':>6} {'parts':>6} {'naive':>6}"]
    lines += [
        f"{row.window:24} {sms_text.units(row.ours):6} {row.parts:6} {row.naive_parts:6}"
        for row in rows
    ]
    ours, naive = sum(row.parts for row in rows), sum(row.naive_parts for row in rows)
    lines.append(f"{'together':24} {'':6} {ours:6} {naive:6}   {naive / ours:.1f} times as many")
    return "\n".join(lines)


async def test_the_minimum_registration_costs_at_most_thirty_parts(
    line: Line, record_property: Callable[[str, str], None]
) -> None:
    rows = await _walk(line)
    record_property("table", table(rows))
    assert {row.window for row in rows} == set(ANSWERS_ON_TELEGRAM)
    for row in rows:
        assert row.parts <= MOST_PARTS_OF_A_SCREEN or row.window == CONSENT, row.ours
        assert row.parts <= row.naive_parts
    assert sum(row.parts for row in rows) <= MOST_PARTS_IN_ALL
    assert sum(row.naive_parts for row in rows) >= LEAST_RATIO * sum(row.parts for row in rows)


async def test_every_answer_to_something_unclear_is_one_part(line: Line) -> None:
    phone = line.phone()
    for window, text in SMS_WAY:
        await phone.send(text)
        if window in ("Registration:name", "Registration:summary"):
            continue  # any words are a name; the summary's lines are said again below
        unclear = await phone.send("????")
        assert sms_text.count(unclear).parts == 1, unclear


@pytest.fixture
async def one_way(db: Database, redis_url: str) -> AsyncIterator[SmsPerson]:
    """Somebody whose answers cannot come back: the sender is a name, not a number."""
    async with make_app(db.engine, redis_url, database_url=db.url, sms_two_way=False) as app:
        yield open_line(app).phone()


@pytest.mark.parametrize("text", ["hello", "1", "CALL", "MENU", "????"])
async def test_what_cannot_be_answered_asks_for_no_answer(one_way: SmsPerson, text: str) -> None:
    """It ends in what happens by itself: a person calls."""
    told = await one_way.send(text)
    assert not ASKING.search(told), told
    assert not re.search(r"^(?:\*|\d{1,2}) ", told, re.MULTILINE), told
    last_sentence = [part for part in told.split("។") if part.strip()][-1]
    assert "ទូរសព្ទទៅបង" in last_sentence
    assert sms_text.count(told).parts <= MOST_PARTS_OF_A_SCREEN


async def test_so_it_is_while_the_centre_is_closed(one_way: SmsPerson) -> None:
    """After the Water Festival, on a Thursday."""
    in_the_evening = datetime(2026, 11, 20, 12, tzinfo=UTC)
    line = one_way.line
    line.conversation = replace(line.conversation, now=lambda: in_the_evening)
    told = await one_way.send("CALL")
    assert told.endswith("យើងនឹងទូរសព្ទទៅបង ពីថ្ងៃព្រហស្បតិ៍ ម៉ោង 8 ព្រឹក។")
    assert sms_text.count(told).parts <= 2, told


async def test_a_stop_that_cannot_be_answered_is_obeyed_in_silence(one_way: SmsPerson) -> None:
    answers = await one_way.line.take("sms", {"From": one_way.number, "Body": "STOP"})
    assert not answers
    async with one_way.line.app.new_session.begin() as session:
        address = await addresses.find(session, "sms", one_way.number)
        waiting = await list_requests(session)
    assert address is not None
    assert address.stopped_at is not None
    assert not waiting


async def test_a_word_of_danger_that_cannot_be_answered_sets_nothing_going(
    one_way: SmsPerson,
) -> None:
    """Whoever holds this phone may not be free to be called; the words say nothing of it."""
    told = await one_way.send("មិនចង់រស់")
    assert not ASKING.search(told), told
    assert "ទូរសព្ទ" not in told
    assert not [found for found in keywords.scan(told) if found.tier == "A"]
    async with one_way.line.app.new_session.begin() as session:
        assert not await list_requests(session)
