"""未加入教研组: the certified teachers of a school who are in none of its groups, and so in no list of who is below the target (S0-31, S0-32).

The one thing a newcomer gets wrong: hours need no group. Who has left one keeps theirs, and is found here with them.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from models.hours import HourEntry, HourState
from models.people import Teacher
from models.research import ResearchGroup, SchoolProgramme
from models.scoping import Identity, acting_as
from rules.research_figures import in_no_group, members_in


@dataclass(frozen=True)
class Ungrouped:
    """A teacher whom no leader looks after."""

    teacher_id: int
    name: str
    raw: Decimal
    """Hours earned in the programme all the same."""


def ungrouped_of(session: Session, identity: Identity, school: SchoolProgramme) -> list[Ungrouped]:
    """All of them by name, with what they have earned; one statement."""
    earned = and_(HourEntry.teacher_id == Teacher.id, HourEntry.programme_id == school.programme_id, HourEntry.state != HourState.VOID)
    summed = select(Teacher.id, Teacher.name, func.coalesce(func.sum(HourEntry.hours), 0)).outerjoin(HourEntry, earned)
    members = members_in(ResearchGroup.school_programme_id == school.id).subquery()
    found = summed.where(*in_no_group(school, members)).group_by(Teacher.id, Teacher.name).order_by(Teacher.name, Teacher.id)
    with acting_as(identity.serving()):
        return [Ungrouped(*row) for row in session.execute(found)]
