"""Files and the records they hang on: who may read them, how they are attached and let go, and what nobody refers to.

The one thing a newcomer gets wrong: these functions ask whether the *file* is the person's own, never whether they may write the
record. The service or screen that saves the record has asked that, and the files are part of its transaction.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import CursorResult, delete, exists, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from models.base import table_name, utcnow
from models.files import Attachment, Blob, FileSlot, Upload, slot_of, tables_with_files
from models.history import note
from models.scoping import Identity, acting_as, row_in_reach
from models.session import transaction
from models.violation import OutOfReach
from rules.errors import RuleViolation
from rules.files_store import FILES, PIECES, FileStore

KEPT_UNCLAIMED = timedelta(days=1)
"""How long a finished file waits for a record."""
KEPT_UNFINISHED = timedelta(days=1)
STRAY_DAYS = range(2, 9)
"""Days ago whose files are compared with the rows: a process that died in between left bytes without one."""
STARS = "***"
_QUIETLY = {"synchronize_session": False}


# --- reading ----------------------------------------------------------------------------------------------------------


def files_of(session: Session, rows: Sequence[Any], slot: str | None = None) -> dict[int, list[Attachment]]:
    """The files of many rows of one table by row id, in order, in one statement; the caller has the rows within reach."""
    found: dict[int, list[Attachment]] = defaultdict(list)
    if not rows:
        return found
    query = select(Attachment).where(Attachment.owner_table == table_name(type(rows[0])), Attachment.owner_id.in_([row.id for row in rows]))
    query = query.where(Attachment.slot == slot) if slot is not None else query
    with acting_as(_service()), session.no_autoflush:
        for attachment in session.scalars(query.order_by(Attachment.slot, Attachment.rank, Attachment.id)):
            found[cast("int", attachment.owner_id)].append(attachment)
    return found


def attachment_for(session: Session, identity: Identity, attachment_id: int) -> Attachment:
    """The file, if the record it hangs on is within the person's reach (or it is their own upload); OutOfReach otherwise."""
    with acting_as(identity.serving()):
        attachment = session.scalars(select(Attachment).where(Attachment.id == attachment_id)).one_or_none()
    if attachment is None:
        raise OutOfReach(f"attachment {attachment_id}")
    if attachment.owner_id is None:
        if identity.account_id is None or attachment.uploaded_by != identity.account_id:
            raise OutOfReach(f"attachment {attachment_id}")
        return attachment
    model, slot = _place_of(attachment)
    with acting_as(identity):
        owner = session.get(model, attachment.owner_id) if model is not None else None
    if owner is None or slot is None or not is_open(identity, owner, slot):
        raise OutOfReach(f"attachment {attachment_id}")
    return attachment


def is_open(identity: Identity, owner: Any, slot: FileSlot) -> bool:
    """Whether who reads the record is shown the files of this slot too."""
    return not slot.act or row_in_reach(owner, identity, slot.act)


def closed_slot_of(attachment: Attachment) -> FileSlot | None:
    """The slot of a file that only some of its record's readers are shown; None for any other file."""
    _model, slot = _place_of(attachment)
    return slot if slot is not None and slot.act else None


def note_opening(session: Session, identity: Identity, attachment: Attachment, said: str) -> None:
    """Note in the record's history that this person was given a file of a closed slot, like the opening of a masked field."""
    model, _slot = _place_of(attachment)
    with acting_as(identity.serving()), transaction(session):
        note(session, session.get_one(cast("Any", model), attachment.owner_id), "reveal", comment=said)


def _place_of(attachment: Attachment) -> tuple[type[Any] | None, FileSlot | None]:
    model = tables_with_files().get(attachment.owner_table or "")
    return model, slot_of(model, attachment.slot or "") if model is not None else None


def named(session: Session, identity: Identity, ids: Iterable[int], owner: Any | None = None) -> list[Attachment]:
    """The files a form carries, in its order: one's own unclaimed ones and those of ``owner``; others are left out."""
    wanted = list(dict.fromkeys(ids))
    with acting_as(identity.serving()), session.no_autoflush:
        found = {a.id: a for a in session.scalars(select(Attachment).where(Attachment.id.in_(wanted)))}
    return [found[i] for i in wanted if i in found and (_is_own(found[i], identity) or (owner is not None and _hangs_on(found[i], owner)))]


def _is_own(attachment: Attachment, identity: Identity) -> bool:
    return attachment.owner_id is None and attachment.uploaded_by is not None and attachment.uploaded_by == identity.account_id


def _hangs_on(attachment: Attachment, owner: Any, slot: str | None = None) -> bool:
    is_there = (attachment.owner_table, attachment.owner_id) == (table_name(type(owner)), owner.id)
    return is_there and slot in (None, attachment.slot)


# --- attaching: inside the owner's transaction ------------------------------------------------------------------------


def claim(session: Session, identity: Identity, owner: Any, slot: str, ids: Iterable[int]) -> None:
    """Hang more files on the record; those that hang there already stay. Commits nothing."""
    session.flush()
    there = [a.id for a in files_of(session, [owner], slot)[owner.id]]
    settle(session, identity, owner, slot, [*there, *ids])


def release(session: Session, identity: Identity, owner: Any, slot: str, ids: Iterable[int]) -> None:
    """Take files off the record. Commits nothing."""
    session.flush()
    gone = set(ids)
    settle(session, identity, owner, slot, [a.id for a in files_of(session, [owner], slot)[owner.id] if a.id not in gone])


def settle(session: Session, identity: Identity, owner: Any, slot: str, ids: Iterable[int]) -> None:
    """Make the slot hold exactly these files, in this order; commits nothing.

    Raises RuleViolation (its field is the slot) for a file that is not the person's own, has expired or is of another kind, for
    too many, and for none where some are required.
    """
    session.flush()
    declared = slot_of(type(owner), slot)
    if declared is None:
        raise OutOfReach(f"{slot} of {table_name(type(owner))}")
    wanted = list(dict.fromkeys(ids))
    before = files_of(session, [owner], slot)[owner.id]
    if [a.id for a in before] == wanted and (wanted or not declared.required):
        return
    # History names the post by which they write the record, where they have several.
    with acting_as(identity.at("edit", owner).serving()):
        after = _checked(session, identity, owner, declared, wanted)
        _write(session, owner, slot, before, after)
        if hasattr(owner, "updated_at"):
            owner.updated_at = utcnow()
        session.flush()
        note(session, owner, "files", {slot: [_told(declared, before), _told(declared, after)]})


def hang(attachment: Attachment, owner: Any, slot: str, rank: int = 0) -> None:
    """Give a file its place on a record that has its id. Flushes nothing and asks nothing: the caller has."""
    attachment.owner_table, attachment.owner_id = table_name(type(owner)), owner.id
    attachment.slot, attachment.rank = slot, rank
    attachment.claimed_at = attachment.claimed_at or utcnow()


def discard(session: Session, identity: Identity, attachment_id: int) -> None:
    """Throw away a file of one's own that hangs on no record; OutOfReach for any other."""
    own = (Attachment.id == attachment_id) & Attachment.owner_id.is_(None) & (Attachment.uploaded_by == identity.account_id)
    with acting_as(identity.serving()), transaction(session):
        if cast("CursorResult[Any]", session.execute(delete(Attachment).where(own), execution_options=_QUIETLY)).rowcount != 1:
            raise OutOfReach(f"attachment {attachment_id}")


def _checked(session: Session, identity: Identity, owner: Any, slot: FileSlot, wanted: Sequence[int]) -> list[Attachment]:
    if slot.required and not wanted:
        raise RuleViolation("请上传“{label}”。", slot.name, label=slot.label)
    if len(wanted) > slot.most:
        raise RuleViolation("“{label}”最多 {most} 个文件。", slot.name, label=slot.label, most=slot.most)
    query = select(Attachment).where(Attachment.id.in_(wanted)).with_for_update(of=Attachment)
    found = {a.id: a for a in session.scalars(query, execution_options={"populate_existing": True})}
    for attachment_id in wanted:
        attachment = found.get(attachment_id)
        if attachment is None or not (_is_own(attachment, identity) or _hangs_on(attachment, owner, slot.name)):
            raise RuleViolation("有文件已过期或不是您上传的，请移除后重新上传。", slot.name)
        if attachment.kind not in slot.accept:
            raise RuleViolation("“{name}”是{kind}，这里不能上传这种文件。", slot.name, name=attachment.name, kind=attachment.kind)
    return [found[i] for i in wanted]


def _write(session: Session, owner: Any, slot: str, before: Sequence[Attachment], after: Sequence[Attachment]) -> None:
    kept = {a.id for a in after}
    for attachment in before:
        if attachment.id not in kept:
            session.delete(attachment)
    for rank, attachment in enumerate(after):
        hang(attachment, owner, slot, rank)


def _told(slot: FileSlot, files: Sequence[Attachment]) -> list[str]:
    """What history keeps of the files: their names, unless even those are none of its readers' business."""
    return [STARS if slot.act else file.name for file in files]


def _service() -> Identity:
    return Identity(everything=True)


# --- what nobody refers to --------------------------------------------------------------------------------------------


def collect_files(session: Session, store: FileStore, *, now: datetime) -> int:
    """Forget uploads that were broken off, files no record was saved with, and bytes nothing refers to; how many bytes' rows went.

    Each step is a transaction that asks again while it deletes, so a file that is claimed at this moment stays.
    """
    _collect_uploads(session, store, now)
    session.execute(
        delete(Attachment).where(Attachment.owner_id.is_(None), Attachment.uploaded_at < now - KEPT_UNCLAIMED), execution_options=_QUIETLY
    )
    for table, model in tables_with_files().items():
        is_there = exists().where(cast("Any", model).id == Attachment.owner_id)
        session.execute(delete(Attachment).where(Attachment.owner_table == table, ~is_there), execution_options=_QUIETLY)
    session.commit()
    unused = ~exists().where(Attachment.blob_id == Blob.id)
    candidates = list(session.execute(select(Blob.id, Blob.key, Blob.preview_key).where(unused)))
    session.commit()
    gone = sum(_collect_blob(session, store, *candidate) for candidate in candidates)
    _collect_strays(session, store, now)
    return gone


def _collect_uploads(session: Session, store: FileStore, now: datetime) -> None:
    old = session.scalars(select(Upload).where(Upload.begun_at < now - KEPT_UNFINISHED)).all()
    for upload in old:
        session.execute(delete(Upload).where(Upload.id == upload.id), execution_options=_QUIETLY)
    session.commit()
    for key in [key for upload in old for key in upload.pieces]:
        store.delete(key)
    store.collect(area=PIECES, before=(now - KEPT_UNFINISHED - timedelta(days=1)).date())


def _collect_blob(session: Session, store: FileStore, blob_id: int, key: str, preview_key: str | None) -> int:
    """The bytes go before the row does: bytes that are missing come back with the next equal upload, stray ones would stay."""
    unused = ~exists().where(Attachment.blob_id == blob_id)
    statement = delete(Blob).where(Blob.id == blob_id, Blob.key == key, unused)
    try:
        gone = cast("CursorResult[Any]", session.execute(statement, execution_options=_QUIETLY)).rowcount
    except IntegrityError:
        session.rollback()
        return 0
    if gone:
        store.delete(key)
        if preview_key:
            store.delete(preview_key)
    session.commit()
    return gone


def _collect_strays(session: Session, store: FileStore, now: datetime) -> None:
    for ago in STRAY_DAYS:
        keys = store.keys(area=FILES, day=(now - timedelta(days=ago)).date())
        for start in range(0, len(keys), 500):
            some = keys[start : start + 500]
            rows = session.execute(select(Blob.key, Blob.preview_key).where(or_(Blob.key.in_(some), Blob.preview_key.in_(some))))
            known = {key for row in rows for key in row}
            for key in some:
                if key not in known:
                    store.delete(key)
    session.commit()
