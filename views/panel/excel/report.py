"""What a check tells of a sheet: counts, the first rows cell by cell, a fingerprint, and every fault for the workbook that goes back."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from flask_babel import gettext as _

from views.panel.excel.annotate import Fault, annotate_workbook
from views.panel.excel.cell_text import as_text
from views.panel.excel.cells import BrokenCell
from views.panel.excel.importing import Importer, Line
from views.panel.excel.reader import Sheet

SHOWN = {"refused": 100, "changed": 60, "new": 40}
"""How many rows of each outcome the page shows."""
LONGEST = 60


class Report:
    """Collects the lines of one sheet as they are judged."""

    def __init__(self, importer: Importer, sheet: Sheet) -> None:
        self._importer, self._sheet = importer, sheet
        self._labels = {column.field.name: sheet.header[column.position] for column in importer.columns}
        self._print = hashlib.sha256()
        self._shown: list[dict[str, Any]] = []
        self._kept: Counter[str] = Counter()
        self.counts: Counter[str] = Counter()
        self.faults: dict[int, Sequence[Fault]] = {}

    def add(self, line: Line) -> None:
        """Take note of one line."""
        self.counts[line.outcome] += 1
        if line.outcome == "same":
            return
        self._print.update(f"{line.number}|{line.outcome}|{line.row_id}|".encode())
        self.accuse(line)
        if line.outcome != "refused":
            self._print.update(repr(sorted(line.values.items())).encode())
        if self._kept[line.outcome] < SHOWN[line.outcome]:
            self._kept[line.outcome] += 1
            self._shown.append(self._told(line))

    def accuse(self, line: Line) -> None:
        """Name the line's faults in the workbook that goes back."""
        if line.faults:
            self.faults[line.number] = [Fault(self._labels.get(name), sentence) for name, sentence in line.faults]

    @property
    def fingerprint(self) -> str:
        """The same for the same changes to the same rows."""
        return self._print.hexdigest()

    def result(self) -> dict[str, Any]:
        """What a job keeps for its page."""
        total = self.counts.total() - self.counts["same"]
        return {"counts": dict(self.counts), "fingerprint": self.fingerprint, "rows": self._shown, "total": total}

    def workbook(self, source: Path, target: Path) -> Path | None:
        """The user's own workbook with the faults of each row; None when there is none to name."""
        if not self.faults:
            return None
        annotate_workbook(source, target, self.faults, sheet=self._sheet)
        return target

    def _told(self, line: Line) -> dict[str, Any]:
        columns = {column.field.name: column for column in self._importer.columns}
        return {
            "line": line.number,
            "label": self._name(line),
            "outcome": line.outcome,
            "changes": [] if line.outcome == "refused" else self._changes(line),
            "problems": [(columns[name].label if name in columns else _("整行"), sentence) for name, sentence in line.faults],
        }

    def _changes(self, line: Line) -> list[tuple[str, str, str]]:
        """Column, before, after: of a new row everything it brings."""
        columns = self._importer.columns
        if line.row_id is None:
            columns = [column for column in columns if column.field.key in line.values]
            return [(column.label, "", in_words(line.cells[column.position])) for column in columns]
        changed = [column for column in columns if column.field.name in line.before]
        return [(column.label, in_words(line.before[column.field.name]), in_words(line.cells[column.position])) for column in changed]

    def _name(self, line: Line) -> str:
        named = [column for column in self._importer.columns if column.field.name in ("name", "title")] or self._importer.key
        return in_words(line.cells[named[0].position]) if named else ""


def in_words(cell: object) -> str:
    """A cell of an upload or an export as a page shows it."""
    if isinstance(cell, BrokenCell):
        return _("（公式错误）")
    text = as_text(int(cell) if isinstance(cell, float) and cell.is_integer() else cell)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}……"


def counts_in_words(counts: Mapping[str, int]) -> str:
    """新增 3 行，修改 1 行，未变化 0 行，未通过 2 行。"""
    return _(
        "新增 %(new)s 行，修改 %(changed)s 行，未变化 %(same)s 行，未通过 %(refused)s 行。",
        **{name: counts.get(name, 0) for name in ("new", "changed", "same", "refused")},
    )
