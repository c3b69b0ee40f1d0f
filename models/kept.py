"""Rows that not everybody reads who reads their table there: drafts, and what was hidden (decision 0007).

A class says so by two things: ``kept_to``, the act whose holders read such a row, and ``is_kept``, which rows those are. Besides
them reads it whom its ``teacher_id`` names. The one thing a newcomer gets wrong: such a row is out of reach as a whole, so it is
behind no door, and nothing of it has to be masked.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import ColumnElement, not_, or_

from models.base import table_name
from models.paths import ROOT, below


def is_open(cls: type[Any], identity: Any, reads: Collection[str] = (ROOT,)) -> ColumnElement[bool] | None:
    """The condition that a row below these paths is not kept from the identity; None when none is."""
    if not cls.kept_to:
        return None
    held = identity.paths(cls.kept_to, table_name(cls))
    if all(any(path.startswith(above) for above in held) for path in reads):
        return None
    teacher_id = _teacher(identity)
    told = [not_(cls.is_kept), *(below(cls.scope_path, path) for path in held)]
    return or_(*told, cls.teacher_id == teacher_id) if teacher_id is not None and hasattr(cls, "teacher_id") else or_(*told)


def is_row_open(row: Any, identity: Any) -> bool:
    """The same question for a row already at hand."""
    if not getattr(row, "kept_to", "") or not row.is_kept or identity.reaches(row.kept_to, table_name(type(row)), row.scope_path):
        return True
    teacher_id = _teacher(identity)
    return teacher_id is not None and getattr(row, "teacher_id", None) == teacher_id


def _teacher(identity: Any) -> Any:
    return dict(identity.person).get("teacher")
