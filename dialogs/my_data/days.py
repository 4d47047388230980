"""Since when something is so, as a day in words."""

from datetime import datetime

from dialogs.moments import CAMBODIA, say_day
from dialogs.turn import Turn


def day_words(turn: Turn, at: datetime) -> str:
    """The day in Cambodia, with its year where it is not this one: 20 វិច្ឆិកា."""
    is_this_year = at.astimezone(CAMBODIA).year == turn.now.astimezone(CAMBODIA).year
    return say_day(turn.language, at, "d MMMM" if is_this_year else "d MMMM y")
