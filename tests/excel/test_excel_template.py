"""The template guides the hand and is told apart again when it comes back."""

from datetime import date, datetime
from decimal import Decimal

import openpyxl
import pytest

from rules.errors import RuleViolation
from views.panel.excel.cells import parse_cell
from views.panel.excel.columns import SheetColumn
from views.panel.excel.headers import match_headers
from views.panel.excel.reader import EXAMPLE_MARK, open_sheet
from views.panel.excel.template import write_template

SCHOOLS = tuple(f"厦门市第{number}中学，分校" for number in range(60))
COLUMNS = [
    SheetColumn("name", "姓名", "text", required=True, max_length=20, help="与身份证一致。"),
    SheetColumn("id_number", "身份证号", "text", required=True, width=24),
    SheetColumn("sex", "性别", "enum", choices=("男", "女")),
    SheetColumn("is_permanent", "在编", "bool"),
    SheetColumn("hours", "学时", "decimal"),
    SheetColumn("age", "教龄", "int"),
    SheetColumn("joined_on", "入职日期", "date"),
    SheetColumn("seen_at", "登记时间", "datetime"),
    SheetColumn("school", "学校", "link", required=True, choices=SCHOOLS),
    SheetColumn("stages", "学段", "links", choices=("小学", "初中")),
    SheetColumn("remark", "备注", "longtext"),
]


@pytest.fixture
def template(tmp_path):
    path = tmp_path / "template.xlsx"
    write_template(path, COLUMNS, title="教师/导入", model_key="teacher", version="7")
    return path


def fill(path, *rows, at=3):
    workbook = openpyxl.load_workbook(path)
    for number, row in enumerate(rows, at):
        for position, value in enumerate(row, 1):
            workbook.worksheets[0].cell(number, position, value)
    workbook.save(path)
    return open_sheet(path)


def test_it_says_what_it_is_for(template):
    sheet = open_sheet(template)
    assert (sheet.template_key, sheet.template_version, sheet.title) == ("teacher", "7", "教师 导入")


def test_an_untouched_template_has_no_rows_and_every_column(template):
    sheet = open_sheet(template)
    assert sheet.row_count == 0
    match = match_headers(COLUMNS, sheet.header)
    assert list(match.mapping.values()) == [column.name for column in COLUMNS]
    assert not match.unknown and not match.missing


def test_required_columns_are_red_with_a_star(template):
    header = openpyxl.load_workbook(template).worksheets[0][1]
    starred = [cell.value for cell in header if cell.value.startswith("*")]
    assert starred == ["*姓名", "*身份证号", "*学校"]
    assert {cell.font.color.rgb for cell in header if cell.value in starred} == {"FFC00000"}


def test_the_header_is_frozen_and_explains_each_column(template):
    sheet = openpyxl.load_workbook(template).worksheets[0]
    assert sheet.freeze_panes == "A2"
    notes = {cell.value: cell.comment.text for cell in sheet[1]}
    assert notes["*姓名"] == "必填；文字；最多 20 个字\n与身份证一致。"
    assert "2026.09.01" in notes["入职日期"] and "；" in notes["学段"]


def test_text_columns_are_text_wherever_somebody_types(template):
    sheet = openpyxl.load_workbook(template).worksheets[0]
    formats = {cell.value.lstrip("*"): sheet.column_dimensions[cell.column_letter] for cell in sheet[1]}
    assert formats["身份证号"].number_format == "@" and formats["身份证号"].width == pytest.approx(24, abs=1)
    assert [cell.number_format for cell in sheet[2]][:2] == ["@", "@"]


def test_choices_of_any_length_drop_down(template):
    workbook = openpyxl.load_workbook(template)
    rules = {str(rule.sqref): rule.formula1 for rule in workbook.worksheets[0].data_validations.dataValidation}
    assert rules == {
        "C2:C1048576": "'_选项'!$C$1:$C$2",
        "D2:D1048576": "'_选项'!$D$1:$D$2",
        "I2:I1048576": "'_选项'!$I$1:$I$60",
    }
    assert [cell.value for cell in workbook["_选项"]["I"]] == list(SCHOOLS)


def test_only_the_sheet_and_its_guide_are_seen(template):
    workbook = openpyxl.load_workbook(template)
    assert [(sheet.title, sheet.sheet_state) for sheet in workbook][:2] == [("教师 导入", "visible"), ("填写说明", "visible")]
    assert {sheet.sheet_state for sheet in workbook.worksheets[2:]} == {"veryHidden"}
    assert [row[0] for row in workbook["填写说明"].iter_rows(min_row=2, max_row=12, values_only=True)] == [
        column.label for column in COLUMNS
    ]


def test_filled_rows_are_read_and_the_example_is_not(template):
    sheet = fill(template, ("梅", "350203199001011234"), ("平", "350203199001011235"))
    assert [(number, values[:2]) for number, values in sheet.rows()] == [
        (3, ["梅", "350203199001011234"]),
        (4, ["平", "350203199001011235"]),
    ]
    assert sheet.row_count == 2


def test_an_example_row_typed_over_is_a_row(template):
    sheet = fill(template, ("梅", "350203199001011234"), at=2)
    assert [values[0] for _, values in sheet.rows()] == ["梅"]


def test_the_example_is_skipped_wherever_it_was_moved(template):
    sheet = fill(template, ("梅", "1"), (EXAMPLE_MARK + "张三", "2"), ("平", "3"))
    assert [values[0] for _, values in sheet.rows()] == ["梅", "平"]


def test_every_value_of_the_example_is_one_its_column_accepts(template):
    [values] = openpyxl.load_workbook(template).worksheets[0].iter_rows(min_row=2, max_row=2, values_only=True)
    read = [parse_cell(column, value) for column, value in zip(COLUMNS, values, strict=True)]
    assert [type(value) for value in read] == [str, str, str, bool, Decimal, int, date, datetime, str, tuple, str]
    assert all(value not in (None, "", ()) for value in read)


def test_renaming_the_sheet_or_moving_another_in_front_does_not_lose_it(template):
    workbook = openpyxl.load_workbook(template)
    workbook.move_sheet("填写说明", -1)
    workbook.save(template)
    assert open_sheet(template).title == "教师 导入"
    workbook = openpyxl.load_workbook(template)
    workbook.move_sheet("填写说明", 1)
    workbook["教师 导入"].title = "我校教师"
    workbook.save(template)
    assert (open_sheet(template).title, open_sheet(template).template_key) == ("我校教师", "teacher")


def test_a_template_whose_data_sheet_is_gone_reads_what_is_left_as_what_it_is(template):
    workbook = openpyxl.load_workbook(template)
    del workbook["教师 导入"]
    workbook.save(template)
    match = match_headers(COLUMNS, open_sheet(template).header)
    assert not match.mapping and match.unknown == ["列", "要求", "说明"]


def test_a_choice_that_xlsxwriter_would_take_for_markup_stays_a_text(tmp_path):
    column = SheetColumn("a", "甲", "link", choices=("<r><t>x</t></r>", "=1+1"))
    write_template(tmp_path / "a.xlsx", [column], title="甲", model_key="a", version="1")
    choices = openpyxl.load_workbook(tmp_path / "a.xlsx")["_选项"]
    assert [cell.value.strip() for cell in choices["A"]] == ["<r><t>x</t></r>", "=1+1"]
    assert choices["A2"].data_type == "s"


def test_a_filled_in_refusal_names_its_column(template):
    [(_, values)] = fill(template, ("梅", 350203199001011234)).rows()
    with pytest.raises(RuleViolation, match="「身份证号」"):
        parse_cell(COLUMNS[1], values[1])
