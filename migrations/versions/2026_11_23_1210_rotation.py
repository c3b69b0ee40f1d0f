"""Where a teacher serves meanwhile, whose school goes on managing them (models/people.py, S0-20)."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.columns import bytewise

revision = "2026_11_23_1210"
down_revision = "2026_11_23_1200"
branch_labels = None
depends_on = None

IS_SENT = sa.text("rotation_unit IS NOT NULL")


def upgrade() -> None:
    """Columns are added in place: the table is the largest, and has triggers."""
    op.add_column("teacher", sa.Column("rotation_unit", bytewise(100), nullable=True))
    op.add_column("teacher", sa.Column("rotation_until", sa.Date(), nullable=True))
    op.create_index("ix_teacher_rotating", "teacher", ["scope_path"], sqlite_where=IS_SENT, postgresql_where=IS_SENT)


def downgrade() -> None:
    op.drop_index("ix_teacher_rotating", table_name="teacher")
    op.drop_column("teacher", "rotation_until")
    op.drop_column("teacher", "rotation_unit")
