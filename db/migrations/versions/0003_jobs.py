"""The tables of the job library, as procrastinate 3.10 makes them.

Its schema is kept here as it was: a later version of the library changes what is there with its own
migrations, and must not find the new tables already made by this one.
"""

from pathlib import Path

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

SCHEMA = Path(__file__).with_name("0003_procrastinate_3_10.sql")
TABLES = (
    "procrastinate_events",
    "procrastinate_periodic_defers",
    "procrastinate_jobs",
    "procrastinate_workers",
)
TYPES = (
    "procrastinate_job_to_defer_v1",
    "procrastinate_job_event_type",
    "procrastinate_job_status",
)

DROP_FUNCTIONS = r"""
DO $$ DECLARE made regprocedure; BEGIN
    FOR made IN
        SELECT oid::regprocedure FROM pg_proc
        WHERE pronamespace = 'public'::regnamespace AND proname LIKE 'procrastinate\_%'
    LOOP
        EXECUTE format('DROP FUNCTION %s CASCADE', made);
    END LOOP;
END $$
"""


def upgrade() -> None:
    # One statement first: it begins the transaction, of which the driver's own call is then a part.
    op.execute("SET LOCAL client_min_messages = warning")
    script = SCHEMA.read_text(encoding="utf-8")
    # The dialect prepares what it runs, and only one statement can be prepared at a time.
    connection = op.get_bind().connection.dbapi_connection
    assert connection is not None
    connection.run_async(lambda driver: driver.execute(script))
    for table in TABLES:
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO tralob_app")
        op.execute(f"GRANT USAGE ON SEQUENCE {table}_id_seq TO tralob_app")


def downgrade() -> None:
    op.execute(DROP_FUNCTIONS)
    op.execute(f"DROP TABLE {', '.join(TABLES)}")
    op.execute(f"DROP TYPE {', '.join(TYPES)}")
