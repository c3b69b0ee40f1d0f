"""The edits of one worksheet: the sentences in their column, its width, and the colours (annotate.py says what for)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from xlsxwriter.utility import xl_col_to_name

from views.panel.excel.cell_text import inline_string
from views.panel.excel.columns import RESULT_LABEL
from views.panel.excel.scan import COLUMN_NUMBER, DIGITS
from views.panel.excel.xml_splice import Splice, prefix_of

RESULT_WIDTH = 60
# The formula of our conditional formats: always true, and how the next round tells them from the user's own.
OUR_RULE = f'"{RESULT_LABEL}"="{RESULT_LABEL}"'
# Behind those of the user, whatever their number.
FIRST_PRIORITY = 100_001
# What a worksheet holds before its conditional formats, in the order of the standard (ECMA-376, CT_Worksheet).
BEFORE_FORMATS = frozenset(
    (
        *("sheetPr", "dimension", "sheetViews", "sheetFormatPr", "cols", "sheetData", "sheetCalcPr", "sheetProtection"),
        *("protectedRanges", "scenarios", "autoFilter", "sortState", "dataConsolidate", "customSheetViews"),
        *("mergeCells", "phoneticPr"),
    )
)

_RANGE_END = re.compile(r"(\s(min|max)\s*=\s*)(?:\"\d*\"|'\d*')")
_SPANS = re.compile(rb"\sspans\s*=\s*(?:\"[^\"]*\"|'[^']*')")


@dataclass(frozen=True)
class Annotation:
    """What to put into a sheet. Rows and the column are 1-based; ``first_look`` numbers the styles of styles_edit."""

    header_row: int
    column: int
    messages: Mapping[int, str]
    faulty_cells: Sequence[str]
    first_look: int | None


class SheetEdit(Splice):
    """One pass over the worksheet. Inside the rows only ``row`` and ``c`` matter, outside them the sections do."""

    def __init__(self, wanted: Annotation) -> None:
        super().__init__()
        self._wanted = wanted
        self._letters = xl_col_to_name(wanted.column - 1)
        self._prefix = ""
        self._depth = 0
        self._in_rows = False
        self._row = self._column = 0
        self._pending: bytes | None = None
        self._is_cutting = False
        self._has_width = self._has_formats = False
        self._rule_text: list[str] | None = None

    def start(self, name: str, attributes: dict[str, str]) -> None:
        kind = self.kinds[name]
        if self._in_rows:
            if kind == "c":
                self._open_cell(attributes)
            elif kind == "row":
                self._open_row(attributes)
            return
        if self._depth == 0:
            self._prefix = prefix_of(self.tag()).decode()
        elif self._depth == 1:
            self._open_section(kind)
        elif kind == "col" and not self._has_width:
            self._see_width(attributes)
        self._depth += 1

    def end(self, name: str) -> None:
        kind = self.kinds[name]
        if self._in_rows and kind != "sheetData":
            if kind == "c" and self._is_cutting:
                self._is_cutting = False
                self.cut()
            elif kind == "row" and self._pending:
                self._put_pending()
            return
        self._depth -= 1
        if self._depth == 1:
            self._close_section(kind)
        elif self._depth == 0 and not self._has_formats:
            self._put_formats()

    def _open_section(self, kind: str) -> None:
        if kind == "dimension":
            self.keep()
        elif kind == "sheetData":
            if not self._has_width:
                self.insert(f"<{self._prefix}cols>{self._width()}</{self._prefix}cols>".encode())
            self._in_rows = True
        elif kind not in BEFORE_FORMATS and not self._has_formats:
            self._put_formats()
        if kind == "conditionalFormatting":
            self.keep()
            self._rule_text = []
            self.parser.CharacterDataHandler = self._rule_text.append

    def _close_section(self, kind: str) -> None:
        if kind == "dimension":
            # It would have to grow by a column, and may be left out.
            self.cut()
        elif kind == "cols" and not self._has_width:
            self.insert(self._width().encode())
            self._has_width = True
        elif kind == "sheetData":
            self._in_rows = False
        elif kind == "conditionalFormatting" and self._rule_text is not None:
            is_ours = "".join(self._rule_text).strip() == OUR_RULE
            self.parser.CharacterDataHandler = None
            self._rule_text = None
            if is_ours:
                self.cut()
            else:
                self.release()

    def _see_width(self, attributes: dict[str, str]) -> None:
        """Two statements about one column make a damaged workbook, so a range over ours is split around it."""
        first, last, at = _number(attributes.get("min")), _number(attributes.get("max")), self._wanted.column
        if first > at:
            self.insert(self._width().encode())
        elif last >= at:
            tag = self.tag().decode()
            left = _with_range(tag, first, at - 1) if first < at else ""
            right = _with_range(tag, at + 1, last) if last > at else ""
            if tag.endswith("/>"):
                self.replace_tag(f"{left}{self._width()}{right}".encode())
        self._has_width = first > at or last >= at

    def _width(self) -> str:
        at = self._wanted.column
        return f'<{self._prefix}col min="{at}" max="{at}" width="{RESULT_WIDTH}" customWidth="1"/>'

    def _open_row(self, attributes: dict[str, str]) -> None:
        self._row = int(attributes["r"]) if "r" in attributes else self._row + 1
        self._column = 0
        text = RESULT_LABEL if self._row == self._wanted.header_row else self._wanted.messages.get(self._row)
        if not text:
            return
        self._pending = self._cell(text)
        # The span of the row's cells, a hint for readers, is no longer true.
        tag = _SPANS.sub(b"", self.tag())
        if tag.endswith(b"/>"):
            tag = tag[:-2].rstrip() + b">" + self._pending + f"</{self._prefix}row>".encode()
            self._pending = None
        self.replace_tag(tag)

    def _open_cell(self, attributes: dict[str, str]) -> None:
        reference = attributes.get("r")
        self._column = COLUMN_NUMBER[reference.rstrip(DIGITS)] if reference else self._column + 1
        if self._column < self._wanted.column:
            return
        if self._pending:
            self._put_pending()
        if self._column == self._wanted.column:
            self._is_cutting = True
            self.keep()

    def _put_pending(self) -> None:
        self.insert(self._pending or b"")
        self._pending = None

    def _cell(self, text: str) -> bytes:
        p = self._prefix
        inside = inline_string(text, p)
        return f'<{p}c r="{self._letters}{self._row}" t="inlineStr">{inside}</{p}c>'.encode()

    def _put_formats(self) -> None:
        self._has_formats = True
        if self._wanted.first_look is None:
            return
        result = f"{self._letters}{self._wanted.header_row}:{self._letters}{max(self._wanted.messages, default=self._row)}"
        formats = self._format(result, 1)
        if self._wanted.faulty_cells:
            formats += self._format(" ".join(self._wanted.faulty_cells), 0)
        self.insert(formats.encode())

    def _format(self, cells: str, look: int) -> str:
        p = self._prefix
        number = (self._wanted.first_look or 0) + look
        rule = f'<{p}cfRule type="expression" dxfId="{number}" priority="{FIRST_PRIORITY + look}">'
        formula = f"<{p}formula>{OUR_RULE}</{p}formula></{p}cfRule>"
        return f'<{p}conditionalFormatting sqref="{cells}">{rule}{formula}</{p}conditionalFormatting>'


def _number(digits: str | None) -> int:
    return int(digits) if digits and digits.isdecimal() else 0


def _with_range(tag: str, first: int, last: int) -> str:
    return _RANGE_END.sub(lambda found: f'{found[1]}"{first if found[2] == "min" else last}"', tag)
