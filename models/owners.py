"""Which of the rows added together owns which: an owner has to know its place before what it owns can.

The one thing a newcomer gets wrong: a row whose owner is only named by its key has no owner at hand; that owner is there already.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import inspect
from sqlalchemy.orm import Session


def owners_first(rows: Collection[Any]) -> list[Any]:
    """The rows in their order, but each after its owner where that is one of them."""
    ordered: dict[int, Any] = {}
    for row in rows:
        line = [row]
        while (owner := owner_at_hand(line[-1])) in rows and owner not in line:
            line.append(owner)
        ordered.update((id(each), each) for each in reversed(line))
    return list(ordered.values())


def is_owner_at_hand(session: Session, row: Any) -> bool:
    """Whether naming the row's owner asks the database for nothing."""
    owner = inspect(type(row)).relationships[row.__owner__].mapper.class_
    return owner_at_hand(row) is not None or session.identity_key(owner, getattr(row, f"{row.__owner__}_id")) in session.identity_map


def owner_at_hand(row: Any) -> Any | None:
    """The row that owns ``row``, unless only its key is known."""
    name = getattr(type(row), "__owner__", "")
    return row.__dict__.get(name) if name else None
