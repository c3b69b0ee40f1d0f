"""Asking for another phone with five items, signed in or not, and how long the photograph among them is kept (S4-39, S4-40).

The one thing a newcomer gets wrong: who is signed out has no account to leave a file with. The photograph comes with the request and is
its own from the first moment; a request that is not stored leaves none.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import IO

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from models.access import Account
from models.base import table_name
from models.files import Attachment, FileSlot, slot_of
from models.scoping import ROOT, SYSTEM, acting_as
from models.service import RequestKind, ServiceRequest
from models.session import transaction
from rules.account_names import check_phone
from rules.errors import RuleViolation
from rules.files import files_of, hang, release
from rules.files_store import FileStore
from rules.id_numbers import check_resident_id, one_line
from rules.service import ASKING, count_asking, digest_of_request, draw_number
from rules.uploads import bringing_file

PHOTO = "photo"


@dataclass(frozen=True)
class Person:
    """Who asks, as they say: what they are called, their resident identity card, the phone they gave up and the one they have."""

    name: str
    id_number: str
    old_phone: str
    phone: str


@dataclass(frozen=True)
class Photo:
    """The photograph as it was sent."""

    name: str
    file: IO[bytes]


def ask_for_phone(
    session: Session,
    person: Person,
    photo: Photo,
    store: FileStore,
    *,
    account: Account | None,
    address: str,
    now: datetime,
    secret_key: bytes,
) -> str:
    """Store the request with its photograph, both or neither; answers its number, which is told this once.

    Like any request it is answered the same whether there is such an account or not, and counted for the address it came from before
    the photograph is looked into.
    """
    phone, number = check_phone(person.phone), draw_number()
    values = {
        "kind": RequestKind.PHONE,
        "name": one_line(person.name),
        "id_number": check_resident_id(person.id_number, now.date()),
        "old_phone": _old_phone(person.old_phone, phone),
        "phone": phone,
        "account_id": account.id if account is not None else None,
        "digest": digest_of_request(secret_key, phone, number),
        "scope_path": ROOT,
    }
    count_asking(session, address, now)
    with acting_as(ASKING), bringing_file(session, store, photo.name, photo.file, slot=photo_slot(), now=now) as attachment:
        request = ServiceRequest(**values)
        session.add(request)
        session.flush()
        hang(attachment, request, PHOTO)
        attachment.uploaded_by = request.account_id
    return number


def photo_slot() -> FileSlot:
    """Where the photograph hangs."""
    slot = slot_of(ServiceRequest, PHOTO)
    assert slot is not None
    return slot


def _old_phone(text: str, phone: str) -> str:
    try:
        old = check_phone(text)
    except RuleViolation as refusal:
        raise RuleViolation(refusal.sentence, "old_phone") from refusal
    if old == phone:
        raise RuleViolation("新手机号码与原手机号码相同。", "phone")
    return old


def forget_photos(session: Session, *, before: datetime) -> int:
    """Let go of the photographs of requests decided before that moment, each noted in its request's history; how many requests.

    The bytes go with the next collection of what nothing refers to.
    """
    theirs = exists().where(Attachment.owner_table == table_name(ServiceRequest), Attachment.owner_id == ServiceRequest.id)
    with acting_as(SYSTEM), transaction(session):
        decided = session.scalars(select(ServiceRequest).where(ServiceRequest.answered_at < before, theirs)).all()
        for request in decided:
            release(session, SYSTEM, request, PHOTO, [photo.id for photo in files_of(session, [request], PHOTO)[request.id]])
    return len(decided)
