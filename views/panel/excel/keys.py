"""Rows found by the values of several columns, a thousand at a time, whatever the size of the table.

The one thing a newcomer gets wrong: the reach is no part of these statements. SQLite would then walk through everything in reach
instead of looking the keys up; who calls says what of the answer may be used.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, select, tuple_
from sqlalchemy.orm import Session

from models.scoping import acting_as, current_identity

Key = tuple[Any, ...]
MOST_GROUPS = 20


def rows_with(session: Session, selected: Sequence[Any], columns: Sequence[Any], keys: Collection[Key]) -> Iterator[Any]:
    """``selected`` of every row, in reach or not, whose ``columns`` hold one of ``keys``."""
    for among in _conditions(columns, keys) if keys else ():
        with acting_as(current_identity().serving()):
            found = session.execute(select(*selected).where(among)).all()
        yield from found


def _conditions(columns: Sequence[Any], keys: Collection[Key]) -> list[ColumnElement[bool]]:
    """Equal in all columns but the most varied, which is one of a list: the form every database answers from an index."""
    varied = max(range(len(columns)), key=lambda at: len({key[at] for key in keys}))
    groups: dict[Key, list[Any]] = defaultdict(list)
    for key in keys:
        groups[key[:varied] + key[varied + 1 :]].append(key[varied])
    if len(groups) > MOST_GROUPS:
        return [tuple_(*columns).in_(list(keys))]
    others = [*columns[:varied], *columns[varied + 1 :]]
    return [
        and_(*(column == value for column, value in zip(others, group, strict=True)), columns[varied].in_(values))
        for group, values in groups.items()
    ]
