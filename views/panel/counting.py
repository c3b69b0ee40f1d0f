"""How many rows a listing has, in all and by facet: exact, and where there are very many at most a few seconds old.

Counting costs as much as there are rows, so nothing is counted twice on a page: a page that is not full says how many there are, a
facet that was counted says it too, and all facets under the same conditions are counted in one pass. The one thing a newcomer gets wrong: what is remembered is
remembered by reach, so nobody is told another's total.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import lru_cache
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import ColumnElement, Engine, Select, func, select
from sqlalchemy.orm import Session

from models.base import table_name
from models.fields import Field
from models.scoping import Identity, Scoped
from views.panel.reference import options

MANY = 100_000
"""Beyond this many rows in reach counts may be a few seconds old, and those of facets come after the page."""
FRESH_SECONDS = 10.0
REACH_SECONDS = 60.0
"""How old the number of rows in reach may be that says whether there are MANY."""
MOST_REMEMBERED = 1000

_counts: WeakKeyDictionary[Engine, dict[tuple[Any, ...], tuple[float, Any]]] = WeakKeyDictionary()


def forget() -> None:
    """Count everything anew."""
    _counts.clear()


class Counts:
    """What of a listing is a number. ``Listing`` says which rows they are."""

    session: Session
    identity: Identity
    model: type[Any]
    fields: dict[str, Field]
    filters: dict[str, str]
    extra: tuple[ColumnElement[bool], ...]

    def conditions(self, without: str = "") -> list[ColumnElement[bool]]:
        raise NotImplementedError

    def wide(self) -> bool:
        """Whether there are ``MANY`` rows in reach, whatever the filters leave of them."""
        reach = self._recent("", REACH_SECONDS)
        return (reach if reach is not None else self._count("", [])) > MANY

    def total(self) -> int:
        """How many rows match; with ``MANY`` in reach possibly a few seconds old."""
        what, conditions = self._what(), self.conditions()
        if self.extra:
            return self._count(None, conditions)
        known = self._recent(what, FRESH_SECONDS)
        if known is not None and (known > MANY or (what and self.wide())):
            return known
        return self._count(what, conditions)

    def numbers(self, facets: Sequence[str], total: int | None) -> tuple[int, dict[str, dict[str, int]] | None]:
        """How many rows match, in all (``total`` where the page knows it) and by facet: None of ``MANY``, told after the page.

        One pass over the rows where they are known to be few.
        """
        if total is not None and not self._what() and not self.extra:
            self._remember("", total)
        reach = self._recent("", REACH_SECONDS)
        if facets and total is None and reach is not None and reach <= MANY:
            counts = self.facet_counts(facets)
            return self._total_of(counts), counts
        number = self.total() if total is None else total
        return number, {} if not facets else None if self.wide() else self.facet_counts(facets)

    def _total_of(self, counts: dict[str, dict[str, int]]) -> int:
        """What a facet says that leaves out nothing; each is counted without its own filter."""
        narrowed = {name.partition(".")[0] for name in self.filters}
        whole = next((found[""] for name, found in counts.items() if name not in narrowed), None)
        return self.total() if whole is None else whole

    def facet_counts(self, names: Sequence[str]) -> dict[str, dict[str, int]]:
        """Facet → value → rows, with every other filter applied; ``""`` is all of them."""
        what = f"{self._what()} by {names}"
        known = self._recent(what, FRESH_SECONDS)
        if known is not None and not self.extra and self.wide():
            return dict(known)
        return dict(self._remember(what, self._count_facets(names)))

    def _count_facets(self, names: Sequence[str]) -> dict[str, dict[str, int]]:
        alike = [name for name in names if name not in self.filters and self._values(name)]
        found = self._tally(alike, self.conditions()) if alike else {}
        for name in names:
            if name not in found:
                conditions = self.conditions(without=name)
                found |= self._tally([name], conditions) if self._values(name) else {name: self._grouped(name, conditions)}
        return found

    def _what(self) -> str:
        """The conditions in one word, empty when there are none."""
        raise NotImplementedError

    def _values(self, name: str) -> list[Any]:
        """Every value a facet offers, where they are known beforehand."""
        field = self.fields[name]
        return [i for i, _name in options(self.session, field.target)] if field.kind == "link" else list(field.choices)

    def _tally(self, names: Sequence[str], conditions: Sequence[ColumnElement[bool]]) -> dict[str, dict[str, int]]:
        """Every value of the facets, counted in one pass over the rows."""
        keys = tuple((name, value) for name in names for value in self._values(name))
        counting = _counting(self.model, tuple((self.fields[name].key, value) for name, value in keys))
        total, *counted = self.session.execute(counting.where(*conditions)).one()
        found = {name: {"": total} for name in names}
        for (name, value), count in zip(keys, counted, strict=True):
            found[name][str(getattr(value, "value", value))] = count
        return found

    def _grouped(self, name: str, conditions: Sequence[ColumnElement[bool]]) -> dict[str, int]:
        column = getattr(self.model, self.fields[name].key)
        query = select(column, func.count()).where(*conditions).group_by(column)
        counts = {str(value): count for value, count in self.session.execute(query)}
        return {"": sum(counts.values()), **counts}

    # --- remembered ---------------------------------------------------------------------------------------------------

    def _recent(self, what: str, seconds: float) -> Any:
        known = _counts.get(self._engine(), {}).get(self._key(what))
        return known[1] if known is not None and time.monotonic() - known[0] < seconds else None

    def _count(self, what: str | None, conditions: Sequence[ColumnElement[bool]]) -> int:
        number = int(self.session.scalar(select(func.count()).select_from(self.model).where(*conditions)) or 0)
        return number if what is None else int(self._remember(what, number))

    def _remember(self, what: str, counted: Any) -> Any:
        remembered = _counts.setdefault(self._engine(), {})
        if len(remembered) >= MOST_REMEMBERED:
            remembered.clear()
        remembered[self._key(what)] = time.monotonic(), counted
        return counted

    def _engine(self) -> Engine:
        return self.session.get_bind().engine

    def _key(self, what: str) -> tuple[Any, ...]:
        """Reach and conditions; where rows are not reached by path alone, the account stands for its reach."""
        table = table_name(self.model)
        account = None if issubclass(self.model, Scoped) and not self.model.kept_to else self.identity.account_id
        return table, self.identity.paths("read", table), account, what


@lru_cache(maxsize=MOST_REMEMBERED)
def _counting(model: type[Any], values: tuple[tuple[str, Any], ...]) -> Select[Any]:
    """How many rows there are, and how many with each value in its column; made once, because making it takes longer than the answer."""
    counters = [func.count().filter(getattr(model, key) == value) for key, value in values]
    return select(func.count(), *counters).select_from(model)
