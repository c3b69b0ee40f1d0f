"""Who belongs to a research group or to a school's IT team: posts at their paths, and the teachers who hold them (S0-53, S0-74).

The one thing a newcomer gets wrong: a person takes part as a teacher and holds posts as an account; ``Account.teacher_id`` joins
the two, and only a certified teacher may be in a group.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, exists, insert, or_, select, update
from sqlalchemy.orm import Session

from models.access import Account, Post, in_office
from models.notices import NoticeKind
from models.people import CertificationState, Teacher
from models.research import ResearchGroup
from models.scoping import Identity, acting_as
from models.violation import Conflict, Sentence
from rules.errors import RuleViolation
from rules.grants import GROUP_LEADER, GROUP_MEMBER
from rules.notices import tell_accounts

IN_A_GROUP = (GROUP_LEADER, GROUP_MEMBER)
CANDIDATES = 50
NOT_APPROVED = "只有通过审核的学员才可参与校本研修，您尚未通过认证。"
APPOINTED = "您已成为“{unit}”的{role}。"


@dataclass(frozen=True)
class Member:
    """A teacher who holds a post at a group or a school now."""

    post: Post
    teacher: Teacher


def teacher_of(identity: Identity) -> int | None:
    """The id of the teacher who acts; None for an administrator or a parent."""
    return next((value for kind, value in identity.person if kind == "teacher"), None)


def acting_teacher(identity: Identity) -> int:
    """The same; RuleViolation when whoever acts is no teacher."""
    teacher_id = teacher_of(identity)
    if teacher_id is None:
        raise RuleViolation("只有教师可以参与研修，请切换到本人的教师身份。")
    return teacher_id


def holders(session: Session, identity: Identity, path: str, roles: Collection[str]) -> list[Member]:
    """Who holds one of the roles at the unit with this path now, leaders first, then in the order they came; one statement."""
    held = (
        select(Post, Teacher)
        .join(Account, Account.id == Post.account_id)
        .join(Teacher, Teacher.id == Account.teacher_id)
        .where(Post.scope_path == path, Post.role.in_(roles), in_office())
        .order_by(Post.role != GROUP_LEADER, Post.since, Post.id)
    )
    with acting_as(identity.serving()):
        return [Member(post, teacher) for post, teacher in session.execute(held)]


def members_of(session: Session, identity: Identity, group: ResearchGroup) -> list[Member]:
    """Leader and members of a group within reach; one statement."""
    return holders(session, identity, group.scope_path, IN_A_GROUP)


def in_group_of(teacher_id: int) -> ColumnElement[bool]:
    """The groups that this teacher leads or is a member of now."""
    mine = (Account.teacher_id == teacher_id, Account.id == Post.account_id, Post.role.in_(IN_A_GROUP), in_office())
    return exists().where(*mine, Post.scope_path == ResearchGroup.scope_path)


def groups_of(session: Session, identity: Identity, teacher_id: int) -> Sequence[ResearchGroup]:
    """The groups that this teacher leads or is a member of now, oldest first; one statement."""
    with acting_as(identity.serving()):
        return session.scalars(select(ResearchGroup).where(in_group_of(teacher_id)).order_by(ResearchGroup.id)).all()


def candidates_at(session: Session, identity: Identity, school_id: int, held: ColumnElement[bool], begins: str) -> Sequence[Teacher]:
    """The school's certified teachers who hold no such post, by name, at most 50 (S0-53)."""
    able = (Teacher.school_id == school_id, Teacher.certification == CertificationState.PASSED)
    holding = select(Account.teacher_id).join(Post, Post.account_id == Account.id).where(held, Account.teacher_id.is_not(None))
    found = select(Teacher).where(*able, Teacher.id.not_in(holding)).order_by(Teacher.name, Teacher.id).limit(CANDIDATES)
    with acting_as(identity.serving()):
        return session.scalars(found.where(Teacher.name.startswith(begins, autoescape=True)) if begins else found).all()


@dataclass(frozen=True)
class Appointment:
    """A post that teachers are given: their role at a unit, and what leads them there."""

    role: str
    role_label: str
    school_id: int
    path: str
    unit_name: str
    leads_to: str


def appoint(session: Session, to: Appointment, account_ids: Collection[int], *, now: datetime) -> None:
    """Give each of the accounts the post and tell them, by statements alone; the caller has asked its questions and commits."""
    if not account_ids:
        return
    post = {"role": to.role, "school_id": to.school_id, "unit_name": to.unit_name, "since": now, "source": "school"}
    stamps = {"scope_path": to.path, "created_at": now, "updated_at": now, "version": 1}
    session.execute(insert(Post), [post | stamps | {"account_id": account_id} for account_id in account_ids])
    told = Sentence(APPOINTED, unit=to.unit_name, role=to.role_label)
    tell_accounts(session, account_ids, told, to.leads_to, kind=NoticeKind.POST, now=now, place=to.path)


def new_accounts(session: Session, path: str, roles: Collection[str], school_id: int, teacher_ids: Collection[int]) -> Sequence[int]:
    """The accounts of these teachers who hold none of the roles there yet; RuleViolation unless all are certified teachers of the school."""
    wanted = set(teacher_ids)
    teachers = session.scalars(select(Teacher).where(Teacher.id.in_(wanted), Teacher.school_id == school_id)).all()
    if len(teachers) != len(wanted):
        raise RuleViolation("所选教师不是本校教师，请刷新后重新选择。", "teacher")
    check_certified(teachers)
    already = select(Post.account_id).where(Post.scope_path == path, in_office(), Post.role.in_(roles))
    accounts = select(Account.id).where(Account.teacher_id.in_(wanted), Account.id.not_in(already))
    return session.scalars(accounts.order_by(Account.id)).all()


def release(session: Session, identity: Identity, post_id: int, told: Sentence, leads_to: str, *, now: datetime) -> None:
    """End a post and tell who held it, unless they did it themselves; Conflict when it had been ended before."""
    held = (Post.id == post_id, in_office())
    ended = update(Post).where(*held).values(until=now, version=Post.version + 1, updated_at=now).returning(Post.account_id)
    account_id = session.execute(ended, execution_options={"synchronize_session": False}).scalar_one_or_none()
    if account_id is None:
        raise Conflict("该成员已不在其中，请刷新后查看。")
    tell_accounts(session, {account_id} - {identity.account_id}, told, leads_to, kind=NoticeKind.POST, now=now)


def is_approved(teacher_id: int | None, school_id: Any) -> ColumnElement[bool]:
    """Whether a member may begin something new in this school's research (S0-53, S0-126).

    The school's own teachers are certified; who teaches elsewhere by now was, and goes on until they are removed (S1-43…45): whether
    another school has certified them says nothing here.
    """
    is_elsewhere = Teacher.school_id.is_distinct_from(school_id)
    return exists().where(Teacher.id == teacher_id, or_(Teacher.certification == CertificationState.PASSED, is_elsewhere))


def check_certified(teachers: Collection[Teacher]) -> None:
    """Raise RuleViolation, naming them, unless every one of the teachers is certified (S0-53)."""
    names = "、".join(t.name for t in teachers if t.certification is not CertificationState.PASSED)
    if names:
        raise RuleViolation("只有通过审核的学员才可参与校本研修，以下教师尚未通过认证：{names}。", names=names)
