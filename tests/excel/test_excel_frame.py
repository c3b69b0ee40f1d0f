"""What the export relies on in XlsxWriter's output. A new release that writes otherwise fails here first, by name."""

import zipfile

import pytest

from views.panel.excel.columns import SheetColumn
from views.panel.excel.frame import FORMATS, BrokenFrame, Frame, make_frame, sheet_names, sheet_part
from views.panel.excel.writer import LEADING_PARTS, write_xlsx

COLUMNS = [SheetColumn("name", "姓名", "text"), SheetColumn("hours", "学时", "decimal")]


def test_each_sheet_has_one_place_for_rows_and_the_note_stands_behind_them():
    frame = make_frame(COLUMNS, "教师", [3, 5])
    for number in (1, 2, 3):
        head, tail = frame.around(number)
        assert head.endswith(b"<sheetData>") and tail.startswith(b"</sheetData>")
        assert b"<dimension" not in head
    assert sheet_part(4) not in frame.parts
    assert b'<autoFilter ref="A1:B4"/>' in frame.around(1)[1]
    assert b'<autoFilter ref="A1:B6"/>' in frame.around(2)[1]
    assert b'state="frozen"' in frame.around(1)[0]


def test_every_named_format_has_a_number_of_its_own_in_the_styles():
    frame = make_frame(COLUMNS, "教师", [0])
    styles = frame.parts["xl/styles.xml"].decode()
    formats = styles[styles.index("<cellXfs") :].split("<xf ")[1:]
    assert set(frame.styles) == set(FORMATS) and len(set(frame.styles.values())) == len(FORMATS)
    assert all(0 < number < len(formats) for number in frame.styles.values())
    assert 'quotePrefix="1"' in formats[frame.styles["text_quoted"]] and 'numFmtId="49"' in formats[frame.styles["text_quoted"]]
    assert "quotePrefix" not in formats[frame.styles["text"]] and 'numFmtId="49"' in formats[frame.styles["text"]]
    assert "yyyy.mm.dd hh:mm" in styles


def test_numbers_of_formats_do_not_depend_on_how_many_sheets_there_are():
    assert make_frame(COLUMNS, "教师", [0]).styles == make_frame(COLUMNS, "教师", [9, 9, 9]).styles


def test_all_but_the_first_sheet_open_alike():
    frame = make_frame(COLUMNS, "教师", [1, 1, 1])
    assert frame.around(2)[0] == frame.around(3)[0] == make_frame(COLUMNS, "教师", [0, 0]).around(2)[0]


def test_the_parts_written_first_exist_and_do_not_change_with_the_rows(tmp_path):
    few, many = make_frame(COLUMNS, "教师", [0]), make_frame(COLUMNS, "教师", [7, 7])
    for name in LEADING_PARTS:
        assert name in few.parts
        if name != "docProps/core.xml":
            assert few.parts[name] == many.parts[name]
    write_xlsx(tmp_path / "a.xlsx", COLUMNS, [("梅", 1)], note=[], sheet_title="教师")
    with zipfile.ZipFile(tmp_path / "a.xlsx") as archive:
        assert set(archive.namelist()) == set(few.parts)


def test_a_frame_without_rows_is_reported_by_name():
    with pytest.raises(BrokenFrame):
        Frame({sheet_part(1): b"<worksheet><sheetData/></worksheet>"}, {}).around(1)


@pytest.mark.parametrize(
    ("title", "count", "names"),
    [
        ("教师", 1, ["教师"]),
        ("教师", 3, ["教师", "教师 (2)", "教师 (3)"]),
        ("课程/资源[1]:*?", 1, ["课程 资源 1"]),
        ("", 1, ["数据"]),
        ("说明", 1, ["说明 数据"]),
        ("History", 1, ["History 数据"]),
        ("学" * 40, 2, ["学" * 31, "学" * 27 + " (2)"]),
    ],
)
def test_sheet_names_are_ones_excel_accepts(title, count, names):
    assert sheet_names(title, count) == names
