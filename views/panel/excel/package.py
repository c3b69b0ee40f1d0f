"""An uploaded workbook, opened without trusting it: what is refused here is never unpacked (lessons, "Bulk Excel").

A workbook is a zip of XML parts. It can claim one size and unpack to another, hide a second file of the same name, carry
macros, fetch from elsewhere, or expand one line of XML to gigabytes. Sizes are checked from the directory before a byte is
unpacked, and again while unpacking. A person is told in one sentence what to do instead.
"""

from __future__ import annotations

import posixpath
import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from xml.parsers import expat

from models.violation import RuleViolation
from rules.plain_xml import plain_parser

FIELD = "file"
CHUNK = 1 << 18

ZIP_START = b"PK\x03\x04"
PART_START = b"PK\x01\x02"
"""Where the directory at the end of a zip tells of one more part."""
OLE_START = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
MOST_PARTS = 2_000
# Small parts (relations, the list of sheets) are read whole.
MOST_BYTES_WHOLE = 4_000_000
# A sheet of nothing but identical rows packs about 1:100. Small files may, being harmless at any ratio.
MOST_RATIO, RATIO_MATTERS_ABOVE = 200, 20_000_000

_SOUND_NAME = re.compile(r"[^\\/:\x00-\x1f]+(?:/[^\\/:\x00-\x1f]+)*/?").fullmatch

DAMAGED = "工作簿已损坏或不是标准的 .xlsx。请用 Excel 打开并另存为“Excel 工作簿（.xlsx）”后再上传。"
SUSPICIOUS = "工作簿的内部结构异常，为安全起见不予读取。请用 Excel 打开并另存为新的 .xlsx 后再上传。"


@dataclass(frozen=True)
class Limits:
    """How much of an upload is read: data rows, columns, bytes as uploaded and bytes unpacked."""

    rows: int = 200_000
    columns: int = 200
    packed: int = 50 * 1024 * 1024
    unpacked: int = 500 * 1024 * 1024


@dataclass(frozen=True)
class SheetEntry:
    """A worksheet as the workbook lists it."""

    name: str
    part: str
    is_visible: bool


class Package:
    """The parts of a workbook that passed every check; use it in a ``with`` statement."""

    def __init__(self, path: Path, limits: Limits) -> None:
        _check_directory(path)
        try:
            self._archive = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, OSError, ValueError) as fault:
            raise RuleViolation(DAMAGED, FIELD) from fault
        try:
            self.entries = self._archive.infolist()
            _check_entries(self.entries, limits)
            self._read_workbook()
        except BaseException:
            self._archive.close()
            raise

    def __enter__(self) -> Package:
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None) -> None:
        self._archive.close()

    def stream(self, part: str) -> Iterator[bytes]:
        """The unpacked bytes of a part, never more than its directory entry announced."""
        try:
            with self._archive.open(part) as stored:
                while chunk := stored.read(CHUNK):
                    yield chunk
        except (zipfile.BadZipFile, zlib.error, EOFError, KeyError, NotImplementedError) as fault:
            raise RuleViolation(DAMAGED, FIELD) from fault

    def _read_workbook(self) -> None:
        workbook = next((target for kind, target in self._relations("").values() if kind == "officeDocument"), None)
        if workbook is None or not posixpath.basename(workbook).endswith(".xml"):
            raise RuleViolation(DAMAGED, FIELD)
        relations = self._relations(workbook)
        by_kind = {kind: target for kind, target in relations.values()}
        self.strings_part = by_kind.get("sharedStrings")
        self.styles_part = by_kind.get("styles")
        self.sheets: list[SheetEntry] = []
        self.counts_from_1904 = False
        for name, attributes in self._elements(workbook):
            if name == "workbookPr":
                self.counts_from_1904 = attributes.get("date1904") in ("1", "true", "on")
            if name == "sheet":
                kind, target = relations.get(_relation_id(attributes), ("", ""))
                if kind == "worksheet":
                    is_visible = attributes.get("state", "visible") == "visible"
                    self.sheets.append(SheetEntry(attributes.get("name", ""), target, is_visible))

    def _relations(self, source: str) -> dict[str, tuple[str, str]]:
        """The parts a part points to, by relation id: the last word of the relation's type, and the target's name."""
        folder, name = posixpath.split(source)
        found = {}
        for element, attributes in self._elements(posixpath.join(folder, "_rels", f"{name}.rels")):
            if element == "Relationship" and attributes.get("TargetMode") != "External":
                kind = attributes.get("Type", "").rpartition("/")[2]
                target = posixpath.normpath(posixpath.join("/", folder, attributes.get("Target", "")))
                found[attributes.get("Id", "")] = (kind, target.lstrip("/"))
        return found

    def _elements(self, part: str) -> list[tuple[str, dict[str, str]]]:
        found: list[tuple[str, dict[str, str]]] = []
        parser = guarded_parser()
        parser.StartElementHandler = lambda name, attributes: found.append((name.rpartition(":")[2], attributes))
        size = 0
        for chunk in self.stream(part):
            size += len(chunk)
            if size > MOST_BYTES_WHOLE:
                raise RuleViolation(SUSPICIOUS, FIELD)
            feed(parser, chunk)
        feed(parser, b"", is_last=True)
        return found


def check_is_workbook(path: Path, limits: Limits) -> None:
    """Refuse, by its size and first bytes, what cannot be a workbook or a text."""
    size = path.stat().st_size
    if size == 0:
        raise RuleViolation("文件是空的。", FIELD)
    if size > limits.packed:
        raise RuleViolation(
            "文件有 {size} MB，超过 {limit} MB 的上限。请分成几个文件上传。",
            FIELD,
            size=-(-size // 1024**2),
            limit=limits.packed // 1024**2,
        )
    if starts_with(path, OLE_START):
        if "EncryptedPackage".encode("utf-16-le") in path.read_bytes():
            raise RuleViolation("工作簿加了打开密码，无法读取。请在 Excel 里取消密码后再上传。", FIELD)
        raise RuleViolation("这是旧版 Excel 文件（.xls）。请用 Excel 打开并另存为 .xlsx 后再上传。", FIELD)


def starts_with(path: Path, start: bytes) -> bool:
    """Whether the file begins with these bytes."""
    with path.open("rb") as stored:
        return stored.read(len(start)) == start


def guarded_parser() -> expat.XMLParserType:
    """An XML parser that refuses document types (and with them every entity) and any encoding but UTF-8."""
    parser = plain_parser(SUSPICIOUS, FIELD)
    parser.XmlDeclHandler = _check_encoding
    return parser


def feed(parser: expat.XMLParserType, chunk: bytes, is_last: bool = False) -> None:
    """Parse one more chunk."""
    try:
        parser.Parse(chunk, is_last)
    except expat.ExpatError as fault:
        raise RuleViolation(DAMAGED, FIELD) from fault


def _check_directory(path: Path) -> None:
    """Refuse a directory of far too many parts before the library reads it whole: a million of them fit into an upload."""
    found, last = 0, b""
    with path.open("rb") as stored:
        while chunk := stored.read(CHUNK):
            found += (last + chunk).count(PART_START)
            last = chunk[1 - len(PART_START) :]
    # A few more stand by chance, or in a workbook within the workbook.
    if found > 2 * MOST_PARTS:
        raise RuleViolation(SUSPICIOUS, FIELD)


def _check_entries(entries: list[zipfile.ZipInfo], limits: Limits) -> None:
    names = [entry.filename for entry in entries]
    folded = {name.casefold() for name in names}
    if len(entries) > MOST_PARTS or len(folded) != len(names) or not all(map(_is_sound_name, names)):
        raise RuleViolation(SUSPICIOUS, FIELD)
    if any(entry.flag_bits & 0x1 for entry in entries):
        raise RuleViolation("压缩包加了密码，无法读取。请上传没有密码的 .xlsx。", FIELD)
    unpacked = sum(entry.file_size for entry in entries)
    packed = sum(entry.compress_size for entry in entries)
    if unpacked > limits.unpacked or (unpacked > RATIO_MATTERS_ABOVE and unpacked > MOST_RATIO * packed):
        raise RuleViolation("工作簿解压后过大，不予读取。请删去多余的工作表、图片和空白格式后再上传。", FIELD)
    if "[content_types].xml" not in folded or "_rels/.rels" not in folded:
        raise RuleViolation("这不是 Excel 工作簿。请上传 .xlsx 文件。", FIELD)
    if any(name.endswith(("vbaproject.bin", "workbook.bin")) or "/macrosheets/" in name for name in folded):
        raise RuleViolation("工作簿带有宏或是二进制格式（.xlsm、.xlsb）。请另存为 .xlsx 后再上传。", FIELD)
    if any(name.startswith(("xl/externallinks/", "xl/connections.xml", "xl/querytables/")) for name in folded):
        raise RuleViolation("工作簿里有指向其他文件的外部链接。请在 Excel 的“数据→编辑链接”里断开链接后再上传。", FIELD)


def _is_sound_name(name: str) -> bool:
    return _SOUND_NAME(name) is not None and not {".", ".."} & set(name.split("/"))


def _relation_id(attributes: dict[str, str]) -> str:
    return next((value for name, value in attributes.items() if name.endswith(":id")), "")


def _check_encoding(version: str, encoding: str | None, standalone: int) -> None:
    # Rows are edited in place as bytes (annotate.py), which is only sound in UTF-8. Excel writes nothing else.
    if encoding is not None and encoding.casefold() not in ("utf-8", "utf8", "us-ascii"):
        raise RuleViolation(SUSPICIOUS, FIELD)
