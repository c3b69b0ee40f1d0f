"""Indexes from which activities are counted by group and by topic."""

from __future__ import annotations

from alembic import op

revision = "2026_11_23_1195"
down_revision = "2026_11_23_1190"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index("ix_activity_group_id", table_name="activity")
    op.drop_index("ix_activity_topic_id", table_name="activity")
    op.create_index("ix_activity_group_state", "activity", ["group_id", "state"])
    op.create_index("ix_activity_topic_scope", "activity", ["topic_id", "scope_path", "id"])


def downgrade() -> None:
    op.drop_index("ix_activity_topic_scope", table_name="activity")
    op.drop_index("ix_activity_group_state", table_name="activity")
    op.create_index("ix_activity_topic_id", "activity", ["topic_id"])
    op.create_index("ix_activity_group_id", "activity", ["group_id"])
