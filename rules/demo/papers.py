"""What one teacher of the demonstration has sent in: evidence for the application that waits, and a photograph with a request for
another phone (S3-09, S4-39).

The one thing a newcomer gets wrong: both are drawn here, so that nobody's face and no real document is in the project.
"""

from __future__ import annotations

import secrets
import struct
import zlib
from datetime import datetime
from io import BytesIO

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.access import Account
from models.scoping import SYSTEM, Identity, acting_as
from models.session import transaction
from rules.certification import EVIDENCE, open_application
from rules.files import claim
from rules.files_store import FileStore
from rules.phone_requests import Person, Photo, ask_for_phone
from rules.uploads import keep_file

WHO = "350424197806080375"
NEW_PHONE = "13959880009"
WIDTH, HEIGHT = 320, 200


def add_papers(session: Session, *, now: datetime, files: FileStore | None) -> None:
    """Hang the evidence on the application, and ask for another phone; nothing where there is no store for files."""
    if files is None:
        return
    with acting_as(SYSTEM):
        account = session.scalars(select(Account).where(Account.id_number == WHO)).one()
        assert account.teacher is not None and account.phone is not None
        application = open_application(session, account.teacher)
    own = Identity(account_id=account.id, everything=True)
    with acting_as(own), transaction(session):
        letter = keep_file(session, own, files, "聘书（示例）.png", BytesIO(picture((250, 248, 240))), now=now)
        claim(session, own, application, EVIDENCE, [letter.id])
    person = Person(account.first_name, WHO, account.phone, NEW_PHONE)
    photo = Photo("手持身份证（示例）.png", BytesIO(picture((214, 226, 240))))
    ask_for_phone(session, person, photo, files, account=None, address="demo", now=now, secret_key=secrets.token_bytes(32))


def picture(paper: tuple[int, int, int]) -> bytes:
    """A card with lines on it, as PNG."""
    ink = bytes((120, 130, 145))
    rows = [
        bytes(paper) * WIDTH if y % 40 < 34 or y < 40 else bytes(paper) * 40 + ink * (WIDTH - 80) + bytes(paper) * 40 for y in range(HEIGHT)
    ]
    head = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", head)
        + _chunk(b"IDAT", zlib.compress(b"".join(b"\0" + row for row in rows)))
        + _chunk(b"IEND", b"")
    )


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
