"""Values that no two rows may share: against the whole table, and inside the file itself.

The one thing a newcomer gets wrong: the table is asked beyond the person's reach. The database would refuse the row anyway; the
sentence says no more than a form would.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from flask_babel import gettext as _
from sqlalchemy import Index, UniqueConstraint
from sqlalchemy.orm import Session

from models.violation import RuleViolation
from views.panel.excel.keys import rows_with

if TYPE_CHECKING:
    from views.panel.excel.importing import Line

Names = tuple[str, ...]
Values = tuple[Any, ...]


class UniqueValues:
    """The unique columns of a table while one file is gone through; ``key`` is its natural key."""

    def __init__(self, session: Session, model: type[Any], key: Sequence[str]) -> None:
        self._session, self._model = session, model
        self._kept_by_database = dict(_unique_columns(model))
        self._seen: dict[Names, dict[Values, int]] = {names: {} for names in self._kept_by_database}
        if key:
            self._seen.setdefault(tuple(key), {})
        self.keys = sorted({name for names in self._seen for name in names})

    def check(self, lines: Sequence[Line]) -> None:
        """Refuse each line that repeats an earlier one, or a row of the table that is not its own."""
        for names, seen in self._seen.items():
            given = [(line, values) for line in lines if (values := _values(line, names)) is not None]
            for line, values in given:
                if values in seen:
                    line.refuse(RuleViolation("与第 {row} 行的“{label}”重复。", names[-1], row=seen[values], label=self._label(names)))
                else:
                    seen[values] = line.number
            if names in self._kept_by_database:
                self._check_table(names, [(line, values) for line, values in given if _is_changed(line, names)])

    def _check_table(self, names: Names, given: Sequence[tuple[Line, Values]]) -> None:
        owners = self._owners(names, {values for _line, values in given})
        for line, values in given:
            if owners.get(values, line.row_id) != line.row_id:
                line.refuse(self._taken(names))

    def _taken(self, names: Names) -> RuleViolation:
        """The constraint's own sentence, where it has one."""
        info = self._kept_by_database[names]
        if "sentence" in info:
            return RuleViolation(info["sentence"], info["field"])
        return RuleViolation("“{label}”与已有记录重复。", names[-1], label=self._label(names))

    def _owners(self, names: Names, wanted: set[Values]) -> dict[Values, int]:
        columns = [getattr(self._model, name) for name in names]
        return {tuple(row[1:]): row[0] for row in rows_with(self._session, [self._model.id, *columns], columns, wanted)}

    def _label(self, names: Names) -> str:
        return _(self._model.__mapper__.columns[names[-1]].info.get("label", names[-1]))


def _values(line: Line, names: Names) -> Values | None:
    """The line's values as they would be; None when one is missing, for nothing repeats nothing."""
    stored = line.stored
    values = tuple(line.values[name] if name in line.values else stored.get(name) for name in names)
    return None if None in values else values


def _is_changed(line: Line, names: Names) -> bool:
    return line.row_id is None or any(name in line.values for name in names)


def _unique_columns(model: type[Any]) -> Iterator[tuple[Names, dict[str, Any]]]:
    """Column names of every unique index over all rows and of every unique constraint, each with its info."""
    mapper, table = model.__mapper__, model.__table__
    kept = [index for index in table.indexes if index.unique and not _is_partial(index)]
    for one in (*kept, *(c for c in table.constraints if isinstance(c, UniqueConstraint))):
        yield tuple(mapper.get_property_by_column(column).key for column in one.columns), one.info


def _is_partial(index: Index) -> bool:
    return any(index.dialect_options[dialect]["where"] is not None for dialect in ("sqlite", "postgresql"))
