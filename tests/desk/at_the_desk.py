"""What the tests of the desk share: a served desk, staff of every role, and browsers for them."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

import aiohttp
import pyotp
from redis.asyncio import Redis
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from starlette.applications import Starlette
from starlette.routing import Mount

from bot.message_words import CatalogueWords
from db.crypto import current_keyring
from db.engine import create_engine, new_session_factory
from desk import security
from desk.app import create_desk
from desk.parts import DeskParts
from services import accounts, staff
from services.file_store import FileStore
from tests.served_app import served
from tests.support import INSTALLATION, Database

PASSWORD = "rice field at dawn"
ALL_CENTRES_ROLES = ("administrator", "auditor")
_TOKEN = re.compile(r'name="form-token" value="([0-9a-f]+)"')


class Clock:
    """The desk's time; it goes on when a test says so."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC).replace(second=0, microsecond=0)

    def __call__(self) -> datetime:
        return self.now

    def go_on(self, **by: float) -> None:
        self.now += timedelta(**by)


@dataclass
class Answer:
    """What came back, and where it sends the browser."""

    status: int
    body: str = field(repr=False)
    headers: Any
    cookies: SimpleCookie

    @property
    def to(self) -> str:
        return str(self.headers.get("Location", ""))


@dataclass
class Browser:
    """A visitor without scripts: it keeps cookies and follows nothing by itself."""

    url: str
    http: aiohttp.ClientSession = field(repr=False)

    async def get(self, path: str, **request: Any) -> Answer:
        return await self.ask("GET", path, **request)

    async def post(self, path: str, form: dict[str, str] | None = None, **request: Any) -> Answer:
        """Send a form as a page of the desk would: with the token that this browser was shown."""
        token = await self.form_token()
        return await self.ask("POST", path, data={"form-token": token, **(form or {})}, **request)

    async def form_token(self) -> str:
        shown = await self.get("/desk/nowhere")
        found = _TOKEN.search(shown.body)
        assert found is not None, shown.body
        return found.group(1)

    async def ask(self, method: str, path: str, **request: Any) -> Answer:
        async with self.http.request(
            method, self.url + path, allow_redirects=False, **request
        ) as answer:
            return Answer(answer.status, await answer.text(), answer.headers, answer.cookies)

    def use(self, token: str) -> None:
        """Be the browser of this session."""
        self.http.cookie_jar.update_cookies({security.SESSION_COOKIE: token})


@dataclass(frozen=True)
class Worker:
    """Somebody with an account, and how they sign in."""

    staff_id: Any
    username: str
    secret: str = field(repr=False)
    recovery_codes: tuple[str, ...] = field(default=(), repr=False)

    def code(self, at: datetime) -> str:
        return pyotp.TOTP(self.secret).at(at)


@dataclass
class Desk:
    """A served desk. `new_session` sees every centre: tests prepare with it and look."""

    url: str
    new_session: async_sessionmaker[AsyncSession]
    clock: Clock
    parts: DeskParts

    @asynccontextmanager
    async def browser(self) -> AsyncIterator[Browser]:
        jar = aiohttp.CookieJar(unsafe=True)  # the desk of a test has no name but an address
        async with aiohttp.ClientSession(cookie_jar=jar) as http:
            yield Browser(self.url, http)

    async def invite(self, username: str, role: str, centre: str | None = "pursat") -> str:
        """Somebody new; the token of their invitation."""
        if role in ALL_CENTRES_ROLES:
            centre = None
        async with self.new_session.begin() as session:
            person = await staff.add(session, username.title(), role, centre, now=self.clock.now)
            return await accounts.invite(session, person, username, by=None, now=self.clock.now)

    async def hire(
        self, username: str, role: str, centre: str | None = "pursat", language: str = "km"
    ) -> Worker:
        """Somebody new with password and second factor."""
        token = await self.invite(username, role, centre)
        now = self.clock.now
        async with self.new_session.begin() as session:
            await accounts.accept(session, token, PASSWORD, now=now)
            half = await accounts.sign_in(session, username, PASSWORD, device="", now=now)
            visitor = await accounts.find_visitor(session, half, now=now)
            assert visitor is not None
            factor = await accounts.new_second_factor(session, visitor, now=now)
            code = pyotp.TOTP(factor.secret).at(now)
            done = await accounts.confirm(session, visitor, code, device="", now=now)
            confirmed = await accounts.find_visitor(session, done.token, now=now)
            assert confirmed is not None
            codes = await accounts.find_proposed_codes(session, confirmed)
            assert codes is not None
            await accounts.keep_proposed_codes(session, confirmed, codes.after, now=now)
            await accounts.set_language(session, confirmed, language, now=now)
            await accounts.sign_out(session, confirmed, now=now)
        self.clock.go_on(minutes=1)  # no code lets anybody in twice
        return Worker(visitor.staff_id, username, factor.secret, codes.codes)

    async def half_sign_in(self, worker: Worker) -> str:
        """The token of a session that waits for its code."""
        async with self.new_session.begin() as session:
            return await accounts.sign_in(
                session, worker.username, PASSWORD, device="Firefox", now=self.clock.now
            )

    async def sign_in(self, worker: Worker) -> str:
        """The token of a session that may work."""
        half = await self.half_sign_in(worker)
        now = self.clock.now
        async with self.new_session.begin() as session:
            visitor = await accounts.find_visitor(session, half, now=now)
            assert visitor is not None
            done = await accounts.confirm(
                session, visitor, worker.code(now), device="Firefox", now=now
            )
        self.clock.go_on(minutes=1)
        return done.token

    @asynccontextmanager
    async def at_work(
        self, username: str, role: str, centre: str | None = "pursat"
    ) -> AsyncIterator[Browser]:
        """The browser of somebody new who has just signed in."""
        token = await self.sign_in(await self.hire(username, role, centre))
        async with self.browser() as browser:
            browser.use(token)
            yield browser


@asynccontextmanager
async def served_desk(
    db: Database, redis_url: str, folder: Path, **changed: Any
) -> AsyncIterator[Desk]:
    """The desk on connections that see no centre by themselves, as the web process makes them."""
    engine = create_engine(db.url, centre=None, pool_size=5)
    clock = Clock()
    redis = Redis.from_url(redis_url)
    given: dict[str, Any] = {
        "new_session": new_session_factory(engine),
        "redis": redis,
        "files": FileStore(folder.as_uri(), current_keyring(), INSTALLATION),
        "words": CatalogueWords(),
        "public_url": "http://tralob.example",
        "now": clock,
    }
    parts = DeskParts(**(given | changed))
    try:
        application = Starlette(routes=[Mount("/desk", create_desk(parts))])
        async with served(application) as url:
            yield Desk(url, db.new_session, clock, parts)
    finally:
        await redis.aclose()
        await engine.dispose()
