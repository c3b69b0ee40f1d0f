"""Workbooks as other programs, and as attackers, write them: part by part, from nothing."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"

KIND = "application/vnd.openxmlformats-officedocument.spreadsheetml"
TYPES = (
    f'<Types xmlns="{PACKAGE}/content-types"><Default Extension="xml" ContentType="application/xml"/>'
    f'<Override PartName="/xl/workbook.xml" ContentType="{KIND}.sheet.main+xml"/>'
    f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{KIND}.worksheet+xml"/>'
    f'<Override PartName="/xl/styles.xml" ContentType="{KIND}.styles+xml"/></Types>'
)
ROOT = (
    f'<Relationships xmlns="{PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{RELATIONS}/officeDocument" Target="xl/workbook.xml"/></Relationships>'
)
STYLES = (
    f'<styleSheet xmlns="{MAIN}"><fonts count="1"><font/></fonts><fills count="1"><fill><patternFill patternType="none"/></fill></fills>'
    '<borders count="1"><border/></borders><cellStyleXfs count="1"><xf numFmtId="0"/></cellStyleXfs>'
    '<cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
)


def text(reference: str, value: str) -> str:
    return f'<c r="{reference}" t="inlineStr"><is><t>{value}</t></is></c>'


def bare(value: str) -> str:
    """A cell without a reference, as some programs write them."""
    return f'<c t="inlineStr"><is><t>{value}</t></is></c>'


def sheet(rows: str, before: str = "", after: str = "") -> str:
    return f'<worksheet xmlns="{MAIN}">{before}<sheetData>{rows}</sheetData>{after}</worksheet>'


def workbook_xml(sheets: str, properties: str = "") -> str:
    return f'<workbook xmlns="{MAIN}" xmlns:r="{RELATIONS}">{properties}<sheets>{sheets}</sheets></workbook>'


def parts(sheet_xml: str, **others: str) -> dict[str, str]:
    """The parts of a sound workbook with one sheet; ``others`` adds strings and styles."""
    targets = {
        "rId1": ("worksheet", "worksheets/sheet1.xml"),
        "rId2": ("styles", "styles.xml"),
        "rId3": ("sharedStrings", "sharedStrings.xml"),
    }
    wanted = {"rId1", *(["rId2"] if "styles" in others else []), *(["rId3"] if "strings" in others else [])}
    relations = "".join(
        f'<Relationship Id="{key}" Type="{RELATIONS}/{kind}" Target="{target}"/>'
        for key, (kind, target) in targets.items()
        if key in wanted
    )
    made = {
        "[Content_Types].xml": TYPES,
        "_rels/.rels": ROOT,
        "xl/workbook.xml": workbook_xml('<sheet name="教师" sheetId="1" r:id="rId1"/>'),
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE}/relationships">{relations}</Relationships>',
        "xl/worksheets/sheet1.xml": sheet_xml,
    }
    if "styles" in others:
        made["xl/styles.xml"] = others["styles"]
    if "strings" in others:
        made["xl/sharedStrings.xml"] = others["strings"]
    return made


def pack(path: Path, contents: Mapping[str, str | bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    return path
