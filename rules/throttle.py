"""How often something guessable may be tried: one count for every process and machine, kept in the database.

``hit`` counts a try and says whether it was still within the limit. Counting is a transaction of its own, so that a try
stays counted whatever becomes of the verb it belongs to; the one thing a newcomer gets wrong is to count after something
was changed. Keys are stored hashed: no address and no account name can be read from the table.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, Table, case, delete, literal, select, update
from sqlalchemy.orm import Session

from models.access import Throttle
from models.session import insert_or

_COUNTS: Table = Throttle.__table__  # type: ignore[assignment]
SWEPT_AT_ONCE = 100


def hit(session: Session, key: str, *, limit: int, seconds: int, now: datetime) -> bool:
    """Count one try of ``key``; True while no more than ``limit`` were made in the ``seconds`` since the first of them.

    Ends the transaction the session is in: count before anything is changed. A refused try does not prolong the wait.
    """
    if session.new or session.deleted or any(session.is_modified(row) for row in session.dirty):
        raise RuntimeError("a try is counted before anything is changed")
    session.commit()
    tries = _count(session.connection(), _hidden(key), now, now + timedelta(seconds=seconds))
    session.commit()
    if tries == 1:
        _sweep(session.connection(), now)
        session.commit()
    return tries <= limit


def allowed(session: Session, key: str, *, limit: int, now: datetime) -> bool:
    """Whether another try of ``key`` would be within ``limit`` now. Asks only: to admit a try, ``hit`` it."""
    asked = select(_COUNTS.c.tries).where(_COUNTS.c.key == _hidden(key), _COUNTS.c.until > now)
    return (session.connection().scalar(asked) or 0) < limit


def clear(session: Session, key: str) -> None:
    """Forget the tries of ``key``, as part of the caller's transaction."""
    session.connection().execute(delete(_COUNTS).where(_COUNTS.c.key == _hidden(key)))


def take_back(session: Session, key: str) -> None:
    """One try of ``key`` was no guess: it does not count. Part of the caller's transaction."""
    known = (_COUNTS.c.key == _hidden(key)) & (_COUNTS.c.tries > 0)
    session.connection().execute(update(_COUNTS).where(known).values(tries=_COUNTS.c.tries - 1))


def _hidden(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def _count(connection: Connection, key: str, now: datetime, until: datetime) -> int:
    """One statement, so that of many at once each gets a number of its own."""
    over = _COUNTS.c.until <= now
    fresh: dict[str, ColumnElement[object]] = {
        "tries": case((over, 1), else_=_COUNTS.c.tries + 1),
        "until": case((over, literal(until, _COUNTS.c.until.type)), else_=_COUNTS.c.until),
    }
    counted = insert_or(connection, _COUNTS).values(key=key, tries=1, until=until).on_conflict_do_update(index_elements=["key"], set_=fresh)
    tries: int = connection.execute(counted.returning(_COUNTS.c.tries)).scalar_one()
    return tries


def _sweep(connection: Connection, now: datetime) -> None:
    """Counts that are over go as new ones come; those another process is just counting on are left to it."""
    over = select(_COUNTS.c.key).where(_COUNTS.c.until <= now).limit(SWEPT_AT_ONCE).with_for_update(skip_locked=True)
    connection.execute(delete(_COUNTS).where(_COUNTS.c.key.in_(over), _COUNTS.c.until <= now))
