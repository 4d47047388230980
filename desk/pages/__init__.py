"""The pages of the desk. Each file lists its own; `ROUTES` has them all."""

from typing import Final

from desk.access import Page
from desk.pages import start

ROUTES: Final[tuple[Page, ...]] = (*start.ROUTES,)
