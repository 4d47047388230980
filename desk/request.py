"""A request to the desk, and who makes it."""

import secrets
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Any, Final

from starlette.exceptions import HTTPException
from starlette.requests import Request

from desk import security
from desk.parts import DeskParts
from locales.catalogue import DEFAULT_LANGUAGE, LANGUAGES, load_catalogue
from services import accounts, demo_staff
from services.accounts import Visitor
from services.acting import Session, acting

MOST_LETTERS: Final = 10_000
ADDRESS: Final = "/desk"
FORM_TOKEN: Final = "form-token"  # noqa: S105 (the name of a field)


class DeskRequest(Request):
    """What endpoints get. `identify` comes first; the guard of every page has done it."""

    @property
    def parts(self) -> DeskParts:
        parts: DeskParts = self.app.state.parts
        return parts

    @property
    def visitor(self) -> Visitor:
        """Who is signed in. Only pages for roles may ask."""
        visitor = self.find_visitor()
        assert visitor is not None
        return visitor

    @property
    def language(self) -> str:
        visitor = self.find_visitor()
        if visitor is not None:
            return visitor.language
        chosen = security.read_cookie(self, self.parts, security.LANGUAGE_COOKIE)
        return chosen if chosen in LANGUAGES else DEFAULT_LANGUAGE

    @property
    def is_htmx(self) -> bool:
        """Whether a part of a page asks, which shows what comes back in its place."""
        return "hx-request" in self.headers

    @property
    def here(self) -> str:
        """The address of this page with its query, to come back to."""
        return f"{self.url.path}?{self.url.query}" if self.url.query else self.url.path

    @property
    def session_token(self) -> str | None:
        return security.read_cookie(self, self.parts, security.SESSION_COOKIE)

    def find_visitor(self) -> Visitor | None:
        return getattr(self.state, "visitor", None)

    async def identify(self) -> Visitor | None:
        """Find out who is there, once."""
        if not hasattr(self.state, "visitor"):
            self.state.text = self.text
            self.state.visitor = await self._find_signed_in()
        return self.find_visitor()

    async def _find_signed_in(self) -> Visitor | None:
        token = self.session_token
        if token is None:
            return None
        async with self.parts.new_session.begin() as session:
            visitor = await accounts.find_visitor(session, token, now=self.now())
        return None if visitor is None or self.is_closed_to(visitor.username) else visitor

    def is_closed_to(self, username: str) -> bool:
        """Everybody knows the way in of the invented staff: here they are nobody."""
        return not self.parts.is_demo and demo_staff.is_made_up(username)

    def now(self) -> datetime:
        return self.parts.now()

    def acting(self) -> AbstractAsyncContextManager[Session]:
        """One transaction that sees what the visitor may see."""
        return acting(self.parts.new_session, self.visitor)

    def text(self, key: str, **values: object) -> str:
        """The words of a key in the visitor's language."""
        return load_catalogue().fill(key, self.language, "", values)

    # Forms

    async def field(self, name: str, *, most: int = MOST_LETTERS) -> str:
        """What a field of the form holds, "" when it is not there. Answers 400 to what is no text.

        NUL is taken out, line ends are made one letter.
        """
        return self._checked((await self.form()).get(name, ""), most)

    async def fields(self, name: str, *, most: int = MOST_LETTERS) -> list[str]:
        """The same of a field that stands in the form several times."""
        return [self._checked(value, most) for value in (await self.form()).getlist(name)]

    def _checked(self, value: Any, most: int) -> str:
        if not isinstance(value, str):
            raise HTTPException(400)
        text = value.replace("\0", "").replace("\r\n", "\n")
        if len(text) > most:
            raise HTTPException(413)
        return text

    @property
    def form_secret(self) -> str:
        """What the tokens of this browser's forms are made of; new when it has none yet."""
        found = self.session_token if self.find_visitor() is not None else None
        if found is None:
            found = security.read_cookie(self, self.parts, security.VISIT_COOKIE)
        if found is None:
            found = self.state.new_visit = getattr(
                self.state, "new_visit", None
            ) or secrets.token_urlsafe(32)
        return found

    @property
    def new_visit(self) -> str | None:
        """What the answer must set as the cookie of the visit, if anything."""
        return getattr(self.state, "new_visit", None)

    async def is_own_form(self) -> bool:
        """Whether a page of ours showed this form to this browser, in this session."""
        token = self.headers.get("x-form-token") or await self.field(FORM_TOKEN)
        is_ours = security.comes_from_here(self, self.parts)
        return is_ours and security.is_form_token(self.form_secret, token)
