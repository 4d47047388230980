"""The pages of the desk. Each file lists its own; `ROUTES` has them all."""

from typing import Final

from desk.access import Page
from desk.pages import (
    account,
    account_phone,
    agencies,
    asking_back,
    audit,
    canned,
    centres,
    closed_days,
    invitation,
    queue,
    queue_closing,
    queue_live,
    referrals,
    request,
    request_files,
    request_live,
    sign_in,
    staff,
    staff_new,
    start,
    telegram_link,
)

ROUTES: Final[tuple[Page, ...]] = (
    *start.ROUTES,
    *sign_in.ROUTES,
    *invitation.ROUTES,
    *account.ROUTES,
    *telegram_link.ROUTES,
    *account_phone.ROUTES,
    *staff_new.ROUTES,
    *staff.ROUTES,
    *audit.ROUTES,
    *centres.ROUTES,
    *closed_days.ROUTES,
    *canned.ROUTES,
    *agencies.ROUTES,
    *queue.ROUTES,
    *queue_closing.ROUTES,
    *queue_live.ROUTES,
    *request.ROUTES,
    *request_files.ROUTES,
    *referrals.ROUTES,
    *asking_back.ROUTES,
    *request_live.ROUTES,
)
