"""Files that hang on records: which slots a table declares, what was uploaded, and where its bytes are.

A table says that it has files with one line::

    __files__ = (FileSlot("materials", "活动材料", accept=(FileKind.DOCUMENT, FileKind.VIDEO), most=20),)

The bytes are kept once, however often they are uploaded (``Blob``); an ``Attachment`` gives them a name and an owner. The one thing a
newcomer gets wrong: an attachment has no reach of its own. Who may read the record it hangs on may read it, unless its slot asks for
an act as well; while it hangs on nothing it is its uploader's alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, String, delete
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from models.base import Base, Choice, Json, Moment, choice, declared, table_name, utcnow
from models.declaring import GUIDE, DeclarationError
from models.invariants import on_deleted
from models.scoping import Internal


class FileKind(Choice):
    DOCUMENT = "document", "文档"
    IMAGE = "image", "图片"
    VIDEO = "video", "视频"
    AUDIO = "audio", "音频"
    TEXT = "text", "文本"
    ARCHIVE = "archive", "压缩包"


ANY_KIND: tuple[FileKind, ...] = tuple(FileKind)


@dataclass(frozen=True)
class FileSlot:
    """A place for files on a record: what it is called, which kinds it takes and how many at most.

    ``required`` is asked by forms and services that settle the slot; a row written elsewhere (an import) may still lack its files.
    """

    name: str
    label: str
    accept: tuple[FileKind, ...] = ANY_KIND
    most: int = 20
    required: bool = False
    help: str = ""
    readonly: bool = False
    """Filled by services only: on the record page, on no form."""
    act: str = ""
    """Closed: shown on the record page only to who holds this act on the record, told by no list, export, REST or history, and
    every opening is noted like that of a masked field."""


def slots_of(model: type[Any]) -> tuple[FileSlot, ...]:
    """The slots a class declares."""
    return tuple(getattr(model, "__files__", ()))


def slot_of(model: type[Any], name: str) -> FileSlot | None:
    """The slot of that name."""
    return next((slot for slot in slots_of(model) if slot.name == name), None)


def tables_with_files() -> dict[str, type[Base]]:
    """Every declared table with slots, by name."""
    return {table_name(model): model for model in declared() if slots_of(model)}


def check_slots(model: type[Any]) -> None:
    """Raise DeclarationError when a slot is called like a field or another slot, or asks for an act the table does not know."""
    names = [slot.name for slot in slots_of(model)]
    taken = sorted({name for name in names if hasattr(model, name) or names.count(name) > 1})
    if taken:
        raise DeclarationError(f"{model.__name__}.__files__ names a slot like a field or another slot: {', '.join(taken)}, see {GUIDE}")
    known = (*model.__screen__.acts, *model.__screen__.extra_acts) if model.__screen__ is not None else ()
    unknown = sorted({slot.act for slot in slots_of(model) if slot.act} - set(known))
    if unknown:
        raise DeclarationError(f"{model.__name__}.__files__ asks for an act its screen does not name: {', '.join(unknown)}, see {GUIDE}")


class Blob(Internal, Base):
    """Bytes in the file store, known by what they are; however many attachments they have."""

    __tablename__ = "blob"
    __screen__ = None

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64), unique=True)
    size: Mapped[int] = mapped_column(BigInteger)
    key: Mapped[str] = mapped_column(String(200))
    preview_key: Mapped[str | None] = mapped_column(String(200))
    """A PDF made from an Office document, once somebody wanted to look at it."""
    created_at: Mapped[Moment] = mapped_column(default=utcnow)


class Attachment(Internal, Base):
    """A file under the name it was given, on its owner's slot; nobody's (``owner_id`` empty) until a record is saved with it."""

    __tablename__ = "attachment"
    __screen__ = None
    __table_args__ = (
        Index("ix_attachment_owner", "owner_table", "owner_id", "slot", "rank"),
        Index("ix_attachment_uploaded", "uploaded_by", "owner_id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    blob_id: Mapped[int] = mapped_column(ForeignKey("blob.id", ondelete="RESTRICT"), index=True)
    name: Mapped[str] = mapped_column(String(200))
    kind: Mapped[FileKind] = choice(FileKind, "类型")
    media_type: Mapped[str] = mapped_column(String(100))
    owner_table: Mapped[str | None] = mapped_column(String(60))
    owner_id: Mapped[int | None] = mapped_column(Integer)
    slot: Mapped[str | None] = mapped_column(String(40))
    rank: Mapped[int] = mapped_column(Integer, default=0)
    uploaded_by: Mapped[int | None] = mapped_column(Integer)
    """Empty: somebody signed out, whose file came with its record."""
    uploaded_at: Mapped[Moment] = mapped_column(default=utcnow, index=True)
    claimed_at: Mapped[Moment | None] = mapped_column()
    blob: Mapped[Blob] = relationship(Blob, lazy="joined", innerjoin=True)


class Upload(Internal, Base):
    """A file on its way, in pieces that may come to any web process; what has arrived can be asked for after a cut connection."""

    __tablename__ = "upload"
    __screen__ = None
    __table_args__ = {"sqlite_autoincrement": True}

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    account_id: Mapped[int] = mapped_column(Integer, index=True)
    name: Mapped[str] = mapped_column(String(200))
    size: Mapped[int] = mapped_column(BigInteger)
    arrived: Mapped[int] = mapped_column(BigInteger, default=0)
    pieces: Mapped[Json] = mapped_column(default=list)
    """Keys of the file store, in order."""
    begun_at: Mapped[Moment] = mapped_column(default=utcnow, index=True)
    attachment_id: Mapped[int | None] = mapped_column(Integer)
    """What it became: whoever did not hear the answer may ask for the end once more."""


@on_deleted(Base)
def release_files(session: Session, rows: list[Any]) -> None:
    """A deleted record lets go of its files; bytes that nothing refers to any more are collected later."""
    for model in {type(row) for row in rows if slots_of(type(row))}:
        ids = [row.id for row in rows if type(row) is model]
        theirs = (Attachment.owner_table == table_name(model)) & Attachment.owner_id.in_(ids)
        session.connection().execute(delete(Attachment.__table__).where(theirs))  # type: ignore[arg-type]
