"""Connections: every one of them takes a role and a centre before its first statement.

Row-level security is void for a superuser, an owner or a role with BYPASSRLS, so a process that
would run as one of these must not start at all: see `check_role`.
"""

from typing import Any

from sqlalchemy import URL, NullPool, make_url, text
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import (
    AsyncConnection,
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)

APP_ROLE = "tralob_app"
ALL_CENTRES = "all"

_DRIVER = "postgresql+asyncpg"
_SCHEMES = ("postgres", "postgresql", _DRIVER)
# libpq writes these options in an address; asyncpg knows them by other names or not at all.
_IGNORED_OPTIONS = ("channel_binding", "gssencmode", "target_session_attrs")


class DatabaseAddressError(ValueError):
    """The database address cannot be used; the words never contain the address itself."""


class UnsafeRoleError(Exception):
    """The role of the connection would not be bound by row-level security."""


def normalise_url(database_url: str) -> URL:
    """The address as SQLAlchemy and asyncpg want it. Raises DatabaseAddressError."""
    try:
        url = make_url(database_url)
    except ArgumentError:
        raise DatabaseAddressError("it is not a database address") from None
    if url.drivername not in _SCHEMES:
        raise DatabaseAddressError("it must begin with postgresql://")
    url = url.set(drivername=_DRIVER).difference_update_query(_IGNORED_OPTIONS)
    if "sslmode" in url.query:
        mode = url.query["sslmode"]
        url = url.difference_update_query(["sslmode"]).update_query_dict({"ssl": mode})
    return url


def create_engine(
    database_url: str,
    *,
    role: str | None = APP_ROLE,
    centre: str | None = ALL_CENTRES,
    application_name: str = "tralob",
    pool_size: int = 5,
    **options: Any,
) -> AsyncEngine:
    """An engine whose connections act as `role` and see the rows of `centre`.

    A role of None stays the login user; a centre of None sees no row of any centre; a pool size
    of 0 keeps no connection. Raises DatabaseAddressError.
    """
    settings = {"application_name": application_name, "jit": "off", "timezone": "UTC"}
    if role is not None:
        settings["role"] = role
    if centre is not None:
        settings["tralob.centre"] = centre
    if pool_size == 0:
        options["poolclass"] = NullPool
    else:
        options.update(pool_size=pool_size, max_overflow=0)
    return create_async_engine(
        normalise_url(database_url), connect_args={"server_settings": settings}, **options
    )


def new_session_factory(engine: AsyncEngine) -> async_sessionmaker[AsyncSession]:
    """Sessions whose objects stay readable after the transaction has closed."""
    return async_sessionmaker(engine, expire_on_commit=False)


async def check_role(engine: AsyncEngine) -> None:
    """Refuse a role that row-level security does not bind. Raises UnsafeRoleError."""
    async with engine.connect() as connection:
        await check_connection(connection)


async def check_connection(connection: AsyncConnection) -> None:
    """The same for one connection as it is now. Raises UnsafeRoleError."""
    query = text(
        """
        SELECT r.rolname, r.rolsuper, r.rolbypassrls, EXISTS (
            SELECT FROM pg_class c
            WHERE c.relnamespace = 'public'::regnamespace
              AND c.relrowsecurity AND pg_has_role(r.oid, c.relowner, 'MEMBER')
        ) AS owns
        FROM pg_roles r WHERE r.rolname = current_user
        """
    )
    role = (await connection.execute(query)).one()
    reasons = {"a superuser": role.rolsuper, "BYPASSRLS": role.rolbypassrls, "an owner": role.owns}
    found = [name for name, is_so in reasons.items() if is_so]
    if found:
        raise UnsafeRoleError(
            f"the database role {role.rolname} is {' and '.join(found)}: row-level security"
            f" would not bind it; connect as {APP_ROLE}"
        )
