"""Who belongs to a research group or to a school's IT team: posts at their paths, and the teachers who hold them (S0-53, S0-74).

The one thing a newcomer gets wrong: a person takes part as a teacher and holds posts as an account; ``Account.teacher_id`` joins
the two, and only a certified teacher may be in a group.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, exists, select
from sqlalchemy.orm import Session

from models.access import Account, Post, in_office
from models.people import CertificationState, Teacher
from models.research import ResearchGroup
from models.scoping import Identity, acting_as
from rules.errors import RuleViolation
from rules.grants import GROUP_LEADER, GROUP_MEMBER

IN_A_GROUP = (GROUP_LEADER, GROUP_MEMBER)


@dataclass(frozen=True)
class Member:
    """A teacher who holds a post at a group or a school now."""

    post_id: int
    role: str
    account_id: int
    teacher: Teacher
    since: datetime


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
        return [Member(post.id, post.role, post.account_id, teacher, post.since) for post, teacher in session.execute(held)]


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


def check_certified(teachers: Collection[Teacher]) -> None:
    """Raise RuleViolation, naming them, unless every one of the teachers is certified (S0-53)."""
    names = "、".join(t.name for t in teachers if t.certification is not CertificationState.PASSED)
    if names:
        raise RuleViolation("只有通过审核的学员才可参与校本研修，以下教师尚未通过认证：{names}。", names=names)
