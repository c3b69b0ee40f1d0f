"""The workbook around the rows: XlsxWriter makes it whole and empty, and the rows are streamed into its ``<sheetData>``.

Nothing private of XlsxWriter is touched. What is relied on is what it writes: ``xl/worksheets/sheetN.xml`` in order, one
``<sheetData>`` pair in each, and ``s="…"`` on a formatted blank cell, from which the number of each format is read.
``BrokenFrame`` says so loudly the day this changes, and ``tests/excel/test_excel_frame.py`` before that.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass

import xlsxwriter
from xlsxwriter.format import Format

from views.panel.excel.columns import SheetColumn

NOTE_TITLE = "说明"
SHEET_NAME_LIMIT = 31

# 49 is Excel's built-in text format "@". Numbers never fall into scientific notation.
FORMATS: dict[str, dict[str, object]] = {
    "header": {"bold": True, "bg_color": "#E7EEF8", "bottom": 1, "bottom_color": "#8AA4C8", "valign": "vcenter"},
    "required": {"bold": True, "bg_color": "#E7EEF8", "bottom": 1, "font_color": "#C00000", "valign": "vcenter"},
    "text": {"num_format": 49, "valign": "top"},
    "text_quoted": {"num_format": 49, "valign": "top", "quote_prefix": True},
    "longtext": {"num_format": 49, "valign": "top", "text_wrap": True},
    "longtext_quoted": {"num_format": 49, "valign": "top", "text_wrap": True, "quote_prefix": True},
    "int": {"num_format": "0", "valign": "top", "align": "right"},
    "decimal": {"num_format": "0.0###########", "valign": "top", "align": "right"},
    "date": {"num_format": "yyyy.mm.dd", "valign": "top"},
    "datetime": {"num_format": "yyyy.mm.dd hh:mm", "valign": "top"},
}

_NOT_IN_A_NAME = re.compile(r"[\[\]:*?/\\\x00-\x1f]")
_PROBE = re.compile(rb'<c r="[A-Z]+2" s="(\d+)"/>')
_DIMENSION = re.compile(rb"<dimension [^>]*/>")


class BrokenFrame(RuntimeError):
    """XlsxWriter writes a workbook in another way than this module knows."""


@dataclass(frozen=True)
class Frame:
    """The parts of a workbook without rows, and the number each named format has in it."""

    parts: dict[str, bytes]
    styles: dict[str, int]

    def around(self, sheet: int) -> tuple[bytes, bytes]:
        """What stands before and after the rows of the 1-based sheet."""
        head, opened, rest = self.parts[sheet_part(sheet)].partition(b"<sheetData>")
        _, closed, tail = rest.partition(b"</sheetData>")
        if not (opened and closed):
            raise BrokenFrame(f"no <sheetData> in sheet {sheet}")
        # The dimension speaks of the probe cells; it may be left out.
        return _DIMENSION.sub(b"", head) + opened, closed + tail


def sheet_part(sheet: int) -> str:
    """The name of the 1-based sheet's part in the package."""
    return f"xl/worksheets/sheet{sheet}.xml"


def make_frame(columns: Sequence[SheetColumn], title: str, row_counts: Sequence[int]) -> Frame:
    """An export's frame: one sheet per row count, its header frozen and filtered, and 说明 behind them."""
    stored = io.BytesIO()
    with xlsxwriter.Workbook(stored, {"in_memory": True}) as workbook:
        formats = {name: workbook.add_format(properties) for name, properties in FORMATS.items()}
        for name, count in zip(sheet_names(title, len(row_counts)), row_counts, strict=True):
            sheet = workbook.add_worksheet(name)
            sheet.freeze_panes(1, 0)
            sheet.autofilter(0, 0, count, len(columns) - 1)
            for index, column in enumerate(columns):
                sheet.set_column(index, index, column.width, formats[format_name(column)])
            _probe(sheet, formats)
        about = workbook.add_worksheet(NOTE_TITLE)
        about.set_column(0, 0, 16)
        about.set_column(1, 1, 80)
        _probe(about, formats)
    with zipfile.ZipFile(stored) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    return Frame(parts, _styles(parts))


def format_name(column: SheetColumn) -> str:
    """The named format the cells of a column have."""
    return column.kind if column.kind in FORMATS else "text"


def sheet_names(title: str, count: int) -> list[str]:
    """Names Excel accepts for the sheets of one table: 教师, 教师 (2), …"""
    plain = _NOT_IN_A_NAME.sub(" ", title).strip(" '") or "数据"
    if plain == NOTE_TITLE or plain.casefold() == "history":
        plain = f"{plain} 数据"
    endings = ["", *(f" ({number})" for number in range(2, count + 1))]
    return [plain[: SHEET_NAME_LIMIT - len(ending)].rstrip(" '") + ending for ending in endings[:count]]


def _probe(sheet: xlsxwriter.worksheet.Worksheet, formats: dict[str, Format]) -> None:
    for index, cell_format in enumerate(formats.values()):
        sheet.write_blank(1, index, None, cell_format)


def _styles(parts: dict[str, bytes]) -> dict[str, int]:
    numbers = [int(found) for found in _PROBE.findall(parts.get(sheet_part(1), b""))]
    if len(numbers) != len(FORMATS) or len(set(numbers)) != len(FORMATS):
        raise BrokenFrame("the formats of the probe cells are not where they were")
    return dict(zip(FORMATS, numbers, strict=True))
