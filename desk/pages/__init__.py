"""The pages of the desk. Each file lists its own; `ROUTES` has them all."""

from typing import Final

from desk.access import Page
from desk.pages import (
    account,
    invitation,
    queue,
    queue_live,
    request,
    request_files,
    sign_in,
    start,
)

ROUTES: Final[tuple[Page, ...]] = (
    *start.ROUTES,
    *sign_in.ROUTES,
    *invitation.ROUTES,
    *account.ROUTES,
    *queue.ROUTES,
    *queue_live.ROUTES,
    *request.ROUTES,
    *request_files.ROUTES,
)
