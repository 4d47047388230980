"""The database roles, made before the first table.

owner: owns the tables and runs migrations; app: what the processes act as; safety: owns the schema
of the safety data and nothing else; bi: may look at published views. None of them can log in: the
login user of DATABASE_URL is granted them and takes one per connection.
"""

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

OWNER = "tralob_owner"
APP = "tralob_app"
SAFETY = "tralob_safety"
BI = "tralob_bi"
ROLES = (OWNER, APP, SAFETY, BI)

_OLDEST_SERVER = 160000

DBA_SQL = "\n".join(
    [f"CREATE ROLE {role} NOLOGIN;" for role in ROLES]
    + [f"GRANT {', '.join(ROLES)} TO <login user>;"]
    + [f"GRANT CREATE, USAGE ON SCHEMA public TO {OWNER};"]
    + [f"CREATE SCHEMA safety AUTHORIZATION {SAFETY};"]
)


class RolesError(Exception):
    """The roles are missing and the login user may not make them; says what a DBA must run."""


def ensure_roles(connection: Connection) -> None:
    """Make what is missing and grant it to the login user. Commits. Raises RolesError."""
    version = connection.scalar(text("SELECT current_setting('server_version_num')::int"))
    if version < _OLDEST_SERVER:
        raise RolesError("PostgreSQL 16 or newer is needed")
    try:
        for role in ROLES:
            _ensure_role(connection, role)
        _ensure_schemas(connection)
    except DBAPIError as error:
        connection.rollback()
        raise RolesError(
            "the login user may not prepare this database"
            f" ({_first_line(error)}); let a database administrator run:\n{DBA_SQL}"
        ) from None
    connection.commit()


def _ensure_role(connection: Connection, role: str) -> None:
    known = "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = :role)"
    if not connection.scalar(text(known), {"role": role}):
        # Roles belong to the whole server: another database of it may be set up this very moment.
        connection.execute(
            text(
                f"DO $$ BEGIN CREATE ROLE {role} NOLOGIN; "
                "EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$"
            )
        )
    granted = "SELECT pg_has_role(session_user, :role, 'SET')"
    if not connection.scalar(text(granted), {"role": role}):
        connection.execute(text(f"GRANT {role} TO CURRENT_USER"))


def _ensure_schemas(connection: Connection) -> None:
    may_create = "SELECT has_schema_privilege(:role, 'public', 'CREATE')"
    if not connection.scalar(text(may_create), {"role": OWNER}):
        connection.execute(text(f"GRANT CREATE, USAGE ON SCHEMA public TO {OWNER}"))
    if connection.scalar(text("SELECT to_regnamespace('safety') IS NULL")):
        connection.execute(text(f"CREATE SCHEMA safety AUTHORIZATION {SAFETY}"))


def _first_line(error: DBAPIError) -> str:
    return str(error.orig).splitlines()[0].rpartition(": ")[2]
