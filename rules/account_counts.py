"""Accounts, counted anew by the worker every few minutes: how many came when, of which identity, in which region (S3-42).

What is counted changes in too many ways to be kept up with (imports, moves, first logins), so it is read as it is, every account
once, and only what differs from the last time is written. A page says when that was.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, delete, insert, select, update
from sqlalchemy.orm import Session

from models.scoping import ROOT, SYSTEM, acting_as, ancestors
from models.session import insert_or, transaction
from models.statistics import AccountCount, Recount, count_accounts
from rules.page_views import KEPT_DAYS, day_of

Key = tuple[str, date, str]
Counts = dict[Key, tuple[int, int]]
_COUNT: Any = AccountCount.__table__


def recount_accounts(session: Session, *, now: datetime) -> int:
    """Bring the counts in line with the accounts; how many of them changed. Two at once take turns."""
    with acting_as(SYSTEM):
        counted = add_up(count_accounts(session, day_of(now) - timedelta(days=KEPT_DAYS)))
        session.commit()
        with transaction(session):
            _take_turn(session, now)
            kept = {(path, day, kind): (accounts, activated) for path, day, kind, accounts, activated in session.execute(select(*_COUNT.c))}
            return _write(session, kept, counted)


def add_up(own: Iterable[tuple[str, date, str, int, int]]) -> Counts:
    """The counts of every region with those of the regions below it, from each region's own."""
    sums: Counts = {}
    for path, day, kind, accounts, activated in own:
        for above in {ROOT, *ancestors(path), path}:
            before = sums.get((above, day, kind), (0, 0))
            sums[above, day, kind] = before[0] + accounts, before[1] + activated
    return sums


def _take_turn(session: Session, now: datetime) -> None:
    """From here on no other worker writes these counts until this transaction ends."""
    turn = insert_or(session, Recount.__table__).values(name=_COUNT.name, at=now)
    session.execute(turn.on_conflict_do_update(index_elements=["name"], set_={"at": turn.excluded.at}))


def _write(session: Session, kept: Counts, counted: Counts) -> int:
    """Write the differences."""
    new, gone = [key for key in counted if key not in kept], [key for key in kept if key not in counted]
    changed = [key for key, numbers in counted.items() if key in kept and kept[key] != numbers]
    row = (_COUNT.c.scope_path == bindparam("p")) & (_COUNT.c.day == bindparam("d")) & (_COUNT.c.kind == bindparam("k"))
    connection = session.connection()
    if gone:
        connection.execute(delete(_COUNT).where(row), [_named(key) for key in gone])
    if changed:
        values = [_named(key) | dict(zip("na", counted[key], strict=True)) for key in changed]
        connection.execute(update(_COUNT).where(row).values(accounts=bindparam("n"), activated=bindparam("a")), values)
    if new:
        names = ("scope_path", "day", "kind", "accounts", "activated")
        connection.execute(insert(_COUNT), [dict(zip(names, (*key, *counted[key]), strict=True)) for key in new])
    return len(new) + len(changed) + len(gone)


def _named(key: Key) -> dict[str, Any]:
    return dict(zip("pdk", key, strict=True))
