"""CSV that a spreadsheet neither garbles nor runs, and that comes back unchanged."""

import datetime as dt
from decimal import Decimal

import pytest

from rules.errors import RuleViolation
from views.panel.excel.columns import SheetColumn
from views.panel.excel.csv_file import neutralised, restored, write_csv
from views.panel.excel.reader import open_sheet

COLUMNS = [SheetColumn("name", "姓名", "text"), SheetColumn("hours", "学时", "decimal")]


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        ("=1+1", "'=1+1"),
        ("+86", "'+86"),
        ("-1", "'-1"),
        ("@x", "'@x"),
        ("\tx", "'\tx"),
        ("\rx", "'\rx"),
        ("＝1", "'＝1"),
        ("'=1", "''=1"),
        ("'", "'"),
        ("'x", "'x"),
        ("梅", "梅"),
        ("a=1", "a=1"),
        ("", ""),
    ],
)
def test_an_apostrophe_is_put_before_what_would_run_and_taken_away_again(value, stored):
    assert neutralised(value) == stored
    assert restored(stored) == value


def test_a_file_has_a_bom_and_windows_line_ends(tmp_path):
    assert write_csv(tmp_path / "a.csv", COLUMNS, [("梅", Decimal("-2.5")), ("=x,\n", None)]) == 2
    assert (tmp_path / "a.csv").read_bytes() == '\ufeff姓名,学时\r\n梅,-2.5\r\n"\'=x,\n",\r\n'.encode()


def test_negative_numbers_stay_numbers_and_masked_ones_are_neutral(tmp_path):
    write_csv(tmp_path / "a.csv", COLUMNS, [("x", -1), ("y", "-***")])
    assert (tmp_path / "a.csv").read_text("utf-8-sig").splitlines()[1:] == ["x,-1", "y,'-***"]


def test_dates_and_booleans_read_as_in_the_workbook(tmp_path):
    columns = [SheetColumn("a", "a", "date"), SheetColumn("b", "b", "datetime"), SheetColumn("c", "c", "bool")]
    write_csv(tmp_path / "a.csv", columns, [(dt.date(2026, 1, 2), dt.datetime(2026, 1, 2, 3, 4, 5), True)])
    assert (tmp_path / "a.csv").read_text("utf-8-sig").splitlines()[1] == "2026.01.02,2026.01.02 03:04:05,是"


def test_a_failing_export_leaves_no_file(tmp_path):
    with pytest.raises(ValueError):
        write_csv(tmp_path / "a.csv", COLUMNS, [("x",)])
    assert not (tmp_path / "a.csv").exists()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "gbk"])
def test_every_usual_encoding_is_read(tmp_path, encoding):
    (tmp_path / "教师.csv").write_bytes("姓名,单位\r\n梅,厦门一中\r\n,\r\n平,镕基\r\n".encode(encoding))
    sheet = open_sheet(tmp_path / "教师.csv")
    assert (sheet.title, sheet.header, sheet.row_count) == ("教师", ["姓名", "单位"], 2)
    assert list(sheet.rows()) == [(2, ["梅", "厦门一中"]), (4, ["平", "镕基"])]


def test_a_cell_of_several_lines_is_one_row(tmp_path):
    (tmp_path / "a.csv").write_text('a,b\n"x\ny",1\nz,2\n', encoding="utf-8")
    assert list(open_sheet(tmp_path / "a.csv").rows()) == [(2, ["x\ny", "1"]), (3, ["z", "2"])]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "文件是空的"),
        (b"\xef\xbb\xbf\r\n,,\r\n", "没有内容"),
        ("a,b\n1,2\n".encode("utf-16"), "不是 Excel 工作簿或 CSV"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "不是 Excel 工作簿或 CSV"),
        (b"\xef\xbb\xbf <HTML><table>", "网页格式"),
        (b'a,b\n"x,1\n', "格式有误"),
        (b"a,b\n\xff\xff\xff\n", "编码无法识别"),
        (("a\n" + "x" * 200_000 + "\n").encode(), "格式有误"),
        (("," * 250 + "x\n").encode(), "超过 200 列"),
        (b"," * 8_000_001, "格式有误"),
        (b'"\n",' * 2_000_001, "格式有误"),
        (("a\n" + "x\n" * 11).encode(), "超过 10 行"),
    ],
)
def test_what_is_no_sound_csv_is_refused_with_a_sentence(tmp_path, content, words):
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(RuleViolation) as caught:
        open_sheet(tmp_path / "a.csv", max_rows=10)
    assert words in caught.value.message and caught.value.field == "file"
