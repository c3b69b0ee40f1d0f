"""How many have to review an outcome is a setting of its programme (models/hours.py)."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "2026_11_23_1140"
down_revision = "2026_11_23_1120"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("programme", schema=None) as batch_op:
        batch_op.add_column(sa.Column("reviewers", sa.Integer(), server_default="1", nullable=False))
        batch_op.create_check_constraint(batch_op.f("ck_programme_reviewers"), "reviewers >= 1 AND reviewers <= 10")
    with op.batch_alter_table("programme", schema=None) as batch_op:
        batch_op.alter_column("reviewers", existing_type=sa.Integer(), existing_nullable=False, server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("programme", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("ck_programme_reviewers"), type_="check")
        batch_op.drop_column("reviewers")
