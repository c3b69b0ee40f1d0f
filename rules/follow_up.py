"""跟进: the school asks the leaders of those who are below the target to look after them (S0-32, S1-35).

Once a day for each teacher, however often and by whomever the button is pressed. The one thing a newcomer gets wrong: the leader is
told, not the teacher, who sees on their own page what is missing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.access import Post, in_force
from models.follow_ups import FollowUp
from models.notices import NoticeKind
from models.research import ResearchGroup, SchoolProgramme
from models.scoping import Identity, acting_as
from models.session import insert_or, transaction
from models.violation import Sentence
from rules.closing import why_kept
from rules.errors import RuleViolation
from rules.grants import GROUP_LEADER
from rules.hour_ledger import policy_in_force
from rules.hours import said
from rules.notices import tell_accounts
from rules.page_views import day_of
from rules.research_persons import Standing, Wanted, persons_of

NAMED = 10
AT_ONCE = 1_000
FOLLOW = "“{group}”有 {count} 名成员未达 {target} 学时，请跟进：{names}。"


def may_follow_up(identity: Identity, school: SchoolProgramme) -> bool:
    """Whoever runs the school's programme (S0-32)."""
    return identity.reaches("edit", "school_programme", school.scope_path)


def remind_leaders(session: Session, identity: Identity, school: SchoolProgramme, teacher_ids: Collection[int], *, now: datetime) -> int:
    """Tell the leaders of these teachers' groups who is below the target; answers how many teachers they are reminded of.

    Raises NotPermitted, OutOfReach, and RuleViolation when none is below it, no group of theirs has a leader, all were
    reminded of today, or the school is accepted.
    """
    identity.require("edit", "school_programme", school.scope_path)
    with acting_as(identity.serving()), transaction(session):
        if why := why_kept(school.state):
            raise RuleViolation(why)
        policy = policy_in_force(session, school.programme_id, day_of(now))
        below = persons_of(session, identity, school, policy, Wanted(teacher_ids=teacher_ids, is_below=True))
        if not below:
            raise RuleViolation("所选教师已达到学时要求，不需要提醒。")
        leaders = _leaders(session, {group for person in below for group in person.group_ids})
        led = [person for person in below if any(group in leaders for group in person.group_ids)]
        if not led:
            raise RuleViolation("所在教研组还没有组长，请先指定组长。")
        new = set(_note(session, identity, school, led, now))
        if not new:
            raise RuleViolation("今天已经提醒过组长，请明天再提醒。")
        _tell(session, school, [person for person in led if person.teacher_id in new], leaders, policy.target, now)
        return len(new)


def _leaders(session: Session, group_ids: Collection[int]) -> dict[int, tuple[str, list[int]]]:
    """Group → its name and the accounts that lead it now, substitutes among them."""
    asked = select(ResearchGroup.id, ResearchGroup.name, Post.account_id).join(Post, Post.scope_path == ResearchGroup.scope_path)
    led = asked.where(ResearchGroup.id.in_(sorted(group_ids)), Post.role == GROUP_LEADER, in_force())
    found: dict[int, tuple[str, list[int]]] = {}
    for group_id, name, account_id in session.execute(led):
        found.setdefault(group_id, (name, []))[1].append(account_id)
    return found


def _note(session: Session, identity: Identity, school: SchoolProgramme, persons: Sequence[Standing], now: datetime) -> list[int]:
    """Keep that the leaders were reminded of them; the teachers of whom they were not yet today."""
    stamps = {"school_programme_id": school.id, "account_id": identity.account_id, "reminded_on": day_of(now), "reminded_at": now}
    rows = [stamps | {"teacher_id": person.teacher_id} for person in persons]
    day = ["school_programme_id", "teacher_id", "reminded_on"]
    written: list[int] = []
    for start in range(0, len(rows), AT_ONCE):
        new = insert_or(session, FollowUp).values(rows[start : start + AT_ONCE]).on_conflict_do_nothing(index_elements=day)
        written += session.scalars(new.returning(FollowUp.teacher_id))
    return written


def _tell(
    session: Session,
    school: SchoolProgramme,
    persons: Sequence[Standing],
    leaders: dict[int, tuple[str, list[int]]],
    target: object,
    now: datetime,
) -> None:
    """One notice a group."""
    theirs: dict[int, list[str]] = defaultdict(list)
    for person in persons:
        for group in person.group_ids:
            theirs[group].append(person.name)
    for group, names in theirs.items():
        if group not in leaders:
            continue
        title, accounts = leaders[group]
        shown = "、".join(names[:NAMED]) + ("…" if len(names) > NAMED else "")
        told = Sentence(FOLLOW, group=title, count=len(names), target=said(target), names=shown)  # type: ignore[arg-type]
        tell_accounts(
            session, accounts, told, f"/research/progress/{school.id}/persons", kind=NoticeKind.REMINDER, now=now, place=school.scope_path
        )
