"""The simulator's application: both carriers, the control interface and the page."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette

from simulator import control, page, twilio
from simulator.config import Config
from simulator.telegram.carrier import Telegram
from simulator.telegram.limits import Limits
from simulator.telegram.methods import METHODS
from simulator.telegram.routes import routes as telegram_routes
from simulator.world import World


def create_app(config: Config, *, world: World | None = None) -> Starlette:
    """Build everything; `app.state.world` and `app.state.telegram` are at hand for tests.

    Raises DamagedStateError when the state file cannot be read.
    """
    world = world or World(config)
    telegram = Telegram(world, METHODS, Limits())

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        telegram.start()
        twilio.resume(world, config)
        yield
        await world.aclose()

    app = Starlette(
        routes=[
            *telegram_routes(telegram),
            *twilio.routes(world, config),
            *control.routes(world, telegram),
            *page.routes(),
        ],
        lifespan=lifespan,
    )
    app.state.world = world
    app.state.telegram = telegram
    return app
