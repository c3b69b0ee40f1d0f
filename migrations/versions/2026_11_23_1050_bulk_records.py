"""The records a bulk act was confirmed for, and what became of each (models/jobs.py)."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "2026_11_23_1050"
down_revision = "2026_11_23_1040"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "bulk_record",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("job_id", sa.Integer(), nullable=False),
        sa.Column("row_id", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.String(length=20), nullable=True),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name=op.f("fk_bulk_record_job_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bulk_record")),
    )
    op.create_index("ix_bulk_record_job_id_outcome_id", "bulk_record", ["job_id", "outcome", "id"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_bulk_record_job_id_outcome_id", table_name="bulk_record")
    op.drop_table("bulk_record")
