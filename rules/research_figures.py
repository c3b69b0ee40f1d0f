"""How far a school's research has come: hours of every member and group, and of the schools of a region (S0-31, S0-32, S0-37, S1-35).

Sums are made by the database, one row a person; what counts of them follows from them exactly as ``rules.hours.tally`` counts. The
one thing a newcomer gets wrong: figures are about who is in a group now. Who has left a group keeps their hours and is in none.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, select
from sqlalchemy.orm import Session, aliased

from models.access import Account, Post, in_office
from models.activities import Activity, ActivityState, Participation, ParticipationState
from models.follow_ups import FollowUp
from models.hours import HourEntry, HourPolicy, HourState
from models.outcomes import AbilitySummary, ImprovementPlan, SummaryState
from models.people import Teacher
from models.research import GroupPlan, ResearchGroup, SchoolProgramme, SchoolState
from models.scoping import Identity, acting_as
from rules.hour_ledger import policies_of
from rules.hours import Limits, policy_on, said
from rules.members import IN_A_GROUP
from rules.page_views import day_of

NOTHING = Decimal(0)
STEP = 5
"""Hours from one column of the chart to the next."""


@dataclass(slots=True)
class Standing:
    """A member's hours in the programme, wherever they earned them."""

    teacher_id: int
    name: str
    group_ids: tuple[int, ...]
    raw: Decimal
    counted: Decimal
    target: Decimal

    is_reached: bool

    @property
    def missing(self) -> Decimal:
        return max(NOTHING, self.target - self.counted)


@dataclass(frozen=True)
class GroupFigures:
    """One group: its members' hours, and what it has put on."""

    id: int
    name: str
    leader: str
    members: int
    reached: int
    average: Decimal
    activities: int
    completed: int
    """Activities that are over by their own act, offline ones that is."""
    has_plan: bool

    @property
    def below(self) -> int:
        return self.members - self.reached


@dataclass(frozen=True)
class Deeds:
    """What one member has done beside their hours."""

    joined: int = 0
    completed: int = 0
    plan: int = 0
    summaries: int = 0
    passed: int = 0
    reminded_at: datetime | None = None


@dataclass(frozen=True)
class SchoolFigures:
    """One school of a region."""

    id: int
    name: str
    state: SchoolState
    members: int
    reached: int

    @property
    def percent(self) -> int:
        """How many of its members have reached the target, of a hundred."""
        return share(self.reached, self.members)


def share(part: int, whole: int) -> int:
    """Whole percent, never rounded up to a hundred; nothing of nothing."""
    return part * 100 // whole if whole else 0


@dataclass(frozen=True)
class Progress:
    """A school, or those of its groups that the reader answers for."""

    persons: Sequence[Standing]
    """Who misses most comes first."""
    groups: Sequence[GroupFigures]
    target: Decimal

    @property
    def reached(self) -> int:
        return sum(person.is_reached for person in self.persons)

    @property
    def below(self) -> Sequence[Standing]:
        return [person for person in self.persons if not person.is_reached]

    @property
    def average(self) -> Decimal:
        return average(self.persons)

    def spread(self) -> list[tuple[str, int]]:
        """How many persons have counted so many hours: 0, above 0, from 5, … and the target reached."""
        marks = [NOTHING, *(Decimal(mark) for mark in range(STEP, int(self.target) + 1, STEP) if mark < self.target)]
        of = Counter(_column(person, marks) for person in self.persons)
        ranges = zip(marks, [*marks[1:], self.target], strict=True)
        edges = [*(f"{said(mark)}–{said(after)}" for mark, after in ranges), f"≥{said(self.target)}"]
        return [("0", of[-1]), *((edge, of[at]) for at, edge in enumerate(edges))]


def _column(person: Standing, marks: Sequence[Decimal]) -> int:
    if not person.counted:
        return -1
    return len(marks) if person.is_reached else sum(mark <= person.counted for mark in marks) - 1


def average(persons: Iterable[Standing]) -> Decimal:
    """Counted hours a head, to a tenth; nothing for nobody."""
    counted = [person.counted for person in persons]
    return (sum(counted, NOTHING) / len(counted)).quantize(Decimal("0.1")) if counted else NOTHING


def progress_of(
    session: Session, identity: Identity, school: SchoolProgramme, group_ids: Collection[int] | None = None, *, now: datetime
) -> Progress:
    """Hours of the school's members, or of those groups' alone; the caller has asked whether the person may see them.

    Three statements, however many teachers, groups and activities there are.
    """
    with acting_as(identity.serving()):
        policy = policy_on(policies_of(session, [school.programme_id])[school.programme_id], day_of(now))
        persons = _standings(session, school, group_ids, policy)
        persons.sort(key=lambda one: (one.counted, one.name, one.teacher_id))
        return Progress(persons, _groups(session, school, group_ids, persons), policy.target)


# --- persons ----------------------------------------------------------------------------------------------------------


def _members(*conditions: Any) -> Any:
    """Who is in which group of which school's programme now."""
    held = (Post.role.in_(IN_A_GROUP), in_office(), Account.teacher_id.is_not(None), *conditions)
    columns = (Account.teacher_id, ResearchGroup.id.label("group_id"), ResearchGroup.school_programme_id)
    members = select(*columns).join(Post, Post.scope_path == ResearchGroup.scope_path).join(Account, Account.id == Post.account_id)
    return members.where(*held)


def _sums() -> tuple[ColumnElement[Any], ColumnElement[Any], ColumnElement[Any]]:
    """Raw hours, what is registered of them, and what is accrued and waits."""
    registered = func.sum(case((HourEntry.state == HourState.REGISTERED, func.coalesce(HourEntry.counted, 0)), else_=0))
    accrued = func.sum(case((HourEntry.state == HourState.ACCRUED, HourEntry.hours), else_=0))
    raw = func.sum(HourEntry.hours)
    return tuple(func.coalesce(one, 0).label(name) for one, name in ((raw, "raw"), (registered, "registered"), (accrued, "accrued")))  # type: ignore[return-value]


def counted_of(registered: Decimal, accrued: Decimal, cap: Decimal) -> Decimal:
    """What counts: all that is registered, and of what is accrued as much as the cap still holds."""
    return registered + min(accrued, max(NOTHING, cap - registered))


def _standings(session: Session, school: SchoolProgramme, group_ids: Collection[int] | None, policy: HourPolicy) -> list[Standing]:
    ours = [ResearchGroup.school_programme_id == school.id]
    members = _members(*ours, *([ResearchGroup.id.in_(sorted(group_ids))] if group_ids is not None else []))
    within = members.cte("members")
    of = and_(HourEntry.teacher_id == within.c.teacher_id, HourEntry.programme_id == school.programme_id, HourEntry.state != HourState.VOID)
    columns = (within.c.teacher_id, within.c.group_id, Teacher.name, *_sums())
    summed = select(*columns).join(Teacher, Teacher.id == within.c.teacher_id).outerjoin(HourEntry, of)
    found: dict[int, Standing] = {}
    for teacher_id, group_id, name, raw, registered, accrued in session.execute(summed.group_by(*within.c[:2], Teacher.name)).all():
        if teacher_id in found:
            found[teacher_id].group_ids += (group_id,)
        else:
            counted = counted_of(registered, accrued, policy.cap)
            found[teacher_id] = Standing(teacher_id, name, (group_id,), raw, counted, policy.target, counted >= policy.target)
    return list(found.values())


def deeds_of(session: Session, identity: Identity, school: SchoolProgramme, teacher_ids: Sequence[int]) -> Mapping[int, Deeds]:
    """Teacher → what they have done in the school's programme, for the few of a page; one statement."""
    parts = select(func.count()).select_from(Participation).join(Activity).join(ResearchGroup)
    parts = parts.where(Participation.teacher_id == Teacher.id, ResearchGroup.school_programme_id == school.id)
    plans = select(func.count()).select_from(ImprovementPlan).where(*_handed_in(ImprovementPlan, school))
    summaries = select(func.count()).select_from(AbilitySummary).where(*_handed_in(AbilitySummary, school))
    told = (FollowUp.school_programme_id == school.id, FollowUp.teacher_id == Teacher.id)
    columns = (
        parts.where(Participation.state == ParticipationState.JOINED),
        parts.where(Participation.state == ParticipationState.COMPLETED),
        plans,
        summaries,
        summaries.where(AbilitySummary.state == SummaryState.PASSED),
        select(func.max(FollowUp.reminded_at)).where(*told),
    )
    asked = select(Teacher.id, *(column.scalar_subquery() for column in columns)).where(Teacher.id.in_(teacher_ids))
    with acting_as(identity.serving()):
        return {teacher_id: Deeds(*numbers) for teacher_id, *numbers in session.execute(asked)} if teacher_ids else {}


def _handed_in(model: Any, school: SchoolProgramme) -> tuple[ColumnElement[bool], ...]:
    return (model.teacher_id == Teacher.id, model.school_programme_id == school.id)


# --- groups -----------------------------------------------------------------------------------------------------------


def _groups(
    session: Session, school: SchoolProgramme, group_ids: Collection[int] | None, persons: Sequence[Standing]
) -> list[GroupFigures]:
    members: dict[int, list[Standing]] = defaultdict(list)
    for person in persons:
        for group_id in person.group_ids:
            members[group_id].append(person)
    return [_group(row, members[row.id]) for row in session.execute(_selected_groups(school, group_ids))]


def _selected_groups(school: SchoolProgramme, group_ids: Collection[int] | None) -> Any:
    leader = aliased(Teacher)
    done = func.sum(case((Activity.state == ActivityState.COMPLETED, 1), else_=0))
    counts = select(Activity.group_id, func.count().label("number"), done.label("done")).where(Activity.state != ActivityState.DRAFT)
    ours = select(ResearchGroup.id).where(ResearchGroup.school_programme_id == school.id)
    activities = counts.where(Activity.group_id.in_(ours)).group_by(Activity.group_id).subquery()
    columns = (
        ResearchGroup.id,
        ResearchGroup.name,
        leader.name.label("leader"),
        func.coalesce(activities.c.number, 0).label("activities"),
        func.coalesce(activities.c.done, 0).label("completed"),
        GroupPlan.id.label("plan"),
    )
    found = select(*columns).where(ResearchGroup.school_programme_id == school.id).order_by(ResearchGroup.name, ResearchGroup.id)
    found = found.outerjoin(leader, leader.id == ResearchGroup.leader_id).outerjoin(GroupPlan, GroupPlan.group_id == ResearchGroup.id)
    found = found.outerjoin(activities, activities.c.group_id == ResearchGroup.id)
    return found.where(ResearchGroup.id.in_(sorted(group_ids))) if group_ids is not None else found


def _group(row: Any, theirs: Sequence[Standing]) -> GroupFigures:
    return GroupFigures(
        id=row.id,
        name=row.name,
        leader=row.leader or "",
        members=len(theirs),
        reached=sum(person.is_reached for person in theirs),
        average=average(theirs),
        activities=row.activities,
        completed=row.completed,
        has_plan=row.plan is not None,
    )


# --- schools ----------------------------------------------------------------------------------------------------------


def schools_by_state(session: Session, identity: Identity) -> dict[SchoolState, int]:
    """How many of the schools within reach are how far; one statement."""
    identity.require("export", "hour_entry")
    with acting_as(identity):
        counted = select(SchoolProgramme.state, func.count()).group_by(SchoolProgramme.state)
        return {state: number for state, number in session.execute(counted)}


def schools_page(session: Session, identity: Identity, *, limit: int, offset: int, now: datetime) -> list[SchoolFigures]:
    """Some of the schools within reach, by name: members, and how many of them have reached the target.

    Three statements, however large the region is: the sums are made for these schools alone.
    """
    identity.require("export", "hour_entry")
    with acting_as(identity):
        columns = (SchoolProgramme.id, SchoolProgramme.name, SchoolProgramme.state, SchoolProgramme.programme_id)
        chosen = select(*columns).order_by(SchoolProgramme.name, SchoolProgramme.id).limit(limit).offset(offset)
        rows = session.execute(chosen).all()
    counts = reached_of(session, identity, {row.id: row.programme_id for row in rows}, now=now)
    return [SchoolFigures(row.id, row.name, row.state, counts[row.id].members, counts[row.id].reached) for row in rows]


@dataclass(frozen=True)
class Reached:
    """How many members a school has in its groups, and how many of them have reached the target."""

    members: int
    reached: int
    target: Decimal


def reached_of(session: Session, identity: Identity, programme_of: Mapping[int, int], *, now: datetime) -> dict[int, Reached]:
    """The same for each of some schools, given as school programme → programme; two statements, one row a school."""
    if not programme_of:
        return {}
    with acting_as(identity.serving()):
        policies = {programme: policy_on(known, day_of(now)) for programme, known in policies_of(session, programme_of.values()).items()}
        limits = {school: policies[programme] for school, programme in programme_of.items()}
        counts = {school: (members, reached) for school, members, reached in session.execute(_reached(limits))}
    return {school: Reached(*counts.get(school, (0, 0)), limit.target) for school, limit in limits.items()}


def _reached(limits: Mapping[int, Limits]) -> Select[Any]:
    within = _members(ResearchGroup.school_programme_id.in_(sorted(limits))).subquery()
    people = select(within.c.school_programme_id.label("school"), within.c.teacher_id).distinct().subquery()
    of = and_(
        HourEntry.teacher_id == people.c.teacher_id,
        HourEntry.programme_id == SchoolProgramme.programme_id,
        HourEntry.state != HourState.VOID,
    )
    joined = select(people.c.school, *_sums()).join(SchoolProgramme, SchoolProgramme.id == people.c.school).outerjoin(HourEntry, of)
    sums = joined.group_by(people.c.school, people.c.teacher_id).subquery()
    cap = case({school: limit.cap for school, limit in limits.items()}, value=sums.c.school)
    target = case({school: limit.target for school, limit in limits.items()}, value=sums.c.school)
    # As counted_of does; SQLite adds binary fractions, which are no hundredths before they are rounded.
    room = case((sums.c.registered < cap, cap - sums.c.registered), else_=0)
    counted = func.round(sums.c.registered + case((sums.c.accrued < room, sums.c.accrued), else_=room), 2)
    return select(sums.c.school, func.count(), func.sum(case((counted >= target, 1), else_=0))).group_by(sums.c.school)
