"""What Alembic asks for: the tables as declared, and a connection that only one process migrates over at a time."""

from __future__ import annotations

import warnings
from typing import Any

from alembic import context
from sqlalchemy import Connection, Enum
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import TypeDecorator

from config import Settings
from migrations.run import declared_metadata, only_one

POSTGRESQL = postgresql.dialect()
METADATA = declared_metadata()
# SQLite cannot be asked for indexes on expressions; on PostgreSQL they are compared.
warnings.filterwarnings("ignore", ".*expression-based index")


def render_item(kind: str, item: Any, autogen_context: Any) -> str | bool:
    """Migrations outlive the code: a column is written down as what the database stores, not as a type of ours."""
    if kind == "type" and isinstance(item, Enum):
        return f"sa.String(length={item.length})"
    if kind == "type" and isinstance(item, TypeDecorator):
        return f"sa.{item.impl!r}"
    if kind == "type" and getattr(item.dialect_impl(POSTGRESQL), "collation", None) == "C":
        autogen_context.imports.add("from migrations.columns import bytewise")
        return f"bytewise({item.length})"
    return False


def migrate(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=METADATA,
        render_item=render_item,
        render_as_batch=True,
        compare_server_default=True,
    )
    context.run_migrations()


if given := context.config.attributes.get("connection"):
    migrate(given)
else:
    with only_one(Settings.from_environment().database_url) as connection:
        migrate(connection)
