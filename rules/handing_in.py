"""Who hands in their own work in a school's programme: its certified teachers, and whoever belongs to one of its groups (S0-39, S0-42).

The one thing a newcomer gets wrong: a teacher who has moved away may still belong to a group of the old school, and hands in there
(S1-43); so the school is asked, and never the teacher's own path alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, false, or_, select
from sqlalchemy.orm import Session, contains_eager

from models.access import Account, Post, in_office
from models.hours import Programme
from models.outcomes import AbilityPoint, AbilitySummary, ImprovementPlan
from models.people import Teacher
from models.research import ResearchGroup, SchoolProgramme
from models.scoping import Identity, acting_as
from models.violation import OutOfReach
from rules.closing import why_not_handed_in
from rules.errors import RuleViolation
from rules.members import IN_A_GROUP, acting_teacher, check_certified

NEWEST = (Programme.starts_on.desc(), SchoolProgramme.id.desc())


def taken_part_in(session: Session, identity: Identity, teacher_id: int) -> Sequence[SchoolProgramme]:
    """The school programmes this teacher may hand work in to, the one that began last first; one statement."""
    theirs = select(SchoolProgramme).join(Programme).where(_takes_part(teacher_id))
    theirs = theirs.options(contains_eager(SchoolProgramme.programme))  # type: ignore[attr-defined]
    with acting_as(identity.serving()):
        return session.scalars(theirs.order_by(*NEWEST)).all()


@dataclass(frozen=True)
class HandedIn:
    """A teacher's own work in a school's programme."""

    school: SchoolProgramme
    plan: ImprovementPlan | None
    summaries: Sequence[AbilitySummary]


def handed_in_last(session: Session, identity: Identity, teacher_id: int) -> HandedIn | None:
    """The teacher's work in the first of ``taken_part_in``; None for who takes part in none; one statement."""
    rows = select(SchoolProgramme, ImprovementPlan, AbilitySummary).join(Programme).where(_takes_part(teacher_id))
    for model in (ImprovementPlan, AbilitySummary):
        rows = rows.outerjoin(model, and_(model.school_programme_id == SchoolProgramme.id, model.teacher_id == teacher_id))
    rows = rows.outerjoin(AbilityPoint).options(contains_eager(AbilitySummary.ability_point))  # type: ignore[attr-defined]
    with acting_as(identity.serving()):
        found = session.execute(rows.order_by(*NEWEST, AbilityPoint.rank, AbilityPoint.id)).all()
    if not found:
        return None
    school, plan, _summary = found[0]
    return HandedIn(school, plan, [summary for at, _plan, summary in found if at is school and summary is not None])


def lock_for_hand_in(session: Session, identity: Identity, school: SchoolProgramme) -> int:
    """The teacher who hands in, once it is clear that they may; the school's programme is held until the transaction ends.

    Raises OutOfReach for who has no part in it, RuleViolation for a teacher of the school who is not certified, and for who comes
    before or after its time. Who teaches elsewhere by now goes on (S1-43).
    """
    teacher_id = acting_teacher(identity)
    held = select(SchoolProgramme).where(SchoolProgramme.id == school.id).with_for_update(key_share=True, of=SchoolProgramme)
    session.scalars(held, execution_options={"populate_existing": True}).one()
    teacher = session.get_one(Teacher, teacher_id)
    in_group = session.scalar(select(SchoolProgramme.id).where(SchoolProgramme.id == school.id, _in_a_group_there(teacher_id)))
    if teacher.school_id != school.school_id and in_group is None:
        raise OutOfReach(f"teacher {teacher_id} in school programme {school.id}")
    if teacher.school_id == school.school_id:
        check_certified([teacher])
    if why := why_not_handed_in(school):
        raise RuleViolation(why)
    return teacher_id


def is_teacher(column: Any, person: Iterable[tuple[str, Any]]) -> ColumnElement[bool]:
    """Whether the teacher named by ``column`` is this person: by their account, else by their numbers; no two teachers are one person (S0-121)."""
    known = list(person)
    if ids := [value for kind, value in known if kind == "teacher"]:
        return and_(column.is_not(None), column.in_(ids))
    numbers = [getattr(Teacher, kind) == value for kind, value in known if kind in ("id_number", "phone")]
    # By the teacher's own row: nobody finds one among a million by their numbers on every page.
    return exists().where(Teacher.id == column, or_(false(), *numbers))


def _takes_part(teacher_id: int) -> ColumnElement[bool]:
    school = select(Teacher.school_id).where(Teacher.id == teacher_id).scalar_subquery()
    return or_(SchoolProgramme.school_id == school, _in_a_group_there(teacher_id))


def _in_a_group_there(teacher_id: int) -> ColumnElement[bool]:
    mine = (Account.teacher_id == teacher_id, Account.id == Post.account_id, Post.role.in_(IN_A_GROUP), in_office())
    return exists().where(*mine, Post.scope_path == ResearchGroup.scope_path, ResearchGroup.school_programme_id == SchoolProgramme.id)
