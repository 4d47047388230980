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

_MAY_TAKE = "SELECT pg_has_role(session_user, :role, 'SET')"
_MAY_CREATE = "SELECT has_schema_privilege(:role, 'public', 'CREATE')"


class RolesError(Exception):
    """The roles are missing and the login user may not make them; says what a DBA must run."""


def ensure_roles(connection: Connection) -> None:
    """Make what is missing and grant it to the login user. Commits. Raises RolesError."""
    version = connection.scalar(text("SELECT current_setting('server_version_num')::int"))
    if version < _OLDEST_SERVER:
        raise RolesError("PostgreSQL 16 or newer is needed")
    missing = _list_missing(connection)
    try:
        for statement in missing:
            connection.execute(text(_made_once(statement)))
    except DBAPIError as error:
        connection.rollback()
        raise RolesError(
            f"the login user may not prepare this database ({_first_line(error)}); let a database"
            " administrator run in it:\n" + "\n".join(f"{statement};" for statement in missing)
        ) from None
    connection.commit()


def _list_missing(connection: Connection) -> list[str]:
    """The statements that make the roles, what is granted to them and the schema of one."""
    user = connection.scalar(text("SELECT quote_ident(session_user)"))
    known = set(connection.scalars(text("SELECT rolname FROM pg_roles")))
    statements = []
    for role in ROLES:
        if role not in known:
            statements.append(f"CREATE ROLE {role} NOLOGIN")
        if role not in known or not _holds(connection, _MAY_TAKE, role):
            statements.append(f"GRANT {role} TO {user}")
    if OWNER not in known or not _holds(connection, _MAY_CREATE, OWNER):
        statements.append(f"GRANT CREATE, USAGE ON SCHEMA public TO {OWNER}")
    if connection.scalar(text("SELECT to_regnamespace('safety') IS NULL")):
        statements.append(f"CREATE SCHEMA safety AUTHORIZATION {SAFETY}")
    return statements


def _holds(connection: Connection, question: str, role: str) -> bool:
    return bool(connection.scalar(text(question), {"role": role}))


def _made_once(statement: str) -> str:
    """Roles belong to the whole server: another database of it may be set up this very moment."""
    if not statement.startswith("CREATE ROLE"):
        return statement
    return (
        f"DO $$ BEGIN {statement}; "
        "EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$"
    )


def _first_line(error: DBAPIError) -> str:
    return str(error.orig).splitlines()[0].rpartition(": ")[2]
