"""The copy of a workbook that the reading library sees: only parts that were looked at, under a list of sheets written here.

Two programs can disagree about what a crafted zip contains. The library therefore never meets the upload itself.
"""

from __future__ import annotations

import tempfile
import zipfile
from array import array
from collections.abc import Sequence
from pathlib import Path

from python_calamine import CalamineError, CalamineSheet, load_workbook

from models.violation import RuleViolation
from views.panel.excel.package import DAMAGED, FIELD, Limits, Package, SheetEntry, feed, guarded_parser
from views.panel.excel.scan import SheetScan, StringsScan

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_START = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_ROOT = (
    f'{_START}<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{_RELATIONS}/officeDocument" Target="xl/workbook.xml"/></Relationships>'
)
_TYPES = f'{_START}<Types xmlns="{_PACKAGE}/content-types"><Default Extension="xml" ContentType="application/xml"/></Types>'


class TrustedCopy:
    """The named sheets of a package, scanned on the way and opened for reading."""

    def __init__(self, package: Package, entries: Sequence[SheetEntry], limits: Limits) -> None:
        self.sheets: list[tuple[CalamineSheet, SheetScan]] = []
        with tempfile.TemporaryDirectory(prefix="workbook-") as folder:
            path = Path(folder) / "checked.xlsx"
            with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as copy:
                scans = _copy_parts(package, entries, limits, copy)
            self.sheets = list(zip(_read(path, len(entries)), scans, strict=True))


def _read(path: Path, count: int) -> list[CalamineSheet]:
    try:
        with load_workbook(path) as workbook:
            return [workbook.get_sheet_by_index(index) for index in range(count)]
    except (CalamineError, OSError, ValueError) as fault:
        raise RuleViolation(DAMAGED, FIELD) from fault


def _copy_parts(package: Package, entries: Sequence[SheetEntry], limits: Limits, copy: zipfile.ZipFile) -> list[SheetScan]:
    copy.writestr("[Content_Types].xml", _TYPES)
    copy.writestr("_rels/.rels", _ROOT)
    copy.writestr("xl/workbook.xml", _workbook_xml(len(entries), package.counts_from_1904))
    copy.writestr("xl/_rels/workbook.xml.rels", _relations_xml(len(entries), package))
    if package.styles_part:
        _copy_styles(package, package.styles_part, copy)
    lengths = _copy_strings(package, package.strings_part, copy) if package.strings_part else array("L")
    scans = []
    for number, entry in enumerate(entries, 1):
        scan = SheetScan(limits, lengths)
        with copy.open(f"xl/worksheets/sheet{number}.xml", "w") as target:
            for chunk in package.stream(entry.part):
                scan.feed(chunk)
                target.write(chunk)
        scan.feed(b"", is_last=True)
        scans.append(scan)
    return scans


def _copy_strings(package: Package, part: str, copy: zipfile.ZipFile) -> array[int]:
    scan = StringsScan()
    with copy.open("xl/sharedStrings.xml", "w") as target:
        for chunk in package.stream(part):
            scan.feed(chunk)
            target.write(chunk)
    scan.feed(b"", is_last=True)
    return scan.lengths


def _copy_styles(package: Package, part: str, copy: zipfile.ZipFile) -> None:
    parser = guarded_parser()
    with copy.open("xl/styles.xml", "w") as target:
        for chunk in package.stream(part):
            feed(parser, chunk)
            target.write(chunk)
    feed(parser, b"", is_last=True)


def _workbook_xml(count: int, counts_from_1904: bool) -> str:
    sheets = "".join(f'<sheet name="{number}" sheetId="{number}" r:id="rId{number}"/>' for number in range(1, count + 1))
    dates = '<workbookPr date1904="1"/>' if counts_from_1904 else ""
    return f'{_START}<workbook xmlns="{_MAIN}" xmlns:r="{_RELATIONS}">{dates}<sheets>{sheets}</sheets></workbook>'


def _relations_xml(count: int, package: Package) -> str:
    targets = [(f"rId{number}", "worksheet", f"worksheets/sheet{number}.xml") for number in range(1, count + 1)]
    if package.styles_part:
        targets.append(("rIdStyles", "styles", "styles.xml"))
    if package.strings_part:
        targets.append(("rIdStrings", "sharedStrings", "sharedStrings.xml"))
    relations = "".join(f'<Relationship Id="{key}" Type="{_RELATIONS}/{kind}" Target="{target}"/>' for key, kind, target in targets)
    return f'{_START}<Relationships xmlns="{_PACKAGE}/relationships">{relations}</Relationships>'
