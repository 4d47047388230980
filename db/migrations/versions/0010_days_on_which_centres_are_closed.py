"""Days that are otherwise than the calendar says, short names, and the hours of days now closed."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

# Those that a release brought, and that nobody has given another name since.
SHORT_NAMES = """
UPDATE centre SET short_km = regexp_replace(name_km, '^.* ខេត្ត', ''),
short_en = regexp_replace(name_en, '^Migrant Worker Resource Centre ', '')
WHERE name_km LIKE '% ខេត្ត_%' AND name_en LIKE 'Migrant Worker Resource Centre _%'
"""


def upgrade() -> None:
    op.create_table(
        "closed_day",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("centre_id", sa.Text(), nullable=True),
        sa.Column("is_open", sa.Boolean(), nullable=False),
        sa.Column("label", sa.Text(), nullable=True),
        sa.Column("made_by", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("NOT is_open OR centre_id IS NULL", name=op.f("ck_closed_day_is_open")),
        sa.CheckConstraint("is_open = (label IS NULL)", name=op.f("ck_closed_day_label")),
        sa.ForeignKeyConstraint(["centre_id"], ["centre.id"], name=op.f("fk_closed_day_centre_id")),
        sa.ForeignKeyConstraint(["made_by"], ["staff.id"], name=op.f("fk_closed_day_made_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_closed_day")),
        sa.UniqueConstraint(
            "day",
            "centre_id",
            name=op.f("uq_closed_day_day_centre_id"),
            postgresql_nulls_not_distinct=True,
        ),
    )
    op.create_index(op.f("ix_closed_day_centre_id"), "closed_day", ["centre_id"], unique=False)
    # Of every centre to everybody: until when another centre should answer what is handed over to
    # it depends on its days.
    op.execute("GRANT SELECT, INSERT, DELETE ON closed_day TO tralob_app")
    op.add_column("centre", sa.Column("closed_hours", postgresql.JSONB(), nullable=True))
    op.add_column("centre", sa.Column("short_km", sa.Text(), nullable=True))
    op.add_column("centre", sa.Column("short_en", sa.Text(), nullable=True))
    op.execute(SHORT_NAMES)


def downgrade() -> None:
    op.drop_column("centre", "short_en")
    op.drop_column("centre", "short_km")
    op.drop_column("centre", "closed_hours")
    op.drop_index(op.f("ix_closed_day_centre_id"), table_name="closed_day")
    op.drop_table("closed_day")
