"""What two pages ask alike: a new password, typed twice.

What is wrong is said beside the field that must be filled in again, by the names of the fields.
"""

from collections.abc import Mapping

from desk.pages.sign_in import MOST_LETTERS
from desk.request import DeskRequest
from services.errors import WeakPassword


async def read_new_password(request: DeskRequest) -> str | None:
    """The new password, or None where the two lines differ."""
    password = await request.field("password", most=MOST_LETTERS)
    again = await request.field("again", most=MOST_LETTERS)
    return password if password == again else None


def differ(request: DeskRequest) -> Mapping[str, str]:
    """The two lines are not the same."""
    return {"again": request.text("desk-password-differ")}


def say_weak(request: DeskRequest, error: WeakPassword) -> Mapping[str, str]:
    return {"new": request.text(f"desk-weak-{error.reason}")}
