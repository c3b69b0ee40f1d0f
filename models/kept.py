"""Rows that not everybody reads who reads their table there: drafts, and what was hidden (decision 0007).

A class says so by two things: ``kept_to``, the act whose holders read such a row, and ``is_kept``, which rows those are. Besides
them reads it whom its ``teacher_id`` names. The one thing a newcomer gets wrong: such a row is out of reach as a whole, so it is
behind no door, and nothing of it has to be masked.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import ColumnElement, not_, or_

from models.paths import below


def is_open(cls: type[Any], reads: Collection[str], held: Collection[str], teacher_id: int | None) -> ColumnElement[bool] | None:
    """The condition that a row is not kept from who reads below the one paths and holds ``kept_to`` below the others; None when none is."""
    if not cls.kept_to or all(any(path.startswith(above) for above in held) for path in reads):
        return None
    told = [not_(cls.is_kept), *(below(cls.scope_path, path) for path in held)]
    return or_(*told, cls.teacher_id == teacher_id) if teacher_id is not None and hasattr(cls, "teacher_id") else or_(*told)


def is_row_open(row: Any, held: Collection[str], teacher_id: int | None) -> bool:
    """The same question for a row already at hand."""
    if not row.kept_to or not row.is_kept or any(row.scope_path.startswith(path) for path in held):
        return True
    return teacher_id is not None and getattr(row, "teacher_id", None) == teacher_id
