"""未加入教研组: the certified teachers of a school who are in none of its groups, and so in no list of who is below the target (S0-31, S0-32).

The one thing a newcomer gets wrong: hours need no group. Who has left one keeps theirs, and is found here with them.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from models.access import Account, Post, in_office
from models.hours import HourEntry, HourState
from models.people import CertificationState, Teacher
from models.research import ResearchGroup, SchoolProgramme
from models.scoping import Identity, acting_as
from rules.members import IN_A_GROUP


@dataclass(frozen=True)
class Ungrouped:
    """A teacher whom no leader looks after."""

    teacher_id: int
    name: str
    raw: Decimal
    """Hours earned in the programme all the same."""


def count_ungrouped(session: Session, identity: Identity, school: SchoolProgramme) -> int:
    """How many there are; the caller has asked whether the person may see them. One statement."""
    with acting_as(identity.serving()):
        return session.scalar(select(func.count()).select_from(Teacher).where(*_those(school))) or 0


def ungrouped_of(session: Session, identity: Identity, school: SchoolProgramme) -> list[Ungrouped]:
    """All of them by name, with what they have earned; one statement."""
    earned = and_(HourEntry.teacher_id == Teacher.id, HourEntry.programme_id == school.programme_id, HourEntry.state != HourState.VOID)
    summed = select(Teacher.id, Teacher.name, func.coalesce(func.sum(HourEntry.hours), 0)).outerjoin(HourEntry, earned)
    found = summed.where(*_those(school)).group_by(Teacher.id, Teacher.name).order_by(Teacher.name, Teacher.id)
    with acting_as(identity.serving()):
        return [Ungrouped(*row) for row in session.execute(found)]


def _those(school: SchoolProgramme) -> tuple[Any, ...]:
    members = select(Account.teacher_id).join(Post, Post.account_id == Account.id)
    members = members.join(ResearchGroup, ResearchGroup.scope_path == Post.scope_path)
    held = (Post.role.in_(IN_A_GROUP), in_office(), Account.teacher_id.is_not(None), ResearchGroup.school_programme_id == school.id)
    certified = Teacher.certification == CertificationState.PASSED
    return Teacher.school_id == school.school_id, certified, Teacher.id.not_in(members.where(*held))
