"""Uploads: sound ones of every origin are read, hostile ones are refused before they can do anything."""

import datetime as dt
import struct
import time
import tracemalloc
import zipfile

import openpyxl
import pytest

from rules.errors import RuleViolation
from tests.excel.workbooks import MAIN, STYLES, TYPES, bare, pack, parts, sheet, text, workbook_xml
from views.panel.excel.cells import BrokenCell
from views.panel.excel.columns import SheetColumn
from views.panel.excel.reader import open_sheet
from views.panel.excel.writer import write_xlsx

HEADER = f'<row r="1">{text("A1", "姓名")}{text("B1", "学时")}</row>'


def refusal(path, **limits):
    with pytest.raises(RuleViolation) as caught:
        open_sheet(path, **limits)
    assert caught.value.field == "file" and caught.value.message.endswith("。")
    return caught.value.message


def read(path):
    return list(open_sheet(path).rows())


def test_row_numbers_are_those_of_the_users_sheet(tmp_path):
    workbook = openpyxl.Workbook()
    page = workbook.active
    page["C3"], page["D3"], page["F3"] = "姓名", "学时", "备注"
    page["C5"], page["D5"] = "梅", 2
    page["F9"] = "只有备注"
    page["H9"] = "表外"
    workbook.save(tmp_path / "a.xlsx")
    found = open_sheet(tmp_path / "a.xlsx")
    assert (found.header_row, found.header) == (3, ["", "", "姓名", "学时", "", "备注"])
    assert [(number, values[:6]) for number, values in found.rows()] == [
        (5, [None, None, "梅", 2.0, None, None]),
        (9, [None, None, None, None, None, "只有备注"]),
    ]
    assert found.row_count == 2 == len(list(found.rows()))


def test_values_keep_their_type(tmp_path):
    workbook = openpyxl.Workbook()
    page = workbook.active
    page.append(["a", "b", "c", "d", "e"])
    page.append([dt.date(2026, 11, 23), dt.datetime(2026, 11, 23, 9, 8), True, "00123", 2.5])
    workbook.save(tmp_path / "a.xlsx")
    assert read(tmp_path / "a.xlsx") == [(2, [dt.date(2026, 11, 23), dt.datetime(2026, 11, 23, 9, 8), True, "00123", 2.5])]


def test_rows_and_cells_without_references_count_on(tmp_path):
    rows = f"<row>{bare('姓名')}{bare('学时')}</row><row>{bare('梅')}<c><v>2</v></c></row><row/><row>{bare('平')}</row>"
    assert read(pack(tmp_path / "a.xlsx", parts(sheet(rows)))) == [(2, ["梅", 2.0]), (4, ["平", None])]


def test_prefixed_elements_and_shared_strings_are_read(tmp_path):
    xml = (
        f'<x:worksheet xmlns:x="{MAIN}"><x:sheetData><x:row r="1"><x:c r="A1" t="s"><x:v>0</x:v></x:c></x:row>'
        '<x:row r="2"><x:c r="A2" t="s"><x:v> 1 </x:v></x:c></x:row></x:sheetData></x:worksheet>'
    )
    strings = f'<sst xmlns="{MAIN}"><si><t>姓名</t></si><si><r><t>梅</t></r><r><t>梅</t></r></si></sst>'
    assert read(pack(tmp_path / "a.xlsx", parts(xml.replace(" 1 ", "1"), strings=strings))) == [(2, ["梅梅"])]


def test_dates_of_the_1904_calendar_are_the_same_days(tmp_path):
    made = parts(sheet(f'{HEADER}<row r="2"><c r="A2" s="1"><v>44887</v></c></row>'), styles=STYLES)
    made["xl/workbook.xml"] = workbook_xml('<sheet name="a" sheetId="1" r:id="rId1"/>', '<workbookPr date1904="1"/>')
    assert read(pack(tmp_path / "a.xlsx", made))[0][1][0] == dt.date(2026, 11, 23)


def test_errors_and_uncomputed_formulas_are_not_empty_cells(tmp_path):
    workbook = openpyxl.Workbook()
    workbook.active.append(["a", "b"])
    workbook.active.append(["=1+1", "x"])
    workbook.save(tmp_path / "never computed.xlsx")
    assert read(tmp_path / "never computed.xlsx") == [(2, [BrokenCell(), "x"])]
    rows = (
        f'{HEADER}<row r="2"><c r="A2" t="e"><v>#N/A</v></c><c r="B2"><f>1+1</f><v>2</v></c></row>'
        '<row r="3"><c r="A3" t="str"><f>""</f><v></v></c><c r="B3"><v>1</v></c></row>'
    )
    after = '<extLst><ext xmlns:xm="urn:x"><xm:f>A1</xm:f></ext></extLst>'
    assert read(pack(tmp_path / "a.xlsx", parts(sheet(rows, after=after)))) == [(2, [BrokenCell(), 2.0]), (3, [None, 1.0])]


def test_the_first_visible_sheet_is_read(tmp_path):
    workbook = openpyxl.Workbook()
    workbook.active.title, workbook.active.sheet_state = "暗", "hidden"
    workbook.active["A1"] = "暗"
    workbook.create_sheet("明")["A1"] = "明"
    workbook.create_sheet("后")["A1"] = "后"
    workbook.save(tmp_path / "a.xlsx")
    assert open_sheet(tmp_path / "a.xlsx").title == "明"


def test_formatted_emptiness_costs_nothing(tmp_path):
    blank = "".join(f'<row r="{n}"><c r="A{n}" s="1"/><c r="XFD{n}" s="1"/></row>' for n in range(3, 3_000))
    path = pack(tmp_path / "a.xlsx", parts(sheet(f'{HEADER}<row r="2">{text("A2", "梅")}</row>{blank}'), styles=STYLES))
    assert open_sheet(path, max_rows=1, max_columns=2).row_count == 1


def test_an_example_mark_outside_a_template_is_a_text(tmp_path):
    write_xlsx(tmp_path / "a.xlsx", [SheetColumn("a", "姓名", "text")], [("【示例】梅",)], note=[], sheet_title="教师")
    assert read(tmp_path / "a.xlsx") == [(2, ["【示例】梅"])]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "文件是空的"),
        (b"PK\x03\x04 and nothing else", "已损坏"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 600, "另存为 .xlsx"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 600 + "EncryptedPackage".encode("utf-16-le"), "密码"),
        (b"%PDF-1.7\n\x00\x01", "不是 Excel"),
    ],
)
def test_what_is_no_workbook_is_told_apart(tmp_path, content, words):
    (tmp_path / "a.xlsx").write_bytes(content)
    assert words in refusal(tmp_path / "a.xlsx")


def test_size_is_limited_before_anything_is_opened(tmp_path):
    (tmp_path / "a.xlsx").write_bytes(b"PK\x03\x04" + b"x" * 3_000_000)
    assert "超过 1 MB" in refusal(tmp_path / "a.xlsx", max_bytes=1024**2)


def test_a_directory_of_a_million_parts_is_refused_before_the_library_reads_it(tmp_path):
    part = b"PK\x01\x02" + bytes(24) + b"\x01\x00" + bytes(16) + b"a"
    count = 100_000
    ends = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, count & 0xFFFF, count & 0xFFFF, len(part) * count, 30, 0)
    (tmp_path / "a.xlsx").write_bytes(b"PK\x03\x04" + bytes(26) + part * count + ends)
    tracemalloc.start()
    assert "内部结构异常" in refusal(tmp_path / "a.xlsx")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5_000_000


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        ({"../evil.xml": "x"}, "内部结构异常"),
        ({"xl/../../evil.xml": "x"}, "内部结构异常"),
        ({"/etc/passwd": "x"}, "内部结构异常"),
        ({"xl\\evil.xml": "x"}, "内部结构异常"),
        ({"C:/evil.xml": "x"}, "内部结构异常"),
        ({"XL/Workbook.xml": "x"}, "内部结构异常"),
        ({f"xl/{n}.xml": "x" for n in range(2_001)}, "内部结构异常"),
        ({"xl/vbaProject.bin": "x"}, "宏"),
        ({"xl/macrosheets/sheet1.xml": "x"}, "宏"),
        ({"xl/workbook.bin": "x"}, ".xlsb"),
        ({"xl/externalLinks/externalLink1.xml": "<x/>"}, "外部链接"),
        ({"xl/connections.xml": "<x/>"}, "外部链接"),
    ],
)
def test_parts_that_do_not_belong_refuse_the_whole_workbook(tmp_path, extra, words):
    assert words in refusal(pack(tmp_path / "a.xlsx", parts(sheet(HEADER)) | extra))


@pytest.mark.parametrize(
    ("part", "content", "words"),
    [
        ("[Content_Types].xml", None, "不是 Excel 工作簿"),
        ("_rels/.rels", None, "不是 Excel 工作簿"),
        ("xl/workbook.xml", None, "已损坏"),
        ("xl/worksheets/sheet1.xml", None, "已损坏"),
        ("xl/workbook.xml", "<workbook", "已损坏"),
        ("xl/workbook.xml", workbook_xml(""), "没有可见的工作表"),
        ("xl/workbook.xml", workbook_xml('<sheet name="a" sheetId="1" state="hidden" r:id="rId1"/>'), "没有可见的工作表"),
        ("xl/workbook.xml", "<workbook>" + " " * 5_000_000 + "</workbook>", "内部结构异常"),
        ("xl/workbook.xml", f'<!DOCTYPE x [<!ENTITY a "b">]>{workbook_xml("")}', "内部结构异常"),
        ("xl/worksheets/sheet1.xml", sheet(""), "没有内容"),
        ("xl/worksheets/sheet1.xml", sheet('<row r="1"><c r="A1"/></row>'), "没有内容"),
        ("xl/worksheets/sheet1.xml", sheet(HEADER)[:-20], "已损坏"),
        ("xl/worksheets/sheet1.xml", f'<!DOCTYPE x [<!ENTITY a "{"b" * 99}">]>{sheet("<row>&a;</row>")}', "内部结构异常"),
        ("xl/worksheets/sheet1.xml", f'<!DOCTYPE x SYSTEM "file:///etc/passwd">{sheet(HEADER)}', "内部结构异常"),
        ("xl/worksheets/sheet1.xml", f'<?xml version="1.0" encoding="utf-16"?>{sheet(HEADER)}'.encode("utf-16"), "内部结构异常"),
        ("xl/worksheets/sheet1.xml", f'<?xml version="1.0" encoding="latin-1"?>{sheet("")}', "内部结构异常"),
        ("xl/worksheets/sheet1.xml", sheet(f'<row r="1">{text("A2", "x")}</row>'), "已损坏"),
        ("xl/worksheets/sheet1.xml", sheet(f'<row r="1">{text("a1", "x")}</row>'), "已损坏"),
        ("xl/worksheets/sheet1.xml", sheet(f'<row r="1">{text("B1", "x")}{text("A1", "y")}</row>'), "已损坏"),
        ("xl/worksheets/sheet1.xml", sheet(f"{HEADER}{HEADER}"), "已损坏"),
        ("xl/worksheets/sheet1.xml", sheet('<row r="x"/>'), "已损坏"),
        ("xl/worksheets/sheet1.xml", sheet('<row r="1"><c r="A1" t="s"><v>7</v></c></row>'), "已损坏"),
        ("xl/worksheets/sheet1.xml", sheet(f'{HEADER}<row r="1048576">{text("SR1048576", "x")}</row>'), "最多 200 列"),
        ("xl/worksheets/sheet1.xml", sheet(f'{HEADER}<row r="1048576">{text("GR1048576", "x")}</row>'), "远离表格"),
        ("xl/worksheets/sheet1.xml", sheet(f'{HEADER}<row r="99999999999">{text("A99999999999", "x")}</row>'), "远离表格"),
    ],
)
def test_a_broken_or_crafted_part_refuses_the_whole_workbook(tmp_path, part, content, words):
    made = {name: body for name, body in (parts(sheet(HEADER)) | {part: content}).items() if body is not None}
    assert words in refusal(pack(tmp_path / "a.xlsx", made))


@pytest.mark.parametrize("part", ["xl/styles.xml", "xl/sharedStrings.xml"])
def test_entities_are_refused_in_every_part_that_is_read(tmp_path, part):
    made = parts(sheet(HEADER), styles=STYLES, strings=f'<sst xmlns="{MAIN}"/>')
    made[part] = '<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>'
    assert "内部结构异常" in refusal(pack(tmp_path / "a.xlsx", made))


def test_a_bomb_is_known_by_the_sizes_it_announces(tmp_path):
    bomb = parts(sheet(HEADER)) | {"xl/media/image1.png": b"\0" * 60_000_000}
    assert "解压后过大" in refusal(pack(tmp_path / "a.xlsx", bomb))
    assert "解压后过大" in refusal(pack(tmp_path / "b.xlsx", parts(sheet(HEADER + " " * 10_000))), max_unpacked=9_000)


def test_a_bomb_that_lies_about_its_size_unpacks_no_further_than_it_announced(tmp_path):
    path = pack(tmp_path / "a.xlsx", parts(sheet(HEADER + " " * 30_000_000)))
    with zipfile.ZipFile(path) as archive:
        true_size = archive.getinfo("xl/worksheets/sheet1.xml").file_size
    path.write_bytes(path.read_bytes().replace(struct.pack("<L", true_size), struct.pack("<L", 500)))
    before = time.process_time()
    assert "已损坏" in refusal(path)
    assert time.process_time() - before < 2


def test_one_long_string_used_ten_thousand_times_is_not_laid_out(tmp_path):
    rows = "".join(f'<row r="{n}"><c r="A{n}" t="s"><v>0</v></c></row>' for n in range(1, 10_000))
    strings = f'<sst xmlns="{MAIN}"><si><t>{"x" * 100_000}</t></si></sst>'
    assert "内部结构异常" in refusal(pack(tmp_path / "a.xlsx", parts(sheet(rows), strings=strings)))


def test_two_entries_of_one_name_are_refused(tmp_path):
    path = pack(tmp_path / "a.xlsx", parts(sheet(HEADER)))
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning):
        archive.writestr("xl/workbook.xml", "<other/>")
    assert "内部结构异常" in refusal(path)


def test_an_encrypted_entry_is_refused(tmp_path):
    path = pack(tmp_path / "a.xlsx", parts(sheet(HEADER)))
    raw = bytearray(path.read_bytes())
    at = raw.index(b"PK\x01\x02")
    raw[at + 8] |= 1
    path.write_bytes(raw)
    assert "密码" in refusal(path)


def test_a_flipped_bit_is_noticed(tmp_path):
    path = tmp_path / "a.xlsx"
    write_xlsx(path, [SheetColumn("a", "a", "int")], ((n * n,) for n in range(5_000)), note=[], sheet_title="x")
    with zipfile.ZipFile(path) as archive:
        at = archive.getinfo("xl/worksheets/sheet1.xml").header_offset + 5_000
    raw = bytearray(path.read_bytes())
    raw[at] ^= 0x40
    path.write_bytes(raw)
    assert "已损坏" in refusal(path)


def test_other_office_files_are_not_workbooks(tmp_path):
    made = {"[Content_Types].xml": TYPES, "_rels/.rels": parts("")["_rels/.rels"].replace("xl/workbook.xml", "word/document.xml")}
    assert "已损坏" in refusal(pack(tmp_path / "a.xlsx", made))


@pytest.mark.parametrize(("rows", "is_read"), [(10, True), (11, False)])
def test_data_rows_are_counted_not_the_header(tmp_path, rows, is_read):
    write_xlsx(tmp_path / "a.xlsx", [SheetColumn("a", "a", "int")], ((n,) for n in range(rows)), note=[], sheet_title="x")
    if is_read:
        assert open_sheet(tmp_path / "a.xlsx", max_rows=10).row_count == rows
    else:
        assert "超过 10 行" in refusal(tmp_path / "a.xlsx", max_rows=10)


def test_far_more_rows_than_allowed_are_noticed_while_looking(tmp_path):
    write_xlsx(tmp_path / "a.xlsx", [SheetColumn("a", "a", "int")], ((n,) for n in range(50)), note=[], sheet_title="x")
    assert "超过 10 行" in refusal(tmp_path / "a.xlsx", max_rows=10)
