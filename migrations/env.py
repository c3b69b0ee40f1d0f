"""What Alembic asks for: the tables as declared, and a connection that only one process migrates over at a time."""

from __future__ import annotations

import warnings
from typing import Any

from alembic import context
from alembic.operations.ops import AddColumnOp, MigrationScript
from sqlalchemy import Column, Connection, DefaultClause, Enum, TextClause, literal, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import TypeDecorator

from config import Settings
from migrations.run import declared_metadata, only_one

POSTGRESQL = postgresql.dialect()
WRITTEN = postgresql.dialect(paramstyle="named")
"""Values as a migration says them: in the other style every % would stand there twice."""
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
    if kind == "server_default" and isinstance(getattr(item, "arg", None), TextClause):
        return f"sa.text({item.arg.text!r})"
    return False


def for_rows_there(column: Column[Any]) -> str:
    """The declared default as the database writes it, for the rows a new column finds; empty where Python works it out each time."""
    if column.default is None or not column.default.is_scalar:
        return ""
    return str(literal(column.default.arg, column.type).compile(dialect=WRITTEN, compile_kwargs={"literal_binds": True}))


def fill_rows_there(context: Any, revision: Any, scripts: list[MigrationScript]) -> None:
    """A new column that may not be empty brings a value for the rows of today, or no migration is written."""
    for change in (change for script in scripts for table in script.upgrade_ops.ops for change in getattr(table, "ops", ())):
        if isinstance(change, AddColumnOp) and not change.column.nullable:
            value = for_rows_there(change.column)
            if not value:
                raise SystemExit(NO_VALUE.format(table=change.table_name, column=change.column.name))
            # What follows a colon would be taken for the name of a value to come.
            change.column.server_default = DefaultClause(text(value.replace(":", r"\:")))


NO_VALUE = (
    "{table}.{column}: the rows that are there have no value for it, so no migration was written. "
    "Let it be empty (Mapped[… | None]) or name the value they get (default=…), and run this again."
)


def default_differs(context: Any, found: Any, column: Column[Any], found_default: Any, default: Any, rendered: Any) -> bool | None:
    """Values given to the rows that were there stay in the database and are no difference; None: compare as usual."""
    return False if default is None and for_rows_there(column) else None


def migrate(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=METADATA,
        render_item=render_item,
        render_as_batch=True,
        compare_server_default=default_differs,
        process_revision_directives=fill_rows_there,
    )
    context.run_migrations()


if given := context.config.attributes.get("connection"):
    migrate(given)
else:
    with only_one(Settings.from_environment().database_url) as connection:
        migrate(connection)
