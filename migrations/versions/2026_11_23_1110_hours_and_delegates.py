"""Programmes, their dated policies and the ledger of hours (models/hours.py); a substitute's post says whose it is."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.columns import bytewise

revision = "2026_11_23_1110"
down_revision = "2026_11_23_1100"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "programme",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", bytewise(100), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("region_id", sa.Integer(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.Column("introduction", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("updated_at", sa.DateTime(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("scope_path", bytewise(160), nullable=False),
        sa.CheckConstraint("ends_on >= starts_on", name=op.f("ck_programme_dates")),
        sa.ForeignKeyConstraint(["region_id"], ["region.id"], name=op.f("fk_programme_region_id"), ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_programme")),
    )
    with op.batch_alter_table("programme", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_programme_name"), ["name"], unique=False)
        batch_op.create_index(batch_op.f("ix_programme_region_id"), ["region_id"], unique=False)
        batch_op.create_index("ix_programme_scope_path", ["scope_path", "id"], unique=False)
        batch_op.create_index("ix_programme_year_scope", ["year", "scope_path"], unique=False)

    op.create_table(
        "hour_policy",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("programme_id", sa.Integer(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("discussion", sa.Numeric(precision=8, scale=2), nullable=False),
        sa.Column("homework", sa.Numeric(precision=8, scale=2), nullable=False),
        sa.Column("observation", sa.Numeric(precision=8, scale=2), nullable=False),
        sa.Column("offline_most", sa.Numeric(precision=8, scale=2), nullable=False),
        sa.Column("target", sa.Numeric(precision=8, scale=2), nullable=False),
        sa.Column("cap", sa.Numeric(precision=8, scale=2), nullable=False),
        sa.Column("policy_ref", sa.String(length=500), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("updated_at", sa.DateTime(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("scope_path", bytewise(160), nullable=False),
        sa.CheckConstraint("discussion > 0 AND homework > 0 AND observation > 0 AND offline_most > 0", name=op.f("ck_hour_policy_kinds")),
        sa.CheckConstraint("target > 0 AND target <= cap", name=op.f("ck_hour_policy_target")),
        sa.ForeignKeyConstraint(["programme_id"], ["programme.id"], name=op.f("fk_hour_policy_programme_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hour_policy")),
        sa.UniqueConstraint("programme_id", "valid_from", name=op.f("uq_hour_policy_programme_id_valid_from")),
    )
    with op.batch_alter_table("hour_policy", schema=None) as batch_op:
        batch_op.create_index("ix_hour_policy_scope_path", ["scope_path", "id"], unique=False)

    op.create_table(
        "hour_entry",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("teacher_id", sa.Integer(), nullable=False),
        sa.Column("programme_id", sa.Integer(), nullable=False),
        sa.Column("category", sa.String(length=20), nullable=False),
        sa.Column("title", bytewise(100), nullable=False),
        sa.Column("hours", sa.Numeric(precision=8, scale=2), nullable=False),
        sa.Column("earned_at", sa.DateTime(), nullable=False),
        sa.Column("policy_id", sa.Integer(), nullable=False),
        sa.Column("evidence", sa.String(length=80), nullable=False),
        sa.Column("counters_id", sa.Integer(), nullable=True),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("counted", sa.Numeric(precision=8, scale=2), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("updated_at", sa.DateTime(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("scope_path", bytewise(160), nullable=False),
        sa.ForeignKeyConstraint(["counters_id"], ["hour_entry.id"], name=op.f("fk_hour_entry_counters_id"), ondelete="RESTRICT"),
        sa.ForeignKeyConstraint(["policy_id"], ["hour_policy.id"], name=op.f("fk_hour_entry_policy_id"), ondelete="RESTRICT"),
        sa.ForeignKeyConstraint(["programme_id"], ["programme.id"], name=op.f("fk_hour_entry_programme_id"), ondelete="RESTRICT"),
        sa.ForeignKeyConstraint(["teacher_id"], ["teacher.id"], name=op.f("fk_hour_entry_teacher_id"), ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hour_entry")),
        sa.UniqueConstraint("evidence", name=op.f("uq_hour_entry_evidence")),
    )
    with op.batch_alter_table("hour_entry", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_hour_entry_counters_id"), ["counters_id"], unique=False)
        batch_op.create_index("ix_hour_entry_earned_scope", ["earned_at", "scope_path", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_hour_entry_policy_id"), ["policy_id"], unique=False)
        batch_op.create_index("ix_hour_entry_programme", ["programme_id", "state", "scope_path", "teacher_id"], unique=False)
        batch_op.create_index("ix_hour_entry_scope_facets", ["scope_path", "state", "category"], unique=False)
        batch_op.create_index("ix_hour_entry_scope_path", ["scope_path", "id"], unique=False)
        batch_op.create_index("ix_hour_entry_teacher", ["teacher_id", "programme_id", "earned_at", "id"], unique=False)
        batch_op.create_index("ix_hour_entry_title_scope", ["title", "scope_path", "id"], unique=False)

    with op.batch_alter_table("post", schema=None) as batch_op:
        batch_op.add_column(sa.Column("delegate_of_id", sa.Integer(), nullable=True))
        batch_op.create_index(
            "ix_post_delegate_of",
            ["delegate_of_id"],
            unique=False,
            sqlite_where=sa.text("delegate_of_id IS NOT NULL"),
            postgresql_where=sa.text("delegate_of_id IS NOT NULL"),
        )
        batch_op.create_foreign_key(batch_op.f("fk_post_delegate_of_id"), "post", ["delegate_of_id"], ["id"], ondelete="CASCADE")


def downgrade() -> None:
    with op.batch_alter_table("post", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_post_delegate_of_id"), type_="foreignkey")
        batch_op.drop_index(
            "ix_post_delegate_of",
            sqlite_where=sa.text("delegate_of_id IS NOT NULL"),
            postgresql_where=sa.text("delegate_of_id IS NOT NULL"),
        )
        batch_op.drop_column("delegate_of_id")

    with op.batch_alter_table("hour_entry", schema=None) as batch_op:
        batch_op.drop_index("ix_hour_entry_title_scope")
        batch_op.drop_index("ix_hour_entry_teacher")
        batch_op.drop_index("ix_hour_entry_scope_path")
        batch_op.drop_index("ix_hour_entry_scope_facets")
        batch_op.drop_index("ix_hour_entry_programme")
        batch_op.drop_index(batch_op.f("ix_hour_entry_policy_id"))
        batch_op.drop_index("ix_hour_entry_earned_scope")
        batch_op.drop_index(batch_op.f("ix_hour_entry_counters_id"))

    op.drop_table("hour_entry")
    with op.batch_alter_table("hour_policy", schema=None) as batch_op:
        batch_op.drop_index("ix_hour_policy_scope_path")

    op.drop_table("hour_policy")
    with op.batch_alter_table("programme", schema=None) as batch_op:
        batch_op.drop_index("ix_programme_year_scope")
        batch_op.drop_index("ix_programme_scope_path")
        batch_op.drop_index(batch_op.f("ix_programme_region_id"))
        batch_op.drop_index(batch_op.f("ix_programme_name"))

    op.drop_table("programme")
