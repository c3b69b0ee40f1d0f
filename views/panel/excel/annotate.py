"""The user's own workbook back, each bad row with its sentences in a column 导入结果 (lessons, "Error report").

Row numbers, formats, other sheets, everything stays as the user's program wrote it: only the sheet's XML is changed, in a
handful of places, and two colours are added to the styles. Faulty cells are coloured by a conditional format, which
changes no cell and which the next round recognises and takes away.
"""

from __future__ import annotations

import csv
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from xlsxwriter.utility import xl_col_to_name

from views.panel.excel.columns import RESULT_LABEL, SHEET_DATA_ROWS
from views.panel.excel.csv_file import WRITE_ENCODING, csv_encoding, csv_records, neutralised
from views.panel.excel.headers import header_key
from views.panel.excel.package import Limits, Package
from views.panel.excel.reader import Sheet, open_sheet
from views.panel.excel.scan import EXCEL_COLUMNS
from views.panel.excel.sheet_edit import Annotation, SheetEdit
from views.panel.excel.styles_edit import add_result_looks
from views.panel.excel.writer import COMPRESSION

# Excel slows down over a rule of very many single cells; the sentences are there in any case.
MOST_COLOURED = 5_000


@dataclass(frozen=True)
class Fault:
    """What is wrong with a row: the sentence, and the label of the column it is about if it is about one."""

    column_label: str | None
    message: str


def annotate_workbook(source: Path, target: Path, faults: Mapping[int, Sequence[Fault]], *, sheet: Sheet | None = None) -> None:
    """Write ``source`` (.xlsx or .csv) to ``target`` with the faults of each 1-based row in the column 导入结果.

    A column of that name from an earlier round is replaced. ``sheet`` spares a second reading where the caller has it.
    """
    sheet = sheet or open_sheet(source, max_rows=SHEET_DATA_ROWS, max_columns=EXCEL_COLUMNS)
    try:
        if sheet.part is None:
            _annotate_csv(source, target, sheet, faults)
        else:
            _annotate_xlsx(source, target, sheet, sheet.part, faults)
    except BaseException:
        target.unlink(missing_ok=True)
        raise


def _annotate_xlsx(source: Path, target: Path, sheet: Sheet, part: str, faults: Mapping[int, Sequence[Fault]]) -> None:
    limits = Limits(rows=SHEET_DATA_ROWS, columns=EXCEL_COLUMNS)
    with Package(source, limits) as package, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=COMPRESSION) as result:
        styles, first_look = None, None
        if package.styles_part:
            styles, first_look = add_result_looks(b"".join(package.stream(package.styles_part)))
        edit = SheetEdit(
            Annotation(
                header_row=sheet.header_row,
                column=_result_column(sheet),
                messages={row: _sentences(found) for row, found in faults.items()},
                faulty_cells=_faulty_cells(sheet.header, faults),
                first_look=first_look,
            )
        )
        for entry in package.entries:
            if entry.is_dir():
                continue
            chunks = package.stream(entry.filename)
            if entry.filename == part:
                chunks = edit.run(chunks)
            elif entry.filename == package.styles_part and styles is not None:
                chunks = iter([styles])
            _write_part(result, entry.filename, chunks)


def _write_part(result: zipfile.ZipFile, name: str, chunks: Iterator[bytes]) -> None:
    with result.open(name, "w") as stored:
        for chunk in chunks:
            stored.write(chunk)


def _result_column(sheet: Sheet) -> int:
    """The 1-based column of the sentences: that of an earlier round, or the first behind everything."""
    earlier = _positions(sheet.header, RESULT_LABEL)
    return earlier[0] + 1 if earlier else max(sheet.last_column, len(sheet.header)) + 1


def _faulty_cells(header: Sequence[str], faults: Mapping[int, Sequence[Fault]]) -> list[str]:
    letters: dict[str, list[str]] = {}
    cells = []
    for row, found in sorted(faults.items()):
        for label in dict.fromkeys(fault.column_label for fault in found if fault.column_label):
            if label not in letters:
                letters[label] = [xl_col_to_name(position) for position in _positions(header, label)]
            cells += [f"{letter}{row}" for letter in letters[label]]
    return cells[:MOST_COLOURED]


def _positions(header: Sequence[str], label: str) -> list[int]:
    return [position for position, text in enumerate(header) if header_key(text) == header_key(label)]


def _sentences(found: Sequence[Fault]) -> str:
    return " ".join(dict.fromkeys(fault.message for fault in found))


def _annotate_csv(source: Path, target: Path, sheet: Sheet, faults: Mapping[int, Sequence[Fault]]) -> None:
    encoding = csv_encoding(source)
    # Behind the widest row: what somebody wrote beside the table is theirs.
    sheet = replace(sheet, last_column=max(len(cells) for _, cells in csv_records(source, encoding)))
    at = _result_column(sheet) - 1
    with target.open("w", encoding=WRITE_ENCODING, newline="") as stored:
        writer = csv.writer(stored)
        for row, cells in csv_records(source, encoding):
            result = RESULT_LABEL if row == sheet.header_row else neutralised(_sentences(faults.get(row, ())))
            writer.writerow(_with_result(cells, at, result))


def _with_result(cells: list[str], at: int, result: str) -> list[str]:
    if not result:
        # Nothing to say: the row as it was, without the sentence of an earlier round.
        return [*cells[:at], "", *cells[at + 1 :]] if len(cells) > at else cells
    return [*cells[:at], *[""] * (at - len(cells)), result, *cells[at + 1 :]]
