"""A list's state and its statements: what the address asks for, checked against what the declaration and the person allow.

Everything a list shows is in its address. Unknown or forbidden parts of it are ignored, never an error: a shared link works for
whoever opens it, within their own reach.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import ColumnElement, Select, false, func, or_, select
from sqlalchemy.orm import Session, joinedload, lazyload, selectinload

from models.base import ZONE, row_id, table_name
from models.fields import Field, fields_of
from models.inside import begins, has_places, inside
from models.scoping import Identity, Scoped, below
from views.panel.cells import is_open_to_questions
from views.panel.counting import Counts

SIZES = (10, 25, 50, 100)
RANGES, ENDS = ("date", "datetime", "int", "decimal"), ("from", "to")


@dataclass(frozen=True)
class ListState:
    """What the address asks for."""

    search: str = ""
    anywhere: bool = False
    filters: Mapping[str, str] = field(default_factory=dict)
    only: frozenset[str] = frozenset()
    """Conditions a view offers by name (``only.incomplete=1``)."""
    sort: str = ""
    page: int = 1
    size: int = SIZES[0]

    def address(self, **changes: Any) -> str:
        """The query string of this state with ``changes``; a changed filter leads back to page 1."""
        state = replace(self, **changes)
        items: list[tuple[str, str]] = [(f"f.{k}", v) for k, v in sorted(state.filters.items()) if v != ""]
        items += [(f"only.{name}", "1") for name in sorted(state.only)]
        if state.search:
            items.insert(0, ("q", state.search))
        if state.anywhere:
            items.append(("anywhere", "1"))
        if state.sort:
            items.append(("sort", state.sort))
        if state.size != SIZES[0]:
            items.append(("size", str(state.size)))
        if state.page > 1:
            items.append(("page", str(state.page)))
        return "?" + urlencode(items) if items else "?"

    def with_filter(self, name: str, value: str) -> str:
        """The address with one filter set, or removed when ``value`` is empty."""
        filters = {k: v for k, v in self.filters.items() if k != name}
        return self.address(filters={**filters, name: value} if value else filters, page=1)


def read_state(args: Mapping[str, str]) -> ListState:
    """The state an address asks for; nonsense becomes the default."""
    filters = {k.removeprefix("f."): v.strip()[:200] for k, v in args.items() if k.startswith("f.") and v.strip()}
    size = _number(args.get("size", ""), SIZES[0])
    return ListState(
        search=args.get("q", "").strip()[:100],
        anywhere=args.get("anywhere") == "1",
        filters=filters,
        only=frozenset(k.removeprefix("only.")[:30] for k, v in args.items() if k.startswith("only.") and v == "1"),
        sort=args.get("sort", "")[:60],
        page=max(1, min(_number(args.get("page", ""), 1), 10_000_000)),
        size=size if size in SIZES else SIZES[0],
    )


def _number(text: str, otherwise: int) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else otherwise


class Listing(Counts):
    """The rows of one declared table that one person's address asks for."""

    def __init__(
        self, session: Session, identity: Identity, model: type[Any], state: ListState, *, extra: Sequence[ColumnElement[bool]] = ()
    ) -> None:
        self.session, self.identity, self.model = session, identity, model
        self.table, self.screen, self.fields = table_name(model), model.__screen__, fields_of(model)
        self.extra = tuple(extra)
        self._linked_rows: dict[tuple[str, int], Any] = {}
        self.filters = {k: v for k, v in state.filters.items() if self._may_filter(k)}
        self.order = state.sort if self._may_sort(state.sort.removeprefix("-")) else ""
        self.state = replace(state, filters=self.filters, sort=self.order)

    # --- what is allowed ----------------------------------------------------------------------------------------------

    def open(self, field: Field) -> bool:
        """Whether the person may search, filter and sort by the field."""
        return is_open_to_questions(field, self.identity, self.table)

    def filter_names(self) -> list[str]:
        """Fields offered as filters: facets first, then the others."""
        names = [*self.screen.facets, *(n for n in self.screen.filters if n not in self.screen.facets)]
        return [n for n in names if self.open(self.fields[n])]

    def sort_names(self) -> list[str]:
        return [n for n in self.screen.sort if self.open(self.fields[n])]

    def search_names(self) -> list[str]:
        return [n for n in self.screen.search if self.open(self.fields[n])]

    def _may_filter(self, asked: str) -> bool:
        name, _dot, end = asked.partition(".")
        return name in self.filter_names() and (not end or (end in ENDS and self.fields[name].kind in RANGES))

    def _may_sort(self, name: str) -> bool:
        return name in self.sort_names()

    # --- conditions ---------------------------------------------------------------------------------------------------

    def conditions(self, without: str = "") -> list[ColumnElement[bool]]:
        """Every condition but the scope, which the session adds; ``without`` leaves one facet out."""
        found = list(self.extra)
        for name, value in self.filters.items():
            base, _, end = name.partition(".")
            if base != without:
                found.append(self._condition(self.fields[base], end, value))
        if self.state.search:
            found.append(self._search())
        return found

    def _condition(self, field: Field, end: str, value: str) -> ColumnElement[bool]:
        column = getattr(self.model, field.key)
        if value == "-":
            return column.is_(None)  # type: ignore[no-any-return]
        if end in ENDS:
            return _range(field, column, end, value)
        if field.kind == "link":
            return self._linked(field, column, value)
        if field.kind == "choice":
            member = next((m for m in field.choices if m.value == value), None)
            return column == member if member is not None else false()
        if field.kind == "bool":
            return column.is_(value == "1")  # type: ignore[no-any-return]
        if field.kind in RANGES:
            return _range(field, column, "on", value)
        return column == value  # type: ignore[no-any-return]

    def linked(self, field: Field, value: str) -> Any:
        """The row a link's filter names, within reach; looked up once."""
        number = row_id(value)
        if number is None:
            return None
        if (field.name, number) not in self._linked_rows:
            self._linked_rows[field.name, number] = self.session.get(field.target, number, options=lean(field.target))
        return self._linked_rows[field.name, number]

    def _linked(self, field: Field, column: Any, value: str) -> ColumnElement[bool]:
        """A link to a unit means everything below it; any other link means that very row."""
        number = row_id(value)
        if number is None:
            return false()
        if issubclass(field.target, Scoped) and field.target.__segment__ and issubclass(self.model, Scoped):
            unit = self.linked(field, value)
            return below(self.model.scope_path, unit.scope_path) if unit is not None else false()
        return column == number  # type: ignore[no-any-return]

    def _search(self) -> ColumnElement[bool]:
        columns = [getattr(self.model, n) for n in self.search_names()]
        return or_(false(), *(self._contains(c) if self.state.anywhere else begins(c, self.state.search) for c in columns))

    def _contains(self, column: Any) -> ColumnElement[bool]:
        """Few rows are read whole; of many, the places of the text are found first."""
        if has_places(column) and self.wide():
            return inside(column, self.state.search)
        return column.contains(self.state.search, autoescape=True)  # type: ignore[no-any-return]

    # --- statements ---------------------------------------------------------------------------------------------------

    def select_ids(self) -> Select[Any]:
        """The ids of all matching rows, in order."""
        return select(self.model.id).where(*self.conditions()).order_by(*self._order_by())

    def _order_by(self) -> list[Any]:
        name = self.order or (
            self.search_names()[0] if self.state.search and not self.state.anywhere and self.search_names() else self.screen.order
        )
        first = self.fields[name.removeprefix("-")].key
        keys = dict.fromkeys((first, "scope_path", "id") if issubclass(self.model, Scoped) and first != "id" else (first, "id"))
        columns = [getattr(self.model, key) for key in keys]
        return [column.desc() for column in columns] if name.startswith("-") else columns

    def rows(self, names: Sequence[str]) -> list[Any]:
        """This page's rows with the links named in ``names`` loaded: one statement, plus one per many-to-many shown."""
        wanted = self._page_of_ids().subquery()
        query = select(self.model).join(wanted, wanted.c.id == self.model.id).order_by(*self._order_by())
        return list(self.session.scalars(query.options(*self.loads(names))).unique())

    def _page_of_ids(self) -> Select[Any]:
        return self.select_ids().limit(self.state.size).offset((self.state.page - 1) * self.state.size)

    def loads(self, names: Sequence[str]) -> list[Any]:
        """How to load what a page or sheet of ``names`` needs without a statement per row."""
        return linked_rows(self.model, [self.fields[n] for n in names])

    def page(self, names: Sequence[str]) -> tuple[list[Any], int | None]:
        """This page's rows, and how many match in all where a page that is not full says so itself."""
        rows = self.rows(names)
        is_last = len(rows) < self.state.size and (rows or self.state.page == 1)
        return rows, (self.state.page - 1) * self.state.size + len(rows) if is_last else None

    def first_rows(self, names: Sequence[str]) -> tuple[list[Any], int]:
        """The first rows and how many there are in all, in one statement: for conditions that leave few, because all are counted."""
        wanted = self._page_of_ids().add_columns(func.count().over().label("all")).subquery()
        query = select(self.model, wanted.c.all).join(wanted, wanted.c.id == self.model.id).order_by(*self._order_by())
        found = self.session.execute(query.options(*self.loads(names))).unique().all()
        return [row for row, _all in found], found[0].all if found else 0

    def _what(self) -> str:
        return replace(self.state, page=1, size=SIZES[0], sort="").address().removeprefix("?")


def linked_rows(model: type[Any], fields: Sequence[Field]) -> list[Any]:
    """How to load what a page shows of ``fields`` together with the rows, and nothing else."""
    return _linked_rows(model, tuple(f.name for f in fields if f.kind in ("link", "links")))


@cache
def _linked_rows(model: type[Any], names: tuple[str, ...]) -> list[Any]:
    """Made once: making options takes longer than using them."""
    fields = [fields_of(model)[name] for name in names]
    single = [joinedload(getattr(model, f.name)).options(*lean(f.target), *named_by(f.target)) for f in fields if f.kind == "link"]
    several = [f.name for f in fields if f.kind == "links"]
    return [*single, *(selectinload(getattr(model, name)) for name in several), *lean(model, but=several)]


def named_by(model: type[Any]) -> list[Any]:
    """The links whose names are part of a record's own name; accounts are Flask-AppBuilder's and declare none."""
    links = [(name, model.__mapper__.relationships[name].mapper.class_) for name in getattr(model, "__named_by__", ())]
    return [joinedload(getattr(model, name)).options(*lean(target)) for name, target in links]


def lean(model: type[Any], but: Sequence[str] = ()) -> list[Any]:
    """Leave the collections that usually come with a row until somebody asks for them."""
    return [lazyload(getattr(model, r.key)) for r in model.__mapper__.relationships if r.lazy == "selectin" and r.key not in but]


def _range(field: Field, column: Any, end: str, value: str) -> ColumnElement[bool]:
    bounds = _bounds(field, value)
    if bounds is None:
        return false()
    low, high = bounds
    if end == "from":
        return column >= low  # type: ignore[no-any-return]
    if end == "to":
        return column < high if field.kind == "datetime" else column <= low  # type: ignore[no-any-return]
    return (column >= low) & (column < high) if field.kind == "datetime" else column == low  # type: ignore[no-any-return]


def _bounds(field: Field, value: str) -> tuple[Any, Any] | None:
    """The value as the column holds it; a day of a moment is from midnight to midnight in Shanghai."""
    try:
        if field.kind in ("int", "decimal"):
            number = Decimal(value)
            return (number, number) if number.is_finite() and abs(number) < 10**12 else None
        day = date.fromisoformat(value)
        if field.kind == "date":
            return day, day
        start = datetime(day.year, day.month, day.day, tzinfo=ZONE).astimezone(UTC)
        return start, start + timedelta(days=1)
    except (ValueError, InvalidOperation, OverflowError):
        return None
