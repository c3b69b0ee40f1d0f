"""Who belongs to a group reads its school's programme (rules/grants.py); a post of the IT team names its school, as every post does."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "2026_11_23_1170"
down_revision = "2026_11_23_1160"
branch_labels = None
depends_on = None

GROUP_ROLES = ("group_leader", "group_member")
TEAM = "信息化团队"

role, permission, screen = (sa.table(name, sa.column("id"), sa.column("name")) for name in ("ab_role", "ab_permission", "ab_view_menu"))
pair = sa.table("ab_permission_view", sa.column("id"), sa.column("permission_id"), sa.column("view_menu_id"))
granted = sa.table("ab_permission_view_role", sa.column("permission_view_id"), sa.column("role_id"))
post = sa.table("post", sa.column("role"), sa.column("school_id"), sa.column("unit_name"))
school = sa.table("school", sa.column("id"), sa.column("name"))


def upgrade() -> None:
    wanted = sa.select(pair.c.id, role.c.id).join(permission, permission.c.id == pair.c.permission_id)
    wanted = wanted.join(screen, screen.c.id == pair.c.view_menu_id).join(role, role.c.name.in_(GROUP_ROLES))
    is_there = sa.exists().where(granted.c.permission_view_id == pair.c.id, granted.c.role_id == role.c.id)
    wanted = wanted.where(permission.c.name == "can_read", screen.c.name == "school_programme", ~is_there)
    op.execute(sa.insert(granted).from_select(["permission_view_id", "role_id"], wanted))
    name = sa.select(school.c.name).where(school.c.id == post.c.school_id).scalar_subquery()
    op.execute(
        sa.update(post).where(post.c.role == "it_team", post.c.unit_name == TEAM, post.c.school_id.is_not(None)).values(unit_name=name)
    )


def downgrade() -> None:
    """The grants stay: which of them somebody has given by hand nobody can tell."""
    op.execute(sa.update(post).where(post.c.role == "it_team", post.c.school_id.is_not(None)).values(unit_name=TEAM))
