"""Text inside names, found by index on every database.

People's names are short: text inside one begins at one of a few places. An index for each place, and one for the rare long names,
turn "contains" into "begins with". The one thing a newcomer gets wrong: trigrams would not do, because what is searched for has
one or two characters (docs/decisions/0004-lists-at-a-million.md).
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Index, and_, func, literal_column, select, text, union_all

PLACES = 4
_places: set[tuple[str, str]] = set()


def indexes_inside(table: str, column: str) -> tuple[Index, ...]:
    """What a class adds to its ``__table_args__`` for a column of short names that is searched at a million rows."""
    _places.add((table, column))
    later = (Index(f"ix_{table}_{column}_from_{place}", text(f"substr({column}, {place})")) for place in range(2, PLACES + 1))
    is_long = text(f"length({column}) > {PLACES}")
    return (*later, Index(f"ix_{table}_{column}_long", column, sqlite_where=is_long, postgresql_where=is_long))


def has_places(column: Any) -> bool:
    """Whether the column has these indexes."""
    return (column.table.name, column.key) in _places


def begins(column: Any, text: str) -> ColumnElement[bool]:
    """The column's text begins with ``text``: a range, which an index answers where ``LIKE`` would not."""
    return and_(column >= text, column < text[:-1] + _next(text[-1]))


def inside(column: Any, text: str) -> ColumnElement[bool]:
    """The column contains ``text``, by the indexes of :func:`indexes_inside`; the scope is asked of the statement around it."""
    table = column.table
    name = table.c[column.key]
    beginnings = [name, *(func.substr(name, literal_column(str(place))) for place in range(2, PLACES + 1))]
    is_long = and_(func.length(name) > literal_column(str(PLACES)), name.contains(text, autoescape=True))
    found = [select(table.c.id).where(condition) for condition in (*(begins(part, text) for part in beginnings), is_long)]
    return table.c.id.in_(union_all(*found))  # type: ignore[no-any-return]


def _next(character: str) -> str:
    """The character that sorts after this one; there are none between U+D7FF and U+E000 that could be sent."""
    return "\ue000" if character == "\ud7ff" else chr(min(ord(character) + 1, 0x10FFFF))
