"""What each kind of column makes of what stands in a cell."""

import datetime as dt
from decimal import Decimal

import pytest

from rules.errors import RuleViolation
from views.panel.excel.cells import BrokenCell, parse_cell
from views.panel.excel.columns import CUT_MARK, SheetColumn

STAGES = ("学前", "小学", "初中（含完中）", "A类")


def column(kind, **facts):
    return SheetColumn("value", "值", kind, **facts)


@pytest.mark.parametrize(
    ("kind", "value", "parsed"),
    [
        ("text", "00123", "00123"),
        ("text", "  x ", "  x "),
        ("text", "   ", "   "),
        ("text", 123.0, "123"),
        ("text", 13800001111.0, "13800001111"),
        ("text", 999_999_999_999_999.0, "999999999999999"),
        ("text", 12.5, "12.5"),
        ("text", 1e-7, "0.0000001"),
        ("text", True, "TRUE"),
        ("text", "1E5", "1E5"),
        ("text", "１２３", "１２３"),
        ("longtext", "a\nb", "a\nb"),
        ("int", 5.0, 5),
        ("int", 5, 5),
        ("int", "5", 5),
        ("int", " １２ ", 12),
        ("int", "-3", -3),
        ("int", "1,234", 1234),
        ("int", "7.0", 7),
        ("decimal", 2.5, Decimal("2.5")),
        ("decimal", 0.1 + 0.2, Decimal("0.3")),
        ("decimal", 1000.0, Decimal("1000")),
        ("decimal", 1e-7, Decimal("0.0000001")),
        ("decimal", "２．５０", Decimal("2.50")),
        ("decimal", "1,234.5", Decimal("1234.5")),
        ("decimal", ".5", Decimal("0.5")),
        ("decimal", "1234567890.1234567890", Decimal("1234567890.1234567890")),
        ("bool", "是", True),
        ("bool", "否", False),
        ("bool", " TRUE ", True),
        ("bool", "false", False),
        ("bool", 1.0, True),
        ("bool", 0, False),
        ("bool", True, True),
        ("bool", "１", True),
        ("date", "2026.11.23", dt.date(2026, 11, 23)),
        ("date", "2026-11-23", dt.date(2026, 11, 23)),
        ("date", "2026/1/3", dt.date(2026, 1, 3)),
        ("date", "2026年11月23日", dt.date(2026, 11, 23)),
        ("date", "２０２６．１１．２３", dt.date(2026, 11, 23)),
        ("date", "20261123", dt.date(2026, 11, 23)),
        ("date", 20261123.0, dt.date(2026, 11, 23)),
        ("date", 46349.0, dt.date(2026, 11, 23)),
        ("date", 61, dt.date(1900, 3, 1)),
        ("date", dt.date(2026, 11, 23), dt.date(2026, 11, 23)),
        ("date", dt.datetime(2026, 11, 23), dt.date(2026, 11, 23)),
        ("date", "2026-11-23 00:00:00", dt.date(2026, 11, 23)),
        ("datetime", "2026.11.23 09:08", dt.datetime(2026, 11, 23, 9, 8)),
        ("datetime", "2026-11-23T09:08:07", dt.datetime(2026, 11, 23, 9, 8, 7)),
        ("datetime", "2026年11月23日 9时30分", dt.datetime(2026, 11, 23, 9, 30)),
        ("datetime", "2026.11.23", dt.datetime(2026, 11, 23)),
        ("datetime", 46349.5, dt.datetime(2026, 11, 23, 12)),
        ("datetime", dt.datetime(2026, 11, 23, 9, 8, 6, 999_600), dt.datetime(2026, 11, 23, 9, 8, 7)),
        ("datetime", dt.datetime(9999, 12, 31, 23, 59, 59, 999_999), dt.datetime(9999, 12, 31, 23, 59, 59)),
        ("enum", " 小学 ", "小学"),
        ("enum", "初中(含完中)", "初中（含完中）"),
        ("enum", "ａ类", "A类"),
        ("link", " 厦门一中 ", "厦门一中"),
        ("link", 12.0, "12"),
        ("links", "小学；初中;小学\n 高中 ；", ("小学", "初中", "高中")),
        ("links", None, ()),
        ("links", "；", ()),
        *((kind, None, None) for kind in ("text", "int", "decimal", "bool", "date", "datetime", "enum", "link")),
        *((kind, "", None) for kind in ("text", "int", "date", "link")),
        *((kind, " 　", None) for kind in ("int", "decimal", "bool", "date", "datetime", "enum", "link")),
    ],
)
def test_a_cell_is_read_as_its_column(kind, value, parsed):
    found = parse_cell(column(kind, choices=STAGES if kind == "enum" else ()), value)
    assert found == parsed and type(found) is type(parsed)


@pytest.mark.parametrize(
    ("kind", "value", "words"),
    [
        ("text", 350203199001011234.0, "设为“文本”格式"),
        ("text", 1e15, "设为“文本”格式"),
        ("text", -1e18, "设为“文本”格式"),
        ("text", "3.50203E+17", "设为“文本”格式"),
        ("link", 350203199001011234.0, "设为“文本”格式"),
        ("text", dt.date(2026, 3, 1), "被 Excel 变成了日期"),
        ("text", dt.datetime(2026, 3, 1, 1), "被 Excel 变成了日期"),
        ("text", dt.time(8, 30), "被 Excel 变成了日期或时间"),
        ("enum", dt.timedelta(hours=1), "被 Excel 变成了日期或时间"),
        ("text", "a\x00b", "空字符"),
        ("text", "字" + CUT_MARK, "截断"),
        ("int", "2.5", "应是整数"),
        ("int", 2.5, "应是整数"),
        ("int", "五", "应是整数"),
        ("int", True, "应是整数"),
        ("int", dt.date(2026, 1, 1), "应是整数"),
        ("int", "1,23", "应是整数"),
        ("int", "9" * 16, "过大"),
        ("int", "9" * 5_000, "应是整数"),
        ("int", 1e15, "过大"),
        ("decimal", "2.5学时", "应是数字"),
        ("decimal", "1e5", "应是数字"),
        ("decimal", "NaN", "应是数字"),
        ("decimal", False, "应是数字"),
        ("decimal", 1e15, "末尾几位"),
        ("bool", "也许", "“是”或“否”"),
        ("bool", 2, "“是”或“否”"),
        ("date", "2026-02-30", "应是日期"),
        ("date", "2026年11月", "应是日期"),
        ("date", 2026.0, "应是日期"),
        ("date", "2026", "应是日期"),
        ("date", 60, "应是日期"),
        ("date", 1e12, "应是日期"),
        ("date", -5, "应是日期"),
        ("date", 0.5, "应是日期"),
        ("date", True, "应是日期"),
        ("date", dt.time(8, 30), "应是日期"),
        ("date", "2026-11-23 09:00", "不带时间"),
        ("date", dt.datetime(2026, 11, 23, 9), "不带时间"),
        ("datetime", "2026.11.23 25:00", "应是日期"),
        ("enum", "大学", "可填：学前、小学、初中（含完中）、A类"),
        *((kind, BrokenCell(), "公式") for kind in ("text", "int", "date", "links")),
        *((kind, float("inf"), "公式") for kind in ("text", "int", "decimal", "date")),
        *((kind, float("nan"), "公式") for kind in ("text", "int", "decimal", "date")),
    ],
)
def test_what_has_lost_its_value_or_has_none_is_refused_with_a_sentence(kind, value, words):
    with pytest.raises(RuleViolation) as caught:
        parse_cell(column(kind, choices=STAGES if kind == "enum" else ()), value)
    assert words in caught.value.message and "「值」" in caught.value.message
    assert caught.value.field == "value"


@pytest.mark.parametrize(
    ("kind", "value"), [("text", None), ("text", ""), ("text", " \n"), ("int", " "), ("enum", ""), ("links", "；"), ("link", None)]
)
def test_a_required_cell_must_say_something(kind, value):
    with pytest.raises(RuleViolation, match="「值」必填。"):
        parse_cell(column(kind, required=True), value)


def test_a_required_no_is_an_answer():
    assert parse_cell(column("bool", required=True), "否") is False
    assert parse_cell(column("int", required=True), 0) == 0


def test_a_text_is_held_to_its_length():
    assert parse_cell(column("text", max_length=3), "一二三") == "一二三"
    with pytest.raises(RuleViolation, match="「值」最多 3 个字，现在有 4 个。"):
        parse_cell(column("text", max_length=3), "一二三四")


def test_a_long_list_of_choices_is_not_recited():
    with pytest.raises(RuleViolation) as caught:
        parse_cell(column("enum", choices=tuple(f"第{n}项" for n in range(500))), "无" * 100)
    assert len(caught.value.message) < 120


def test_braces_in_a_cell_or_label_are_text():
    with pytest.raises(RuleViolation) as caught:
        parse_cell(SheetColumn("value", "值{0}", "int"), "{x}{label.__class__}")
    assert caught.value.message == "「值{0}」应是整数，现在是“{x}{label.__class__}”。"
