"""What the people of the demonstration find behind the bell: a decision, a new administrator, a lock long over.

The one thing a newcomer gets wrong: these are the services' own sentences, so that they are shown in every language.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.access import Account, Post
from models.notices import NoticeKind
from models.violation import Sentence
from rules.accounts import LOCKED
from rules.approvals import CERTIFICATION
from rules.grants import SCHOOL_ADMIN, role_label
from rules.notices import decided, page_of, tell_accounts
from rules.permission_codes import BOUND


def add_demo_notices(session: Session, now: datetime) -> None:
    """Tell the teacher, the school's administrator and the county's what has happened to them lately."""
    named = select(Account.username, Account.id).where(Account.username.in_(("350424198409101210", "SchoolAdmin1", "OrganAdmin5")))
    account: dict[str, int] = {username: account_id for username, account_id in session.execute(named)}
    passed = decided(CERTIFICATION.name, CERTIFICATION.step("pass").label, "", None)
    tell_accounts(
        session, [account.get("350424198409101210")], passed, CERTIFICATION.leads_to, kind=NoticeKind.DECISION, now=now - timedelta(days=2)
    )
    locked = Sentence(LOCKED, minutes=15)
    tell_accounts(
        session, [account.get("SchoolAdmin1")], locked, "/me/password", kind=NoticeKind.ACCOUNT, now=now - timedelta(days=1, hours=3)
    )
    held = select(Post).where(Post.account_id == account.get("SchoolAdmin1"), Post.role == SCHOOL_ADMIN)
    for post in session.scalars(held):
        bound = Sentence(BOUND, prefix="K7QX", unit=post.unit_name, role=role_label(post.role))
        tell_accounts(
            session,
            [account.get("OrganAdmin5")],
            bound,
            page_of(post),
            kind=NoticeKind.POST,
            now=now - timedelta(hours=5),
            place=post.scope_path,
        )
