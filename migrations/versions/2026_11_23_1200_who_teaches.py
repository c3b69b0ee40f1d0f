"""Who teaches an observed lesson is a teacher of the group, or a guest by name; an activity has its record and summary (models/activities.py)."""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

from migrations.columns import bytewise

revision = "2026_11_23_1200"
down_revision = "2026_11_23_1195"
branch_labels = None
depends_on = None

GROUP_ROLES = ("group_leader", "group_member")

activity = sa.table("activity", sa.column("scope_path"), sa.column("guest_teacher"), sa.column("teaching_teacher_id"))
teacher = sa.table("teacher", sa.column("id"), sa.column("name"))
account = sa.table("ab_user", sa.column("id"), sa.column("teacher_id"))
post = sa.table("post", sa.column("account_id"), sa.column("role"), sa.column("scope_path"), sa.column("until"))


def upgrade() -> None:
    """A name that exactly one member of the group has now is that member's; any other is a guest's."""
    with op.batch_alter_table("activity", schema=None) as batch_op:
        batch_op.alter_column("teaching_teacher", new_column_name="guest_teacher", existing_type=bytewise(100), existing_nullable=True)
        batch_op.add_column(sa.Column("teaching_teacher_id", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("minutes", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("summary", sa.Text(), nullable=True))
        batch_op.create_index(batch_op.f("ix_activity_teaching_teacher_id"), ["teaching_teacher_id"], unique=False)
        batch_op.create_foreign_key(
            batch_op.f("fk_activity_teaching_teacher_id"), "teacher", ["teaching_teacher_id"], ["id"], ondelete="RESTRICT"
        )
    now = sa.bindparam(None, datetime.now(UTC).replace(tzinfo=None), sa.DateTime())
    held = (
        post.c.scope_path == activity.c.scope_path,
        post.c.role.in_(GROUP_ROLES),
        sa.or_(post.c.until.is_(None), post.c.until > now),
        account.c.id == post.c.account_id,
        teacher.c.id == account.c.teacher_id,
        teacher.c.name == activity.c.guest_teacher,
    )
    one = sa.select(sa.func.min(teacher.c.id)).where(*held).scalar_subquery()
    number = sa.select(sa.func.count(sa.distinct(teacher.c.id))).where(*held).scalar_subquery()
    op.execute(sa.update(activity).where(activity.c.guest_teacher.is_not(None), number == 1).values(teaching_teacher_id=one))
    op.execute(sa.update(activity).where(activity.c.teaching_teacher_id.is_not(None)).values(guest_teacher=None))


def downgrade() -> None:
    """Whoever teaches is a name again; records and summaries are lost."""
    name = sa.select(teacher.c.name).where(teacher.c.id == activity.c.teaching_teacher_id).scalar_subquery()
    op.execute(sa.update(activity).where(activity.c.teaching_teacher_id.is_not(None)).values(guest_teacher=name))
    with op.batch_alter_table("activity", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_activity_teaching_teacher_id"), type_="foreignkey")
        batch_op.drop_index(batch_op.f("ix_activity_teaching_teacher_id"))
        batch_op.drop_column("summary")
        batch_op.drop_column("minutes")
        batch_op.drop_column("teaching_teacher_id")
        batch_op.alter_column("guest_teacher", new_column_name="teaching_teacher", existing_type=bytewise(100), existing_nullable=True)
