"""Agencies that must be asked to delete what they have got; the numbers under which centres answer.

What was taken back before this was told in threads alone: it is not made up here.
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

IN_CENTRE = "(SELECT current_setting('tralob.centre', true)) IN ('all', centre_id)"


def upgrade() -> None:
    # It goes with its referral to another centre, so it names both.
    op.create_unique_constraint(op.f("uq_referral_id_centre_id"), "referral", ["id", "centre_id"])
    create_recall()
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON recall TO tralob_app")
    op.execute("ALTER TABLE recall ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE recall FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY centre ON recall USING ({IN_CENTRE})")
    op.add_column("centre", sa.Column("phone_e164", sa.Text(), nullable=True))
    op.create_check_constraint(
        op.f("ck_centre_phone_e164"), "centre", "phone_e164 ~ '^\\+?[0-9]+$'"
    )


def create_recall() -> None:
    op.create_table(
        "recall",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("centre_id", sa.Text(), nullable=False),
        sa.Column("agency_id", sa.BigInteger(), nullable=False),
        sa.Column("referral_id", sa.BigInteger(), nullable=True),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("arose_on", sa.Date(), nullable=False),
        sa.Column("done_on", sa.Date(), nullable=True),
        sa.Column("done_how", sa.Text(), nullable=True),
        sa.Column("done_by", sa.Uuid(), nullable=True),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "done_how IN ('phone', 'in_person', 'email', 'paper')",
            name=op.f("ck_recall_done_how"),
        ),
        sa.CheckConstraint("reason IN ('taken_back', 'deleted')", name=op.f("ck_recall_reason")),
        sa.CheckConstraint("done_on >= arose_on", name=op.f("ck_recall_done_on")),
        sa.CheckConstraint(
            "num_nulls(done_on, done_how, done_by, done_at) IN (0, 4)",
            name=op.f("ck_recall_done"),
        ),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_recall_agency_id")),
        sa.ForeignKeyConstraint(["centre_id"], ["centre.id"], name=op.f("fk_recall_centre_id")),
        sa.ForeignKeyConstraint(["done_by"], ["staff.id"], name=op.f("fk_recall_done_by")),
        sa.ForeignKeyConstraint(
            ["referral_id", "centre_id"],
            ["referral.id", "referral.centre_id"],
            name=op.f("fk_recall_referral_id_centre_id"),
            onupdate="CASCADE",
            ondelete="SET NULL (referral_id)",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recall")),
        sa.UniqueConstraint("referral_id", name=op.f("uq_recall_referral_id")),
    )
    op.create_index("ix_recall_agency_id", "recall", ["agency_id"], unique=False)
    op.create_index("ix_recall_done_by", "recall", ["done_by"], unique=False)
    op.create_index(
        "ix_recall_open",
        "recall",
        ["centre_id", "arose_on", "id"],
        unique=False,
        postgresql_where=sa.text("done_at IS NULL"),
    )


def downgrade() -> None:
    op.drop_constraint(op.f("ck_centre_phone_e164"), "centre", type_="check")
    op.drop_column("centre", "phone_e164")
    op.drop_table("recall")
    op.drop_constraint(op.f("uq_referral_id_centre_id"), "referral", type_="unique")
