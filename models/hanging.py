"""What hangs on a row: which rows the database would delete with it, cut off from it, or keep it for.

Read off the declarations, so that it is true of every table. The one thing a newcomer gets wrong: what a rule forbids
(``models.invariants.keeps``) is asked besides; this only knows links.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.base import declared
from models.scoping import acting_as, current_identity
from models.violation import Sentence

GOES_ALONG, IS_CUT_OFF, KEEPS = "CASCADE", "SET NULL", "RESTRICT"


def what_hangs_on(session: Session, row: Any) -> dict[str, list[Sentence]]:
    """``GOES_ALONG``, ``IS_CUT_OFF`` or ``KEEPS`` → how many rows of each declared table; what has none is not there."""
    found: dict[str, list[Sentence]] = {}
    with acting_as(current_identity().serving()):
        for fate, cls, number in _counted(session, row):
            if number:
                found.setdefault(fate, []).append(Sentence("{number}{unit}", number=number, unit=cls.__screen__.unit))
    return found


def _counted(session: Session, row: Any) -> list[tuple[str, Any, int]]:
    """One statement for all the links that lead to the row's table."""
    target = type(row).__table__
    links = [
        (key.ondelete or KEEPS, cls, column == row.id)
        for cls in declared()
        for column in cls.__table__.c
        for key in column.foreign_keys
        if key.column.table is target
    ]
    linked = [
        (KEEPS, cls, _through(relation, row))
        for cls in declared()
        for relation in cls.__mapper__.relationships
        if relation.secondary is not None and relation.mapper.local_table is target
    ]
    asked = [*links, *linked]
    if not asked:
        return []
    counts = session.execute(select(*(select(func.count()).select_from(cls).where(where).scalar_subquery() for _fate, cls, where in asked)))
    return [(fate, cls, number) for (fate, cls, _where), number in zip(asked, counts.one(), strict=True)]


def _through(relation: Any, row: Any) -> Any:
    return getattr(relation.parent.class_, relation.key).any(relation.mapper.class_.id == row.id)
