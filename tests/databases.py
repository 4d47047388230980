"""A database for each of the run's processes, as good as new before every test.

Half of what a test with a database cost went into copying one, and into connections that knew
nothing yet. So what a test wrote is deleted after it. A database that is not surely clean then is
thrown away: one whose tables or reference data a test changed, or that has grown.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from sqlalchemy import QueuePool, make_url, text
from sqlalchemy.ext.asyncio import AsyncConnection

from db.engine import create_engine, new_session_factory
from tests.support import Database, connect_to_server, temporary_database

_NAME = "tralob_test"
_POOL_SIZE = 10
_MOST_BYTES = 60 * 8192
_CATALOGUES = (
    *("pg_attrdef", "pg_attribute", "pg_class", "pg_constraint", "pg_default_acl", "pg_index"),
    *("pg_namespace", "pg_policy", "pg_proc", "pg_rewrite", "pg_statistic", "pg_trigger"),
)
_OURS = "relnamespace = to_regnamespace('public')"
_TABLES = (
    f"SELECT CAST(CAST(oid AS regclass) AS text) FROM pg_class WHERE {_OURS} AND relkind = 'r'"
)
_SEQUENCES = (
    f"SELECT CAST(CAST(oid AS regclass) AS text) FROM pg_class WHERE {_OURS} AND relkind = 'S'"
)
_OTHERS = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
# Whoever is in a transaction holds rows: others are sent away, and waited for.
_SEND_AWAY = f"SELECT pg_terminate_backend(pid, 5000) {_OTHERS} AND application_name <> '{_NAME}'"
_OURS_LIVING = f"SELECT count(*) {_OTHERS} AND application_name = '{_NAME}'"
_IN_THE_WAY = (
    f"SELECT FROM pg_class WHERE {_OURS} AND pg_relation_size(oid) > {_MOST_BYTES}",
    f"SELECT {_OTHERS} AND state <> 'idle'",
    "SELECT FROM pg_locks WHERE locktype = 'advisory'"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
)


@dataclass
class WorkerDatabase:
    """Lends its database to one test after the other."""

    postgres_url: str
    template: str
    _held: "_Held | None" = field(default=None, init=False)

    @asynccontextmanager
    async def lend(self) -> AsyncIterator[Database]:
        if self._held is None:
            self._held = await _Held.make(self.postgres_url, self.template)
        yield self._held.database
        if not await self._held.clean():
            await self.close()

    async def close(self) -> None:
        if self._held is not None:
            await self._held.things.aclose()
            self._held = None


@dataclass
class _Held:
    database: Database
    things: AsyncExitStack
    server: AsyncConnection
    made_in: int
    """The last transaction of its making: rows of a later one are a test's."""

    @classmethod
    async def make(cls, postgres_url: str, template: str) -> "_Held":
        async with AsyncExitStack() as stack:
            url = await stack.enter_async_context(temporary_database(postgres_url, template))
            engine = create_engine(url, pool_size=_POOL_SIZE, application_name=_NAME)
            stack.push_async_callback(engine.dispose)
            superuser = make_url(url).set(username="postgres")
            server = await stack.enter_async_context(
                connect_to_server(superuser.render_as_string(hide_password=False))
            )
            made_in = await _learn_to_clean(server)
            database = Database(url, engine, new_session_factory(engine))
            return cls(database, stack.pop_all(), server, made_in)

    async def clean(self) -> bool:
        """Whether it is as good as new."""
        await self.server.execute(text(_SEND_AWAY))
        if not await self._is_pool_whole():
            return False
        is_changed = text("SELECT pg_temp.is_changed(:made_in)")
        if (await self.server.execute(is_changed, {"made_in": self.made_in})).scalar_one():
            return False
        await self.server.execute(text("SELECT pg_temp.empty()"))
        return True

    async def _is_pool_whole(self) -> bool:
        """Whether nobody kept a connection of the pool, and none of them was cut."""
        pool = self.database.engine.pool
        assert isinstance(pool, QueuePool)
        living = (await self.server.execute(text(_OURS_LIVING))).scalar_one()
        return pool.checkedout() == 0 and pool.checkedin() == living


async def _learn_to_clean(server: AsyncConnection) -> int:
    """Make functions of this connection's own, whose plans are kept; returns the last transaction.

    Neither what references a row nor what forbids to delete it is asked.
    """
    await server.execute(text("SET session_replication_role = replica"))
    tables = {
        table: (await server.execute(text(f"SELECT count(*) FROM {table}"))).scalar_one()
        for table in (await server.scalars(text(_TABLES))).all()
    }
    emptied = [name for name, rows in tables.items() if rows == 0]
    await _make_function(server, "empty()", "void", await _emptying(server, emptied))
    kept = {name: rows for name, rows in tables.items() if rows > 0}
    await _make_function(server, "is_changed(made_in bigint)", "boolean", _asking(kept))
    return int(
        (await server.execute(text("SELECT CAST(pg_current_xact_id() AS text)"))).scalar_one()
    )


async def _emptying(server: AsyncConnection, tables: list[str]) -> str:
    steps = [f"IF EXISTS (SELECT FROM {each}) THEN DELETE FROM {each}; END IF;" for each in tables]
    for name in (await server.scalars(text(_SEQUENCES))).all():
        last = (await server.execute(text(f"SELECT last_value, is_called FROM {name}"))).one()
        steps.append(f"PERFORM setval('{name}', {last.last_value}, {last.is_called});")
    return "\n".join(steps)


def _asking(kept: dict[str, int]) -> str:
    changed = [
        f"SELECT FROM {name} WHERE CAST(CAST(xmin AS text) AS bigint) > made_in"
        for name in (*_CATALOGUES, *kept)
    ]
    changed += [f"SELECT FROM {name} HAVING count(*) <> {rows}" for name, rows in kept.items()]
    exists = " OR ".join(f"EXISTS ({query})" for query in (*changed, *_IN_THE_WAY))
    return f"RETURN {exists};"


async def _make_function(server: AsyncConnection, call: str, returns: str, body: str) -> None:
    made = f"CREATE FUNCTION pg_temp.{call} RETURNS {returns} LANGUAGE plpgsql AS"
    await server.execute(text(f"{made} $$ BEGIN {body} END $$"))
