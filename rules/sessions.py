"""Signing out: the session ends on the server, so that no copy of its cookie opens anything.

A cookie carries its session's key; the keys that were signed out of are kept until every cookie with them has run out. What else ends
sessions needs no key: a new password and a closed account end all of the account's (``password_stamp``, ``is_active``), its tokens
and its API keys with them.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from sqlalchemy import delete
from sqlalchemy.orm import Session

from models.access import EndedSession
from models.session import insert_or, transaction

LATE_ANSWERS = timedelta(hours=1)
"""A page asked for before signing out may answer, with a fresh cookie, after it."""


def new_session_key() -> str:
    """What tells one session from all others."""
    return secrets.token_urlsafe(24)


def end_session(session: Session, key: str, *, now: datetime, lifetime: timedelta) -> None:
    """This session, and no other of its account, ends; ``lifetime`` is how long a cookie is good for."""
    ended = insert_or(session, EndedSession).values(key=key, until=now + lifetime + LATE_ANSWERS)
    with transaction(session):
        session.execute(ended.on_conflict_do_nothing())


def forget_sessions(session: Session, now: datetime) -> None:
    """Forget the keys whose cookies have run out."""
    with transaction(session):
        session.execute(delete(EndedSession).where(EndedSession.until <= now).execution_options(synchronize_session=False))
