"""What the people of the demonstration have been doing: when they came, who has signed in, and which pages they looked at.

Views are recorded as real ones are, day by day, so that the statistics have something to show (S3-42).
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from random import Random

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from models.access import Account, Post, in_force
from models.scoping import SYSTEM, acting_as
from models.session import transaction
from rules.account_counts import recount_accounts
from rules.grants import SCHOOL_ADMIN, TEACHER
from rules.page_views import Seen, day_of, record

DAYS = 60
NEWCOMERS = 60
"""Days over which they came, most of them early on."""
ACTIVE = 0.7
"""Of all accounts, those that have been signed in to."""
PRESENCE, OFTEN = {TEACHER: 0.22, SCHOOL_ADMIN: 0.06}, 0.6
"""The share of days on which somebody of a role comes; there are thousands of schools."""
HOME = "WorkbenchView"
OFFICE_AREAS = ("teacher", "certification", "account", "school", "region", "post", "permission_code", "ActivationView.progress", "job")
"""The most visited first."""
OWN_AREAS = ("MeView.home", "teacher", "certification", "BindingView.administrators")


def add_activity(session: Session, *, now: datetime) -> None:
    """Spread the arrival of everybody there is over the last weeks, let most of them sign in and look around, and count it all."""
    with acting_as(SYSTEM):
        held = select(Post.account_id, Post.role, Post.scope_path).where(in_force()).order_by(Post.id)
        people = [(account, role, path) for account, role, path in session.execute(held)]
        session.commit()
        arrivals = {account: int(NEWCOMERS * Random(account).random() ** 0.6) for account, _role, _path in people}
        _arrive(session, arrivals, now)
        for ago in reversed(range(DAYS)):
            present = [person for person in people if arrivals[person[0]] >= ago and _is_active(person[0])]
            record(session, _day(day_of(now - timedelta(days=ago)), present))
    recount_accounts(session, now=now)


def _is_active(account: int) -> bool:
    return Random(-account).random() < ACTIVE


def _arrive(session: Session, arrivals: dict[int, int], now: datetime) -> None:
    moment = now.astimezone(UTC).replace(tzinfo=None)
    rows = [
        {"account": account, "came": moment - timedelta(days=ago), "seen": now if _is_active(account) else None}
        for account, ago in arrivals.items()
    ]
    table = Account.__table__
    came = update(table).where(table.c.id == bindparam("account")).values(created_on=bindparam("came"), last_login=bindparam("seen"))
    with transaction(session):
        session.connection().execute(came, rows)


def _day(day: date, people: list[tuple[int, str, str]]) -> Counter[Seen]:
    """Who saw what on one day: fewer come at the week's end, and an office is busier than a teacher."""
    random, seen = Random(day.toordinal()), Counter[Seen]()
    for account, role, path in people:
        is_teacher = role == TEACHER
        if random.random() > PRESENCE.get(role, OFTEN) * (0.3 if day.weekday() > 4 else 1):
            continue
        seen[Seen(day, account, path, HOME)] += 1
        areas = OWN_AREAS if is_teacher else OFFICE_AREAS
        for _ in range(random.randint(1, 5 if is_teacher else 12)):
            seen[Seen(day, account, path, areas[int(len(areas) * random.random() ** 2)])] += 1
    return seen
