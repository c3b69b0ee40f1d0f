"""The workbook back: only what must change has changed, whoever wrote it."""

import re
import zipfile
from xml.etree import ElementTree

import openpyxl
import pytest
import xlsxwriter

from tests.excel.workbooks import MAIN, STYLES, bare, pack, parts, sheet, text
from views.panel.excel.annotate import Fault, annotate_workbook
from views.panel.excel.columns import SheetColumn
from views.panel.excel.reader import open_sheet
from views.panel.excel.sheet_edit import OUR_RULE
from views.panel.excel.writer import write_xlsx

SHEET_PART = "xl/worksheets/sheet1.xml"
# CT_Worksheet of ECMA-376, as far as these tests write it.
ORDER = [
    "sheetPr",
    "dimension",
    "sheetViews",
    "sheetFormatPr",
    "cols",
    "sheetData",
    "sheetProtection",
    "autoFilter",
    "mergeCells",
    "phoneticPr",
    "conditionalFormatting",
    "dataValidations",
    "hyperlinks",
    "printOptions",
    "pageMargins",
    "pageSetup",
    "headerFooter",
    "drawing",
    "legacyDrawing",
    "tableParts",
    "extLst",
]
BAD_NAME = Fault("姓名", "「姓名」必填。")
FOREIGN = Fault(None, "学校不在您的范围内。")


def annotated(source, faults, name="back.xlsx"):
    target = source.with_name(name)
    annotate_workbook(source, target, faults)
    if target.suffix == ".xlsx":
        check_sound(target)
    return target


def check_sound(path):
    """Every part is well-formed, and the sheet's sections stand in the order of the standard, once each."""
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        roots = {name: ElementTree.fromstring(archive.read(name)) for name in archive.namelist() if name.endswith((".xml", ".rels"))}
    sections = [child.tag.rpartition("}")[2] for child in roots[SHEET_PART]]
    assert [ORDER.index(name) for name in sections] == sorted(ORDER.index(name) for name in sections)
    assert len({name for name in sections if name != "conditionalFormatting"}) == len([n for n in sections if n != "conditionalFormatting"])
    columns = [range(int(c.get("min")), int(c.get("max")) + 1) for c in roots[SHEET_PART].iter(f"{{{MAIN}}}col")]
    assert sum(map(len, columns)) == len(set().union(*columns))
    for row in roots[SHEET_PART].iter(f"{{{MAIN}}}row"):
        found = [cell.get("r") for cell in row if cell.get("r")]
        assert len(found) == len(set(found))
        assert [openpyxl.utils.cell.coordinate_to_tuple(r)[1] for r in found] == sorted(
            openpyxl.utils.cell.coordinate_to_tuple(r)[1] for r in found
        )


def sheet_of(path):
    return openpyxl.load_workbook(path).worksheets[0]


def part_of(path, name=SHEET_PART):
    with zipfile.ZipFile(path) as archive:
        return archive.read(name).decode()


def coloured(path):
    return {
        str(area.sqref): rule.dxf.fill.bgColor.rgb
        for area in sheet_of(path).conditional_formatting
        for rule in area.rules
        if rule.formula == [OUR_RULE] and rule.dxf.fill
    }


@pytest.fixture
def users(tmp_path):
    """A workbook with everything a person may have in one."""
    path = tmp_path / "users.xlsx"
    with xlsxwriter.Workbook(path) as workbook:
        page = workbook.add_worksheet("教师")
        red = workbook.add_format({"bg_color": "#FF0000", "bold": True})
        page.set_column(0, 1, 30)
        page.set_row_pixels(3, 48, red)
        for row, values in enumerate([("姓名", "学时"), ("梅", 2), (None, 3), ("平", 4)]):
            page.write_row(row, 0, values)
        page.write(2, 1, 3, red)
        page.write_comment("A1", "批注")
        page.data_validation("B2:B9", {"validate": "integer", "criteria": ">", "value": 0})
        page.conditional_format("B2:B9", {"type": "cell", "criteria": ">", "value": 1, "format": red})
        page.merge_range("A6:B6", "合并", red)
        page.autofilter("A1:B4")
        page.freeze_panes(1, 0)
        page.write_url("A5", "https://127.0.0.1/", string="链接")
        workbook.add_worksheet("别的").write("A1", "原样")
    return path


def test_bad_rows_get_their_sentences_in_a_new_last_column(users):
    page = sheet_of(annotated(users, {3: [BAD_NAME, FOREIGN], 4: [FOREIGN]}))
    assert [page.cell(row, 3).value for row in range(1, 6)] == [
        "导入结果",
        None,
        "「姓名」必填。 学校不在您的范围内。",
        "学校不在您的范围内。",
        None,
    ]
    assert page.column_dimensions["C"].width == 60


def test_everything_else_stays_as_it_was(users):
    back = annotated(users, {3: [BAD_NAME]})
    with zipfile.ZipFile(users) as before, zipfile.ZipFile(back) as after:
        assert before.namelist() == after.namelist()
        changed = {name for name in before.namelist() if before.read(name) != after.read(name)}
    assert changed == {SHEET_PART, "xl/styles.xml"}
    page, original = sheet_of(back), sheet_of(users)
    assert page["B3"].fill.fgColor.rgb == "FFFF0000" and page.row_dimensions[4].height == 36
    assert page["A1"].comment.text == "批注" and page.freeze_panes == "A2" and page.auto_filter.ref == "A1:B4"
    assert page.merged_cells.ranges == original.merged_cells.ranges and page["A5"].hyperlink.target == "https://127.0.0.1/"
    assert len(page.data_validations.dataValidation) == 1
    assert [rule.operator for rule in page.conditional_formatting["B2:B9"]] == ["greaterThan"]


def test_faulty_cells_are_coloured_even_where_they_are_empty(users):
    assert coloured(annotated(users, {3: [BAD_NAME, FOREIGN], 4: [Fault("＊学时", "x")]})) == {"A3 B4": "FFFFC7CE"}


def test_the_sentences_of_an_earlier_round_are_replaced(users):
    first = annotated(users, {3: [BAD_NAME], 4: [FOREIGN]}, "first.xlsx")
    second = annotated(first, {4: [Fault("学时", "「学时」过大。")]}, "second.xlsx")
    page = sheet_of(second)
    assert page.max_column == 3
    assert [page.cell(row, 3).value for row in range(1, 5)] == ["导入结果", None, None, "「学时」过大。"]
    assert coloured(second) == {"B4": "FFFFC7CE"}
    assert part_of(second).count(OUR_RULE) == 2


def test_a_round_without_faults_leaves_an_empty_column(users):
    back = annotated(annotated(users, {3: [BAD_NAME]}, "first.xlsx"), {}, "second.xlsx")
    assert open_sheet(back).header == ["姓名", "学时", "导入结果"]
    assert coloured(back) == {} and "必填" not in part_of(back)


def test_the_column_of_an_earlier_round_may_stand_anywhere(tmp_path):
    workbook = openpyxl.Workbook()
    for row in [("导入结果", "姓名"), ("旧话", "梅"), ("旧话", "平"), (None, "锐")]:
        workbook.active.append(row)
    workbook.save(tmp_path / "a.xlsx")
    page = sheet_of(annotated(tmp_path / "a.xlsx", {3: [BAD_NAME], 4: [BAD_NAME]}))
    assert [(page.cell(row, 1).value, page.cell(row, 2).value) for row in range(1, 5)] == [
        ("导入结果", "姓名"),
        (None, "梅"),
        ("「姓名」必填。", "平"),
        ("「姓名」必填。", "锐"),
    ]


def test_what_stands_beside_the_table_is_not_written_over(tmp_path):
    workbook = openpyxl.Workbook()
    workbook.active.append(["姓名"])
    workbook.active.append(["梅", None, "随手记"])
    workbook.save(tmp_path / "a.xlsx")
    page = sheet_of(annotated(tmp_path / "a.xlsx", {2: [BAD_NAME]}))
    assert (page["C2"].value, page["D1"].value, page["D2"].value) == ("随手记", "导入结果", "「姓名」必填。")


def test_rows_and_cells_without_references_are_counted(tmp_path):
    rows = f"<row>{bare('姓名')}{bare('学时')}</row><row>{bare('梅')}</row><row/><row>{bare('平')}{bare('2')}</row>"
    back = annotated(pack(tmp_path / "a.xlsx", parts(sheet(rows))), {2: [BAD_NAME], 3: [FOREIGN], 4: [FOREIGN]})
    assert [values[2] for _, values in open_sheet(back).rows()] == ["「姓名」必填。", "学校不在您的范围内。", "学校不在您的范围内。"]
    assert [cell.value for cell in sheet_of(back)["C"]] == ["导入结果", "「姓名」必填。", FOREIGN.message, FOREIGN.message]


def test_without_styles_there_are_sentences_and_no_colour(tmp_path):
    rows = f'<row r="1">{text("A1", "姓名")}</row><row r="2">{text("A2", "梅")}</row>'
    back = annotated(pack(tmp_path / "a.xlsx", parts(sheet(rows))), {2: [BAD_NAME]})
    assert "conditionalFormatting" not in part_of(back) and "「姓名」必填。" in part_of(back)


@pytest.mark.parametrize(
    "dxfs",
    [
        "",
        "<dxfs/>",
        '<dxfs count="0"/>',
        "<dxfs></dxfs>",
        '<dxfs count="1"><dxf><font><b/></font></dxf></dxfs>',
        '<dxfs count="1"><dxf/></dxfs><tableStyles/>',
    ],
)
def test_styles_of_every_shape_take_the_two_looks(tmp_path, dxfs):
    rows = f'<row r="1">{text("A1", "姓名")}</row><row r="2">{text("A2", "梅")}</row>'
    made = parts(sheet(rows), styles=STYLES.replace("</styleSheet>", f"{dxfs}</styleSheet>"))
    back = annotated(pack(tmp_path / "a.xlsx", made), {2: [BAD_NAME]})
    root = ElementTree.fromstring(part_of(back, "xl/styles.xml"))
    looks = root.find(f"{{{MAIN}}}dxfs")
    assert looks.get("count") == str(len(looks))
    numbers = [int(found) for found in re.findall(r'dxfId="(\d+)"', part_of(back))]
    assert sorted(numbers) == [len(looks) - 2, len(looks) - 1]
    assert looks[min(numbers)].find(f"{{{MAIN}}}fill") is not None


def test_prefixed_documents_stay_prefixed(tmp_path):
    rows = f'<row r="1" spans="1:1">{text("A1", "姓名")}</row><row r="2"/><row r="3">{text("A3", "梅")}</row>'
    prefixed = re.sub(r"<(/?)(?=\w)", r"<\1x:", sheet(rows, after="<pageMargins/>")).replace("xmlns=", "xmlns:x=")
    styles = re.sub(r"<(/?)(?=\w)", r"<\1x:", STYLES).replace("xmlns=", "xmlns:x=")
    back = annotated(pack(tmp_path / "a.xlsx", parts(prefixed, styles=styles)), {2: [FOREIGN], 3: [BAD_NAME]})
    assert [cell.value for cell in sheet_of(back)["B"]] == ["导入结果", FOREIGN.message, BAD_NAME.message]
    assert "spans" not in part_of(back)


@pytest.mark.parametrize(
    ("cols", "after"),
    [
        ('<cols><col min="1" max="1" width="9"/></cols>', [(1, 1, None), (2, 2, None)]),
        ('<cols><col min="3" max="4" width="9"/></cols>', [(2, 2, None), (3, 4, None)]),
        ('<cols><col min="2" max="16384" width="9" hidden="1"/></cols>', [(2, 2, None), (3, 16384, "1")]),
        ("<cols><col max='16384' hidden='1' min='1'/></cols>", [(1, 1, "1"), (2, 2, None), (3, 16384, "1")]),
        ('<cols><col min="2" max="2" width="9" hidden="1"/><col min="3" max="3"/></cols>', [(2, 2, None), (3, 3, None)]),
    ],
)
def test_the_new_column_is_wide_and_seen_whatever_was_said_about_it(tmp_path, cols, after):
    rows = f'<row r="1">{text("A1", "姓名")}</row><row r="2">{text("A2", "梅")}<c r="C2" s="1"/></row>'
    back = annotated(
        pack(tmp_path / "a.xlsx", parts(sheet(rows, before=f'<dimension ref="A1:A2"/>{cols}'), styles=STYLES)), {2: [BAD_NAME]}
    )
    columns = ElementTree.fromstring(part_of(back)).iter(f"{{{MAIN}}}col")
    assert [(int(c.get("min")), int(c.get("max")), c.get("hidden")) for c in columns] == after
    assert "dimension" not in part_of(back)
    assert [cell.value for cell in sheet_of(back)[2]] == ["梅", "「姓名」必填。", None]


def test_a_formatted_blank_in_the_place_of_the_sentence_gives_way(tmp_path):
    rows = f'<row r="1">{text("A1", "姓名")}<c r="B1" s="1"/></row><row r="2"><c r="B2" s="1"></c><c r="D2" s="1"/></row>'
    back = annotated(pack(tmp_path / "a.xlsx", parts(sheet(rows), styles=STYLES)), {2: [BAD_NAME]})
    assert (sheet_of(back)["B1"].value, sheet_of(back)["B2"].value) == ("导入结果", "「姓名」必填。")
    assert part_of(back).count('r="B2"') == 1 and 'r="D2"' in part_of(back)


def test_a_byte_order_mark_and_odd_spacing_move_nothing(tmp_path):
    rows = f'\n  <row  r = "1" >{text("A1", "姓名")}</row >\n<row r="2" note="a>b"\n>{text("A2", "a>b 梅")}</row>\n'
    xml = "\ufeff<?xml version='1.0'?>\n" + sheet(rows, after='<pageMargins note="a>b"/>')
    back = annotated(pack(tmp_path / "a.xlsx", parts(xml, styles=STYLES)), {2: [BAD_NAME]})
    assert list(open_sheet(back).rows()) == [(2, ["a>b 梅", "「姓名」必填。"])]
    assert '<row r="2" note="a>b"\n>' in part_of(back)


def test_a_sentence_is_text_whatever_it_quotes(users):
    message = "「姓名」不能是“=1+1<&>_x0041_\x01”。"
    back = annotated(users, {3: [Fault(None, message)]})
    assert next(values[2] for number, values in open_sheet(back).rows() if number == 3) == message


def test_a_large_workbook_passes_through_in_chunks(tmp_path):
    columns = [SheetColumn("a", "姓名", "text"), SheetColumn("b", "号", "text")]
    rows = [(f"教师{number}", f"{number:018d}") for number in range(20_000)]
    write_xlsx(tmp_path / "a.xlsx", columns, rows, note=[], sheet_title="教师")
    faults = {number: [Fault("号", f"第 {number} 行有误。")] for number in range(2, 20_002, 97)}
    back = open_sheet(annotated(tmp_path / "a.xlsx", faults))
    found = {number: values for number, values in back.rows()}
    assert len(found) == 20_000
    for number, values in found.items():
        assert values[:2] == list(rows[number - 2])
        assert values[2] == (f"第 {number} 行有误。" if number in faults else None)


def test_a_sheet_read_before_spares_a_second_reading(users):
    annotate_workbook(users, users.with_name("a.xlsx"), {3: [BAD_NAME]}, sheet=open_sheet(users))
    annotate_workbook(users, users.with_name("b.xlsx"), {3: [BAD_NAME]})
    assert part_of(users.with_name("a.xlsx")) == part_of(users.with_name("b.xlsx"))


def test_csv_comes_back_as_it_was_with_the_sentences(tmp_path):
    (tmp_path / "a.csv").write_bytes('姓名,号\r\n梅,\'=1\r\n\r\n"平\n平",2,旁注\r\n锐\r\n'.encode("gb18030"))
    back = annotated(tmp_path / "a.csv", {2: [BAD_NAME], 5: [FOREIGN]}, "back.csv")
    assert back.read_bytes().decode("utf-8") == (
        '\ufeff姓名,号,,导入结果\r\n梅,\'=1,,「姓名」必填。\r\n\r\n"平\n平",2,旁注\r\n锐,,,学校不在您的范围内。\r\n'
    )
    again = annotated(back, {4: [BAD_NAME]}, "again.csv")
    assert [(number, values[3]) for number, values in open_sheet(again).rows()] == [(2, None), (4, "「姓名」必填。"), (5, None)]
