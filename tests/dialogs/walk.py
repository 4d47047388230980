"""Ways to every window, for the tests that try to break it there."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from db.models.address import address_index
from services import addresses, drafts, registration
from tests.people import NOW, Line, SmsPerson, TelegramPerson

CONTACT = {"phone_number": "85512345678", "first_name": "S"}

# What brings somebody from one window to the next: a key of the catalogue, a place to press, or
# what is typed or shared.
TELEGRAM_WAY: tuple[tuple[str, tuple[tuple[str, Any], ...]], ...] = (
    ("Language:choose", (("write", "/start"),)),
    ("Menu:main", (("place", "ខ្មែរ"),)),
    ("Registration:consent", (("press", "menu-register"),)),
    ("Registration:name", (("press", "consent-agree"),)),
    ("Registration:age", (("write", "សុខា"),)),
    ("Registration:sex", (("write", "៣២"),)),
    ("Registration:province", (("press", "sex-female"),)),
    ("Registration:district", (("place", "ពោធិ៍សាត់"),)),
    ("Registration:commune", (("place", "បាកាន"),)),
    ("Registration:phone", (("place", "មេទឹក"),)),
    ("Registration:wanted", (("contact", None),)),
    ("Registration:sectors", (("place", "ពោធិ៍សាត់"), ("press", "button-done"))),
    ("Registration:salary", (("press", "sector-garment"), ("press", "button-done"))),
    ("Registration:summary", (("write", "250$"),)),
    ("Registration:correct", (("press", "button-correct"),)),
    ("Registration:purposes", (("press", "button-back"), ("press", "button-confirm"))),
    ("Registration:done", (("press", "button-skip"),)),
)
TELEGRAM_WINDOWS = [state for state, _ in TELEGRAM_WAY]
# Where a form goes on; choosing what to correct is no step of it, its summary is; what is asked
# after confirming is not either.
FORM_WINDOWS = [
    state
    for state in TELEGRAM_WINDOWS
    if state.startswith("Registration") and not state.endswith((":done", ":correct", ":purposes"))
]

# The straight way by SMS; a Cambodian number is not asked for its phone.
SMS_WAY: tuple[tuple[str, str], ...] = (
    ("Language:choose", "hello"),
    ("Menu:main", "1"),
    ("Registration:consent", "1"),
    ("Registration:name", "1"),
    ("Registration:age", "សុខា"),
    ("Registration:sex", "៣២"),
    ("Registration:province", "1"),
    ("Registration:district", "2"),
    ("Registration:commune", "1"),
    ("Registration:wanted", "1"),
    ("Registration:sectors", "1 3"),
    ("Registration:salary", "1"),
    ("Registration:summary", "250"),
    ("Registration:purposes", "1"),
    ("Registration:done", "00"),
)
SMS_WINDOWS = [state for state, _ in SMS_WAY]


def words(line: Line, key: str, channel: str = "telegram", **values: object) -> str:
    """The Khmer words of a key."""
    return line.conversation.catalogue.text(key, "km", channel, **values)


def question(line: Line, key: str, channel: str = "telegram") -> str:
    """The first line of a window's words, up to its first placeholder."""
    template = line.conversation.catalogue.template(key, "km", channel)
    return template.partition("{")[0].partition("\n")[0].strip()


async def act(person: TelegramPerson, kind: str, what: Any) -> None:
    if kind == "write":
        await person.write(what)
    elif kind == "press":
        await person.press(words(person.line, what))
    elif kind == "place":
        await person.press(what)
    else:
        await person.send(contact=CONTACT | {"user_id": person.id})


async def walk_to(person: TelegramPerson, window: str) -> TelegramPerson:
    for state, acts in TELEGRAM_WAY:
        for kind, what in acts:
            await act(person, kind, what)
        if state == window:
            assert (await stands(person)).window == window
            return person
    raise AssertionError(f"no way to {window}")


async def text_to(phone: SmsPerson, window: str) -> SmsPerson:
    for state, text in SMS_WAY:
        await phone.send(text)
        if state == window:
            assert (await stands(phone)).window == window
            return phone
    raise AssertionError(f"no way to {window}")


@dataclass(frozen=True)
class Stands:
    """What is kept about a conversation: the window, and the answers of the form."""

    window: str | None
    answers: Mapping[str, object] | None


def again(before: Stands) -> Stands:
    """Where somebody stands after an aside: what only told something is not told again."""
    return replace(before, window="Menu:main") if before.window == "Registration:done" else before


async def stands(person: TelegramPerson | SmsPerson) -> Stands:
    line = person.line
    channel, value = address_of(person)
    standing = await line.conversation.store.load(address_index(channel, value))
    stack = standing.parts.get("aiogd:stack:", {})
    window = None
    if intents := stack.get("intents"):
        window = standing.parts[f"aiogd:context:{intents[-1]}"]["state"]
    async with line.app.new_session.begin() as session:
        address = await addresses.find(session, channel, value)
        draft = address and await drafts.find_draft(session, address.id, registration.FORM)
    return Stands(window, draft.answers if draft else None)


def address_of(person: TelegramPerson | SmsPerson) -> tuple[str, str]:
    if isinstance(person, TelegramPerson):
        return "telegram", str(person.id)
    return "sms", person.number


async def clone(person: TelegramPerson, chat_id: int) -> TelegramPerson:
    """Somebody else who stands exactly where this person stands, with the same chat."""
    line, store = person.line, person.line.conversation.store
    old, new = (address_index("telegram", str(each)) for each in (person.id, chat_id))
    standing = await store.load(old)
    for part in standing.parts.values():
        if "access_settings" in part:
            part["access_settings"] = {"user_ids": [chat_id]}
    await store.save(new, standing)
    async with line.app.new_session.begin() as session:
        source = await addresses.find(session, "telegram", str(person.id))
        assert source is not None
        address = await addresses.get_or_create(session, "telegram", str(chat_id), now=NOW)
        await addresses.touch(session, address, now=NOW)
        if source.language is not None:
            await addresses.set_language(session, address.id, source.language)
        draft = await drafts.find_draft(session, source.id, registration.FORM)
        if draft is not None:
            session.add(
                drafts.Draft(
                    address_id=address.id,
                    form=draft.form,
                    answers=dict(draft.answers),
                    step=draft.step,
                )
            )
    line.memory.messages[chat_id] = dict(line.memory.messages[person.id])
    return line.person(chat_id)
