"""The Telegram chat of who is signed in, where urgent and overdue requests come: link, try, end."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from starlette.exceptions import HTTPException
from starlette.responses import Response

from desk.access import REQUEST_ROLES, page, redirect
from desk.pages.sign_in import draw_code, grouped
from desk.rendering import render
from desk.request import ADDRESS, DeskRequest
from services.acting import Session
from services.staff_cards import linking, notices

ACCOUNT: Final = f"{ADDRESS}/account"
DONE: Final = ("linked", "unlinked", "test_card", "hours")
"""What the account page may say of it afterwards."""


async def load(request: DeskRequest, session: Session) -> Mapping[str, Any]:
    """What the card on the account page shows; auditors have none."""
    return {
        "gets_cards": request.visitor.role in REQUEST_ROLES,
        "chat": await linking.find_chat(session, request.visitor.staff_id),
    }


async def make_link(request: DeskRequest) -> Response:
    """Shown on this answer and never again: in the database are hashes."""
    async with request.acting() as session:
        link = await linking.new_link(session, request.visitor, now=request.now())
    name = None if request.parts.is_demo else await request.parts.find_bot_name()
    url = None if name is None else f"https://t.me/{name}?start={link.start}"
    return render(
        request,
        "telegram_link.html",
        url=url,
        picture=None if url is None else draw_code(url),
        bot_name=name,
        code=grouped(link.code),
        expires_at=link.expires_at,
        since=request.now().isoformat(),
        is_over=False,
    )


async def show_state(request: DeskRequest) -> Response:
    """The page that shows a link asks again and again whether it was used, as long as it may be."""
    since = _moment(request.query_params.get("since", ""))
    async with request.acting() as session:
        chat = await linking.find_chat(session, request.visitor.staff_id)
    if chat is not None and chat.linked_at >= since:
        return redirect(request, f"{ACCOUNT}?done=linked")
    if not request.is_htmx:
        return redirect(request, ACCOUNT)
    is_over = request.now() - since >= linking.LASTS
    return render(request, "telegram_state.html", since=since.isoformat(), is_over=is_over)


async def send_test(request: DeskRequest) -> Response:
    async with request.acting() as session:
        await notices.ask_for_test(session, request.visitor)
    return redirect(request, f"{ACCOUNT}?done=test_card")


async def choose_hours(request: DeskRequest) -> Response:
    at_any_hour = await request.field("at_any_hour") == "yes"
    me = request.visitor.staff_id
    async with request.acting() as session:
        found = await linking.choose_hours(session, me, at_any_hour=at_any_hour, now=request.now())
    return redirect(request, f"{ACCOUNT}?done=hours" if found else ACCOUNT)


async def unlink(request: DeskRequest) -> Response:
    """Ended twice it is ended."""
    me = request.visitor.staff_id
    async with request.acting() as session:
        await linking.unlink(session, me, by=me, now=request.now())
    return redirect(request, f"{ACCOUNT}?done=unlinked")


def _moment(written: str) -> datetime:
    try:
        return datetime.fromisoformat(written).astimezone(UTC)
    except (ValueError, OverflowError):
        raise HTTPException(400) from None


ROUTES: Final = (
    page("/account/telegram", make_link, ["POST"], roles=REQUEST_ROLES),
    page("/account/telegram/state", show_state, roles=REQUEST_ROLES),
    page("/account/telegram/test", send_test, ["POST"], roles=REQUEST_ROLES),
    page("/account/telegram/hours", choose_hours, ["POST"], roles=REQUEST_ROLES),
    page("/account/telegram/end", unlink, ["POST"], roles=REQUEST_ROLES),
)
