"""How a file comes in: announced, in pieces, finished; what breaks off leaves nothing but pieces that are collected.

A piece is kept under a key of its own, so any web process may take the next one, and a connection that is cut costs one piece.
The one thing a newcomer gets wrong: a finished file hangs on nothing yet. It is its uploader's for a day, until a record is
saved with it (``rules.files.claim``).
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import IO, Any, TypeVar, cast

from sqlalchemy import CursorResult, func, select, update
from sqlalchemy.orm import Session

from models.files import Attachment, Blob, FileKind, FileSlot, Upload
from models.scoping import Identity, acting_as
from models.session import insert_or, transaction
from models.violation import Conflict, OutOfReach, Sentence
from rules.errors import RuleViolation
from rules.file_types import FORMATS, check_content, clean_name, ending_of, format_of
from rules.files_store import CHUNK, FILES, PIECES, FileStore

log = logging.getLogger("yanxiu.files")
MB = 1024 * 1024
MOST_IN_A_PIECE = 16 * MB
NO_ROOM = "服务器现在存不下这个文件，已经传到的部分已清除。请稍后再试，或联系平台运营。"
T = TypeVar("T")


@dataclass(frozen=True)
class Limits:
    """What an installation sets for uploads, in bytes."""

    sizes: Mapping[FileKind, int] = field(
        default_factory=lambda: {
            FileKind.DOCUMENT: 200 * MB,
            FileKind.IMAGE: 30 * MB,
            FileKind.VIDEO: 2048 * MB,
            FileKind.AUDIO: 200 * MB,
            FileKind.TEXT: 10 * MB,
            FileKind.ARCHIVE: 500 * MB,
        }
    )
    unclaimed: int = 4096 * MB
    """What one account may have on its way or waiting for a record."""


_limits = Limits()


def set_limits(limits: Limits) -> None:
    """Put the installation's limits in force, once at start."""
    global _limits
    _limits = limits


def limits() -> Limits:
    """The limits in force."""
    return _limits


def size_text(size: int) -> str:
    """``2 GB``, ``20 MB``, ``3 KB``: how people say it."""
    for unit, step in (("GB", 1024 * MB), ("MB", MB), ("KB", 1024)):
        if size >= step:
            return f"{size / step:.1f}".removesuffix(".0") + f" {unit}"
    return f"{size} B"


# --- the three verbs --------------------------------------------------------------------------------------------------


def begin_upload(session: Session, identity: Identity, name: str, size: int, *, slot: FileSlot | None = None, now: datetime) -> Upload:
    """Announce a file; refused at once when its kind, its size or the account's share forbid it."""
    account, name = _account(identity), clean_name(name)
    check_promise(name, size, slot)
    with acting_as(identity.serving()), transaction(session):
        if _waiting(session, account) + size > limits().unclaimed:
            raise RuleViolation("您还有许多上传后没有保存到记录里的文件，请先保存或移除，再上传新的。")
        upload = Upload(account_id=account, name=name, size=size, begun_at=now)
        session.add(upload)
    return upload


def check_promise(name: str, size: int, slot: FileSlot | None) -> None:
    """Raise RuleViolation for a file that cannot be taken, judged by its name and size alone."""
    if slot is not None and ending_of(name) not in FORMATS:
        raise RuleViolation(
            "“{name}”的类型不支持。这里可以上传{kinds}。", name=name, kinds=Sentence.of([k.label for k in slot.accept], "、")
        )
    kind = format_of(name).kind
    if slot is not None and kind not in slot.accept:
        raise RuleViolation("“{name}”是{kind}，这里不能上传这种文件。", name=name, kind=kind)
    if size <= 0:
        raise RuleViolation("“{name}”是空文件。", name=name)
    if size > (most := limits().sizes[kind]):
        raise RuleViolation("“{name}”太大：{kind}最大 {most}。", name=name, kind=kind, most=size_text(most))


def _waiting(session: Session, account: int) -> int:
    """Bytes the account has on their way or waiting for a record."""
    coming = select(func.coalesce(func.sum(Upload.size), 0)).where(Upload.account_id == account, Upload.attachment_id.is_(None))
    unclaimed = (
        select(func.coalesce(func.sum(Blob.size), 0))
        .join(Attachment, Attachment.blob_id == Blob.id)
        .where(Attachment.uploaded_by == account, Attachment.owner_id.is_(None))
    )
    return int(session.scalar(coming) or 0) + int(session.scalar(unclaimed) or 0)


def upload_for(session: Session, identity: Identity, upload_id: int) -> Upload:
    """One's own upload, with how much of it has arrived; OutOfReach otherwise."""
    with acting_as(identity.serving()):
        upload = session.get(Upload, upload_id, populate_existing=True)
    if upload is None or upload.account_id != _account(identity):
        raise OutOfReach(f"upload {upload_id}")
    return upload


def continue_upload(
    session: Session, identity: Identity, store: FileStore, upload_id: int, offset: int, piece: bytes, *, now: datetime
) -> Upload:
    """Keep the next piece. One that does not follow on what has arrived is a Conflict: ask how much has, and go on from there."""
    upload = upload_for(session, identity, upload_id)
    if offset != upload.arrived or upload.attachment_id is not None:
        raise Conflict("这一段已经传过，将从上次的位置继续。")
    if len(piece) > MOST_IN_A_PIECE or offset + len(piece) > upload.size or not piece:
        raise RuleViolation("传来的内容与文件的大小不符，请重新上传。")
    session.commit()
    key = roomy(lambda: store.write([piece], area=PIECES, now=now))
    follows = (Upload.id == upload.id) & (Upload.arrived == offset)
    change = update(Upload).where(follows).values(arrived=offset + len(piece), pieces=[*upload.pieces, key])
    try:
        with acting_as(identity.serving()), transaction(session):
            if _count(session, change) != 1:
                raise Conflict("这一段已经传过，将从上次的位置继续。")
    except BaseException:
        store.delete(key)
        raise
    return upload_for(session, identity, upload_id)


def finish_upload(
    session: Session, identity: Identity, store: FileStore, upload_id: int, *, slot: FileSlot | None = None, now: datetime
) -> Attachment:
    """Make a file of the pieces: its content decides whether it is one we take. Asked twice, the answer is the same."""
    upload = upload_for(session, identity, upload_id)
    if upload.attachment_id is not None:
        with acting_as(identity.serving()):
            return session.get_one(Attachment, upload.attachment_id)
    if upload.arrived != upload.size:
        raise RuleViolation("文件还没有传完，请继续上传。")
    session.commit()
    try:
        attachment = _keep(session, identity, store, upload.name, store.read(upload.pieces), slot, now, upload)
    except RuleViolation as refusal:
        if not isinstance(refusal, Conflict):
            cancel_upload(session, identity, store, upload_id)
        raise
    _forget(store, upload.pieces)
    return attachment


def cancel_upload(session: Session, identity: Identity, store: FileStore, upload_id: int) -> None:
    """The uploader has thought better of it: nothing of it stays."""
    upload = upload_for(session, identity, upload_id)
    with acting_as(identity.serving()), transaction(session):
        session.delete(upload)
    _forget(store, upload.pieces)


def keep_file(
    session: Session, identity: Identity, store: FileStore, name: str, file: IO[bytes], *, slot: FileSlot | None = None, now: datetime
) -> Attachment:
    """A whole file at once, as a form without scripts sends it."""
    name, chunks = _whole(name, file, slot)
    return _keep(session, identity, store, name, chunks, slot, now)


@contextmanager
def bringing_file(session: Session, store: FileStore, name: str, file: IO[bytes], *, slot: FileSlot, now: datetime) -> Iterator[Attachment]:
    """A whole file that comes with its record, of somebody who has no account to leave it with: the block saves the record and
    hangs the file on it (``rules.files.hang``), in one transaction. Whatever is raised leaves neither.

    Raises RuleViolation (its field is the slot) for a file that cannot be taken.
    """
    with ExitStack() as stack:
        try:
            name, chunks = _whole(name, file, slot)
            attachment = stack.enter_context(_arriving(session, store, name, chunks, slot, now))
        except RuleViolation as refusal:
            raise RuleViolation(refusal.sentence, slot.name) from refusal
        yield attachment


def _whole(name: str, file: IO[bytes], slot: FileSlot | None) -> tuple[str, Iterator[bytes]]:
    name = clean_name(name)
    file.seek(0, 2)
    check_promise(name, file.tell(), slot)
    file.seek(0)
    return name, iter(lambda: file.read(CHUNK), b"")


# --- bytes and their row ----------------------------------------------------------------------------------------------


def _keep(
    session: Session,
    identity: Identity,
    store: FileStore,
    name: str,
    chunks: Iterable[bytes],
    slot: FileSlot | None,
    now: datetime,
    upload: Upload | None = None,
) -> Attachment:
    with acting_as(identity.serving()), _arriving(session, store, name, chunks, slot, now) as attachment:
        attachment.uploaded_by = _account(identity)
        session.flush()
        if upload is not None:
            ends = update(Upload).where(Upload.id == upload.id, Upload.attachment_id.is_(None))
            if _count(session, ends.values(attachment_id=attachment.id)) != 1:
                raise Conflict("这个文件已经上传完成，请刷新页面查看。")
    return attachment


@contextmanager
def _arriving(
    session: Session, store: FileStore, name: str, chunks: Iterable[bytes], slot: FileSlot | None, now: datetime
) -> Iterator[Attachment]:
    """Bytes looked into and their row, in a transaction the block is part of; whatever is raised leaves neither."""
    digest = _Digest()
    key = roomy(lambda: store.write(digest.over(chunks), area=FILES, now=now))
    try:
        with store.open(key) as file:
            known = check_content(name, file)
        check_promise(name, digest.size, slot)
        with transaction(session):
            blob_id, kept = _blob(session, store, key, digest, now)
            blob = session.get_one(Blob, blob_id, populate_existing=True)
            attachment = Attachment(blob=blob, name=name, kind=known.kind, media_type=known.media_type, uploaded_at=now)
            session.add(attachment)
            yield attachment
    except BaseException:
        store.delete(key)
        raise
    if kept != key:
        store.delete(key)


def _blob(session: Session, store: FileStore, key: str, digest: _Digest, now: datetime) -> tuple[int, str]:
    """The row of these bytes and the key they are kept under: of equal files that come at once, one is kept.

    The insert locks the row that is there already, so nobody collects it meanwhile; bytes that were lost come back this way.
    """
    values = {"sha256": digest.hex, "size": digest.size, "key": key, "created_at": now}
    insert = insert_or(session, Blob.__table__).values(values)
    kept = insert.on_conflict_do_update(index_elements=["sha256"], set_={"size": digest.size}).returning(Blob.id, Blob.key)
    blob_id, found = session.execute(kept).one()
    if found != key and not store.has(found):
        session.execute(update(Blob).where(Blob.id == blob_id).values(key=key), execution_options={"synchronize_session": False})
        found = key
    return blob_id, found


class _Digest:
    """Counts and hashes the bytes that pass."""

    def __init__(self) -> None:
        self._hash, self.size = hashlib.sha256(), 0

    def over(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        for chunk in chunks:
            self._hash.update(chunk)
            self.size += len(chunk)
            yield chunk

    @property
    def hex(self) -> str:
        return self._hash.hexdigest()


def roomy(write: Callable[[], T]) -> T:
    """What ``write`` answers; a store that takes nothing more is a sentence for the person and a line for the operator."""
    try:
        return write()
    except FileNotFoundError as error:
        raise RuleViolation("文件没有传完整，请重新上传。") from error
    except OSError as error:
        log.error("the file store takes nothing: %s", error)
        raise RuleViolation(NO_ROOM) from error


def _forget(store: FileStore, keys: Iterable[str]) -> None:
    for key in keys:
        store.delete(key)


def _account(identity: Identity) -> int:
    if identity.account_id is None:
        raise OutOfReach("nobody uploads")
    return identity.account_id


def _count(session: Session, statement: Any) -> int:
    return int(cast("CursorResult[Any]", session.execute(statement, execution_options={"synchronize_session": False})).rowcount)
