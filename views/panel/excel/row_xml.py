"""Rows as worksheet XML: one short string a row, which is what keeps an export of 147 000 rows inside its budget.

XlsxWriter's ``write()`` spends some 4 µs a cell on dispatch and bookkeeping that a column of known kind does not need, and in
its constant-memory mode it lets a text ``<r>…</r>`` through as raw XML. Here a column's kind is looked at once, not a
million times. An empty cell is written with its format, so that what somebody types there later is text where it must be.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

from xlsxwriter.utility import xl_col_to_name

from views.panel.excel.cell_text import SURELY_FITS, as_text, inline_string, local, plain, starts_formula
from views.panel.excel.columns import DATE_KINDS, EXACT_INTEGER, NUMBER_KINDS, SheetColumn
from views.panel.excel.frame import format_name

# A cell after its reference: everything from the style on.
Render = Callable[[object], str]

_DAY_ZERO = dt.datetime(1899, 12, 30)
# Excel believes in a 29 February 1900; earlier days would come back shifted.
_FIRST_SOUND_DAY = dt.date(1900, 3, 1)
_EXACT_DIGITS = 15
_SECONDS_A_DAY = 86_400


class RowXml:
    """Turns the values of one row into its ``<row>`` element, column by column in the styles of the workbook's frame."""

    def __init__(self, columns: Sequence[SheetColumn], styles: Mapping[str, int]) -> None:
        self._cells = [
            (f'<c r="{xl_col_to_name(index)}', _plain_opening(column, styles), cell_renderer(column, styles))
            for index, column in enumerate(columns)
        ]

    def row(self, number: int, values: Sequence[object]) -> str:
        """The row with this 1-based number; the values must be as many as the columns."""
        # Nine cells of ten are ordinary text: they are written right here, a call each would cost a third more.
        cells = [
            f"{start}{number}{opening}{value}</t></is></c>"
            if opening and type(value) is str and len(value) <= SURELY_FITS and plain(value)
            else f'{start}{number}"{render(value)}'
            for (start, opening, render), value in zip(self._cells, values, strict=True)
        ]
        return f'<row r="{number}">{"".join(cells)}</row>'


def cell_renderer(column: SheetColumn, styles: Mapping[str, int]) -> Render:
    """How a cell of this column is written. A masked number or date arrives as text and stays text."""
    look = "longtext" if column.kind == "longtext" else "text"
    text = _text_renderer(styles[look], styles[f"{look}_quoted"])
    if column.kind in NUMBER_KINDS:
        return _number_renderer(styles[column.kind], text)
    if column.kind in DATE_KINDS:
        return _date_renderer(styles[column.kind], text)
    return text


def _plain_opening(column: SheetColumn, styles: Mapping[str, int]) -> str:
    """What precedes an ordinary text after the cell's reference; nothing where the column is not text."""
    if column.kind in NUMBER_KINDS or column.kind in DATE_KINDS:
        return ""
    return f'" s="{styles[format_name(column)]}" t="inlineStr"><is><t>'


def _text_renderer(style: int, quoted: int) -> Render:
    """Text cells; one that looks like a formula gets Excel's own quote prefix and keeps its value (lessons, fact 6)."""

    def render(value: object) -> str:
        text = as_text(value)
        if not text:
            return f' s="{style}"/>'
        return f' s="{quoted if starts_formula(text) else style}" t="inlineStr">{inline_string(text)}</c>'

    return render


def _number_renderer(style: int, text: Render) -> Render:
    def render(value: object) -> str:
        if value is None:
            return f' s="{style}"/>'
        return f' s="{style}"><v>{value}</v></c>' if _is_exact(value) else text(value)

    return render


def _is_exact(value: object) -> bool:
    """Whether Excel keeps every digit: a number it would round goes out as text."""
    if isinstance(value, bool):
        return False
    if isinstance(value, int):
        return -EXACT_INTEGER < value < EXACT_INTEGER
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, Decimal) and value.is_finite() and len(value.normalize().as_tuple().digits) <= _EXACT_DIGITS


def _date_renderer(style: int, text: Render) -> Render:
    def render(value: object) -> str:
        if value is None:
            return f' s="{style}"/>'
        serial = _serial(value)
        return text(value) if serial is None else f' s="{style}"><v>{serial}</v></c>'

    return render


def _serial(value: object) -> str | None:
    """Days since Excel's day zero, or None for what is no date or one that Excel cannot count to."""
    if isinstance(value, dt.datetime):
        shown = local(value)
        if shown.date() < _FIRST_SOUND_DAY:
            return None
        past = shown - _DAY_ZERO
        return repr(past.days + (past.seconds + past.microseconds / 1_000_000) / _SECONDS_A_DAY)
    if isinstance(value, dt.date) and value >= _FIRST_SOUND_DAY:
        return str((value - _DAY_ZERO.date()).days)
    return None
