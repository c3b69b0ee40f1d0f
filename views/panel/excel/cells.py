"""What a cell means: the raw value of an upload as the value of its column, or the sentence that says why it is none.

Nothing is guessed where a spreadsheet has already lost something: a long number rounded by Excel, a text it turned into a date
or a formula error is refused, never imported as what is left of it.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from models.violation import RuleViolation
from rules.normal_form import normal_form
from views.panel.excel.cell_text import as_text
from views.panel.excel.columns import CUT_MARK, EXACT_INTEGER, NO, TEXT_KINDS, YES, SheetColumn

TRUE_WORDS = frozenset({YES, "true", "1"})
FALSE_WORDS = frozenset({NO, "false", "0"})
CHOICES_SHOWN = 10
LONGEST_NUMBER = 40

# An Excel day number: 1 March 1900 (Excel's earlier days are off by one) to 31 December 9999.
_DAY_ZERO = dt.datetime(1899, 12, 30)
_SERIALS = (61, 2_958_465)
# A bare 1990 in a date column is a year, not the 12th of June 1905.
_YEARS = (1900, 2100)

_WHOLE = re.compile(r"[+-]?(?:\d+|\d{1,3}(?:,\d{3})+)(?:\.0*)?").fullmatch
_DECIMAL = re.compile(r"[+-]?(?:\d+|\d{1,3}(?:,\d{3})+)(?:\.\d*)?|[+-]?\.\d+").fullmatch
_DATE = r"(?P<year>\d{4})(?:[.\-/]|年)(?P<month>\d{1,2})(?:[.\-/]|月)(?P<day>\d{1,2})日?"
_TIME = r"(?P<hour>\d{1,2})[:时](?P<minute>\d{1,2})(?:[:分](?:(?P<second>\d{1,2})(?:\.\d+)?秒?)?)?"
_MOMENT = re.compile(rf"{_DATE}(?:[ T]*{_TIME})?").fullmatch
_PACKED_DATE = re.compile(r"(?P<year>\d{4})(?P<month>\d\d)(?P<day>\d\d)").fullmatch
# What is left of an ID number after Excel has saved it to CSV: 3.50203E+17.
_ROUNDED = re.compile(r"\d\.\d+E\+(?:1[1-9]|2\d)").fullmatch
_LINKS_SPLIT = re.compile(r"[；;\n]")


@dataclass(frozen=True)
class BrokenCell:
    """A cell that holds an Excel error, or a formula nobody has computed yet."""


def parse_cell(column: SheetColumn, value: object) -> object:
    """The cell's value for its column: str, int, Decimal, bool, date, datetime, a tuple of labels for links, None if empty.

    Moments are Asia/Shanghai without a zone, to the second. Text is never stripped; choices and labels are.
    """
    if isinstance(value, BrokenCell) or (isinstance(value, float) and not math.isfinite(value)):
        raise _refusal(column, "「{label}」是公式错误，或公式还没有计算结果。请改成直接填写的内容。")
    if value is None or (isinstance(value, str) and not value.strip() and (value == "" or column.kind not in TEXT_KINDS)):
        return _empty(column)
    parsed = PARSERS[column.kind](column, value)
    is_blank = parsed == () or (isinstance(parsed, str) and not parsed.strip())
    return _empty(column) if column.required and is_blank else parsed


def _empty(column: SheetColumn) -> object:
    if column.required:
        raise _refusal(column, "「{label}」必填。")
    return () if column.kind == "links" else None


def _text(column: SheetColumn, value: object) -> str:
    text = _exact_text(column, value)
    if "\x00" in text:
        raise _refusal(column, "「{label}」里有看不见的空字符，请重新填写。")
    if text.endswith(CUT_MARK):
        raise _refusal(column, "「{label}」在导出时超出单元格上限而被截断，导入会丢失原文。请补全或删去这一格。")
    if column.max_length is not None and len(text) > column.max_length:
        raise _refusal(column, "「{label}」最多 {limit} 个字，现在有 {count} 个。", limit=column.max_length, count=len(text))
    return text


def _exact_text(column: SheetColumn, value: object) -> str:
    """The text of a cell, or of a number that Excel made of one, as long as nothing of it is lost."""
    if isinstance(value, str):
        if _ROUNDED(value):
            raise _lost_digits(column)
        return value
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, int | float):
        if abs(value) >= EXACT_INTEGER:
            raise _lost_digits(column)
        return as_text(int(value) if isinstance(value, float) and value.is_integer() else value)
    raise _refusal(column, "「{label}」被 Excel 变成了日期或时间。请把这一列设为“文本”格式后重新填写。")


def _int(column: SheetColumn, value: object) -> int:
    number = value
    if isinstance(value, str):
        text = _folded(value)
        number = int(text.replace(",", "").partition(".")[0]) if _WHOLE(text) and len(text) <= LONGEST_NUMBER else None
    if isinstance(number, bool) or not isinstance(number, int | float) or number != int(number):
        raise _refusal(column, "「{label}」应是整数，现在是“{value}”。", value=_shown(value))
    if abs(number) >= EXACT_INTEGER:
        raise _refusal(column, "「{label}」的数字过大。")
    return int(number)


def _decimal(column: SheetColumn, value: object) -> Decimal:
    if isinstance(value, str) and _DECIMAL(_folded(value)) and len(value) <= LONGEST_NUMBER:
        return Decimal(_folded(value).replace(",", ""))
    if isinstance(value, int | float) and not isinstance(value, bool):
        if abs(value) >= EXACT_INTEGER:
            raise _lost_digits(column)
        # Fifteen digits are what Excel keeps; what follows is the noise of binary fractions.
        return Decimal(format(Decimal(f"{value:.15g}"), "f"))
    raise _refusal(column, "「{label}」应是数字，现在是“{value}”。", value=_shown(value))


def _bool(column: SheetColumn, value: object) -> bool:
    word = _folded(as_text(int(value) if isinstance(value, float) and value.is_integer() else value)).casefold()
    if word in TRUE_WORDS or word in FALSE_WORDS:
        return word in TRUE_WORDS
    raise _refusal(column, "「{label}」应填“是”或“否”，现在是“{value}”。", value=_shown(value))


def _date(column: SheetColumn, value: object) -> dt.date:
    moment = _moment(column, value)
    if moment.time() != dt.time():
        raise _refusal(column, "「{label}」只填日期，不带时间，现在是“{value}”。", value=_shown(value))
    return moment.date()


def _datetime(column: SheetColumn, value: object) -> dt.datetime:
    return _moment(column, value)


def _moment(column: SheetColumn, value: object) -> dt.datetime:
    moment = None
    if isinstance(value, dt.datetime):
        moment = _to_the_second(value)
    elif isinstance(value, dt.date):
        moment = dt.datetime(value.year, value.month, value.day)
    elif isinstance(value, str):
        moment = _read_moment(_folded(value))
    elif isinstance(value, int | float) and not isinstance(value, bool):
        moment = _from_serial(value)
    if moment is None:
        raise _refusal(column, "「{label}」应是日期，如 2026.11.23，现在是“{value}”。", value=_shown(value))
    return moment


def _read_moment(text: str) -> dt.datetime | None:
    found = _MOMENT(text) or _PACKED_DATE(text)
    if found is None:
        return None
    part = {name: int(digits or 0) for name, digits in found.groupdict().items()}
    try:
        day = dt.datetime(part["year"], part["month"], part["day"])
        return day.replace(hour=part.get("hour", 0), minute=part.get("minute", 0), second=part.get("second", 0))
    except ValueError:
        return None


def _from_serial(serial: float) -> dt.datetime | None:
    if _SERIALS[0] <= serial <= _SERIALS[1] and not _YEARS[0] <= serial <= _YEARS[1]:
        return _to_the_second(_DAY_ZERO + dt.timedelta(days=serial))
    return _read_moment(str(int(serial))) if serial == int(serial) else None


def _to_the_second(moment: dt.datetime) -> dt.datetime:
    """Excel keeps a moment as a fraction of a day, which hits a full second only nearly."""
    if moment.year == dt.MAXYEAR:
        return moment.replace(microsecond=0)
    return (moment + dt.timedelta(milliseconds=500)).replace(microsecond=0)


def _enum(column: SheetColumn, value: object) -> str:
    text = _exact_text(column, value).strip()
    if not column.choices:
        return text
    wanted = _folded(text).casefold()
    for choice in column.choices:
        if choice == text or _folded(choice).casefold() == wanted:
            return choice
    shown = "、".join(column.choices[:CHOICES_SHOWN]) + ("……" if len(column.choices) > CHOICES_SHOWN else "")
    raise _refusal(column, "「{label}」没有“{value}”这一项，可填：{choices}。", value=_shown(value), choices=shown)


def _link(column: SheetColumn, value: object) -> str:
    return _exact_text(column, value).strip()


def _links(column: SheetColumn, value: object) -> tuple[str, ...]:
    labels = (label.strip() for label in _LINKS_SPLIT.split(_exact_text(column, value)))
    return tuple(dict.fromkeys(label for label in labels if label))


PARSERS: dict[str, Callable[[SheetColumn, object], object]] = {
    "text": _text,
    "longtext": _text,
    "int": _int,
    "decimal": _decimal,
    "bool": _bool,
    "date": _date,
    "datetime": _datetime,
    "enum": _enum,
    "link": _link,
    "links": _links,
}


def _folded(text: str) -> str:
    """Full-width digits and signs as half-width ones, without the blanks around."""
    return normal_form(text).strip()


def _shown(value: object) -> str:
    text = as_text(value)
    return text if len(text) <= 30 else f"{text[:30]}……"


def _lost_digits(column: SheetColumn) -> RuleViolation:
    return _refusal(column, "「{label}」的数字太长，Excel 已丢失末尾几位。请把这一列设为“文本”格式后重新填写。")


def _refusal(column: SheetColumn, sentence: str, **words: object) -> RuleViolation:
    return RuleViolation(sentence, column.name, label=column.label, **words)
