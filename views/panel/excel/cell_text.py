"""How a value reads as text in a cell, and how that text is written into a worksheet's XML.

Excel stores what XML cannot hold as ``_xHHHH_`` and therefore has to protect a text that merely looks like that. Both
directions of the round trip rest on ``escape``.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from decimal import Decimal
from zoneinfo import ZoneInfo

from views.panel.excel.columns import CELL_TEXT_LIMIT, CUT_MARK, FORMULA_STARTS, LINKS_SEPARATOR, NO, YES

# Moments are stored in UTC and shown here; what has no zone is taken as shown already.
SHOWN_IN = ZoneInfo("Asia/Shanghai")

# Below half the limit no text of any script exceeds it, so nobody counts.
SURELY_FITS = CELL_TEXT_LIMIT // 2

# What no XML can carry; no reader decodes an escape of it either.
_NO_CHARACTER = "\\ufffe\\uffff\\ud800-\\udfff"
_STARTS = re.escape(FORMULA_STARTS)
# One match tells the ordinary text, nearly all of them, from the one that needs care (or is empty).
# A run of a character class: alternatives inside one search took twice as long.
plain = re.compile(rf"(?![\s{_STARTS}])[^&<>_\x00-\x1f{_NO_CHARACTER}]+(?<!\s)").fullmatch
# Only the underscore is consumed: in _x0041_x0042_ the middle one closes the first escape and opens the second.
_LOOKS_ESCAPED = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f]")
_UNWRITABLE = re.compile(f"[{_NO_CHARACTER}]")
_STARTS_FORMULA = re.compile(f"[{_STARTS}]").match


def as_text(value: object) -> str:
    """The value in the words of a cell: 是/否, 2026.11.23, digits without exponent, labels of links joined by ；."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return YES if value else NO
    if isinstance(value, dt.datetime):
        return _moment_text(local(value))
    if isinstance(value, dt.date):
        return f"{value.year:04d}.{value.month:02d}.{value.day:02d}"
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, float):
        return format(Decimal(repr(value)), "f")
    if isinstance(value, Sequence):
        return LINKS_SEPARATOR.join(as_text(part) for part in value)
    return str(value)


def local(moment: dt.datetime) -> dt.datetime:
    """A stored moment on the clock of the reader, without a zone."""
    return moment.astimezone(SHOWN_IN).replace(tzinfo=None) if moment.tzinfo else moment


def starts_formula(text: str) -> bool:
    """Whether a spreadsheet would read the text, typed in, as a formula (lessons, fact 6)."""
    return _STARTS_FORMULA(text) is not None


def escape(text: str) -> str:
    """The text as it stands between XML tags, unchanged once Excel or a library has read it."""
    text = _LOOKS_ESCAPED.sub("_x005F_", text)
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    text = _CONTROL.sub(lambda found: f"_x{ord(found[0]):04X}_", text)
    return _UNWRITABLE.sub("\ufffd", text)


def inline_string(text: str, prefix: str = "") -> str:
    """The inside of an inline-string cell, under the namespace prefix (with colon) of the sheet."""
    text = escape(fit(text))
    preserve = ' xml:space="preserve"' if text != text.strip() or "\n" in text else ""
    return f"<{prefix}is><{prefix}t{preserve}>{text}</{prefix}t></{prefix}is>"


def fit(text: str) -> str:
    """The text, cut and marked as cut where Excel would call the whole workbook damaged."""
    if len(text) <= SURELY_FITS or _units(text) <= CELL_TEXT_LIMIT:
        return text
    kept = text.encode("utf-16-le", "replace")[: 2 * (CELL_TEXT_LIMIT - len(CUT_MARK))]
    return kept.decode("utf-16-le", "ignore") + CUT_MARK


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", "replace")) // 2


def _moment_text(moment: dt.datetime) -> str:
    day = as_text(moment.date())
    return f"{day} {moment:%H:%M:%S}" if moment.second else f"{day} {moment:%H:%M}"
