"""The import template of a table, made from its columns: a person who fills in what it asks for is not refused for the form.

The one thing a newcomer gets wrong: the example row is part of the sheet, and an import skips it by the mark in its first
cell. Somebody who types over that cell has made a row of their own.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

import xlsxwriter
from flask_babel import gettext as _
from xlsxwriter.format import Format
from xlsxwriter.utility import xl_col_to_name
from xlsxwriter.worksheet import Worksheet

from views.panel.excel.cell_text import as_text
from views.panel.excel.columns import CELL_TEXT_LIMIT, NO, TEXT_KINDS, YES, SheetColumn
from views.panel.excel.frame import FORMATS, format_name, sheet_names
from views.panel.excel.reader import EXAMPLE_MARK, TEMPLATE_SHEET, TEMPLATE_WORD

CHOICES_SHEET = "_选项"
GUIDE_TITLE = "填写说明"
LAST_ROW = 1_048_575

KIND_WORDS = {
    "text": "文字",
    "longtext": "文字，可换行（Alt+Enter）",
    "int": "整数",
    "decimal": "数字，可带小数",
    "bool": "“是”或“否”",
    "date": "日期，如 2026.09.01",
    "datetime": "日期和时间，如 2026.09.01 08:30",
    "enum": "从下拉列表中选一项",
    "link": "已有的名称，一项",
    "links": "已有的名称，多项之间用“；”隔开",
}
EXAMPLES: dict[str, object] = {
    "int": 1,
    "decimal": 2.5,
    "bool": YES,
    "date": dt.date(2026, 9, 1),
    "datetime": dt.datetime(2026, 9, 1, 8, 30),
}
EXAMPLE_LOOK = {"italic": True, "font_color": "#7F7F7F"}
OPTIONS = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}


def write_template(target: Path, columns: Sequence[SheetColumn], *, title: str, model_key: str, version: str) -> None:
    """Write the template: the sheet to fill in, the guide beside it, and out of sight the choices and what it is for."""
    with xlsxwriter.Workbook(target, OPTIONS) as workbook:
        formats = {name: workbook.add_format(properties) for name, properties in FORMATS.items()}
        examples = {name: workbook.add_format(properties | EXAMPLE_LOOK) for name, properties in FORMATS.items()}
        [name] = sheet_names(title, 1)
        sheet = workbook.add_worksheet(name)
        sheet.freeze_panes(1, 0)
        sheet.set_row(0, 24)
        guide = workbook.add_worksheet(_(GUIDE_TITLE))
        choices = workbook.add_worksheet(CHOICES_SHEET)
        choices.very_hidden()
        for index, column in enumerate(columns):
            _write_column(sheet, index, column, formats)
            _write_example(sheet, index, column, examples)
            _write_choices(sheet, choices, index, column)
        _write_guide(guide, columns, formats)
        _write_facts(workbook.add_worksheet(TEMPLATE_SHEET), (TEMPLATE_WORD, model_key, version, name))


def limits_text(column: SheetColumn) -> str:
    """What a cell of the column may hold, in one line."""
    words = [_("必填") if column.required else _("选填"), _(KIND_WORDS[column.kind])]
    if column.max_length is not None and column.kind in TEXT_KINDS:
        words.append(_("最多 %(most)s 个字", most=column.max_length))
    return _("；").join(words)


def _write_column(sheet: Worksheet, index: int, column: SheetColumn, formats: dict[str, Format]) -> None:
    sheet.set_column(index, index, column.width, formats[format_name(column)])
    label = f"*{column.label}" if column.required else column.label
    sheet.write_string(0, index, label, formats["required" if column.required else "header"])
    note = "\n".join(line for line in (limits_text(column), column.help) if line)
    sheet.write_comment(0, index, note[:CELL_TEXT_LIMIT], {"author": "", "x_scale": 1.6})


def _write_example(sheet: Worksheet, index: int, column: SheetColumn, formats: dict[str, Format]) -> None:
    value = EXAMPLES.get(column.kind, column.label)
    if column.choices:
        value = column.choices[0]
    look = formats[format_name(column)]
    if index == 0:
        sheet.write_string(1, 0, _safe(EXAMPLE_MARK + as_text(value)), look)
    elif isinstance(value, dt.date):
        sheet.write_datetime(1, index, value, look)
    elif isinstance(value, str):
        sheet.write_string(1, index, _safe(value), look)
    else:
        sheet.write_number(1, index, value, look)


def _write_choices(sheet: Worksheet, choices: Worksheet, index: int, column: SheetColumn) -> None:
    """A drop-down from a column of the hidden sheet: a list inside the rule itself ends at 255 characters and at a comma."""
    offered = (YES, NO) if column.kind == "bool" else column.choices
    # A cell of several labels cannot come from a list of single ones.
    if not offered or column.kind == "links":
        return
    for row, choice in enumerate(offered):
        choices.write_string(row, index, _safe(choice))
    letter = xl_col_to_name(index)
    sheet.data_validation(
        1,
        index,
        LAST_ROW,
        index,
        {
            "validate": "list",
            "source": f"='{CHOICES_SHEET}'!${letter}$1:${letter}${len(offered)}",
            "error_title": _("不在列表中"),
            "error_message": _("请从下拉列表中选择一项。"),
        },
    )


def _write_guide(guide: Worksheet, columns: Sequence[SheetColumn], formats: dict[str, Format]) -> None:
    guide.freeze_panes(1, 0)
    for index, (label, width) in enumerate((("列", 20), ("要求", 36), ("说明", 80))):
        guide.set_column(index, index, width, formats["longtext"])
        guide.write_string(0, index, _(label), formats["header"])
    for row, column in enumerate(columns, 1):
        for index, text in enumerate((column.label, limits_text(column), column.help)):
            guide.write_string(row, index, _safe(text), formats["longtext"])
    closing = _("第二行是示例，导入时按“%(mark)s”跳过，可以保留或删去。红色带 * 的列必填。", mark=EXAMPLE_MARK)
    guide.write_string(len(columns) + 2, 0, closing)


def _write_facts(sheet: Worksheet, facts: Sequence[str]) -> None:
    sheet.very_hidden()
    for row, fact in enumerate(facts):
        sheet.write_string(row, 0, fact)


def _safe(text: str) -> str:
    """XlsxWriter puts a text ``<r>…</r>`` into the workbook as XML. A blank in front keeps it text, and labels are stripped."""
    return f" {text}" if text.startswith("<r>") else text
