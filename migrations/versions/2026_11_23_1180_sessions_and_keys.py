"""Sessions that were signed out of are remembered, API keys end with the password they were made under (models/access.py)."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "2026_11_23_1180"
down_revision = "2026_11_23_1170"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "ended_session",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("until", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_ended_session")),
    )
    with op.batch_alter_table("ended_session", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_ended_session_until"), ["until"], unique=False)
    with op.batch_alter_table("ab_api_key", schema=None) as batch_op:
        batch_op.add_column(sa.Column("password_stamp", sa.String(length=32), nullable=True))
    key, account = (sa.table(name, *map(sa.column, ("id", "user_id", "password_stamp"))) for name in ("ab_api_key", "ab_user"))
    today = sa.select(account.c.password_stamp).where(account.c.id == key.c.user_id).scalar_subquery()
    op.execute(sa.update(key).values(password_stamp=today))


def downgrade() -> None:
    with op.batch_alter_table("ab_api_key", schema=None) as batch_op:
        batch_op.drop_column("password_stamp")
    op.drop_table("ended_session")
