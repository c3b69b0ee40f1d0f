"""One look over a worksheet's XML before any library is let at it: how far it reaches, and which cells hold no sound value.

A reader lays a sheet out as a full grid: two cells, one at A1 and one at the far end, would cost it gigabytes; so would one
long shared string used a million times. And an error (#N/A) or a formula that was never computed would come out as an empty
cell, which an import must not take for "no value".
"""

from __future__ import annotations

from array import array

from xlsxwriter.utility import xl_col_to_name

from models.violation import RuleViolation
from views.panel.excel.package import DAMAGED, FIELD, SUSPICIOUS, Limits, feed, guarded_parser

# The full grid between the first and the last cell with a value; some 300 MB in the reader.
MOST_CELLS = 10_000_000
MOST_BROKEN = 10_000
EXCEL_COLUMNS = 16_384


class Kinds(dict[str, str]):
    """What an element is by its name without prefix, which is how the reading library tells them too."""

    def __missing__(self, name: str) -> str:
        kind = self[name] = name.rpartition(":")[2]
        return kind


COLUMN_NUMBER = {xl_col_to_name(index): index + 1 for index in range(EXCEL_COLUMNS)}
DIGITS = "0123456789"


class StringsScan:
    """The length of every shared string, in order."""

    def __init__(self) -> None:
        self.lengths = array("L")
        self._is_text = False
        self._kinds = Kinds()
        self._parser = guarded_parser()
        self._parser.StartElementHandler = self._start
        self._parser.CharacterDataHandler = self._text

    def feed(self, chunk: bytes, is_last: bool = False) -> None:
        """Look at the next piece of the strings; the last one is empty."""
        feed(self._parser, chunk, is_last)

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        kind = self._kinds[name]
        self._is_text = kind == "t"
        if kind == "si":
            self.lengths.append(0)

    def _text(self, text: str) -> None:
        if self._is_text and self.lengths:
            self.lengths[-1] += len(text)


class SheetScan:
    """Where the values of a sheet are. All numbers are 1-based, as the user sees them."""

    def __init__(self, limits: Limits, string_lengths: array[int]) -> None:
        self.valued_rows = 0
        self.first_row = self.last_row = 0
        self.first_column = self.last_column = 0
        self.broken: set[tuple[int, int]] = set()
        self._limits = limits
        self._lengths = string_lengths
        self._text_total = 0
        self._row = self._column = 0
        self._row_digits = "0"
        # The first and the last column with a value in the row at hand.
        self._from = self._to = 0
        self._type: str | None = None
        self._value = ""
        self._is_open = self._has_value = self._has_formula = self._in_value = False
        self._kinds = Kinds()
        self._parser = guarded_parser()
        self._parser.StartElementHandler = self._start
        self._parser.CharacterDataHandler = self._text

    def feed(self, chunk: bytes, is_last: bool = False) -> None:
        """Look at the next piece of the sheet; the last one, empty, completes the answer."""
        feed(self._parser, chunk, is_last)
        if is_last:
            self._close_row()

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        # Called two or three times a cell; the order of the questions is the order of frequency.
        kind = self._kinds[name]
        if kind == "c":
            if self._is_open:
                self._close_cell()
            self._open_cell(attributes)
        elif kind == "v":
            self._has_value = self._in_value = True
        elif kind == "is":
            self._has_value = True
        elif kind == "f":
            self._has_formula = True
        elif kind == "row":
            self._close_row()
            self._open_row(attributes)
        elif kind != "t":
            self._close_cell()

    def _open_row(self, attributes: dict[str, str]) -> None:
        digits = attributes.get("r") or str(self._row + 1)
        row = int(digits) if digits.isdecimal() else 0
        if row <= self._row:
            raise RuleViolation(DAMAGED, FIELD)
        self._row, self._row_digits, self._column = row, digits, 0

    def _open_cell(self, attributes: dict[str, str]) -> None:
        self._type = attributes.get("t")
        reference = attributes.get("r")
        column = self._column + 1
        if reference is not None:
            letters = reference.rstrip(DIGITS)
            column = COLUMN_NUMBER.get(letters, 0)
            # A cell that claims another row than the one it stands in would land where nobody checked.
            if letters + self._row_digits != reference or column <= self._column:
                raise RuleViolation(DAMAGED, FIELD)
        self._column = column
        self._value = ""
        self._is_open = True
        self._has_value = self._has_formula = self._in_value = False

    def _text(self, text: str) -> None:
        if self._in_value:
            self._value += text

    def _close_cell(self) -> None:
        if not self._is_open:
            return
        self._is_open = self._in_value = False
        if not (self._has_value or self._has_formula):
            return
        self._to = self._column
        if not self._from:
            self._from = self._column
        if self._type == "s":
            self._note_shared_string()
        elif self._type == "e" or (self._has_formula and self._type != "str" and not self._value.strip()):
            self.broken.add((self._row, self._column))

    def _note_shared_string(self) -> None:
        try:
            self._text_total += self._lengths[int(self._value)] if self._value.strip() else 0
        except (ValueError, IndexError) as fault:
            raise RuleViolation(DAMAGED, FIELD) from fault

    def _close_row(self) -> None:
        self._close_cell()
        if not self._to:
            return
        self.valued_rows += 1
        self.last_row = self._row
        self.first_row = self.first_row or self._row
        self.last_column = max(self.last_column, self._to)
        self.first_column = min(self.first_column or self._from, self._from)
        self._from = self._to = 0
        self._check_reach()

    def _check_reach(self) -> None:
        if self.last_column > self._limits.columns:
            raise RuleViolation(
                "第 {row} 行的内容写到了第 {column} 列，最多 {limit} 列。请删去多余的列后再上传。",
                FIELD,
                row=self._row,
                column=self.last_column,
                limit=self._limits.columns,
            )
        # The header and a template's example row come on top.
        if self.valued_rows > self._limits.rows + 2:
            raise RuleViolation("数据超过 {limit} 行。请分成几个文件上传。", FIELD, limit=self._limits.rows)
        grid = (self.last_row - self.first_row + 1) * (self.last_column - self.first_column + 1)
        if grid > MOST_CELLS:
            raise RuleViolation("第 {row} 行有远离表格的内容。请删去后再上传。", FIELD, row=self._row)
        if self._text_total > self._limits.unpacked or len(self.broken) > MOST_BROKEN:
            raise RuleViolation(SUSPICIOUS, FIELD)
