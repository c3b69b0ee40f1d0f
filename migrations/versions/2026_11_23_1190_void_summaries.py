"""What a removed teacher has handed in waits for no reviewer (rules/removal.py)."""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "2026_11_23_1190"
down_revision = "2026_11_23_1180"
branch_labels = None
depends_on = None

GROUP_ROLES = ("group_leader", "group_member")


def upgrade() -> None:
    """Where the removal was approved and the teacher is in none of the school's groups again."""
    summary = _table("ability_summary", "school_programme_id", "teacher_id", "state")
    request = _table("removal_request", "school_programme_id", "teacher_id", "state")
    group = _table("research_group", "school_programme_id", "scope_path")
    post, account = _table("post", "account_id", "role", "scope_path", "until"), _table("ab_user", "id", "teacher_id")
    approved = sa.exists().where(
        request.c.school_programme_id == summary.c.school_programme_id,
        request.c.teacher_id == summary.c.teacher_id,
        request.c.state == "approved",
    )
    again = sa.exists().where(
        account.c.teacher_id == summary.c.teacher_id,
        post.c.account_id == account.c.id,
        post.c.role.in_(GROUP_ROLES),
        sa.or_(post.c.until.is_(None), post.c.until > sa.bindparam(None, datetime.now(UTC).replace(tzinfo=None), sa.DateTime())),
        group.c.scope_path == post.c.scope_path,
        group.c.school_programme_id == summary.c.school_programme_id,
    )
    op.execute(sa.update(summary).where(summary.c.state == "submitted", approved, ~again).values(state="void"))


def downgrade() -> None:
    summary = _table("ability_summary", "state")
    op.execute(sa.update(summary).where(summary.c.state == "void").values(state="submitted"))


def _table(name: str, *columns: str) -> sa.TableClause:
    return sa.table(name, *map(sa.column, columns))
