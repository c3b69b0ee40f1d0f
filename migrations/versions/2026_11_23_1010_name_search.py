"""Indexes on the places of a teacher's name, so that text inside it is found without reading every name (models/inside.py).

A migration that copies the table on SQLite (``batch_alter_table`` with a changed column) loses indexes on expressions: it has to
make these again.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "2026_11_23_1010"
down_revision = "2026_11_23_1000"
branch_labels = None
depends_on = None

PLACES = (2, 3, 4)


def upgrade() -> None:
    for place in PLACES:
        op.create_index(f"ix_teacher_name_from_{place}", "teacher", [sa.text(f"substr(name, {place})")])


def downgrade() -> None:
    for place in PLACES:
        op.drop_index(f"ix_teacher_name_from_{place}", table_name="teacher")
