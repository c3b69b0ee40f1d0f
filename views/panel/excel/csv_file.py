"""CSV, for those who have no Excel: written so that a spreadsheet neither garbles nor runs it, read back unchanged.

CSV cannot say "this is text", so a text that starts like a formula gets an apostrophe in front. So does one that starts
with apostrophes and then like a formula: only then is taking one away again always right.
"""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from models.violation import RuleViolation
from views.panel.excel.cell_text import as_text
from views.panel.excel.columns import DATE_KINDS, FORMULA_STARTS, NUMBER_KINDS, SheetColumn
from views.panel.excel.writer import reporting

WRITE_ENCODING = "utf-8-sig"
READ_ENCODINGS = (WRITE_ENCODING, "gb18030")
# Older systems hand out web pages under the name of a workbook.
MARKUP = (b"<html", b"<!doctype", b"<?xml", b"<table", b"<meta")
LONGEST_RECORD = 8_000_000
"""Characters; a sheet's 200 columns of its longest texts have fewer."""
_CHUNK = 1 << 20

_NEEDS_APOSTROPHE = re.compile(rf"'*[{re.escape(FORMULA_STARTS)}]").match
_HAS_APOSTROPHE = re.compile(rf"'+[{re.escape(FORMULA_STARTS)}]").match
# Bytes that no text of any of the encodings contains in its first lines, but programs, pictures and UTF-16 do.
_BINARY = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")


def write_csv(
    target: Path,
    columns: Sequence[SheetColumn],
    rows: Iterable[Sequence[object]],
    *,
    on_progress: Callable[[int], None] | None = None,
) -> int:
    """Write the rows to ``target`` (UTF-8 with BOM, CRLF) and return how many."""
    cells = [_number_text if column.kind in NUMBER_KINDS | DATE_KINDS else _safe_text for column in columns]
    count = 0
    try:
        with target.open("w", encoding=WRITE_ENCODING, newline="", errors="replace") as stored:
            writer = csv.writer(stored)
            writer.writerow([neutralised(column.label) for column in columns])
            for row in rows if on_progress is None else reporting(rows, on_progress):
                writer.writerow([cell(value) for cell, value in zip(cells, row, strict=True)])
                count += 1
    except BaseException:
        target.unlink(missing_ok=True)
        raise
    return count


def neutralised(text: str) -> str:
    """The text with an apostrophe in front where a spreadsheet would run it."""
    return f"'{text}" if _NEEDS_APOSTROPHE(text) else text


def restored(text: str) -> str:
    """The text as it was before ``neutralised``."""
    return text[1:] if _HAS_APOSTROPHE(text) else text


def csv_encoding(path: Path) -> str:
    """The encoding the whole file is sound in: UTF-8 (with or without BOM) or GB18030, which old Excel writes in China."""
    with path.open("rb") as stored:
        start = stored.read(4096)
    if not start.startswith(codecs.BOM_UTF8) and _BINARY.search(start):
        raise RuleViolation("文件不是 Excel 工作簿或 CSV 文本。请另存为 .xlsx 后再上传。", "file")
    if start.removeprefix(codecs.BOM_UTF8).lstrip().lower().startswith(MARKUP):
        raise RuleViolation("这是网页格式的文件，不是 Excel 工作簿。请用 Excel 打开并另存为 .xlsx 后再上传。", "file")
    for encoding in READ_ENCODINGS:
        if _is_sound(path, encoding):
            return encoding
    raise RuleViolation("CSV 文件的编码无法识别。请另存为“CSV UTF-8”或 .xlsx 后再上传。", "file")


def csv_records(path: Path, encoding: str) -> Iterator[tuple[int, list[str]]]:
    """Every record with its 1-based row number in a spreadsheet, cells exactly as stored."""
    with path.open(encoding=encoding, newline="") as stored:
        size = 0

        def lines() -> Iterator[str]:
            nonlocal size
            while line := stored.readline(LONGEST_RECORD + 1):
                size += len(line)
                if size > LONGEST_RECORD:
                    raise csv.Error("one record, of one line or of many, would fill the memory")
                yield line

        try:
            for number, cells in enumerate(csv.reader(lines(), strict=True), 1):
                size = 0
                yield number, cells
        except csv.Error as fault:
            raise RuleViolation("CSV 文件的格式有误（引号不成对，或某一格文字过长）。请另存为 .xlsx 后再上传。", "file") from fault


def _is_sound(path: Path, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    with path.open("rb") as stored:
        try:
            while chunk := stored.read(_CHUNK):
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
    return True


def _safe_text(value: object) -> str:
    return neutralised(as_text(value))


def _number_text(value: object) -> str:
    # A masked number or date comes as text and may start like anything.
    return neutralised(value) if isinstance(value, str) else as_text(value)
