"""Questions to the administrators above (models/questions.py, S3-15, S3-19, S3-25, S3-29)."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.columns import bytewise

revision = "2026_11_23_1220"
down_revision = "2026_11_23_1210"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "question",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("title", bytewise(100), nullable=False),
        sa.Column("description", sa.String(length=500), nullable=True),
        sa.Column("asker", bytewise(100), nullable=False),
        sa.Column("unit_name", bytewise(100), nullable=True),
        sa.Column("account_id", sa.Integer(), nullable=True),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("answer", sa.String(length=500), nullable=True),
        sa.Column("answered_at", sa.DateTime(), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("updated_at", sa.DateTime(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("scope_path", bytewise(160), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["ab_user.id"], name=op.f("fk_question_account_id"), ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_question")),
    )
    op.create_index(op.f("ix_question_account_id"), "question", ["account_id"], unique=False)
    op.create_index(op.f("ix_question_asker"), "question", ["asker"], unique=False)
    op.create_index("ix_question_scope_path", "question", ["scope_path", "id"], unique=False)
    op.create_index("ix_question_state_scope", "question", ["state", "scope_path"], unique=False)
    op.create_index(op.f("ix_question_title"), "question", ["title"], unique=False)


def downgrade() -> None:
    op.drop_table("question")
