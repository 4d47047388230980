"""Makes pages of templates: every value is escaped, every text comes from the catalogues."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from babel.dates import format_datetime
from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from starlette.responses import HTMLResponse, Response

from desk import security
from desk.navigation import list_entries
from desk.request import ADDRESS, DeskRequest

HERE: Final = Path(__file__).parent
STATIC: Final = HERE / "static"
CAMBODIA: Final = ZoneInfo("Asia/Phnom_Penh")


def render(
    request: DeskRequest,
    template: str,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    **values: Any,
) -> Response:
    """A page of one of the templates.

    They find `text(key, …)`, `language`, `visitor` (None: nobody is signed in), `entries`,
    `form_token`, `path`, `here` (with its query), `now()`, `address` and `static(name)` beside
    `values`.
    """
    visitor = request.find_visitor()
    page = _environment().get_template(template)
    words = page.render(
        values
        | {
            "text": request.text,
            "language": request.language,
            "visitor": visitor,
            "entries": list_entries(visitor) if visitor and visitor.is_confirmed else (),
            "form_token": security.new_form_token(request.form_secret),
            "path": request.url.path,
            "here": request.here,
            "now": request.now,
            "is_demo": request.parts.is_demo,
        }
    )
    response = HTMLResponse(words, status_code=status, headers=headers)
    if request.new_visit is not None:
        security.set_cookie(response, request.parts, security.VISIT_COOKIE, request.new_visit)
    return response


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(address=ADDRESS, static=static_address)
    environment.filters["moment"] = _moment
    environment.filters["coming"] = _coming
    return environment


@cache
def static_address(name: str) -> str:
    """Where a file of `static` is; another one after each change, so that it may be kept."""
    digest = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]
    return f"{ADDRESS}/static/{name}?v={digest}"


@pass_context
def _moment(context: Context, at: datetime) -> str:
    """A day and an hour of Cambodia: "22 វិច្ឆិកា 16:05"."""
    said: str = format_datetime(at.astimezone(CAMBODIA), "d MMMM HH:mm", locale=context["language"])
    return said


@pass_context
def _coming(context: Context, at: datetime) -> str:
    """What is still to come: "08:00", and the day with it when it is not today."""
    there: datetime = at.astimezone(CAMBODIA)
    if there.date() != context["now"]().astimezone(CAMBODIA).date():
        return _moment(context, at)
    said: str = format_datetime(there, "HH:mm", locale=context["language"])
    return said
