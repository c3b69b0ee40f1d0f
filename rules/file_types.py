"""Which files are taken, told by their content: the ending of a name is only what somebody says of it.

Whatever stands in no line of ``FORMATS`` is refused, programs first of all. The one thing a newcomer gets wrong: HTML and SVG are
*text* here. They are kept and handed out as a download; nowhere does a page of ours show them as what they are.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Literal
from zipfile import BadZipFile, ZipFile

from models.files import FileKind
from rules.errors import RuleViolation
from rules.normal_form import normal_form

Shown = Literal["", "pdf", "image", "video", "audio", "text", "docx", "office"]
HEAD = 64 * 1024
"""What is read from the beginning of a file to know it."""
LONGEST_NAME = 120
MOST_ENTRIES = 100_000


@dataclass(frozen=True)
class Format:
    """One format: its kind, media type, by which endings its content is known, and how a browser shows it."""

    kind: FileKind
    media_type: str
    known_as: frozenset[str]
    """Endings by which puremagic may call this content; empty for what has no signature (text, or a ZIP looked into here)."""
    shown: Shown = ""


def _format(kind: FileKind, media_type: str, known_as: str = "", shown: Shown = "") -> Format:
    return Format(kind, media_type, frozenset(f".{name}" for name in known_as.split()), shown)


_OFFICE = "application/vnd.openxmlformats-officedocument"
_OPEN = "application/vnd.oasis.opendocument"
FORMATS: dict[str, Format] = {
    ".pdf": _format(FileKind.DOCUMENT, "application/pdf", "pdf", "pdf"),
    ".docx": _format(FileKind.DOCUMENT, f"{_OFFICE}.wordprocessingml.document", shown="docx"),
    ".xlsx": _format(FileKind.DOCUMENT, f"{_OFFICE}.spreadsheetml.sheet", shown="office"),
    ".pptx": _format(FileKind.DOCUMENT, f"{_OFFICE}.presentationml.presentation", shown="office"),
    ".odt": _format(FileKind.DOCUMENT, f"{_OPEN}.text", shown="office"),
    ".ods": _format(FileKind.DOCUMENT, f"{_OPEN}.spreadsheet", shown="office"),
    ".odp": _format(FileKind.DOCUMENT, f"{_OPEN}.presentation", shown="office"),
    ".doc": _format(FileKind.DOCUMENT, "application/msword", "doc", "office"),
    ".xls": _format(FileKind.DOCUMENT, "application/vnd.ms-excel", "doc xls", "office"),
    ".ppt": _format(FileKind.DOCUMENT, "application/vnd.ms-powerpoint", "doc ppt", "office"),
    ".wps": _format(FileKind.DOCUMENT, "application/vnd.ms-works", "doc", "office"),
    ".rtf": _format(FileKind.DOCUMENT, "application/rtf", "rtf", "office"),
    ".jpg": _format(FileKind.IMAGE, "image/jpeg", "jpg jpeg jpe jfif", "image"),
    ".jpeg": _format(FileKind.IMAGE, "image/jpeg", "jpg jpeg jpe jfif", "image"),
    ".png": _format(FileKind.IMAGE, "image/png", "png apng", "image"),
    ".gif": _format(FileKind.IMAGE, "image/gif", "gif", "image"),
    ".webp": _format(FileKind.IMAGE, "image/webp", "webp", "image"),
    ".bmp": _format(FileKind.IMAGE, "image/bmp", "bmp", "image"),
    ".heic": _format(FileKind.IMAGE, "image/heic", "heic heif heix"),
    ".mp4": _format(FileKind.VIDEO, "video/mp4", "mp4 m4v f4v", "video"),
    ".m4v": _format(FileKind.VIDEO, "video/mp4", "mp4 m4v f4v", "video"),
    ".mov": _format(FileKind.VIDEO, "video/quicktime", "mov qt", "video"),
    ".webm": _format(FileKind.VIDEO, "video/webm", "webm mkv", "video"),
    ".mkv": _format(FileKind.VIDEO, "video/x-matroska", "webm mkv"),
    ".avi": _format(FileKind.VIDEO, "video/x-msvideo", "avi"),
    ".wmv": _format(FileKind.VIDEO, "video/x-ms-wmv", "wmv asf"),
    ".flv": _format(FileKind.VIDEO, "video/x-flv", "flv"),
    ".mpg": _format(FileKind.VIDEO, "video/mpeg", "mpg mpeg vob"),
    ".mp3": _format(FileKind.AUDIO, "audio/mpeg", "mp3 mpga", "audio"),
    ".m4a": _format(FileKind.AUDIO, "audio/mp4", "m4a mp4", "audio"),
    ".wav": _format(FileKind.AUDIO, "audio/wav", "wav", "audio"),
    ".ogg": _format(FileKind.AUDIO, "audio/ogg", "ogg oga opus", "audio"),
    ".flac": _format(FileKind.AUDIO, "audio/flac", "flac", "audio"),
    ".aac": _format(FileKind.AUDIO, "audio/aac", "aac", "audio"),
    ".wma": _format(FileKind.AUDIO, "audio/x-ms-wma", "wma asf"),
    ".txt": _format(FileKind.TEXT, "text/plain", shown="text"),
    ".md": _format(FileKind.TEXT, "text/markdown", shown="text"),
    ".csv": _format(FileKind.TEXT, "text/csv", shown="text"),
    ".json": _format(FileKind.TEXT, "application/json", shown="text"),
    ".xml": _format(FileKind.TEXT, "application/xml", shown="text"),
    ".srt": _format(FileKind.TEXT, "application/x-subrip", shown="text"),
    ".vtt": _format(FileKind.TEXT, "text/vtt", shown="text"),
    ".html": _format(FileKind.TEXT, "text/html", shown="text"),
    ".htm": _format(FileKind.TEXT, "text/html", shown="text"),
    ".svg": _format(FileKind.TEXT, "image/svg+xml", shown="text"),
    ".zip": _format(FileKind.ARCHIVE, "application/zip"),
    ".rar": _format(FileKind.ARCHIVE, "application/vnd.rar", "rar"),
    ".7z": _format(FileKind.ARCHIVE, "application/x-7z-compressed", "7z"),
}
_ZIPPED = {
    "word/document.xml": ".docx",
    "xl/workbook.xml": ".xlsx",
    "ppt/presentation.xml": ".pptx",
}
_MACROS = re.compile(r"(word|xl|ppt)/vbaProject\.bin", re.I)


def ending_of(name: str) -> str:
    """The last ending of a name, in small letters, with its dot; empty when it has none."""
    stem, dot, last = name.rpartition(".")
    return f".{last.lower()}" if dot and stem else ""


def format_of(name: str) -> Format:
    """What the name's ending promises; RuleViolation when nothing of the kind is taken."""
    found = FORMATS.get(ending_of(name))
    if found is None:
        raise RuleViolation("“{name}”的类型不支持。可以上传文档、图片、视频、音频、文本和压缩包。", name=name)
    return found


def endings_of(kinds: tuple[FileKind, ...]) -> list[str]:
    """The endings a control offers for those kinds."""
    return [ending for ending, known in FORMATS.items() if known.kind in kinds]


def check_content(name: str, file: IO[bytes]) -> Format:
    """The format of ``file``, which its name has to agree with; RuleViolation says what disagrees."""
    promised, ending = format_of(name), ending_of(name)
    file.seek(0)
    head = file.read(HEAD)
    if not head:
        raise RuleViolation("“{name}”是空文件。", name=name)
    if promised.kind is FileKind.TEXT:
        agrees = text_encoding(head, is_whole=len(head) < HEAD) is not None
    elif promised.known_as:
        agrees = bool(promised.known_as & _called(head))
    else:
        agrees = ending in _inside(name, head, file)
    if not agrees:
        raise RuleViolation("“{name}”的内容与名称的“{ending}”不符，请选择原来的文件。", name=name, ending=ending)
    return promised


def _called(head: bytes) -> set[str]:
    """Everything puremagic can call content that begins so; a real file wrongly refused is worse than a lax answer here."""
    import puremagic

    try:
        found = {match.extension.lower() for match in puremagic.magic_string(head)}
    except puremagic.PureError:
        found = set()
    return found | _moving(head)


def _moving(head: bytes) -> set[str]:
    """Cameras, telephones and recorders write more brands of MPEG-4, QuickTime and MP3 than any list has."""
    if head[:1] == b"\xff" and head[1:2] >= b"\xe2" and head[1] & 6:
        return {".mp3"}
    if head[4:8] == b"ftyp" and head[8:11] not in (b"hei", b"hev", b"mif", b"msf", b"avi"):
        return {".mp4", ".mov", ".m4a"}
    return {".mov"} if head[4:8] in (b"moov", b"mdat", b"wide", b"free", b"skip") else set()


def _inside(name: str, head: bytes, file: IO[bytes]) -> set[str]:
    """Which endings a ZIP may have, told by the names in it; nothing of it is unpacked but a line of OpenDocument's."""
    if not head.startswith(b"PK"):
        return set()
    try:
        with ZipFile(file) as archive:
            if len(archive.filelist) > MOST_ENTRIES:
                raise RuleViolation("“{name}”里的文件太多，不能上传。", name=name)
            return set(_zipped(archive))
    except (BadZipFile, NotImplementedError, ValueError, OSError, EOFError):
        return set()


def _zipped(archive: ZipFile) -> Iterator[str]:
    names = {info.filename: info for info in archive.filelist}
    if any(_MACROS.fullmatch(entry) for entry in names):
        return
    office = [ending for entry, ending in _ZIPPED.items() if entry in names] if "[Content_Types].xml" in names else []
    declared = names.get("mimetype")
    if declared is not None and declared.file_size < 200:
        media_type = archive.read(declared).decode("ascii", "replace").strip()
        office += [ending for ending, known in FORMATS.items() if known.media_type == media_type]
    yield from office or [".zip"]


def text_encoding(head: bytes, *, is_whole: bool = True) -> str | None:
    """How text that begins so is written; None when it is no text. A head cut within a character is still text."""
    if any(byte < 9 or (13 < byte < 32 and byte != 27) for byte in head) and not head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return None
    for encoding in ("utf-8-sig", "gb18030") if not head.startswith((b"\xff\xfe", b"\xfe\xff")) else ("utf-16",):
        for cut in range(1 if is_whole else 4):
            try:
                head[: len(head) - cut].decode(encoding)
            except UnicodeDecodeError:
                continue
            return encoding
    return None


_SEPARATORS = re.compile(r"[/\\]")
_UNWELCOME = re.compile(r'[<>:"|?*]')


def clean_name(given: str) -> str:
    """A name that is safe to show and to save under: no folders, no control or direction characters, not too long."""
    name = _SEPARATORS.split(normal_form(given, "NFC"))[-1]
    name = "".join(char for char in name if unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp"))
    name = _UNWELCOME.sub("_", name).strip(" .")
    ending = ending_of(name)
    stem = name[: len(name) - len(ending)].strip(" .") or "未命名"
    return stem[: LONGEST_NAME - len(ending)] + ending if len(ending) <= 10 else name[:LONGEST_NAME]
