"""The job library's way to the database: the same role and centre as every other connection.

It speaks through psycopg, which reads addresses as libpq does; ours may be written for asyncpg.
"""

from procrastinate import PsycopgConnector
from psycopg.conninfo import make_conninfo
from psycopg.pq import Conninfo
from sqlalchemy import make_url

from db.engine import ALL_CENTRES, APP_ROLE

_MOST_CONNECTIONS = 3
_WAIT_S = 10.0
_OPTIONS = f"-c role={APP_ROLE} -c tralob.centre={ALL_CENTRES} -c timezone=UTC -c jit=off"


def libpq_address(database_url: str) -> str:
    """The address for libpq, with the role and the centre that the connection takes."""
    url = make_url(database_url).set(drivername="postgresql")
    if "ssl" in url.query:
        mode = url.query["ssl"]
        url = url.difference_update_query(["ssl"]).update_query_dict({"sslmode": mode})
    known = {option.keyword.decode() for option in Conninfo.get_defaults()}
    url = url.difference_update_query([name for name in url.query if name not in known])
    return make_conninfo(
        url.render_as_string(hide_password=False),
        options=_OPTIONS,
        application_name="tralob-jobs",
    )


def make_connector(database_url: str) -> PsycopgConnector:
    """A connector that is not open yet."""
    return PsycopgConnector(
        conninfo=libpq_address(database_url),
        min_size=1,
        max_size=_MOST_CONNECTIONS,
        timeout=_WAIT_S,
    )
