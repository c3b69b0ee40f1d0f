"""Decisions are found by their moment and by who took them (models/history.py)."""

from __future__ import annotations

from alembic import op

revision = "2026_11_23_1230"
down_revision = "2026_11_23_1220"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_decision_at", "decision", ["at"], unique=False)
    op.create_index(op.f("ix_decision_account_id"), "decision", ["account_id"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_decision_account_id"), table_name="decision")
    op.drop_index("ix_decision_at", table_name="decision")
