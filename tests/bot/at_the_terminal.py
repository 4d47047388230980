"""What the tests of commands say and ask."""

from typing import Any

import pytest
from sqlalchemy import text

from bot.commands.refused import CommandRefused

WORDS = "ខ្ញុំត្រូវការជំនួយ"


async def execute(db: Any, statement: str, **values: Any) -> Any:
    async with db.new_session.begin() as session:
        return await session.execute(text(statement), values)


async def refusal(work: Any) -> str:
    with pytest.raises(CommandRefused) as refused:
        await work
    assert "\n" not in str(refused.value)
    return str(refused.value)
