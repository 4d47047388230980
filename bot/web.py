"""The web process: the carriers' doors, the desk, signs of life, the way to the simulator."""

import asyncio
import contextlib
import hmac
import html
import ipaddress
from collections.abc import AsyncIterator, Iterator, Sequence

import aiohttp
import structlog
import uvicorn
import uvloop
from redis.exceptions import RedisError
from sqlalchemy.ext.asyncio import AsyncEngine
from sse_starlette.sse import AppStatus
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import (
    HTMLResponse,
    JSONResponse,
    PlainTextResponse,
    RedirectResponse,
    Response,
)
from starlette.routing import BaseRoute, Mount, Route

from bot import metrics
from bot.bootstrap import App, create_desk_engine, open_app
from bot.channels.telegram_in import TelegramReceiver
from bot.channels.telegram_name import BotName
from bot.config import Settings
from bot.doors import Doors
from bot.logging_setup import setup_logging
from bot.message_words import CatalogueWords
from bot.simulator_proxy import SimulatorProxy
from bot.supervision import Tasks, stop_signals
from bot.training import training_routes
from db.engine import new_session_factory
from db.locks import Lock
from desk.app import DeskParts, create_desk
from services import inbox, outbox
from services.direct import DATABASE_ERRORS, direct_connection, own_connection

log = structlog.get_logger(__name__)

_READY_LIMIT_S = 2.0
_OPEN_STREAMS_LIMIT_S = 2
_POOL = 8
# A proxy on this machine calls from it, too: most say by one of these for whom.
_PASSED_ON = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")

_PAGE = """<!doctype html>
<html lang="km"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>ត្រឡប់ · Tralob</title>
<body style="font-family: system-ui, 'Noto Sans Khmer', sans-serif; margin: 2rem; line-height: 1.8">
<h1>ត្រឡប់ · Tralob</h1>
<p lang="en">The self-service line of Cambodia's Migrant Worker Resource Centres.</p>
<ul lang="en">{links}</ul></body></html>
"""


def create_web(app: App, *, extra_routes: Sequence[BaseRoute] = ()) -> Starlette:
    """The ASGI application; ``extra_routes`` come after its own."""
    proxy = SimulatorProxy(app.settings.simulator_url) if app.settings.simulator else None
    desk_engine = create_desk_engine(app)
    desk = _desk_parts(app, desk_engine)
    tasks = Tasks()

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        if proxy is not None:
            await proxy.open()
        tasks.keep(lambda: desk.news.listen(desk_engine), name="news of the desk")
        try:
            yield
        finally:
            await tasks.cancel()
            if proxy is not None:
                await proxy.close()
            await desk_engine.dispose()

    routes: list[BaseRoute] = [
        *Doors(app).routes(),
        *_Signs(app).routes(),
        *training_routes(app),
        *(proxy.routes() if proxy is not None else []),
        Route("/desk", _to_desk),
        Mount("/desk", create_desk(desk)),
        *extra_routes,
    ]
    web = Starlette(routes=routes, lifespan=lifespan, exception_handlers={Exception: _on_error})
    web.state.proxy = proxy
    return web


def _desk_parts(app: App, engine: AsyncEngine) -> DeskParts:
    return DeskParts(
        new_session=new_session_factory(engine),
        redis=app.redis,
        files=app.files,
        words=CatalogueWords(),
        public_url=app.settings.public_url,
        is_demo=app.settings.is_training,
        find_bot_name=BotName(app.settings.telegram_api_url, app.settings.telegram_bot_token).find,
    )


async def _to_desk(_: Request) -> Response:
    """Without a host: it may be known to the world under another name than to this process."""
    return RedirectResponse("/desk/", status_code=303)


async def _on_error(_request: Request, _error: Exception) -> Response:
    """The server logs it; whoever called learns nothing of our inside."""
    return PlainTextResponse("Something went wrong here.", status_code=500)


class _Signs:
    """Alive, ready, measured, and a page for who comes by."""

    def __init__(self, app: App) -> None:
        self._app = app

    def routes(self) -> list[Route]:
        return [
            Route("/", self._page),
            Route("/healthz", self._alive),
            Route("/readyz", self._ready),
            Route("/metrics", self._metrics),
        ]

    async def _page(self, _: Request) -> Response:
        places = {
            "/desk": "the desk (staff)",
            "/healthz": "alive",
            "/readyz": "ready",
        }
        if self._app.settings.simulator:
            places = {"/simulator": "the phones (simulator)", **places}
        links = "".join(
            f'<li><a href="{place}">{html.escape(name)}</a></li>' for place, name in places.items()
        )
        return HTMLResponse(_PAGE.format(links=links))

    async def _alive(self, _: Request) -> Response:
        return PlainTextResponse("alive\n")

    async def _ready(self, _: Request) -> Response:
        database, redis = await asyncio.gather(self._database_answers(), self._redis_answers())
        found = {"database": database, "redis": redis}
        words = {name: "ok" if answers else "no answer" for name, answers in found.items()}
        return JSONResponse(words, status_code=200 if all(found.values()) else 503)

    async def _database_answers(self) -> bool:
        try:
            async with (
                asyncio.timeout(_READY_LIMIT_S),
                direct_connection(self._app.engine) as connection,
            ):
                await connection.execute("SELECT 1")
        except DATABASE_ERRORS:
            return False
        return True

    async def _redis_answers(self) -> bool:
        try:
            async with asyncio.timeout(_READY_LIMIT_S):
                await self._app.redis.ping()
        except (RedisError, OSError, TimeoutError):
            return False
        return True

    async def _metrics(self, request: Request) -> Response:
        if not may_read_metrics(request, self._app.settings):
            return PlainTextResponse("not for you\n", status_code=403)
        with contextlib.suppress(*DATABASE_ERRORS):
            async with (
                asyncio.timeout(_READY_LIMIT_S),
                direct_connection(self._app.engine) as connection,
            ):
                metrics.INBOX_DEPTH.set(await inbox.depth(connection))
                metrics.OUTBOX_DEPTH.clear()
                for labels, count in (await outbox.depth(connection)).items():
                    metrics.OUTBOX_DEPTH.labels(*labels).set(count)
        body = await metrics.render(self._app.redis, metrics.process_name("web"))
        return Response(body, media_type="text/plain; version=0.0.4; charset=utf-8")


def may_read_metrics(request: Request, settings: Settings) -> bool:
    """Whoever shows the token; where there is none, this machine, and nobody by way of a proxy.

    Behind https there always is one, and not each says for whom it calls.
    """
    if settings.metrics_token:
        shown = request.headers.get("authorization", "").encode()
        return hmac.compare_digest(shown, f"Bearer {settings.metrics_token}".encode())
    is_passed_on = any(name in request.headers for name in _PASSED_ON)
    if is_passed_on or settings.public_url.startswith("https://") or request.client is None:
        return False
    try:
        return ipaddress.ip_address(request.client.host).is_loopback
    except ValueError:
        return False


async def receive_updates(app: App) -> None:
    """Have Telegram call us, or ask it for updates where it cannot; for ever."""
    settings = app.settings
    doors = Doors(app)
    async with aiohttp.ClientSession() as session:
        receiver = TelegramReceiver(session, settings.telegram_api_url, settings.telegram_bot_token)
        if settings.telegram_webhook:
            await receiver.use_webhook(settings.public_url, settings.telegram_webhook_secret)
            await asyncio.Event().wait()
        async with own_connection(app.engine) as lock:
            await lock.execute("SELECT pg_advisory_lock($1)", Lock.POLLING)
            await receiver.poll(doors.keep, metrics.SKIPPED.labels("telegram").inc)


class _Server(uvicorn.Server):
    """Leaves the signals to us: uvicorn would raise them once more after its end."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    def stop(self, web: Starlette) -> None:
        """Take nothing in any more; the streams of open pages would never end by themselves."""
        if web.state.proxy is not None:
            web.state.proxy.end_streams()
        AppStatus.should_exit = True
        self.should_exit = True


async def _serve(settings: Settings) -> None:
    async with open_app(settings, pool_size=_POOL) as app, stop_signals() as stopping:
        web = create_web(app)
        server = _Server(
            uvicorn.Config(
                web,
                host=settings.host,
                port=settings.port,
                http="httptools",
                access_log=False,
                log_config=None,
                server_header=False,
                forwarded_allow_ips=settings.trusted_proxies,
                timeout_graceful_shutdown=_OPEN_STREAMS_LIMIT_S,
            )
        )

        async def stop() -> None:
            await stopping.wait()
            server.stop(web)

        tasks = Tasks()
        tasks.start(stop(), name="stop")
        tasks.keep(lambda: receive_updates(app), name="telegram updates")
        try:
            await server.serve()
        finally:
            await tasks.cancel()


def serve(settings: Settings) -> None:
    """Run the web process until SIGTERM or SIGINT. Raises what `open_app` raises."""
    setup_logging("web", level=settings.log_level)
    uvloop.run(_serve(settings))
