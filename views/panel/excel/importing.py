"""What an import would do, row by row: new, changed, the same, or refused with every reason (issue 2, Import).

The rules and the reach are those of a form, asked for a thousand rows at a time. Nothing is written here: a check ends with it, and
applying begins with it, so what changed between the two is noticed. The one thing a newcomer gets wrong: a row is recognised by
the table's natural key, and its cells are compared with what an export would say today.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Literal

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from models.base import table_name
from models.fields import Field, exported_fields, fields_of, form_fields
from models.history import UNTOLD
from models.scoping import ROOT, Identity, Scoped
from models.violation import RuleViolation
from rules.masks import MASKS
from views.panel.cells import Words, in_clear, visible
from views.panel.excel.faults import ask_rules
from views.panel.excel.incoming import Incoming
from views.panel.excel.keys import Key, rows_with
from views.panel.excel.links import Found
from views.panel.excel.sheets import SheetRows, linked_ids, only_unit
from views.panel.excel.unique import UniqueValues
from views.panel.words import refused

BATCH = 1000
Outcome = Literal["new", "changed", "same", "refused"]
Fault = tuple[str, str]
"""The field it is about ("" for the whole row) and the sentence."""
Stored = tuple[dict[str, Any], Sequence[object]]
"""What is kept of a row, by column, and its cells as an export has them."""


_NOTHING: dict[str, Any] = {}


@dataclass(slots=True)
class Line:
    """One row of the sheet, and what an import would do with it."""

    number: int
    cells: Sequence[Any]
    outcome: Outcome = "new"
    row_id: int | None = None
    path: str | None = None
    """The row's own, or its owner's while it is new."""
    values: dict[str, Any] = field(default_factory=dict)
    """Column (or many-to-many field) → what would be written."""
    before: dict[str, object] = field(default_factory=dict)
    """Field → the cell as it is now, of what would change."""
    stored: Mapping[str, Any] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    def refuse(self, refusal: RuleViolation) -> None:
        """One more reason why not."""
        self.faults.append(((refusal.field or "").removesuffix("_id"), refused(refusal)))

    def slim(self) -> Line:
        """What is needed to write the line, and no more: an import may keep a hundred thousand."""
        self.cells, self.before, self.stored = (), _NOTHING, {"version": self.stored["version"]} if self.stored else _NOTHING
        return self


def recognised_fields(model: type[Any], identity: Identity) -> list[Field]:
    """What an upload may have columns of: what a form takes and what an export gives, as far as this person sees it."""
    keys = [fields_of(model)[name] for name in model.__screen__.key]
    found = dict.fromkeys([*form_fields(model, adding=True), *keys, *exported_fields(model)])
    return [f for f in found if f.name not in UNTOLD and f.kind != "json" and visible(f, identity, table_name(model))]


class Importer:
    """Judges the rows of one sheet for one person. ``mapping`` says which position holds which field."""

    def __init__(self, session: Session, identity: Identity, model: type[Any], mapping: Mapping[int, str], words: Words) -> None:
        self.session, self.identity, self.model, self.table = session, identity, model, table_name(model)
        self.owner = getattr(model, "__owner__", "")
        known = {f.name: f for f in recognised_fields(model, identity)}
        places = [(position, known[name]) for position, name in sorted(mapping.items()) if name in known]
        self.columns = [Incoming(session, model, f, position, optional=f.name == self.owner) for position, f in places]
        self.by_name = {column.field.name: column for column in self.columns}
        self.key = [self.by_name[name] for name in model.__screen__.key if name in self.by_name]
        self.takes_new = {f.name for f in form_fields(model, adding=True)}
        self._takes_changes = {f.name for f in form_fields(model, adding=False)}
        self._key_names = [column.field.key for column in self.key]
        self._unique = UniqueValues(session, model, self._key_names)
        self._sheet = SheetRows(session, identity, model, [f for _position, f in places], words)
        self._stored_names = list(dict.fromkeys([*self._sheet.keys, "version", *self._unique.keys]))
        unit = only_unit(session, identity, model)
        self._only_unit = Found(*unit) if unit is not None else None

    def examine(self, rows: Iterable[tuple[int, Sequence[Any]]], on_progress: Callable[[int], None] = lambda done: None) -> Iterator[Line]:
        """Every row of the sheet in order, judged; one batch is in memory at a time."""
        waiting, done = iter(rows), 0
        while batch := [Line(number, cells) for number, cells in islice(waiting, BATCH)]:
            with self.session.no_autoflush:
                self._judge(batch)
            # A rule may have written what goes with a change; nothing of it stays.
            self.session.rollback()
            done += len(batch)
            on_progress(done)
            yield from batch

    def _judge(self, batch: list[Line]) -> None:
        for column in self.columns:
            column.learn({line.cells[column.position] for line in batch if isinstance(line.cells[column.position], str)})
        self._compare_known([(line, self._named_key(line)) for line in batch])
        new = [line for line in batch if line.row_id is None]
        for line in new:
            self._take_new(line)
        ask_rules(self.session, self.identity, self.model, batch)
        self._compare_known_after_all(new)
        self._unique.check(batch)
        for line in batch:
            line.outcome = "refused" if line.faults else "new" if line.row_id is None else "changed" if line.values else "same"

    # --- rows that are there already ----------------------------------------------------------------------------------

    def _named_key(self, line: Line) -> Key | None:
        """The natural key a row names; None when it names none, of which it is told like of any other cell."""
        try:
            key = tuple(column.value(line.cells[column.position]) for column in self.key)
        except RuleViolation:
            return None
        return key if key and None not in key else None

    def _compare_known(self, named: Sequence[tuple[Line, Key | None]]) -> list[Line]:
        """Compare the lines whose rows exist within reach, and answer with them."""
        rows = self._rows_of({key for _line, key in named if key is not None})
        found = [(line, rows[key]) for line, key in named if key in rows]
        for line, (stored, shown) in found:
            self._compare(line, stored, shown)
        return [line for line, _row in found]

    def _compare_known_after_all(self, new: Sequence[Line]) -> None:
        """Rules have put the keys of new rows into their normal form (``x`` is ``X``): such a row may be known."""
        if not self.key:
            return
        written = [(line, tuple(line.values.get(name) for name in self._key_names)) for line in new]
        other = [(line, key) for line, key in written if None not in key and key != self._named_key(line)]
        if other:
            ask_rules(self.session, self.identity, self.model, self._compare_known(other))

    def _rows_of(self, keys: set[Key]) -> dict[Key | None, Stored]:
        """Key → row, of those within reach; the others are as good as not there until the new row meets them."""
        columns = [getattr(self.model, name) for name in self._key_names]
        selected = [getattr(self.model, name) for name in self._stored_names]
        rows = [row for row in rows_with(self.session, selected, columns, keys) if self._is_seen(row)]
        shown = self._sheet.cells([row[: len(self._sheet.keys)] for row in rows])
        stored = [dict(zip(self._stored_names, row, strict=True)) for row in rows]
        for column in self.columns:
            if column.field.kind == "links":
                linked = linked_ids(self.session, self.model, column.field, [row["id"] for row in stored])
                for row in stored:
                    row[column.field.name] = linked.get(row["id"], ())
        return {tuple(row[name] for name in self._key_names): (row, cells) for row, cells in zip(stored, shown, strict=True)}

    def _is_seen(self, row: Any) -> bool:
        return not issubclass(self.model, Scoped) or self.identity.reaches("read", self.table, row.scope_path)

    def _compare(self, line: Line, stored: dict[str, Any], shown: Sequence[object]) -> None:
        line.row_id, line.path, line.stored = stored["id"], stored.get("scope_path"), stored
        line.values, line.faults = {}, []
        for column, now in zip(self.columns, shown, strict=True):
            cell = line.cells[column.position]
            if cell == now and type(cell) is type(now):
                continue
            try:
                self._compare_cell(line, column, now)
            except RuleViolation as refusal:
                line.refuse(refusal)
        if line.values and not self._reaches("edit", line.path):
            line.refuse(RuleViolation("您没有修改这条记录的权限。"))

    def _compare_cell(self, line: Line, column: Incoming, now: object) -> None:
        """Take the cell's value if it is another one; RuleViolation when this person may not change it here."""
        cell, said = line.cells[column.position], column.field
        is_open = said.name in self._takes_changes
        if _is_empty(cell) and (_is_empty(now) or not is_open):
            return
        if column.is_mask(cell) and cell == MASKS[said.mask](str(now)):
            return
        if not in_clear(said, self.identity, self.table, line.path):
            raise RuleViolation("您没有查看和修改“{label}”的权限。", said.name, label=column.label)
        value, kept = column.value(cell), line.stored[said.key]
        if column.same(value, kept):
            return
        if not is_open:
            raise RuleViolation("“{label}”不能通过导入修改。", said.name, label=column.label)
        if value is None and not column.nullable:
            raise RuleViolation("“{label}”不能清空。", said.name, label=column.label)
        line.values[said.key] = value
        line.before[said.name] = now

    # --- rows that are new --------------------------------------------------------------------------------------------

    def _take_new(self, line: Line) -> None:
        for column in self.columns:
            cell = line.cells[column.position]
            try:
                value = self._new_value(column, cell)
            except RuleViolation as refusal:
                line.refuse(refusal)
                continue
            # What is left empty gets the table's own default.
            if value is not None and value != ():
                line.values[column.field.key] = value
        self._place(line)

    def _new_value(self, column: Incoming, cell: Any) -> Any:
        if column.field.name not in self.takes_new:
            if _is_empty(cell):
                return None
            raise RuleViolation("“{label}”由系统填写，不能通过导入新增。", column.field.name, label=column.label)
        if column.is_mask(cell):
            raise RuleViolation("“{label}”是打码后的内容，请填写完整。", column.field.name, label=column.label)
        return column.value(cell)

    def _place(self, line: Line) -> None:
        """Whose the new row is: the unit its cell names, or the only one the person could add to."""
        if issubclass(self.model, Scoped):
            unit = self._named_unit(line) or self._only_unit
            if unit is not None:
                line.values[f"{self.owner}_id"] = unit.id
            line.path = unit.path if unit is not None else ROOT
        if any(name == self.owner for name, _sentence in line.faults) or self._reaches("add", line.path):
            return
        label = _(fields_of(self.model)[self.owner].label) if self.owner else ""
        sentence = "请填写“{label}”。" if line.path == ROOT and label else "这一行不在您可以新增的范围内。"
        line.refuse(RuleViolation(sentence, self.owner, label=label))

    def _named_unit(self, line: Line) -> Found | None:
        column = self.by_name.get(self.owner)
        if column is None or f"{self.owner}_id" not in line.values:
            return None
        return column.linked(line.cells[column.position])

    def _reaches(self, act: str, path: str | None) -> bool:
        """Importing takes two acts: this one, and the one the row itself needs."""
        if path is None:
            return self.identity.may("import", self.table) and self.identity.may(act, self.table)
        return self.identity.reaches("import", self.table, path) and self.identity.reaches(act, self.table, path)


def _is_empty(cell: object) -> bool:
    return cell is None or cell == () or (isinstance(cell, str) and not cell.strip())
