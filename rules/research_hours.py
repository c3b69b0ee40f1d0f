"""What research says on a teacher's statement of hours: whom to turn to, and how many hours are still on offer (S0-41)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from sqlalchemy import and_, case, exists, func, or_, select
from sqlalchemy.orm import Session

from models.activities import Activity, ActivityKind, ActivityState, Participation, ParticipationState, Topic, TopicState
from models.hours import Programme
from models.people import CertificationState, Teacher
from models.research import ResearchGroup, SchoolProgramme
from rules.closing import goes_on
from rules.grants import GROUP_LEADER, role_label
from rules.hour_statement import ContactPerson, answers_available, answers_contacts, answers_programmes
from rules.members import in_group_of


@answers_programmes
def taken_part_in(session: Session, teacher_id: int, now: datetime) -> Sequence[Programme]:
    """What goes on in the teacher's groups, and in the school that certified them: there the hours they lack are all of them."""
    here = (Teacher.id == teacher_id, Teacher.school_id == SchoolProgramme.school_id, Teacher.certification == CertificationState.PASSED)
    in_group = exists().where(ResearchGroup.school_programme_id == SchoolProgramme.id, in_group_of(teacher_id))
    theirs = select(Programme).join(SchoolProgramme, SchoolProgramme.programme_id == Programme.id)
    return session.scalars(theirs.where(goes_on(now), or_(exists().where(*here), in_group)).distinct()).all()


@answers_contacts
def leaders_of(session: Session, teacher_id: int, programmes: Sequence[int]) -> dict[int, Sequence[ContactPerson]]:
    """Programme → the leaders of the teacher's groups in it; one does not turn to oneself. The phone is in full."""
    led = select(SchoolProgramme.programme_id, Teacher, ResearchGroup.name).join(
        ResearchGroup, ResearchGroup.school_programme_id == SchoolProgramme.id
    )
    others = led.join(Teacher, and_(Teacher.id == ResearchGroup.leader_id, Teacher.id != teacher_id))
    mine = (SchoolProgramme.programme_id.in_(programmes), in_group_of(teacher_id))
    found: dict[int, list[ContactPerson]] = defaultdict(list)
    for programme, leader, group in session.execute(others.where(*mine).order_by(ResearchGroup.id)):
        found[programme].append(ContactPerson(leader.name, role_label(GROUP_LEADER), group, leader.phone or ""))
    return dict(found)


@answers_available
def hours_on_offer(session: Session, teacher_id: int, programmes: Sequence[int], now: datetime) -> dict[int, Decimal]:
    """Programme → the hours of published activities of the teacher's groups that are still to be completed; offline ones they are named for."""
    theirs = and_(Participation.activity_id == Activity.id, Participation.teacher_id == teacher_id)
    is_offline = Activity.kind == ActivityKind.OFFLINE
    not_done = or_(Participation.id.is_(None), Participation.state != ParticipationState.COMPLETED)
    is_open = and_(
        Activity.state == ActivityState.PUBLISHED,
        Topic.state == TopicState.PUBLISHED,
        goes_on(now),
        case((is_offline, Participation.state == ParticipationState.JOINED), else_=and_(Activity.ends_at >= now, not_done)),
    )
    groups = select(SchoolProgramme.programme_id, func.sum(case((is_open, Activity.hours), else_=0)))
    groups = groups.join(ResearchGroup, ResearchGroup.school_programme_id == SchoolProgramme.id)
    groups = groups.join(Programme, Programme.id == SchoolProgramme.programme_id)
    on_offer = groups.outerjoin(Activity, Activity.group_id == ResearchGroup.id).outerjoin(Topic, Topic.id == Activity.topic_id)
    mine = (SchoolProgramme.programme_id.in_(programmes), in_group_of(teacher_id))
    asked = on_offer.outerjoin(Participation, theirs).where(*mine).group_by(SchoolProgramme.programme_id)
    return {programme: Decimal(str(hours)) for programme, hours in session.execute(asked)}
