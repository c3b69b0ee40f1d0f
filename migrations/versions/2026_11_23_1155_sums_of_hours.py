"""Sums, facets and lists of a school's hours and participations are answered by indexes alone (models/hours.py, models/activities.py)."""

from __future__ import annotations

from alembic import op

revision = "2026_11_23_1155"
down_revision = "2026_11_23_1150"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _index("ix_hour_entry_teacher", "teacher_id", "programme_id", "state", "hours", "counted")
    _index("ix_hour_entry_scope_facets", "scope_path", "state", "category", "earned_at", "id")
    op.create_index("ix_participation_scope_facets", "participation", ["scope_path", "state", "teacher_id", "id"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_participation_scope_facets", table_name="participation")
    _index("ix_hour_entry_scope_facets", "scope_path", "state", "category")
    _index("ix_hour_entry_teacher", "teacher_id", "programme_id", "earned_at", "id")


def _index(name: str, *columns: str) -> None:
    """Over the same table under the same name, of other columns."""
    op.drop_index(name, table_name="hour_entry")
    op.create_index(name, "hour_entry", list(columns), unique=False)
