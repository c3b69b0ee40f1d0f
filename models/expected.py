"""How much of a table a condition leaves, told to a database that cannot know.

PostgreSQL keeps statistics of what is in a column; SQLite takes any range for a small one, and would rather read a whole province
by its path than the three hundred people of one name. The one thing a newcomer gets wrong: this changes how the rows are
found, never which.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, literal_column
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import NullType


class expected(FunctionElement[bool]):
    """``condition``, expected to hold for ``share`` of the rows (0 to 1)."""

    name = "likelihood"
    # Not Boolean: SQLAlchemy would write "… = 1", and SQLite look into it no more.
    type = NullType()  # type: ignore[assignment]
    inherit_cache = True

    def __init__(self, condition: ColumnElement[bool], share: float) -> None:
        super().__init__(condition, literal_column(f"{share:f}"))


@compiles(expected)
def _as_it_is(element: expected, compiler: Any, **options: Any) -> str:
    condition, _share = element.clauses
    return str(compiler.process(condition, **options))


@compiles(expected, "sqlite")
def _with_the_share(element: expected, compiler: Any, **options: Any) -> str:
    return str(compiler.visit_function(element, **options))
