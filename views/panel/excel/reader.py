"""An uploaded sheet as a header and rows, whatever wrote it: Excel, WPS, LibreOffice, our own export or a CSV.

The one thing a newcomer gets wrong: a row's number is the one the user sees at the left of their sheet. Empty rows and a
template's example row are left out and leave a gap in the numbers; nothing is ever counted on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path

from python_calamine import CalamineSheet

from models.violation import RuleViolation
from views.panel.excel.cell_text import as_text
from views.panel.excel.cells import BrokenCell
from views.panel.excel.csv_file import csv_encoding, csv_records, restored
from views.panel.excel.package import FIELD, ZIP_START, Limits, Package, SheetEntry, check_is_workbook, starts_with
from views.panel.excel.scan import SheetScan
from views.panel.excel.trusted import TrustedCopy

Row = tuple[int, list[object]]

# The very hidden sheet of a template: this word, the model's key, the version and the name of the sheet to fill in.
TEMPLATE_SHEET = "_研修模板"
TEMPLATE_WORD = "yanxiu-template"
# What the first cell of a template's example row starts with. Outside templates it is a text like any other.
EXAMPLE_MARK = "【示例】"


@dataclass
class Sheet:
    """One sheet of an upload. ``rows()`` can be gone through as often as needed and converts cells only then."""

    title: str
    header: list[str]
    header_row: int
    _records: Callable[[], Iterator[Row]] = field(repr=False)
    template_key: str | None = None
    template_version: str | None = None
    part: str | None = None
    last_column: int = 0

    def rows(self) -> Iterator[Row]:
        """The data rows: 1-based row number in the user's sheet, raw values under each header, None for empty."""
        width = len(self.header)
        for number, values in self._records():
            if number > self.header_row and any(value is not None for value in values) and not self._is_example(values):
                values += [None] * (width - len(values))
                yield number, values

    @cached_property
    def row_count(self) -> int:
        """How many rows ``rows()`` gives."""
        return sum(1 for _ in self.rows())

    def _is_example(self, values: list[object]) -> bool:
        if self.template_key is None:
            return False
        first = next((value for value in values if value is not None), None)
        return isinstance(first, str) and first.startswith(EXAMPLE_MARK)


def open_sheet(
    path: Path,
    *,
    max_rows: int = Limits.rows,
    max_bytes: int = Limits.packed,
    max_unpacked: int = Limits.unpacked,
    max_columns: int = Limits.columns,
) -> Sheet:
    """The sheet to import from an .xlsx or .csv file; RuleViolation says why a file is not read, and what to do."""
    limits = Limits(rows=max_rows, columns=max_columns, packed=max_bytes, unpacked=max_unpacked)
    check_is_workbook(path, limits)
    sheet = _open_xlsx(path, limits) if starts_with(path, ZIP_START) else _open_csv(path, limits)
    if sheet.row_count > limits.rows:
        raise RuleViolation("数据有 {count} 行，超过 {limit} 行。请分成几个文件上传。", FIELD, count=sheet.row_count, limit=limits.rows)
    return sheet


def _open_xlsx(path: Path, limits: Limits) -> Sheet:
    with Package(path, limits) as package:
        marker = next((entry for entry in package.sheets if entry.name == TEMPLATE_SHEET), None)
        key, version, title = _template_facts(package, marker, limits)
        entry = _sheet_to_read(package.sheets, title)
        [(grid, scan)] = TrustedCopy(package, [entry], limits).sheets
    number, header = _header(_grid_rows(grid, scan))
    return Sheet(entry.name, header, number, partial(_grid_rows, grid, scan), key, version, entry.part, scan.last_column)


def _template_facts(package: Package, marker: SheetEntry | None, limits: Limits) -> tuple[str | None, str | None, str | None]:
    if marker is None:
        return None, None, None
    [(grid, scan)] = TrustedCopy(package, [marker], limits).sheets
    facts = [as_text(values[0]) for _, values in _grid_rows(grid, scan) if values]
    if len(facts) != 4 or facts[0] != TEMPLATE_WORD:
        return None, None, None
    return facts[1], facts[2], facts[3]


def _sheet_to_read(entries: list[SheetEntry], title: str | None) -> SheetEntry:
    visible = [entry for entry in entries if entry.is_visible]
    if not visible:
        raise RuleViolation("工作簿里没有可见的工作表。", FIELD)
    return next((entry for entry in visible if entry.name == title), visible[0])


def _grid_rows(grid: CalamineSheet, scan: SheetScan) -> Iterator[Row]:
    """Every row from the first with a value on, cells counted from column A."""
    if grid.start is None:
        return
    left: list[object] = [None] * grid.start[1]
    broken_rows = {row for row, _ in scan.broken}
    # The library counts from row 1 whatever the first row with a value is.
    for number, cells in enumerate(grid.iter_rows(), 1):
        values: list[object] = left + [None if value == "" else value for value in cells]
        if number in broken_rows:
            values = [BrokenCell() if (number, at) in scan.broken else value for at, value in enumerate(values, 1)]
        yield number, values


def _open_csv(path: Path, limits: Limits) -> Sheet:
    records = partial(_csv_rows, path, csv_encoding(path), limits)
    number, header = _header(records())
    return Sheet(path.stem, header, number, records)


def _csv_rows(path: Path, encoding: str, limits: Limits) -> Iterator[Row]:
    for number, cells in csv_records(path, encoding):
        if len(cells) > limits.columns:
            raise RuleViolation("第 {row} 行超过 {limit} 列。请删去多余的列后再上传。", FIELD, row=number, limit=limits.columns)
        yield number, [restored(cell) or None for cell in cells]


def _header(records: Iterator[Row]) -> tuple[int, list[str]]:
    """The first row with anything in it, and its texts up to the last one."""
    for number, values in records:
        texts = [as_text(_whole(value)) for value in values]
        while texts and not texts[-1].strip():
            texts.pop()
        if texts:
            return number, texts
    raise RuleViolation("工作表里没有内容。", FIELD)


def _whole(value: object) -> object:
    return int(value) if isinstance(value, float) and value.is_integer() else value
