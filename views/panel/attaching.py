"""The files of a record on its screens: the boxes of a form, the lists of a record page, what REST tells of them.

The one thing a newcomer gets wrong: a file arrives before its record is saved. When the save is refused the file is not lost; the
form comes back with it, and it is attached by the save that succeeds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import current_app, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from models.base import row_id, table_name, utcnow
from models.files import Attachment, FileKind, FileSlot, slots_of
from models.scoping import Identity
from models.violation import RuleViolation
from rules.file_types import endings_of
from rules.files import files_of, is_open, named, settle
from rules.previews import shown_as
from rules.uploads import keep_file, limits, size_text
from views.panel.forms import place
from views.panel.pages import FileLine, FileList, UploadBox
from views.panel.words import listed, refused

ICONS = {
    FileKind.DOCUMENT: "file-text",
    FileKind.IMAGE: "photo",
    FileKind.VIDEO: "video",
    FileKind.AUDIO: "music",
    FileKind.TEXT: "file-code",
    FileKind.ARCHIVE: "file-zip",
}


def file_line(attachment: Attachment) -> FileLine:
    """One file as pages show it."""
    return FileLine(
        id=attachment.id,
        name=attachment.name,
        size=size_text(attachment.blob.size),
        icon=ICONS[attachment.kind],
        url=file_url(attachment),
        preview_url=url_for("FilesView.preview", pk=attachment.id) if shown_as(attachment) else "",
    )


def file_url(attachment: Attachment) -> str:
    """Where the file is downloaded."""
    return url_for("FilesView.download", pk=attachment.id, name=attachment.name)


def file_lists(db: Session, identity: Identity, row: Any, only: Sequence[str] = ()) -> list[FileList]:
    """The files of a record, slot by slot, in one statement; none for a table without slots, and a closed slot while it holds some."""
    slots = [slot for slot in slots_of(type(row)) if (not only or slot.name in only) and is_open(identity, row, slot)]
    if not slots:
        return []
    found = files_of(db, [row])[row.id]
    lists = [FileList(_(slot.label), [file_line(a) for a in found if a.slot == slot.name], bool(slot.act)) for slot in slots]
    return [one for one in lists if one.files or not one.is_noted]


def files_told(db: Session, rows: Sequence[Any]) -> dict[int, dict[str, Any]]:
    """Row id → what REST adds to the record: ``{"files": {slot: [{id, name, size, kind, media_type, url}]}}``, of no closed slot."""
    slots = [slot for slot in slots_of(type(rows[0])) if not slot.act] if rows else []
    if not slots:
        return {row.id: {} for row in rows}
    found = files_of(db, rows)
    return {row.id: {"files": {slot.name: [file_told(a) for a in found[row.id] if a.slot == slot.name] for slot in slots}} for row in rows}


def file_told(attachment: Attachment) -> dict[str, Any]:
    """One file as JSON."""
    return {
        "id": attachment.id,
        "name": attachment.name,
        "size": attachment.blob.size,
        "kind": attachment.kind.value,
        "media_type": attachment.media_type,
        "url": file_url(attachment),
    }


class Attaching:
    """The slots of one form: what it shows, what it sends, and what of that becomes the record's.

    A form that does not mention a slot leaves its files alone.
    """

    def __init__(self, db: Session, identity: Identity, model: type[Any], row: Any | None = None, only: Sequence[str] = ()) -> None:
        self._db, self._identity, self._table = db, identity, table_name(model)
        self.slots = [slot for slot in slots_of(model) if (slot.name in only if only else not slot.readonly)]
        self.slots = [slot for slot in self.slots if row is None or is_open(identity, row, slot)]
        self.errors: dict[str, list[str]] = {}
        there = files_of(db, [row])[row.id] if row is not None and self.slots else []
        self.before = {slot.name: [a for a in there if a.slot == slot.name] for slot in self.slots}
        self.chosen = dict(self.before)
        self._sent: set[str] = set()
        self.shown_with: dict[str, str] = {}
        """Slot → the field and value of the form with which alone its box is shown."""
        if request.method == "POST":
            self._read(row)

    def _read(self, row: Any | None) -> None:
        """What was sent: ids of files that are here already, and whole files where there are no scripts."""
        for slot in self.slots:
            if f"files.{slot.name}" not in request.form:
                continue
            self._sent.add(slot.name)
            ids = [number for text in request.form.getlist(f"files.{slot.name}") if (number := row_id(text)) is not None]
            arrived = [
                a for file in request.files.getlist(f"upload.{slot.name}") if file.filename and (a := self._keep(slot, file)) is not None
            ]
            self.chosen[slot.name] = [*named(self._db, self._identity, ids, row), *arrived]

    def _keep(self, slot: FileSlot, file: Any) -> Attachment | None:
        store = current_app.extensions["files"]
        try:
            return keep_file(self._db, self._identity, store, file.filename, file.stream, slot=slot, now=utcnow())
        except RuleViolation as refusal:
            self.errors.setdefault(slot.name, []).append(refused(refusal))
            return None

    def settle(self, row: Any) -> None:
        """Attach, in the transaction that saves the record; a refusal leaves nothing of either."""
        try:
            for slot in self.slots:
                if slot.name in self._sent or (slot.required and not self.before[slot.name]):
                    settle(self._db, self._identity, row, slot.name, [a.id for a in self.chosen[slot.name]])
        except RuleViolation:
            self._db.rollback()
            raise

    def place(self, form: Any, refusal: RuleViolation) -> None:
        """Put the sentence beside the box it belongs to, or where the form puts it."""
        if refusal.field in self.chosen:
            self.errors.setdefault(str(refusal.field), []).append(refused(refusal))
        else:
            place(form, refusal)

    def summary(self) -> list[tuple[str, str]]:
        """Every error with the id of its box, for the summary on top of the form."""
        return [(f"files-{name}", sentence) for name, sentences in self.errors.items() for sentence in sentences]

    def differences(self) -> list[tuple[str, str, str]]:
        """Label, the files there, the files of this form, where they differ."""
        told = [(slot, *(listed(a.name for a in files[slot.name]) for files in (self.before, self.chosen))) for slot in self.slots]
        return [(_(slot.label), theirs, yours) for slot, theirs, yours in told if theirs != yours]

    def boxes(self) -> list[UploadBox]:
        """What the form shows."""
        return [self._box(slot) for slot in self.slots]

    def _box(self, slot: FileSlot) -> UploadBox:
        sizes = [_("%(kind)s最大 %(most)s", kind=_(kind.label), most=size_text(limits().sizes[kind])) for kind in slot.accept]
        most = _("最多 %(most)s 个文件", most=slot.most)
        return UploadBox(
            name=slot.name,
            label=_(slot.label),
            help=_(slot.help) if slot.help else "",
            limits=_("；").join((most, listed(sizes))),
            accept=",".join(endings_of(slot.accept)),
            most=slot.most,
            required=slot.required,
            begin_url=url_for("FilesView.begin"),
            table=self._table,
            files=[file_line(a) for a in self.chosen[slot.name]],
            errors=self.errors.get(slot.name, ()),
            shown_with=self.shown_with.get(slot.name, ""),
        )
