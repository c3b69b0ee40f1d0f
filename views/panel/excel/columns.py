"""What a sheet's column is: the few facts of a declared field that a workbook needs, and nothing of the table behind it.

The one thing a newcomer gets wrong: ``text`` is text for good. An ID number, a phone or a serial is never a number here,
in no direction, however many digits it has.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["text", "longtext", "int", "decimal", "bool", "date", "datetime", "enum", "link", "links"]

TEXT_KINDS = frozenset({"text", "longtext"})
NUMBER_KINDS = frozenset({"int", "decimal"})
DATE_KINDS = frozenset({"date", "datetime"})

YES, NO = "是", "否"

# Between the labels of a many-to-many cell; also accepted on import: the half-width semicolon and a line break.
LINKS_SEPARATOR = "；"

# The column annotate_workbook adds; it belongs to no table, so a second upload of the same workbook ignores it.
RESULT_LABEL = "导入结果"

# What makes a spreadsheet read a typed text as a formula (OWASP, with the full-width forms East Asian settings accept).
FORMULA_STARTS = "=+-@\t\r\n＝＋－＠"

# Excel's own ceilings: UTF-16 units in a cell, data rows under a header, significant digits of a number.
CELL_TEXT_LIMIT = 32_767
SHEET_DATA_ROWS = 1_048_575
EXACT_INTEGER = 10**15

# The end of a text that did not fit into a cell. Importing it would overwrite the rest, so parse_cell refuses it.
CUT_MARK = "〔超出单元格上限，导出时截断〕"


@dataclass(frozen=True)
class SheetColumn:
    """One column of an export, a template or an import."""

    name: str
    label: str
    kind: Kind
    required: bool = False
    help: str = ""
    choices: tuple[str, ...] = ()
    max_length: int | None = None
    width: int = 14
