"""Page views: written in batches, as counts by region and day (S3-42).

A person's last day in an area is all that is kept of a person, to tell tomorrow's visitor from today's. Several processes may write
at once: each statement adds to what is there, and all of them take the rows in the same order. The one thing a newcomer gets wrong:
who was first to count somebody today is told by the row itself, whose views are then those just added.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time, timedelta
from typing import Any, NamedTuple, cast

from sqlalchemy import CursorResult, case, delete
from sqlalchemy.orm import Session

from models.base import ZONE
from models.scoping import ROOT, SYSTEM, acting_as, ancestors
from models.session import insert_or, transaction
from models.statistics import EVERYWHERE, NEVER, PageViewCount, PageVisit
from rules.periods import LONGEST_VIEW_DAYS

KEPT_DAYS = 732
"""Two years: last year's quarter can be compared with this one's, and no table grows without end."""
_VISIT: Any = PageVisit.__table__
_COUNT: Any = PageViewCount.__table__
_Place = tuple[int, str, str]
"""Account, region and area."""


class Seen(NamedTuple):
    """Who saw which area of the platform, working at which unit, on which day in Shanghai."""

    day: date
    account_id: int
    unit_path: str
    area: str


def day_of(moment: datetime) -> date:
    """The day in Shanghai, by which everything here is counted."""
    return moment.astimezone(ZONE).date()


def day_begins(day: date) -> datetime:
    """The moment at which a day in Shanghai begins."""
    return datetime.combine(day, time(), ZONE)


def region_of(unit_path: str) -> str:
    """The path of the region that a unit is, or belongs to: a region's code begins with a digit, what hangs on it with a letter."""
    path = ROOT
    for segment in unit_path.strip("/").split("/"):
        if not segment[:1].isdigit():
            break
        path += segment + "/"
    return path


def record(session: Session, seen: Mapping[Seen, int]) -> None:
    """Add views to what is counted, in one transaction; ``seen`` says how often."""
    days: dict[date, dict[_Place, int]] = defaultdict(lambda: defaultdict(int))
    for (day, account_id, unit_path, area), views in seen.items():
        for place in (area, EVERYWHERE):
            days[day][account_id, region_of(unit_path), place] += views
    with acting_as(SYSTEM), transaction(session):
        for day, places in sorted(days.items()):
            _count(session, _visit(session, day, places))


def forget_views(session: Session, *, today: date) -> int:
    """Drop the counts of days that no page asks for any more, and visits as old; how many rows went."""
    oldest = today - timedelta(days=KEPT_DAYS)
    with acting_as(SYSTEM), transaction(session):
        gone = [cast("CursorResult[Any]", session.execute(delete(table).where(table.c.day < oldest))) for table in (_COUNT, _VISIT)]
        return sum(result.rowcount for result in gone)


class _Visited(NamedTuple):
    """What a batch adds to one day of one region and area, for visitors who had come last on ``before``."""

    path: str
    area: str
    day: date
    before: date
    views: int
    visitors: int


def _visit(session: Session, day: date, places: Mapping[_Place, int]) -> Iterable[_Visited]:
    """Note that these accounts were here, and say who of them is a new visitor of the day, seen last when."""
    rows = [
        {"account_id": account_id, "scope_path": path, "area": area, "day": day, "before": NEVER, "views": views}
        for (account_id, path, area), views in sorted(places.items())
    ]
    insert = insert_or(session, _VISIT)
    is_later, is_same = insert.excluded.day > _VISIT.c.day, insert.excluded.day == _VISIT.c.day
    noted = insert.on_conflict_do_update(
        index_elements=["account_id", "scope_path", "area"],
        set_={
            "before": case((is_later, _VISIT.c.day), else_=_VISIT.c.before),
            "views": case((is_later, insert.excluded.views), (is_same, _VISIT.c.views + insert.excluded.views), else_=_VISIT.c.views),
            "day": case((is_later, insert.excluded.day), else_=_VISIT.c.day),
        },
    )
    for row in session.execute(noted.returning(*_VISIT.c), rows).all():
        views = places[row.account_id, row.scope_path, row.area]
        is_first = row.day == day and row.views == views
        before = row.before if (day - row.before).days <= LONGEST_VIEW_DAYS else NEVER
        yield _Visited(row.scope_path, row.area, day, before if is_first else day, views, int(is_first))


def _count(session: Session, visited: Iterable[_Visited]) -> None:
    """Add to the counts of each region and of all above it."""
    sums: dict[tuple[str, str, date, date], list[int]] = defaultdict(lambda: [0, 0])
    for visit in visited:
        for path in {ROOT, *ancestors(visit.path), visit.path}:
            counts = sums[path, visit.area, visit.day, visit.before]
            counts[0] += visit.views
            counts[1] += visit.visitors
    rows = [
        {"scope_path": path, "area": area, "day": day, "before": before, "views": views, "visitors": visitors}
        for (path, area, day, before), (views, visitors) in sorted(sums.items())
    ]
    insert = insert_or(session, _COUNT)
    added = {name: _COUNT.c[name] + insert.excluded[name] for name in ("views", "visitors")}
    session.execute(insert.on_conflict_do_update(index_elements=["scope_path", "area", "day", "before"], set_=added), rows)
