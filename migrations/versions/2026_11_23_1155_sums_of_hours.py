"""The index by which a school's hours are summed up holds all that is summed (models/hours.py)."""

from __future__ import annotations

from alembic import op

revision = "2026_11_23_1155"
down_revision = "2026_11_23_1150"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _index("teacher_id", "programme_id", "state", "hours", "counted")


def downgrade() -> None:
    _index("teacher_id", "programme_id", "earned_at", "id")


def _index(*columns: str) -> None:
    op.drop_index("ix_hour_entry_teacher", table_name="hour_entry")
    op.create_index("ix_hour_entry_teacher", "hour_entry", list(columns), unique=False)
