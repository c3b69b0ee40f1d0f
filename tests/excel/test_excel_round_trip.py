"""What goes out comes back: re-importing an export changes nothing (issue 2, 5.5)."""

import datetime as dt
import tempfile
import zipfile
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from views.panel.excel.cells import parse_cell
from views.panel.excel.columns import SheetColumn
from views.panel.excel.csv_file import write_csv
from views.panel.excel.headers import match_headers
from views.panel.excel.reader import open_sheet
from views.panel.excel.writer import write_xlsx

# XML cannot hold the last three at all, and no database text holds the first.
WRITABLE = st.characters(exclude_characters="\x00\ufffe\uffff", exclude_categories=["Cs"])
NASTY = st.sampled_from(
    [
        *("=", "+", "-", "@", "\t", "\r", "\n", "\r\n", "'", '"', ",", ";", "；", "\x01", "\x0b", "\x1f", "\x7f", "\x85", "\u2028"),
        *("_x0041_", "_x", "_", "x0041_", "_x005F_", "_xD800_", "<r>", "</r>", "<", "&amp;", "]]>", "<![CDATA["),
        *(
            " ",
            "\u3000",
            "\xa0",
            "\ufeff",
            "0",
            "007",
            "1E5",
            "#N/A",
            "TRUE",
            "梅",
            "厦门一中",
            "😀",
            "👨‍👩‍👧",
            "𠮷",
            "＝",
            "导入结果",
            "【示例】",
        ),
    ]
)
TEXT = st.lists(st.one_of(NASTY, st.text(WRITABLE, max_size=8)), max_size=6).map("".join)
LABEL = st.text(st.characters(categories=["L", "N", "Po"], exclude_characters="；;"), min_size=1, max_size=8).filter(
    lambda text: text == text.strip() != ""
)

COLUMNS = [
    SheetColumn("key", "编号", "text"),
    SheetColumn("name", "姓名", "text"),
    SheetColumn("remark", "备注", "longtext"),
    SheetColumn("age", "教龄", "int"),
    SheetColumn("hours", "学时", "decimal"),
    SheetColumn("is_permanent", "在编", "bool"),
    SheetColumn("joined_on", "入职日期", "date"),
    SheetColumn("seen_at", "登记时间", "datetime"),
    SheetColumn("stages", "学段", "links"),
]
ROW = st.tuples(
    st.integers(0, 10**18).map("{:018d}".format),
    st.one_of(st.none(), TEXT.filter(bool)),
    st.one_of(st.none(), TEXT.filter(bool)),
    st.one_of(st.none(), st.integers(-(10**15) + 1, 10**15 - 1)),
    st.one_of(st.none(), st.decimals(-(10**12), 10**12, places=2)),
    st.one_of(st.none(), st.booleans()),
    st.one_of(st.none(), st.dates(dt.date(1000, 1, 1))),
    st.one_of(st.none(), st.datetimes(dt.datetime(1900, 3, 1), dt.datetime(9998, 1, 1)).map(lambda moment: moment.replace(microsecond=0))),
    st.lists(LABEL, max_size=3, unique=True).map(tuple),
)


def read_back(path):
    sheet = open_sheet(path)
    by_name = {column.name: column for column in COLUMNS}
    match = match_headers(COLUMNS, sheet.header)
    assert not match.missing and not match.unknown
    return [tuple(parse_cell(by_name[name], values[at]) for at, name in match.mapping.items()) for _, values in sheet.rows()]


def write_workbook(path, rows):
    write_xlsx(path, COLUMNS, rows, note=[("导出人", "梅")], sheet_title="教师")


def write_comma_file(path, rows):
    write_csv(path, COLUMNS, rows)


@pytest.mark.parametrize(("write", "name"), [(write_workbook, "a.xlsx"), (write_comma_file, "a.csv")])
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rows=st.lists(ROW, min_size=1, max_size=6))
def test_an_export_reads_back_unchanged(write, name, rows):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        write(path, rows)
        assert read_back(path) == rows


@pytest.mark.parametrize(("write", "name"), [(write_workbook, "a.xlsx"), (write_comma_file, "a.csv")])
def test_twenty_thousand_rows_read_back_unchanged(tmp_path, write, name):
    rows = [
        (
            f"{number:018d}",
            f"教师{number}" if number % 7 else f"={number}",
            "第一行\n第二行\t" if number % 11 == 0 else None,
            number,
            Decimal(number) / 100,
            number % 2 == 0,
            dt.date(2000, 1, 1) + dt.timedelta(days=number),
            dt.datetime(2026, 1, 1) + dt.timedelta(seconds=number * 61),
            ("小学", "初中")[: number % 3],
        )
        for number in range(20_000)
    ]
    write(tmp_path / name, iter(rows))
    assert read_back(tmp_path / name) == rows


def test_a_second_export_of_what_was_read_is_the_same_workbook(tmp_path):
    rows = [("007", "=梅", "a\r\nb", 3, Decimal("2.50"), True, dt.date(2026, 1, 2), dt.datetime(2026, 1, 2, 3, 4, 5), ("小学",))]
    write_workbook(tmp_path / "a.xlsx", rows)
    write_workbook(tmp_path / "b.xlsx", read_back(tmp_path / "a.xlsx"))
    with zipfile.ZipFile(tmp_path / "a.xlsx") as first, zipfile.ZipFile(tmp_path / "b.xlsx") as second:
        assert first.read("xl/worksheets/sheet1.xml") == second.read("xl/worksheets/sheet1.xml").replace(b"<v>2.5</v>", b"<v>2.50</v>")
