"""What the table's own rules say of rows that an import would write, asked of each without writing any.

The one thing a newcomer gets wrong: rules put values into their normal form (an ``X`` at the end of a number) as they ask, so
afterwards a line holds what would really be written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from sqlalchemy.orm import Session, lazyload

from models.fields import fields_of
from models.invariants import _holds, check_fields
from models.scoping import Identity, Scoped, acting_as
from models.violation import RuleViolation

if TYPE_CHECKING:
    from views.panel.excel.importing import Line


def ask_rules(session: Session, identity: Identity, model: type[Any], lines: Sequence[Line]) -> None:
    """Add to each line what the rules have against it; ``session`` must not flush by itself."""
    changed = [line.row_id for line in lines if line.row_id is not None and line.values]
    needed = {f.key for f in fields_of(model).values() if f.required}
    with acting_as(identity.serving()):
        rows = rows_by_id(session, model, changed)
        _linked = linked_rows(session, model, lines)
        for line in lines:
            if line.row_id is None:
                _ask_of_new(session, model, line, is_whole=needed <= line.values.keys())
            elif line.row_id in rows:
                # A second line about the same row is refused as such.
                _ask_of_changed(session, rows.pop(line.row_id), line)


def rows_by_id(session: Session, model: type[Any], ids: Sequence[int]) -> dict[int, Any]:
    """The rows themselves, nothing linked to them."""
    if not ids:
        return {}
    found = session.scalars(select(model).where(model.id.in_(ids)).options(lazyload("*")))
    return {row.id: row for row in found}


def linked_rows(session: Session, model: type[Any], lines: Sequence[Line]) -> list[Any]:
    """Every row the lines link to. Whoever holds them spares the rules a statement per line: a session forgets what nobody holds."""
    found: list[Any] = []
    for relation in model.__mapper__.relationships:
        keys = [relation.key] if relation.secondary is not None else [column.key for column in relation.local_columns]
        ids = {i for line in lines for key in keys for i in _ids(line.values.get(key))}
        found += rows_by_id(session, relation.mapper.class_, sorted(ids)).values()
    return found


def _ids(value: Any) -> Sequence[int]:
    return value if isinstance(value, tuple) else () if value is None else (value,)


def write_values(session: Session, row: Any, values: Mapping[str, Any]) -> None:
    """Give ``row`` the values of a line; a many-to-many field's are ids."""
    relations = row.__mapper__.relationships
    for name, value in values.items():
        if name in relations:
            target = relations[name].mapper.class_
            value = [session.get_one(target, i) for i in value]
        setattr(row, name, value)


def _ask_of_new(session: Session, model: type[Any], line: Line, *, is_whole: bool) -> None:
    """The row stays outside the session, like one whose form has not been saved."""
    row = model()
    write_values(session, row, line.values)
    if isinstance(row, Scoped) and line.path is not None:
        row.scope_path = line.path
    _ask(session, row, line, is_whole=is_whole)
    _take_normal_form(row, line)


def _ask_of_changed(session: Session, row: Any, line: Line) -> None:
    write_values(session, row, line.values)
    _ask(session, row, line, is_whole=False)
    session.expunge(row)
    _take_normal_form(row, line)
    for name in [name for name, value in line.values.items() if name in line.stored and line.stored[name] == value]:
        del line.values[name]


def _take_normal_form(row: Any, line: Line) -> None:
    relations = row.__mapper__.relationships
    line.values.update({name: row.__dict__.get(name) for name in line.values if name not in relations})


def _ask(session: Session, row: Any, line: Line, *, is_whole: bool) -> None:
    """Whether everything required is there, then each rule; a field that is wrong already is not blamed twice.

    ``is_whole``: every required field has a value, and each cell has been measured when it was read.
    """
    told = {name for name, _sentence in line.faults}
    try:
        if not is_whole:
            check_fields(row)
    except RuleViolation as refusal:
        _tell(line, refusal, told)
        return
    for check in _holds.get(type(row), ()):
        try:
            check(session, row)
        except RuleViolation as refusal:
            _tell(line, refusal, told)


def _tell(line: Line, refusal: RuleViolation, told: set[str]) -> None:
    if (refusal.field or "").removesuffix("_id") not in told or not refusal.field:
        line.refuse(refusal)
