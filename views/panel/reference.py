"""The options of small reference tables, remembered for a few seconds: every form and facet row needs them, and they hardly change.

All of them are read by one statement. A change made in this process forgets them at once; another process may offer the old ones
for ``FRESH_SECONDS`` more. What is saved is checked against the table itself, whatever was offered.
"""

from __future__ import annotations

import time
from collections import defaultdict
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Engine, event, literal, select, union_all
from sqlalchemy.orm import Session

from models.scoping import Shared, reached_classes

FRESH_SECONDS = 5.0
_known: WeakKeyDictionary[Engine, tuple[float, dict[str, list[tuple[int, str]]]]] = WeakKeyDictionary()


def options(session: Session, target: type[Any]) -> list[tuple[int, str]]:
    """Id and name of every row in use, in the table's order."""
    engine = session.get_bind().engine
    known = _known.get(engine)
    if known is None or time.monotonic() - known[0] > FRESH_SECONDS:
        known = _known[engine] = time.monotonic(), _read(session)
    return known[1][target.__tablename__]


def _read(session: Session) -> dict[str, list[tuple[int, str]]]:
    tables = [cls for cls in reached_classes() if issubclass(cls, Shared) and hasattr(cls, "is_active")]
    each = (select(literal(t.__tablename__), t.rank, t.id, t.name).where(t.is_active.is_(True)) for t in tables)
    found: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for table, _rank, row_id, name in sorted(map(tuple, session.execute(union_all(*each)))):
        found[table].append((row_id, name))
    return found


@event.listens_for(Session, "after_flush")
def forget(session: Session, context: Any) -> None:
    """Reference data was changed here: ask again."""
    if any(isinstance(row, Shared) for rows in (session.new, session.dirty, session.deleted) for row in rows):
        _known.clear()
