"""The header of an upload falls on the right columns however it was typed."""

import pytest

from views.panel.excel.columns import SheetColumn
from views.panel.excel.headers import match_headers

NAME = SheetColumn("name", "姓名", "text", required=True)
NUMBER = SheetColumn("id_number", "身份证号（18位）", "text", required=True)
UNIT = SheetColumn("unit", "单位", "link")
COLUMNS = [NAME, NUMBER, UNIT]


@pytest.mark.parametrize(
    "text",
    ["姓名", "*姓名", "姓名*", "＊姓名", " 姓 名 ", "姓名（必填）", "姓名(必填)", "姓名\n", "\u3000姓名", "name", "NAME", "Ｎａｍｅ"],
)
def test_a_column_is_found_by_label_or_name_in_any_dress(text):
    assert match_headers(COLUMNS, [text]).mapping == {0: "name"}


@pytest.mark.parametrize("text", ["身份证号（18位）", "身份证号(18位)", "身份证号(１８位)", "id_number", "ID_Number"])
def test_width_of_brackets_and_digits_does_not_matter(text):
    assert match_headers(COLUMNS, [text]).mapping == {0: "id_number"}


def test_unknown_missing_and_duplicated_are_listed_before_anything_is_read():
    match = match_headers(COLUMNS, ["", "姓名", "备注 ", "*姓名", "导入结果", "name"])
    assert match.mapping == {1: "name"}
    assert match.unknown == ["备注"]
    assert match.missing == [NUMBER, UNIT]
    assert match.duplicated == ["姓名", "姓名"]


def test_what_the_user_reads_wins_over_an_inner_name():
    columns = [SheetColumn("code", "名称", "text"), SheetColumn("title", "code", "text")]
    assert match_headers(columns, ["Code", "名称"]).mapping == {0: "title", 1: "code"}


def test_a_header_of_nothing_misses_everything():
    assert match_headers(COLUMNS, []).missing == COLUMNS
