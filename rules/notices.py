"""Who is told what behind the bell: written by the services as part of their own transaction, so that what was rolled back told nobody.

``rules.workflow`` tells whoever's matter is decided by itself, whatever the workflow; other services say it in one line. The one
thing a newcomer gets wrong: people are told of what others did to what is theirs, not of what they have just done themselves.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import CursorResult, delete, insert, or_, select, update
from sqlalchemy.orm import Session

from models.access import Account, Post, in_force
from models.base import table_name
from models.notices import Notice, NoticeKind
from models.scoping import Identity, Scoped, acting_as
from models.session import insert_from, transaction
from models.violation import OutOfReach, Sentence
from rules.code_issuers import MAY_REPLACE
from rules.grants import OPERATOR
from rules.sms import can_send, send_sms
from rules.throttle import hit

KEPT_DAYS = 180
ALL = "/notices/"
LONGEST_ADDRESS = 200
OWN_PATH = re.compile(r"/(?![/\\])[!-\[\]-~]*")
"""A path of this platform: begins with one slash, holds neither blanks nor backslashes, which browsers read as slashes."""
TEXT = "【教师研修】{sentence}"
TEXT_WITHIN = timedelta(hours=1)
"""A message about something that is over helps nobody."""
TEXTS_A_DAY, DAY = 1, 86_400
"""However often an account is locked, its phone is not rung all day."""


# --- telling ----------------------------------------------------------------------------------------------------------


def tell_accounts(
    session: Session,
    account_ids: Iterable[int | None],
    sentence: Sentence,
    address: str = ALL,
    *,
    kind: NoticeKind,
    now: datetime,
    place: str | None = None,
    by_phone: bool = False,
) -> None:
    """Put ``sentence`` behind the bell of each account, once; part of the caller's transaction. None stands for nobody.

    ``address`` is a path of this platform (ValueError for anything else), ``place`` the path of the unit it is about. ``by_phone``
    has a worker send it to the account's phone as well, in Chinese. The sentence holds nothing its reader may not know.
    """
    told = _notice(sentence, address, kind, now) | {"place": place, "is_text_due": by_phone}
    if receivers := sorted({account_id for account_id in account_ids if account_id is not None}):
        session.execute(insert(Notice), [told | {"account_id": account_id} for account_id in receivers])


def tell_accounts_where(
    session: Session, conditions: Iterable[Any], sentence: Sentence, address: str, *, kind: NoticeKind, now: datetime
) -> None:
    """The same for all accounts that fit ``conditions`` (of the accounts' table), in one statement however many they are."""
    accounts: Any = Account.__table__
    told = _notice(sentence, address, kind, now) | {"account_id": accounts.c.id}
    insert_from(session.connection(), Notice.__table__, told, accounts, *conditions)


def _notice(sentence: Sentence, address: str, kind: NoticeKind, now: datetime) -> dict[str, Any]:
    if len(address) > LONGEST_ADDRESS or not OWN_PATH.fullmatch(address):
        raise ValueError(f"{address} is no page of this platform")
    return {"kind": kind, "sentence": sentence, "address": address, "made_at": now, "is_text_due": False}


def decided(matter: str, step: str, label: str, comment: str | None, *, subject: str = "") -> Sentence:
    """That somebody took ``step`` in a ``matter``, on which ``subject`` of several, with the comment under its ``label``."""
    about = Sentence("“{matter}”（{subject}）的办理结果：{step}。", matter=matter, subject=subject, step=step)
    said = [about if subject else Sentence("“{matter}”的办理结果：{step}。", matter=matter, step=step)]
    return Sentence.of([*said, Sentence("{label}：{comment}", label=label, comment=comment)] if comment else said)


def page_of(row: Any) -> str:
    """The address of a row's own page."""
    return f"/{table_name(type(row))}/show/{row.id}"


def place_of(row: Any) -> str | None:
    """The unit that owns a row, if one does."""
    return row.scope_path if isinstance(row, Scoped) else None


# --- whom -------------------------------------------------------------------------------------------------------------


def accounts_of(session: Session, person: Iterable[tuple[str, Any]]) -> list[int]:
    """The accounts a person signs in with, known by ``("account", id)`` or ``("teacher", id)``.

    A number or a phone names a person well enough to keep them from deciding on themselves, but not to tell them things.
    """
    columns = {"account": Account.id, "teacher": Account.teacher_id}
    named = [columns[kind] == value for kind, value in person if kind in columns]
    return list(session.scalars(select(Account.id).where(or_(*named)).order_by(Account.id))) if named else []


def administrators_of(session: Session, path: str) -> list[int]:
    """The accounts of those who administer the unit at ``path`` now; at the root those who run the platform."""
    held = select(Post.account_id).where(Post.scope_path == path, in_force(), Post.role.in_((*MAY_REPLACE, OPERATOR)))
    return list(session.scalars(held.order_by(Post.account_id).distinct()))


# --- reading ----------------------------------------------------------------------------------------------------------


def open_notice(session: Session, identity: Identity, notice_id: int, *, now: datetime) -> Notice:
    """One of the person's own notices, read from now on; raises OutOfReach for any other."""
    with acting_as(identity):
        notice = session.get(Notice, notice_id)
    if notice is None:
        raise OutOfReach(f"notice {notice_id}")
    _mark(session, identity, Notice.id == notice.id, now)
    return notice


def read_all(session: Session, identity: Identity, *, upto: int, now: datetime) -> int:
    """Mark the person's notices read up to the one they have seen last; answers how many were unread."""
    return _mark(session, identity, Notice.id <= upto, now)


def _mark(session: Session, identity: Identity, which: Any, now: datetime) -> int:
    unread = (which, Notice.account_id == identity.account_id, Notice.read_at.is_(None))
    with acting_as(identity.serving()), transaction(session):
        read = update(Notice).where(*unread).values(read_at=now).execution_options(synchronize_session=False)
        return cast("CursorResult[Any]", session.execute(read)).rowcount


# --- what a worker does -----------------------------------------------------------------------------------------------


def forget_notices(session: Session, *, before: datetime) -> None:
    """Delete the notices of that time, read or not."""
    with transaction(session):
        session.execute(delete(Notice).where(Notice.made_at < before).execution_options(synchronize_session=False))


def send_due_texts(session: Session, *, now: datetime) -> None:
    """Send to the phones what has to reach somebody who may be kept out; each at most once, whatever becomes of it.

    Not in the request that told it: how long a gateway takes would tell a guesser that the account has a phone.
    """
    due = select(Notice).where(Notice.is_text_due, Notice.made_at > now - TEXT_WITHIN).order_by(Notice.id)
    texts = session.scalars(due).all()
    if not texts or not can_send():
        return
    for notice in texts:
        mine = (Notice.id == notice.id, Notice.is_text_due)
        taken = update(Notice).where(*mine).values(is_text_due=False).execution_options(synchronize_session=False)
        is_taken = cast("CursorResult[Any]", session.execute(taken)).rowcount == 1
        phone = session.scalar(select(Account.phone).where(Account.id == notice.account_id))
        session.commit()
        if is_taken and phone and hit(session, f"notice_text:{notice.account_id}", limit=TEXTS_A_DAY, seconds=DAY, now=now):
            send_sms(phone, TEXT.format(sentence=notice.sentence))
