"""Tables of the statistics: who was last where, views by region and day, accounts by region and day (models/statistics.py).

And an index of the accounts that wait to be opened, whom the menu counts on every page.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.columns import bytewise

revision = "2026_11_23_1020"
down_revision = "2026_11_23_1010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "account_count",
        sa.Column("scope_path", bytewise(160), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("accounts", sa.Integer(), nullable=False),
        sa.Column("activated", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("scope_path", "day", "kind", name=op.f("pk_account_count")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "page_view_count",
        sa.Column("scope_path", bytewise(160), nullable=False),
        sa.Column("area", sa.String(length=60), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("before", sa.Date(), nullable=False),
        sa.Column("views", sa.Integer(), nullable=False),
        sa.Column("visitors", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("scope_path", "area", "day", "before", name=op.f("pk_page_view_count")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "page_visit",
        sa.Column("account_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("scope_path", bytewise(160), nullable=False),
        sa.Column("area", sa.String(length=60), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("before", sa.Date(), nullable=False),
        sa.Column("views", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "scope_path", "area", name=op.f("pk_page_visit")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "recount",
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_recount")),
    )
    is_requested = sa.text("state = 'requested'")
    op.create_index(
        "ix_ab_user_waiting", "ab_user", ["scope_path", "id"], unique=False, sqlite_where=is_requested, postgresql_where=is_requested
    )


def downgrade() -> None:
    op.drop_index("ix_ab_user_waiting", table_name="ab_user")
    op.drop_table("recount")
    op.drop_table("page_visit")
    op.drop_table("page_view_count")
    op.drop_table("account_count")
