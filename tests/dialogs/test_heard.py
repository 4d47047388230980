"""What an SMS repeats of an answer ends like a sentence, once."""

import pytest

from tests.dialogs.walk import text_to
from tests.people import Line


@pytest.mark.parametrize(
    ("typed", "heard"),
    [("Sok", "Sok."), ("Sok Chan Theary Sophea", "Sok Chan Theary..."), ("Sok.", "Sok.")],
)
async def test_what_was_heard_has_one_stop(line: Line, typed: str, heard: str) -> None:
    phone = await text_to(line.phone(), "Registration:name")
    await phone.send("english")
    assert (await phone.send(typed)).startswith(f"{heard}\n")
