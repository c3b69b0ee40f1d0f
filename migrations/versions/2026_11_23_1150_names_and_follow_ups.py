"""A school's part in a programme has a name (models/research.py); reminders of leaders are kept (models/follow_ups.py)."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.columns import bytewise

revision = "2026_11_23_1150"
down_revision = "2026_11_23_1140"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("school_programme", schema=None) as batch_op:
        batch_op.add_column(sa.Column("name", bytewise(210), nullable=False, server_default=""))
    part, school, programme = (
        sa.table(name, sa.column("id"), sa.column("name"), sa.column("school_id"), sa.column("programme_id"))
        for name in ("school_programme", "school", "programme")
    )
    names = sa.select(school.c.name).where(school.c.id == part.c.school_id).scalar_subquery()
    whole = names + " · " + sa.select(programme.c.name).where(programme.c.id == part.c.programme_id).scalar_subquery()
    op.execute(sa.update(part).values(name=whole))
    with op.batch_alter_table("school_programme", schema=None) as batch_op:
        batch_op.alter_column("name", existing_type=bytewise(210), server_default=None)
        batch_op.create_index("ix_school_programme_name_scope", ["name", "scope_path", "id"], unique=False)
    op.create_table(
        "follow_up",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("school_programme_id", sa.Integer(), nullable=False),
        sa.Column("teacher_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=True),
        sa.Column("reminded_on", sa.Date(), nullable=False),
        sa.Column("reminded_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["school_programme_id"], ["school_programme.id"], name=op.f("fk_follow_up_school_programme_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["teacher_id"], ["teacher.id"], name=op.f("fk_follow_up_teacher_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["account_id"], ["ab_user.id"], name=op.f("fk_follow_up_account_id"), ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_follow_up")),
        sa.UniqueConstraint(
            "school_programme_id", "teacher_id", "reminded_on", name=op.f("uq_follow_up_school_programme_id_teacher_id_reminded_on")
        ),
    )
    with op.batch_alter_table("follow_up", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_follow_up_teacher_id"), ["teacher_id"], unique=False)


def downgrade() -> None:
    op.drop_table("follow_up")
    with op.batch_alter_table("school_programme", schema=None) as batch_op:
        batch_op.drop_index("ix_school_programme_name_scope")
        batch_op.drop_column("name")
