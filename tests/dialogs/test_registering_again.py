"""Who withdrew the registration may register again: one press, and nothing is asked twice."""

from sqlalchemy import select

from db.models import Request
from services import addresses, consent
from tests.dialogs.centre_staff import only_code, state_of
from tests.dialogs.walk import question, stands, text_to, walk_to, words
from tests.people import NOW, Line, TelegramPerson


async def _codes(line: Line) -> list[str]:
    async with line.app.new_session.begin() as session:
        query = select(Request.code).where(Request.topic == "registration").order_by(Request.id)
        return list(await session.scalars(query))


async def _withdrawn(line: Line) -> TelegramPerson:
    person = await walk_to(line.person(), "Registration:done")
    code = await only_code(line, "registration")
    await person.write("សំណើរបស់ខ្ញុំ")
    await person.press(next(label for label in person.buttons if code in label))
    await person.press(words(line, "request-withdraw"), words(line, "request-withdraw-yes"))
    assert await state_of(line, code) == "withdrawn"
    await person.write("ម៉ឺនុយ")
    return person


async def test_the_menu_offers_to_register_again(line: Line) -> None:
    person = await _withdrawn(line)
    assert words(line, "menu-mine") not in person.buttons
    await person.press(words(line, "menu-register"))
    assert (await stands(person)).window == "Registration:summary"
    assert "សុខា" in person.screen
    await person.press(words(line, "button-confirm"))
    first, second = await _codes(line)
    assert (await stands(person)).window == "Registration:done"
    assert second in person.screen
    assert await state_of(line, second) == "new"
    assert await state_of(line, first) == "withdrawn"
    await person.write("ម៉ឺនុយ")
    assert words(line, "menu-mine") in person.buttons


async def test_a_correction_in_hand_goes_into_it(line: Line) -> None:
    person = await _withdrawn(line)
    await person.press(words(line, "menu-my_data"), words(line, "data-correct"))
    await person.press(words(line, "line-name"))
    await person.write("ចាន់ ធារី")
    await person.write("ម៉ឺនុយ")
    await person.press(words(line, "menu-register"))
    assert "ចាន់ ធារី" in person.screen
    await person.press(words(line, "button-confirm"))
    assert len(await _codes(line)) == 2


async def test_whoever_is_registered_and_says_so_again_corrects(line: Line) -> None:
    person = await walk_to(line.person(), "Registration:done")
    await person.write("ចុះឈ្មោះ")
    assert "សុខា" in person.screen
    await person.press(words(line, "button-confirm"))
    assert len(await _codes(line)) == 1


async def test_what_stood_there_before_says_so_too(line: Line) -> None:
    person = await walk_to(line.person(), "Registration:done")
    code = await only_code(line, "registration")
    await person.write("ម៉ឺនុយ")
    await person.press(words(line, "menu-mine"))
    assert code in person.screen
    await person.write("សំណើរបស់ខ្ញុំ")
    await person.press(next(label for label in person.buttons if code in label))
    await person.press(words(line, "request-withdraw"), words(line, "request-withdraw-yes"))
    await person.press(*[words(line, "button-back")] * 2)
    assert (await stands(person)).window == "Menu:mine"
    assert words(line, "held-not-registered") in person.screen


async def test_leaving_it_changes_nothing(line: Line) -> None:
    person = await _withdrawn(line)
    await person.press(words(line, "menu-register"), words(line, "button-back"))
    assert (await stands(person)).window == "Menu:main"
    assert words(line, "menu-register") in person.buttons
    assert len(await _codes(line)) == 1


async def test_whoever_agrees_no_more_is_asked_that_alone(line: Line) -> None:
    person = await _withdrawn(line)
    async with line.app.new_session.begin() as session:
        address = await addresses.get_or_create(session, "telegram", str(person.id), now=NOW)
        await consent.record(session, address, "service", False, "1", now=NOW)
    await person.press(words(line, "menu-register"), words(line, "button-confirm"))
    assert (await stands(person)).window == "Registration:consent"
    await person.press(words(line, "consent-agree"), words(line, "button-confirm"))
    assert len(await _codes(line)) == 2


async def test_the_same_by_sms(line: Line) -> None:
    phone = await text_to(line.phone(), "Registration:done")
    code = await only_code(line, "registration")
    await phone.send("សំណើ", "1", words(line, "request-withdraw", "sms"), "1")
    assert await state_of(line, code) == "withdrawn"
    await phone.send("ម៉ឺនុយ", "1")
    assert "សុខា" in phone.received[-1]
    said = await phone.send("1")
    assert question(line, "registration-done", "sms") in said
    assert len(await _codes(line)) == 2
