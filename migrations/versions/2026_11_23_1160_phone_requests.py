"""Who asks for another phone gives an identity number, the old phone and a photograph, signed out or not (models/service.py)."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.columns import bytewise

revision = "2026_11_23_1160"
down_revision = "2026_11_23_1155"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("service_request", schema=None) as batch_op:
        batch_op.add_column(sa.Column("old_phone", sa.String(length=20), nullable=True))
        batch_op.add_column(sa.Column("id_number", sa.String(length=30), nullable=True))
        batch_op.alter_column("unit_name", existing_type=bytewise(100), nullable=True)
    with op.batch_alter_table("attachment", schema=None, table_kwargs={"sqlite_autoincrement": True}) as batch_op:
        batch_op.alter_column("uploaded_by", existing_type=sa.Integer(), nullable=True)


def downgrade() -> None:
    """Requests without a unit get an empty one; files of the signed out, which nobody could claim, are nobody's (0)."""
    request = sa.table("service_request", sa.column("unit_name"), sa.column("state"))
    attachment = sa.table("attachment", sa.column("uploaded_by"))
    op.execute(sa.update(request).where(request.c.unit_name.is_(None)).values(unit_name=""))
    op.execute(sa.update(request).where(request.c.state == "called").values(state="waiting"))
    op.execute(sa.update(attachment).where(attachment.c.uploaded_by.is_(None)).values(uploaded_by=0))
    with op.batch_alter_table("attachment", schema=None, table_kwargs={"sqlite_autoincrement": True}) as batch_op:
        batch_op.alter_column("uploaded_by", existing_type=sa.Integer(), nullable=False)
    with op.batch_alter_table("service_request", schema=None) as batch_op:
        batch_op.alter_column("unit_name", existing_type=bytewise(100), nullable=False)
        batch_op.drop_column("id_number")
        batch_op.drop_column("old_phone")
