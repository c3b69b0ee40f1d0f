"""What of a file a browser is shown before anybody downloads it, made so that nothing in the file can act.

Text is text, a .docx becomes plain HTML without scripts, other Office documents become a PDF where LibreOffice is installed. The one
thing a newcomer gets wrong: a document is somebody else's program until it has been through here; whatever does not come through
is downloaded, with a sentence that says so.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from lzma import LZMAError
from pathlib import Path
from typing import IO, Any, cast
from xml.parsers.expat import ExpatError
from zipfile import BadZipFile, ZipFile

from sqlalchemy import CursorResult, update
from sqlalchemy.orm import Session

from models.files import Attachment, Blob
from models.scoping import Identity, acting_as
from rules import docx_page
from rules.errors import RuleViolation
from rules.file_types import FORMATS, ending_of, text_encoding
from rules.files_store import FILES, FileStore
from rules.plain_xml import plain_parser
from rules.uploads import MB, roomy, size_text

TEXT_SHOWN = 256 * 1024
LARGEST_DOCX = 50 * MB
LARGEST_UNPACKED = 300 * MB
LARGEST_XML = 16 * MB
"""What is read of a document stands in memory many times its size."""
HIGHEST_RATIO = 200
MOST_PARTS = 5000
OFFICE_SECONDS = 45
NOT_SHOWN = "这个文件不能在浏览器里预览，请下载后查看。"
HERE = Path(__file__).resolve().parent.parent
_one_at_a_time = threading.BoundedSemaphore(2)


def shown_as(attachment: Attachment) -> str:
    """How a browser shows the file: ``pdf``, ``image``, ``video``, ``audio``, ``text``, ``docx``, ``office``; empty when it cannot."""
    known = FORMATS.get(ending_of(attachment.name))
    return known.shown if known is not None else ""


def text_of(file: IO[bytes]) -> tuple[str, bool]:
    """The beginning of a text, and whether that is all of it."""
    head = file.read(TEXT_SHOWN + 1)
    is_whole = len(head) <= TEXT_SHOWN
    return head[:TEXT_SHOWN].decode(text_encoding(head[:TEXT_SHOWN], is_whole=is_whole) or "utf-8", "replace"), is_whole


def docx_html(file: IO[bytes]) -> str:
    """A .docx as HTML that holds text, tables and pictures and nothing that acts; RuleViolation when it is not fit to be read."""
    check_docx(file)
    words = [sys.executable, "-m", docx_page.__name__]
    with _turn():
        try:
            made = subprocess.run(
                words, input=file.read(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=docx_page.SECONDS, cwd=HERE, check=True
            )
        except subprocess.SubprocessError as error:
            raise RuleViolation(NOT_SHOWN) from error
    return made.stdout.decode()


def check_docx(file: IO[bytes]) -> None:
    """Raise RuleViolation for a .docx that is a bomb: as a ZIP, or as XML.

    Every part is looked at, whatever it is called: which ones are read as XML is said by the document itself.
    """
    check_bomb(file)
    size = 0
    try:
        with ZipFile(file) as archive:
            for part in archive.infolist():
                with archive.open(part) as stored, suppress(ExpatError):
                    parser = plain_parser(NOT_SHOWN)
                    while chunk := stored.read(MB):
                        parser.Parse(chunk)
                        size += len(chunk)
                        if size > LARGEST_XML:
                            raise RuleViolation(NOT_SHOWN)
    except (BadZipFile, LZMAError, zlib.error, EOFError, OSError, RuntimeError, ValueError) as error:
        raise RuleViolation(NOT_SHOWN) from error
    file.seek(0)


def check_bomb(file: IO[bytes]) -> None:
    """Raise RuleViolation for a ZIP that would unpack to far more than it is; asked of its directory, before anything is unpacked."""
    try:
        with ZipFile(file) as archive:
            parts = archive.infolist()
    except (BadZipFile, NotImplementedError, ValueError, OSError) as error:
        raise RuleViolation(NOT_SHOWN) from error
    unpacked, packed = sum(part.file_size for part in parts), sum(part.compress_size for part in parts)
    xml = sum(part.file_size for part in parts if part.filename.endswith((".xml", ".rels")))
    is_large = len(parts) > MOST_PARTS or packed > LARGEST_DOCX or xml > LARGEST_XML
    if is_large or unpacked > LARGEST_UNPACKED or unpacked > HIGHEST_RATIO * max(packed, 1):
        raise RuleViolation("这个文档解压后异常大（{size}），不在浏览器里预览，请谨慎下载。", size=size_text(unpacked))
    file.seek(0)


# --- other Office documents, through LibreOffice ----------------------------------------------------------------------

ALONE = (
    ("Office.Common/Security/Scripting", "BlockUntrustedRefererLinks", "true"),
    ("Office.Common/Security/Scripting", "DisableMacrosExecution", "true"),
    ("Office.Common/Security/Scripting", "DisableActiveContent", "true"),
    ("Office.Common/Security/Scripting", "MacroSecurityLevel", "3"),
    # What a later version may fetch nevertheless goes to a proxy that nobody is.
    ("Inet/Settings", "ooInetProxyType", "2"),
    *(("Inet/Settings", f"ooInet{kind}ProxyName", "127.0.0.1") for kind in ("HTTP", "HTTPS")),
    *(("Inet/Settings", f"ooInet{kind}ProxyPort", "9") for kind in ("HTTP", "HTTPS")),
    ("Inet/Settings", "ooInetNoProxy", ""),
)
"""Path, name and value of what is set."""


def office_pdf(session: Session, identity: Identity, store: FileStore, attachment: Attachment, command: str, *, now: datetime) -> str:
    """The key of a PDF made of an Office document, made once and then kept; RuleViolation where that cannot be done."""
    blob = attachment.blob
    if blob.preview_key and store.has(blob.preview_key):
        return blob.preview_key
    program = shutil.which(command)
    if program is None:
        raise RuleViolation(NOT_SHOWN)
    session.commit()
    with _turn(), tempfile.TemporaryDirectory(prefix="yanxiu-") as folder:
        source = store.fetch(blob.key, Path(folder) / f"document{ending_of(attachment.name)}")
        _convert(program, source)
        made = source.with_suffix(".pdf")
        if not made.is_file():
            raise RuleViolation(NOT_SHOWN)
        key = roomy(lambda: store.put(made, area=FILES, now=now))
    return _remember(session, identity, store, blob, key)


@contextmanager
def _turn() -> Iterator[None]:
    if not _one_at_a_time.acquire(timeout=OFFICE_SECONDS):
        raise RuleViolation("正在为其他人准备预览，请稍后再试，或先下载。")
    try:
        yield
    finally:
        _one_at_a_time.release()


def _settings() -> str:
    """A profile in which LibreOffice looks at the document alone: it runs nothing and fetches nothing, from the network or from this machine."""
    items = "".join(
        f'<item oor:path="/org.openoffice.{path}"><prop oor:name="{name}" oor:op="fuse"><value>{value}</value></prop></item>'
        for path, name, value in ALONE
    )
    return f'<?xml version="1.0" encoding="UTF-8"?><oor:items xmlns:oor="http://openoffice.org/2001/registry">{items}</oor:items>'


def _convert(program: str, source: Path) -> None:
    """Run LibreOffice with a profile of its own; it and whatever it has started end with the time given."""
    profile = source.parent / "profile"
    (profile / "user").mkdir(parents=True)
    (profile / "user" / "registrymodifications.xcu").write_text(_settings(), encoding="utf-8")
    words = [
        program,
        f"-env:UserInstallation=file://{profile}",
        "--headless",
        "--norestore",
        "--convert-to",
        "pdf",
        "--outdir",
        str(source.parent),
        str(source),
    ]
    process = subprocess.Popen(
        words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        process.wait(OFFICE_SECONDS)
    except subprocess.TimeoutExpired:
        raise RuleViolation(NOT_SHOWN) from None
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _remember(session: Session, identity: Identity, store: FileStore, blob: Blob, key: str) -> str:
    """Note the preview beside its file; of two made at once the first stays."""
    known = blob.preview_key
    unchanged = Blob.preview_key.is_(None) if known is None else Blob.preview_key == known
    with acting_as(identity.serving()):
        change = update(Blob).where(Blob.id == blob.id, unchanged).values(preview_key=key)
        taken = cast("CursorResult[Any]", session.execute(change, execution_options={"synchronize_session": False})).rowcount
        session.commit()
        if not taken:
            store.delete(key)
        session.refresh(blob)
    return blob.preview_key or ""
