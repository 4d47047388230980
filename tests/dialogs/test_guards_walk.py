"""From wherever somebody stands: a person is one word away, and the way back leads there again."""

import re
from collections.abc import AsyncIterator

import pytest

from bot.preview import list_windows
from db.models.address import address_index
from dialogs import navigation
from dialogs.states import ALL_GROUPS
from tests.dialogs.centre_staff import deliver, only_code, reply
from tests.dialogs.refer_somebody import may_refer
from tests.dialogs.walk import SMS_WAY, TELEGRAM_WAY, Stands, act, stands, words
from tests.people import Line, SmsPerson, TelegramPerson

CODE = re.compile(r"\b\d{6,10}\b")
# The offer of a call is what a word of danger is answered with.
WORD_OF_DANGER = "មិនចង់រស់"
# From window to window of "my data", to its end.
MY_DATA_WORDS = (
    "ព័ត៌មានរបស់ខ្ញុំ",
    "មើលទាំងអស់",
    "ថយក្រោយ",
    "អ្វីដែលខ្ញុំយល់ព្រម",
    "ដំណឹងការងារ",
    "ថយក្រោយ",
    "ថយក្រោយ",
    "ទូរសព្ទប្រើរួមគ្នា",
    "ថយក្រោយ",
    "យកព័ត៌មានទុក",
    "ថយក្រោយ",
    "លុបទាំងអស់",
    "ចង់លុបទាំងអស់",
)
RECEIPTS = [str(state.state) for state in navigation.RECEIPTS]
LANGUAGE_ANSWERS = {"km": "1", "en": "2"}


def _leads_back(before: Stands, after: Stands) -> bool:
    """What was received is told once, and words are asked about once: behind them lies the rest."""
    if before.window == "Talk:whose":
        return after.window == "MyData:shared"
    if before.window in RECEIPTS:
        return after.window in ("Menu:main", "Menu:mine", "Requests:one")
    return after == before


async def _call_and_return(phone: SmsPerson) -> None:
    """CALL makes a request whose code is told; back leads to the window that was left."""
    before = await stands(phone)
    told = await phone.send("CALL")
    assert CODE.search(told), told
    assert (await stands(phone)).window == "CallMe:done"
    await phone.send("0")
    assert _leads_back(before, await stands(phone))


@pytest.mark.parametrize("language", LANGUAGE_ANSWERS)
async def test_by_sms_a_call_is_one_word_away_from_every_window(line: Line, language: str) -> None:
    phone = line.phone()
    for window, text in SMS_WAY:
        asked = text if window != "Menu:main" else LANGUAGE_ANSWERS[language]
        await phone.send(asked)
        assert (await stands(phone)).window == window
        await _call_and_return(phone)
    for word, window in (("HELP", "Menu:how_to_use"), ("STOP", "Messages:stopped")):
        await phone.send(word)
        assert (await stands(phone)).window == window
        await _call_and_return(phone)


async def _ask_on_telegram(person: TelegramPerson, before: Stands) -> None:
    """The request stands, code and all, even before a number is known."""
    await person.write("ទូរសព្ទមកខ្ញុំ")
    assert (await stands(person)).window in ("CallMe:phone", "CallMe:done")
    assert CODE.search(person.screen), person.screen
    await person.write("ថយក្រោយ")
    if before.window != "CallMe:offer":  # the offer is taken, and gone
        assert _leads_back(before, await stands(person))


async def _skip_the_number(person: TelegramPerson) -> None:
    """Without a number nobody can call: the request stands, and is answered in writing."""
    other = person.line.person(person.id + 1)
    for word in ("/start", "ខ្មែរ", "ទូរសព្ទមកខ្ញុំ", "រំលង"):
        await other.write(word)
    assert (await stands(other)).window == "CallMe:no_number"
    assert CODE.search(other.screen), other.screen


async def _let_words_be_doubted(person: TelegramPerson) -> None:
    """The centre writes while a question of ours stands; then the person writes."""
    await person.write("/mydata")
    await person.press(words(person.line, "data-shared"))
    await reply(person.line, await only_code(person.line, "registration"), "ប៉ុន្មានខែហើយ?")
    await deliver(person.line)
    await person.write("៣ខែ")


async def _through_threads(person: TelegramPerson) -> AsyncIterator[Stands]:
    """Every window about what was asked for, each as it is reached."""
    line = person.line
    for typed in ("talk", "ចង់សួរអំពីប្រាក់ខែ", "my requests"):
        await person.write(typed)
        yield await stands(person)
    first = CODE.search(person.buttons[0])
    assert first is not None
    await reply(line, first[0], "ថ្ងៃចន្ទ។ " * 400)
    await person.press(person.buttons[0])
    yield await stands(person)
    await person.press(words(line, "request-read", count=1))
    yield await stands(person)
    await person.write(words(line, "button-back"))
    for action, typed in (("request-add", "ថ្ងៃចន្ទខ្ញុំទៅ"), ("request-withdraw", None)):
        await person.press(words(line, action))
        yield await stands(person)
        if typed is not None:
            await person.write(typed)
            yield await stands(person)
        if (await stands(person)).window != "Requests:one":
            await person.write(words(line, "button-back"))
    await person.write("ម៉ឺនុយ")
    await person.press_data("?1:1", person.chat[-1])
    yield await stands(person)


async def _through_passing_on(person: TelegramPerson) -> AsyncIterator[Stands]:
    """Every window about who is told what."""
    line = person.line
    await person.write("START")  # STOP was said before
    await may_refer(line, await only_code(line, "registration"))
    await person.write("ព័ត៌មានរបស់ខ្ញុំ")
    await person.press(words(line, "data-passed-on"))
    yield await stands(person)
    await person.press(person.buttons[0])
    yield await stands(person)
    await person.press(words(line, "consent-agree"), words(line, "passing-take-back"))
    yield await stands(person)
    await person.write("ម៉ឺនុយ")


async def test_on_telegram_a_call_is_one_word_away_from_every_window(line: Line) -> None:
    person = line.person()
    seen: set[str | None] = set()
    for window, acts in TELEGRAM_WAY:
        for kind, what in acts:
            await act(person, kind, what)
        before = await stands(person)
        assert before.window == window
        await _ask_on_telegram(person, before)
        seen.add(window)
    for word in ("របៀបប្រើ", "ឈប់", WORD_OF_DANGER, "ម៉ឺនុយ", "ការចុះឈ្មោះរបស់ខ្ញុំ"):
        await person.write(word)
        before = await stands(person)
        await _ask_on_telegram(person, before)
        seen.add(before.window)
    async for before in _through_threads(person):
        await _ask_on_telegram(person, before)
        seen.add(before.window)
    async for before in _through_passing_on(person):
        await _ask_on_telegram(person, before)
        seen.add(before.window)
    await _let_words_be_doubted(person)
    await _ask_on_telegram(person, before := await stands(person))
    seen.add(before.window)
    for word in ("ម៉ឺនុយ", *MY_DATA_WORDS):
        await person.write(word)
        before = await stands(person)
        if before.window not in seen:
            await _ask_on_telegram(person, before)
            seen.add(before.window)
    await _skip_the_number(person)
    seen |= {"CallMe:phone", "CallMe:no_number", "CallMe:done"}
    assert seen == {state.state for group in ALL_GROUPS for state in group.__all_states__}


async def test_what_is_kept_at_every_window_is_plain_json_under_neutral_names(line: Line) -> None:
    """Redis holds the state's name and ids; a topic in it would tell who has which trouble."""
    phone = line.phone()
    states = {state.state for _, state in list_windows()}
    for window, text in SMS_WAY:
        await phone.send(text)
        standing = await line.conversation.store.load(address_index("sms", phone.number))
        contexts = [part for name, part in standing.parts.items() if ":context:" in name]
        assert [context["state"] for context in contexts] == [window]
        assert window in states
        assert phone.number not in str(standing.parts)
        assert "សុខា" not in str(standing.parts)
