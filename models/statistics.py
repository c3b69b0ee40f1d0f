"""What the statistics are read from: page views and accounts, counted by region and day (S3-42).

Every figure stands ready for every region of every level, so that a page about a province reads as few rows as one about a county.
A visitor is an account at work in one region: somebody with posts in two counties is a visitor of each, and the counties add up to
their city. The one thing a newcomer gets wrong: visitors of several days are not the sum of each day's. ``before`` says on which
day those visitors had come last, so whoever came first since a day are those whose ``before`` lies ahead of it
(docs/decisions/0005-statistics.md).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import UTC, date, datetime, time
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Date, Integer, String, case, func, literal, or_, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Mapped, Session, mapped_column
from sqlalchemy.sql.functions import FunctionElement

from models.access import Account, AccountState, PersonKind
from models.base import ZONE, Base, Count, Day, Moment, PathString
from models.scoping import Internal

NEVER = date(2000, 1, 1)
"""Before all days that are kept."""
EVERYWHERE = ""
"""In place of an area: all of them together, for who visits three areas is one visitor."""
OFFICE = ""
"""In place of an identity: accounts that are nobody's as teacher, student or parent."""


class PageVisit(Internal, Base):
    """The last day an account was seen in an area of the platform, working in a region, and the day before that."""

    __tablename__ = "page_visit"
    __screen__ = None
    __table_args__ = {"sqlite_with_rowid": False}

    account_id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    scope_path: Mapped[str] = mapped_column(PathString, primary_key=True)
    area: Mapped[str] = mapped_column(String(60), primary_key=True)
    day: Mapped[Day]
    before: Mapped[Day]
    views: Mapped[Count]
    """On ``day``."""


class PageViewCount(Internal, Base):
    """Views of one area in a region (those below it included) on one day, by visitors who had come last on ``before``.

    ``before`` is NEVER where that is longer ago than any period that can be asked for: it would make rows and no difference.
    """

    __tablename__ = "page_view_count"
    __screen__ = None
    __table_args__ = {"sqlite_with_rowid": False}

    scope_path: Mapped[str] = mapped_column(PathString, primary_key=True)
    area: Mapped[str] = mapped_column(String(60), primary_key=True)
    day: Mapped[Day] = mapped_column(primary_key=True)
    before: Mapped[Day] = mapped_column(primary_key=True)
    views: Mapped[Count]
    visitors: Mapped[Count]


class AccountCount(Internal, Base):
    """Accounts of one identity in a region (those below it included) that came on one day; ``activated`` have been logged in to."""

    __tablename__ = "account_count"
    __screen__ = None
    __table_args__ = {"sqlite_with_rowid": False}

    scope_path: Mapped[str] = mapped_column(PathString, primary_key=True)
    day: Mapped[Day] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(20), primary_key=True)
    accounts: Mapped[Count]
    activated: Mapped[Count]


class Recount(Internal, Base):
    """When a table of counts was last brought in line with what it counts."""

    __tablename__ = "recount"
    __screen__ = None

    name: Mapped[str] = mapped_column(String(60), primary_key=True)
    at: Mapped[Moment]


# --- reading ----------------------------------------------------------------------------------------------------------


class ViewDay(NamedTuple):
    """A day of one region; ``first`` are the visitors not seen before in the period the day belongs to."""

    day: date
    views: int
    visitors: int
    first: int


class Views(NamedTuple):
    """Views of a period and the accounts behind them, of one region or area."""

    key: str
    views: int
    visitors: int


class AccountTotal(NamedTuple):
    """The accounts of one region: those that came in the period, all there are, those logged in to."""

    path: str
    new: int
    accounts: int
    activated: int
    counted_at: datetime | None


def view_days(session: Session, path: str, earlier: date, since: date, until: date) -> list[ViewDay]:
    """The days from ``earlier`` to ``until`` that have views; the period asked for begins at ``since``, the one before at ``earlier``."""
    count = PageViewCount
    begin = case((count.day >= since, literal(since)), else_=literal(earlier))
    first = func.sum(case((count.before < begin, count.visitors), else_=0))
    asked = select(count.day, func.sum(count.views), func.sum(count.visitors), first)
    asked = asked.where(count.scope_path == path, count.area == EVERYWHERE, count.day.between(earlier, until))
    return [ViewDay(*row) for row in session.execute(asked.group_by(count.day).order_by(count.day))]


def region_views(session: Session, paths: Collection[str], since: date, until: date) -> list[Views]:
    """Of each of the regions that has any."""
    return _views(session, PageViewCount.scope_path, (PageViewCount.scope_path.in_(paths), PageViewCount.area == EVERYWHERE), since, until)


def area_views(session: Session, path: str, areas: Collection[str], since: date, until: date) -> list[Views]:
    """Of each of the areas that has any; they are named because the index then passes over everything else."""
    return _views(session, PageViewCount.area, (PageViewCount.scope_path == path, PageViewCount.area.in_(areas)), since, until)


def _views(session: Session, key: Any, conditions: Iterable[ColumnElement[bool]], since: date, until: date) -> list[Views]:
    count = PageViewCount
    visitors = func.sum(case((count.before < since, count.visitors), else_=0))
    asked = select(key, func.sum(count.views), visitors).where(*conditions, count.day.between(since, until)).group_by(key)
    return [Views(*row) for row in session.execute(asked)]


def account_days(session: Session, path: str, since: date, until: date) -> list[tuple[date, str, int]]:
    """(day, identity, new accounts) of a region."""
    count = AccountCount
    asked = select(count.day, count.kind, count.accounts).where(count.scope_path == path, count.day.between(since, until))
    return [(day, kind, accounts) for day, kind, accounts in session.execute(asked)]


def account_totals(session: Session, paths: Collection[str], since: date, until: date) -> list[AccountTotal]:
    """Of each of the regions that has accounts, with the moment they were counted."""
    count = AccountCount
    new = func.sum(case((count.day.between(since, until), count.accounts), else_=0))
    counted_at = select(Recount.at).where(Recount.name == count.__tablename__).scalar_subquery()
    asked = select(count.scope_path, new, func.sum(count.accounts), func.sum(count.activated), counted_at)
    return [AccountTotal(*row) for row in session.execute(asked.where(count.scope_path.in_(paths)).group_by(count.scope_path))]


# --- counting accounts ------------------------------------------------------------------------------------------------


class position(FunctionElement[int]):
    """Where a text begins in a column, from 1; 0 where it does not occur."""

    name = "position"
    type = Integer()
    inherit_cache = True


@compiles(position, "sqlite")
def _instr(element: position, compiler: Any, **options: Any) -> str:
    return f"instr({compiler.process(element.clauses, **options)})"


@compiles(position, "postgresql")
def _strpos(element: position, compiler: Any, **options: Any) -> str:
    return f"strpos({compiler.process(element.clauses, **options)})"


class shanghai_day(FunctionElement[date]):
    """The day in Shanghai, eight hours ahead all year, of a moment stored in UTC."""

    name = "shanghai_day"
    type = Date()
    inherit_cache = True


@compiles(shanghai_day, "sqlite")
def _sqlite_day(element: shanghai_day, compiler: Any, **options: Any) -> str:
    return f"date({compiler.process(element.clauses, **options)}, '+8 hours')"


@compiles(shanghai_day, "postgresql")
def _postgresql_day(element: shanghai_day, compiler: Any, **options: Any) -> str:
    return f"CAST({compiler.process(element.clauses, **options)} + interval '8 hours' AS date)"


def count_accounts(session: Session, kept_since: date) -> list[tuple[str, date, str, int, int]]:
    """(own region, day, identity, accounts, activated) of all accounts that were opened; those from before ``kept_since`` on ``NEVER``.

    Reads every account once: for the worker, not for a page.
    """
    moment = Account.created_on
    begin = datetime.combine(kept_since, time(), ZONE).astimezone(UTC).replace(tzinfo=None)
    day = case((or_(moment.is_(None), moment < begin), literal(NEVER)), else_=shanghai_day(moment))
    opened = Account.state.in_((AccountState.ACTIVE, AccountState.DISABLED))
    read = select(_own_region(Account.scope_path).label("path"), day.label("day"), Account.identity, Account.last_login).where(opened)
    found = read.subquery().c
    key = (found.path, found.day, found.identity)
    rows = session.execute(select(*key, func.count(), func.count(found.last_login)).group_by(*key))
    return [(path, day, kind.value if isinstance(kind, PersonKind) else OFFICE, *numbers) for path, day, kind, *numbers in rows]


def _own_region(path: Any) -> ColumnElement[str]:
    """The leading part of a path that is a region's: a region's code begins with a digit, what hangs on it with a letter."""
    unit = (func.nullif(position(path, literal(f"/{letter}", literal_execute=True)), 0) for letter in "st")
    return func.substr(path, 1, func.coalesce(*unit, func.length(path)))
