"""What narrows the desk's list, as it is written in an address."""

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import Request
from services import requests, threads
from services.desk_filters import Filters
from services.desk_queue import list_page
from tests.services.centre_at_work import FRIDAY, write_from
from tests.services.desk_visitors import register, visit


@pytest.fixture
async def registration_and_call(session: AsyncSession) -> tuple[Request, Request]:
    """Somebody registered by SMS in Pursat; somebody unknown wants to be called, on Telegram."""
    address = await register(session)
    (registration,) = await threads.list_mine(session, address)
    unknown = await write_from(session, "42")
    unknown.language = "en"
    address.language = "km"
    call = await requests.open_request(
        session, unknown, "call", centre_id="pursat", urgency="urgent", now=FRIDAY
    )
    return await requests.hold(session, registration.code), call


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({}, "both"),
        ({"topic": "registration"}, "registration"),
        ({"topic": "call"}, "call"),
        ({"topic": "'; --"}, "both"),
        ({"urgency": "urgent"}, "call"),
        ({"urgency": "normal"}, "registration"),
        ({"channel": "sms"}, "registration"),
        ({"channel": "telegram"}, "call"),
        ({"language": "en"}, "call"),
        ({"language": "km", "channel": "telegram"}, "none"),
        ({"place": "15"}, "registration"),
        ({"place": "1503"}, "registration"),
        ({"place": "150301"}, "registration"),
        ({"place": "150302"}, "none"),
        ({"place": "12"}, "none"),
        ({"place": "nowhere"}, "both"),
        ({"name": "ចាន់"}, "registration"),
        ({"name": "ចាន់ សុខា"}, "none"),
        ({"name": "   "}, "both"),
    ],
)
async def test_a_filter_leaves_what_it_says(
    session: AsyncSession,
    registration_and_call: tuple[Request, Request],
    given: dict[str, str],
    found: str,
) -> None:
    visitor = await visit(session)
    filters = Filters.parse(given)
    page = await list_page(session, visitor, "all", filters, now=FRIDAY)
    expected = {"both": ["call", "registration"], "none": []}.get(found, [found])
    assert [line.topic for line in page.lines] == expected


@pytest.mark.parametrize("length", [1, 3, 7, 8])
async def test_a_code_is_found_by_its_beginning(session: AsyncSession, length: int) -> None:
    visitor, address = await visit(session), await write_from(session)
    made = [
        await requests.open_request(session, address, "talk", centre_id="pursat", now=FRIDAY)
        for _ in range(20)
    ]
    for request, code in zip(made, ("99999991", "12345678"), strict=False):
        request.code = code
    await session.flush()
    for wanted in made[:2]:
        digits = wanted.code[:length]
        page = await list_page(session, visitor, "all", Filters(code=digits), now=FRIDAY)
        expected = {request.code for request in made if request.code.startswith(digits)}
        assert {line.code for line in page.lines} == expected


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("1234 5678", "12345678"),
        ("១២៣៤", "1234"),
        (" 12-34", "1234"),
        ("0123", None),
        ("123456789", None),
        ("abc", None),
        ("", None),
    ],
)
def test_a_code_is_read_as_people_write_it(typed: str, code: str | None) -> None:
    assert Filters.parse({"code": typed}).code == code


def test_an_address_says_the_filters_again() -> None:
    given = {"topic": "call", "place": "1503", "code": "123", "name": "សុខា", "centre": "pursat"}
    filters = Filters.parse({**given, "urgency": "very", "language": "fr", "other": "x"})
    assert filters.to_query() == given
    assert Filters.parse(filters.to_query()) == filters
    assert "សុខា" not in repr(filters)
    assert not filters.is_empty and Filters(centre="pursat").is_empty
