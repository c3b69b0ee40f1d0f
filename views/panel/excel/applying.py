"""Writing what an import found to be good: one transaction, under the person's own identity, with everything a form would bring.

The one thing a newcomer gets wrong: the rows are judged before the first is written, so a writer of SQLite is kept waiting only
while rows are written; and judged again by the flush, so nothing that changed meanwhile slips through.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from sqlalchemy.orm import Session

from models.violation import Conflict, RuleViolation
from views.panel.excel.faults import linked_rows, rows_by_id, write_values
from views.panel.excel.importing import Line

AT_ONCE = 1000
CHANGED_MEANWHILE = "有记录刚刚被他人修改，请重新检查后再导入。"


class WriteRefused(Exception):
    """The flush refused one of these lines; everything has been rolled back."""

    def __init__(self, lines: Sequence[Line], refusal: RuleViolation) -> None:
        super().__init__(refusal.message)
        self.lines, self.refusal = lines, refusal


def write_lines(session: Session, model: type[Any], lines: Sequence[Line], on_progress: Callable[[int], None] = lambda done: None) -> None:
    """Write new and changed lines; commits nothing. Raises WriteRefused with the thousand lines the refused one is among."""
    changed = [line for line in lines if line.outcome == "changed"]
    new = [line for line in lines if line.outcome == "new"]
    done = 0
    for some, prepare in [*((part, _change) for part in _parts(changed)), *((part, _add) for part in _parts(new))]:
        try:
            with session.no_autoflush:
                _linked = linked_rows(session, model, some)
                _rows = prepare(session, model, some)
                session.flush()
        except RuleViolation as refusal:
            raise WriteRefused(some, refusal) from refusal
        done += len(some)
        on_progress(done)


def blame(session: Session, model: type[Any], refused: WriteRefused) -> None:
    """Find the refused lines by writing each alone and taking it back, and tell them why."""
    for line in refused.lines:
        try:
            write_lines(session, model, [line])
        except WriteRefused as found:
            line.outcome = "refused"
            line.refuse(found.refusal)
        session.rollback()


def _parts(lines: Sequence[Line]) -> Iterator[Sequence[Line]]:
    return (lines[start : start + AT_ONCE] for start in range(0, len(lines), AT_ONCE))


def _add(session: Session, model: type[Any], lines: Sequence[Line]) -> list[Any]:
    rows = []
    for line in lines:
        row = model()
        write_values(session, row, line.values)
        rows.append(row)
    session.add_all(rows)
    return rows


def _change(session: Session, model: type[Any], lines: Sequence[Line]) -> list[Any]:
    rows = rows_by_id(session, model, [line.row_id for line in lines if line.row_id is not None])
    for line in lines:
        row = rows.get(line.row_id or 0)
        if row is None or row.version != line.stored["version"]:
            raise Conflict(CHANGED_MEANWHILE)
        write_values(session, row, line.values)
    return list(rows.values())
