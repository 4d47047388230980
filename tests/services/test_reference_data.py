import time
from datetime import datetime

import pytest
from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import Centre, CentreArea, LoadedFile, Place, Request
from services import centres, demo, reference_data
from services.errors import ReferenceDataMissing
from services.request_queue import list_requests


async def test_the_gazetteer_is_loaded_whole(session: AsyncSession) -> None:
    query = select(Place.level, func.count().label("number")).group_by(Place.level)
    counts = {row.level: row.number for row in await session.execute(query)}
    assert counts == {
        "province": 25,
        "district": 210,
        "commune": 1652,
    }


async def test_unchanged_files_are_not_loaded_again(session: AsyncSession) -> None:
    started = time.perf_counter()
    assert await reference_data.load(session) == []
    assert time.perf_counter() - started < 0.5


async def test_a_changed_file_is_loaded_over_what_was_there(session: AsyncSession) -> None:
    for file in await session.scalars(select(LoadedFile)):
        file.digest = "older"
    (await session.get_one(Place, "150301")).name_en = "Wrong"
    await session.execute(delete(CentreArea).where(CentreArea.centre_id == "pursat"))
    await session.flush()
    session.expunge_all()
    assert await reference_data.load(session) == ["gazetteer", "centres.csv"]
    assert (await session.get_one(Place, "150301")).name_en == "Anlong Tnaot"
    assert (await session.get_one(CentreArea, "15")).centre_id == "pursat"


async def test_what_staff_said_of_a_centre_is_not_taken_back_by_a_file(
    session: AsyncSession,
) -> None:
    for file in await session.scalars(select(LoadedFile)):
        file.digest = "older"
    (await session.get_one(Centre, "pursat")).takes_rest = False
    await session.flush()
    other = await session.get_one(Centre, "preah-vihear")
    other.takes_rest, other.name_en = True, "As it says on its door"
    await session.flush()
    await session.execute(delete(CentreArea).where(CentreArea.centre_id == "oddar-meanchey"))
    await session.execute(delete(Centre).where(Centre.id == "oddar-meanchey"))
    session.expunge_all()
    await reference_data.load(session)
    found = {centre.id: centre for centre in await session.scalars(select(Centre))}
    assert found["oddar-meanchey"].name_en == "Migrant Worker Resource Centre Oddar Meanchey"
    assert found["preah-vihear"].name_en == "As it says on its door"
    assert [one.id for one in found.values() if one.takes_rest] == ["preah-vihear"]


@pytest.mark.parametrize(
    ("commune", "centre"),
    [
        ("220101", "oddar-meanchey"),
        ("150301", "pursat"),
        ("130101", "preah-vihear"),
        ("010201", "pursat"),
        (None, "pursat"),
    ],
)
async def test_the_home_commune_decides_on_the_centre(
    session: AsyncSession, commune: str | None, centre: str
) -> None:
    assert (await centres.centre_for(session, commune)).id == centre


async def test_the_most_exact_area_wins(session: AsyncSession) -> None:
    session.add(CentreArea(place_code="1503", centre_id="preah-vihear"))
    await session.flush()
    assert (await centres.centre_for(session, "150301")).id == "preah-vihear"
    assert (await centres.centre_for(session, "150101")).id == "pursat"


async def test_a_database_without_centres_says_so(session: AsyncSession) -> None:
    (await session.get_one(Centre, "pursat")).takes_rest = False
    await session.flush()
    with pytest.raises(ReferenceDataMissing):
        await centres.centre_for(session, None)


async def test_the_demo_people_are_loaded_once_and_say_that_they_are_a_demo(
    session: AsyncSession, now: datetime
) -> None:
    assert await demo.load(session, now=now)
    assert not await demo.load(session, now=now)
    waiting = await list_requests(session)
    assert {request.centre_id for request in waiting} == {
        "oddar-meanchey",
        "pursat",
        "preah-vihear",
    }
    assert all(line.is_demo and line.name and "Demo" in line.name for line in waiting)
    assert await session.scalar(select(func.count()).select_from(Request)) == len(waiting) == 3
