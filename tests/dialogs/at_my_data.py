"""People who stand before what is kept about them, for the tests of that menu."""

from typing import Any

from sqlalchemy import func, select

from db.models import Address
from tests.dialogs.walk import address_of, stands, text_to, walk_to
from tests.people import Line, SmsPerson, TelegramPerson

MY_DATA = "ព័ត៌មានរបស់ខ្ញុំ"
MOST_PARTS = 3
DAY = "20 វិច្ឆិកា"


async def registered(line: Line) -> TelegramPerson:
    person = await walk_to(line.person(), "Registration:done")
    await person.write(MY_DATA)
    assert (await stands(person)).window == "MyData:main"
    return person


async def registered_by_sms(line: Line) -> SmsPerson:
    phone = await text_to(line.phone(), "Registration:done")
    await phone.send(MY_DATA)
    assert (await stands(phone)).window == "MyData:main"
    return phone


async def count_rows(line: Line, model: type[Any]) -> int:
    async with line.app.new_session.begin() as session:
        return await session.scalar(select(func.count()).select_from(model)) or 0


async def address_known(person: TelegramPerson | SmsPerson) -> Address:
    channel, value = address_of(person)
    async with person.line.app.new_session.begin() as session:
        found = await session.scalars(select(Address).where(Address.channel == channel))
        return next(each for each in found if each.value == value)
