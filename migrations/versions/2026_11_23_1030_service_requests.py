"""What people ask of customer service; and administrators found by the phone they gave as a contact."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.columns import bytewise

revision = "2026_11_23_1030"
down_revision = "2026_11_23_1020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "service_request",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("name", bytewise(100), nullable=False),
        sa.Column("unit_name", bytewise(100), nullable=False),
        sa.Column("position", bytewise(100), nullable=True),
        sa.Column("phone", sa.String(length=20), nullable=False),
        sa.Column("id_tail", sa.String(length=4), nullable=True),
        sa.Column("description", sa.String(length=500), nullable=True),
        sa.Column("region_id", sa.Integer(), nullable=True),
        sa.Column("school_id", sa.Integer(), nullable=True),
        sa.Column("account_id", sa.Integer(), nullable=True),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("answer", sa.String(length=500), nullable=True),
        sa.Column("answered_at", sa.DateTime(), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("updated_at", sa.DateTime(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("scope_path", bytewise(160), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["ab_user.id"], name=op.f("fk_service_request_account_id"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["region_id"], ["region.id"], name=op.f("fk_service_request_region_id"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk_service_request_school_id"), ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_service_request")),
        sa.UniqueConstraint("digest", name=op.f("uq_service_request_digest")),
    )
    op.create_index(op.f("ix_service_request_account_id"), "service_request", ["account_id"], unique=False)
    op.create_index(op.f("ix_service_request_name"), "service_request", ["name"], unique=False)
    op.create_index(op.f("ix_service_request_region_id"), "service_request", ["region_id"], unique=False)
    op.create_index(op.f("ix_service_request_school_id"), "service_request", ["school_id"], unique=False)
    op.create_index("ix_service_request_scope_path", "service_request", ["scope_path", "id"], unique=False)
    op.create_index("ix_service_request_state_scope", "service_request", ["state", "scope_path"], unique=False)
    op.create_index(op.f("ix_service_request_unit_name"), "service_request", ["unit_name"], unique=False)

    op.create_index(
        "ix_post_contact_phone",
        "post",
        ["contact_phone"],
        unique=False,
        sqlite_where=sa.text("contact_phone IS NOT NULL"),
        postgresql_where=sa.text("contact_phone IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index(
        "ix_post_contact_phone",
        table_name="post",
        sqlite_where=sa.text("contact_phone IS NOT NULL"),
        postgresql_where=sa.text("contact_phone IS NOT NULL"),
    )

    op.drop_index(op.f("ix_service_request_unit_name"), table_name="service_request")
    op.drop_index("ix_service_request_state_scope", table_name="service_request")
    op.drop_index("ix_service_request_scope_path", table_name="service_request")
    op.drop_index(op.f("ix_service_request_school_id"), table_name="service_request")
    op.drop_index(op.f("ix_service_request_region_id"), table_name="service_request")
    op.drop_index(op.f("ix_service_request_name"), table_name="service_request")
    op.drop_index(op.f("ix_service_request_account_id"), table_name="service_request")

    op.drop_table("service_request")
