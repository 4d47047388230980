"""Who one can be at the desk while everything is only for training, told to the page of the phones.

The way exists only where no message can reach anybody real: it says passwords and codes to whoever
asks. The phones know nothing of the desk; they show what stands at this address.
"""

from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.bootstrap import App
from bot.config import TRAINING_PATH
from locales.catalogue import DEFAULT_LANGUAGE, LANGUAGES, load_catalogue
from services import demo_staff


def training_routes(app: App) -> list[Route]:
    """None on a line that reaches people."""
    if not app.settings.is_training:
        return []

    async def show(request: Request) -> Response:
        asked = request.query_params.get("language", "")
        language = asked if asked in LANGUAGES else DEFAULT_LANGUAGE

        def text(key: str) -> str:
            return load_catalogue().fill(key, language, "", {})

        async with app.new_session() as session:
            ways = await demo_staff.list_ways_in(session, now=datetime.now(UTC))
        rows = [
            {
                "label": text(f"desk-role-{way.role}"),
                "value": f"{way.username} · {way.code or text('desk-training-wait')}",
            }
            for way in ways
        ]
        said = {
            "title": text("desk-training-staff"),
            "note": text("desk-training-text"),
            "rows": [{"label": text("desk-password"), "value": demo_staff.PASSWORD}, *rows],
            "link": {"label": text("desk-training-open"), "address": "/desk/"},
        }
        return JSONResponse(said, headers={"Cache-Control": "no-store"})

    return [Route(TRAINING_PATH, show)]
