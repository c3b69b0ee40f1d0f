"""An exported workbook, opened with two libraries that are not the one it was written with."""

import datetime as dt
import tracemalloc
import zipfile
from decimal import Decimal
from xml.etree import ElementTree

import openpyxl
import pytest
from python_calamine import load_workbook

from views.panel.excel.columns import CUT_MARK, SheetColumn
from views.panel.excel.writer import COMPRESSION, XlsxStream, write_xlsx

NOTE = [("导出人", "梅"), ("时间", "2026.11.23 09:08"), ("筛选", "=cmd|'/c calc'!A1")]


def column(kind, name="value", **facts):
    return SheetColumn(name, "值", kind, **facts)


def export(path, columns, rows, **more):
    count = write_xlsx(path, columns, rows, note=NOTE, sheet_title="教师", **more)
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        for name in archive.namelist():
            ElementTree.fromstring(archive.read(name))
    return count


def cells_of(path):
    """Every data cell as openpyxl sees it, and as calamine does."""
    sheet = openpyxl.load_workbook(path).worksheets[0]
    rows = list(sheet.iter_rows(min_row=2))
    raw = load_workbook(path).get_sheet_by_index(0).to_python(skip_empty_area=False)[1:]
    return rows, raw


@pytest.mark.parametrize(
    "value",
    [
        *("35020319900101123X", "013800001111", "00001", "123456789012345678", "1E5", "3.50203E+17"),
        *("=1+1", "+86 138", "-12", "@cmd", "\tx", "\rx", "＝1+1", "=cmd|'/c calc'!A1", "'quoted'", "'=x"),
        *("厦门市第一中学", "𠮷野家😀👨‍👩‍👧", "a & b < c > d \" ' ]]>", "<r><t>x</t></r>", "<r>x</r>"),
        *("  前后空格  ", "\u3000全角", "第一行\n第二行", "a\r\nb", "a\tb", "\n", " "),
        *("_x0041_", "_x0041_x0042_", "_x005F_x0041_", "a_b", "_x00zz_", "\x01\x08\x0b\x1f", "\x7f\x85\u2028"),
    ],
)
def test_text_is_the_same_text_for_every_reader(tmp_path, value):
    export(tmp_path / "a.xlsx", [column("text"), column("text", "last")], [(value, "x")])
    [[cell, _]], [[raw, _]] = cells_of(tmp_path / "a.xlsx")
    assert raw == value
    assert cell.data_type == "s" and cell.number_format == "@"
    if "_x" not in value and not any(char < " " and char not in "\t\n" for char in value):
        assert cell.value == value


@pytest.mark.parametrize("value", ["=1+1", "+1", "-1", "@a", "\ta", "\ra", "＝1", "＠a"])
@pytest.mark.parametrize("kind", ["text", "longtext", "enum", "link", "links", "int", "date"])
def test_what_looks_like_a_formula_carries_the_quote_prefix(tmp_path, kind, value):
    export(tmp_path / "a.xlsx", [column(kind)], [(value,)])
    [[cell]], _ = cells_of(tmp_path / "a.xlsx")
    assert cell.data_type == "s" and cell.quotePrefix


def test_an_ordinary_text_has_no_quote_prefix(tmp_path):
    export(tmp_path / "a.xlsx", [column("text")], [("a=1",)])
    [[cell]], _ = cells_of(tmp_path / "a.xlsx")
    assert not cell.quotePrefix


@pytest.mark.parametrize(
    ("kind", "value", "read", "number_format"),
    [
        ("int", 0, 0, "0"),
        ("int", 123456789012, 123456789012, "0"),
        ("int", 10**17, "1" + "0" * 17, "@"),
        ("int", "***", "***", "@"),
        ("decimal", Decimal("2.50"), 2.5, "0.0###########"),
        ("decimal", Decimal("1E+3"), 1000, "0.0###########"),
        ("decimal", Decimal("1234567890.1234567890"), "1234567890.1234567890", "@"),
        ("decimal", float("nan"), "NaN", "@"),
        ("bool", True, "是", "@"),
        ("bool", False, "否", "@"),
        ("date", dt.date(2026, 11, 23), dt.datetime(2026, 11, 23), "yyyy.mm.dd"),
        ("date", dt.date(1899, 1, 1), "1899.01.01", "@"),
        ("date", "****.**.**", "****.**.**", "@"),
        ("datetime", dt.datetime(2026, 11, 23, 9, 8, 7), dt.datetime(2026, 11, 23, 9, 8, 7), "yyyy.mm.dd hh:mm"),
        ("datetime", dt.datetime(2026, 11, 23, 20, 0, tzinfo=dt.UTC), dt.datetime(2026, 11, 24, 4, 0), "yyyy.mm.dd hh:mm"),
        ("text", 350203, "350203", "@"),
        ("text", dt.date(2026, 1, 2), "2026.01.02", "@"),
        ("links", ("小学", "初中"), "小学；初中", "@"),
        ("text", None, None, "@"),
        ("int", None, None, "0"),
        ("date", None, None, "yyyy.mm.dd"),
    ],
)
def test_a_value_is_written_as_what_it_is(tmp_path, kind, value, read, number_format):
    export(tmp_path / "a.xlsx", [column(kind), column("text", "last")], [(value, "x")])
    [[cell, _]], _ = cells_of(tmp_path / "a.xlsx")
    assert cell.value == read and cell.number_format == number_format


def test_numbers_stand_right(tmp_path):
    export(tmp_path / "a.xlsx", [column("int"), column("decimal", "b")], [(1, 2)])
    [row], _ = cells_of(tmp_path / "a.xlsx")
    assert [cell.alignment.horizontal for cell in row] == ["right", "right"]


def test_a_text_longer_than_a_cell_is_cut_and_says_so(tmp_path):
    export(tmp_path / "a.xlsx", [column("longtext")], [("字" * 32_767,), ("字" * 32_768,), ("😀" * 20_000,)])
    _, [[whole], [cut], [emoji]] = cells_of(tmp_path / "a.xlsx")
    assert whole == "字" * 32_767
    assert cut == "字" * (32_767 - len(CUT_MARK)) + CUT_MARK
    assert emoji.endswith("😀" + CUT_MARK) and len(emoji.encode("utf-16-le")) // 2 <= 32_767


def test_the_header_is_frozen_filtered_and_styled(tmp_path):
    export(tmp_path / "a.xlsx", [SheetColumn("a", "=姓名", "text", width=30), SheetColumn("b", "学时", "int")], [("梅", 1), ("平", 2)])
    sheet = openpyxl.load_workbook(tmp_path / "a.xlsx").worksheets[0]
    assert sheet.freeze_panes == "A2" and sheet.auto_filter.ref == "A1:B3"
    assert [cell.value for cell in sheet[1]] == ["=姓名", "学时"] and sheet["A1"].data_type == "s"
    assert sheet["A1"].font.bold and sheet.column_dimensions["A"].width == pytest.approx(30, abs=1)


def test_a_second_sheet_says_who_when_and_which_filter(tmp_path):
    export(tmp_path / "a.xlsx", [column("text")], [("x",)])
    workbook = openpyxl.load_workbook(tmp_path / "a.xlsx")
    assert workbook.sheetnames == ["教师", "说明"] and workbook.active.title == "教师"
    assert [tuple(row) for row in workbook["说明"].iter_rows(values_only=True)] == NOTE
    assert workbook["说明"]["B3"].data_type == "s" and workbook["说明"]["B3"].quotePrefix


def test_an_export_of_nothing_is_a_header(tmp_path):
    assert export(tmp_path / "a.xlsx", [column("text")], []) == 0
    rows, _ = cells_of(tmp_path / "a.xlsx")
    assert rows == []


def test_more_rows_than_a_sheet_holds_go_on_in_the_next(tmp_path):
    path = tmp_path / "a.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=COMPRESSION) as archive:
        counts = XlsxStream(archive, [column("int")], "教师", rows_a_sheet=1_500).write(((number,) for number in range(3_001)), NOTE)
    assert counts == [1_500, 1_500, 1]
    workbook = openpyxl.load_workbook(path)
    assert workbook.sheetnames == ["教师", "教师 (2)", "教师 (3)", "说明"]
    values = [row[0] for name in workbook.sheetnames[:3] for row in workbook[name].iter_rows(min_row=2, values_only=True)]
    assert values == list(range(3_001))
    assert [workbook[name]["A1"].value for name in workbook.sheetnames[:3]] == ["值"] * 3
    assert workbook["教师 (3)"].auto_filter.ref == "A1:A2"


def test_exactly_full_sheets_leave_no_empty_one(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.xlsx", "w") as archive:
        assert XlsxStream(archive, [column("int")], "教师", rows_a_sheet=2).write(iter([(1,), (2,), (3,), (4,)]), NOTE) == [2, 2]


def test_progress_is_told_on_the_way_and_at_the_end(tmp_path):
    told = []
    assert export(tmp_path / "a.xlsx", [column("int")], ((n,) for n in range(2_345)), on_progress=told.append) == 2_345
    assert told == [1_000, 2_000, 2_345]


@pytest.mark.parametrize("rows", [[("x", "too many")], [()]])
def test_a_row_that_does_not_fit_the_columns_is_a_bug_and_leaves_no_file(tmp_path, rows):
    with pytest.raises(ValueError):
        export(tmp_path / "a.xlsx", [column("text")], rows)
    assert not (tmp_path / "a.xlsx").exists()


def peak_of(path, count):
    columns = [column("text", f"c{at}") for at in range(8)]
    tracemalloc.start()
    write_xlsx(path, columns, ((f"{number:018d}",) * 8 for number in range(count)), note=NOTE, sheet_title="教师")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak


def test_memory_does_not_grow_with_the_rows(tmp_path):
    few, many = peak_of(tmp_path / "a.xlsx", 1_000), peak_of(tmp_path / "b.xlsx", 3_000)
    assert many < few + 500_000
