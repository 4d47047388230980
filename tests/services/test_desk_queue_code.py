"""A whole code that was typed leads to its request, wherever in the list that is."""

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from services.desk_filters import Filters
from services.desk_queue import Exact, find_by_code
from services.errors import RequestNotFound
from tests.services.desk_visitors import ask, visit


async def test_a_whole_code_finds_what_is_of_one_s_centre(session: AsyncSession) -> None:
    sok, chan = await visit(session), await visit(session, "Chan", centre="preah-vihear")
    code = (await ask(session)).code
    # Over a connection from which row-level security keeps nothing.
    found = await find_by_code(session, sok, Filters(code=code))
    assert found == Exact(code, "all", "pursat", can_open=True)
    with pytest.raises(RequestNotFound):
        await find_by_code(session, chan, Filters(code=code))
