"""What two pages ask alike: a new password, typed twice."""

from desk.pages.sign_in import MOST_LETTERS
from desk.request import DeskRequest
from services.errors import WeakPassword


async def read_new_password(request: DeskRequest) -> str | None:
    """The new password, or None where the two lines differ."""
    password = await request.field("password", most=MOST_LETTERS)
    again = await request.field("again", most=MOST_LETTERS)
    return password if password == again else None


def say_weak(request: DeskRequest, error: WeakPassword) -> str:
    return request.text(f"desk-weak-{error.reason}")
