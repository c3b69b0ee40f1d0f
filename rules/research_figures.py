"""How far a school's research has come: hours of every member and group, and of the schools of a region (S0-31, S0-32, S0-37, S1-35).

Sums are made by the database; what counts of a person's hours follows there exactly as ``rules.hours.tally`` counts. The one thing a
newcomer gets wrong: figures are about who is in a group now. Who has left a group keeps their hours and is in none.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    CompoundSelect,
    FromClause,
    Select,
    Subquery,
    case,
    false,
    func,
    literal,
    null,
    select,
    union_all,
)
from sqlalchemy.orm import Session, aliased

from models.access import Account, Post, in_office
from models.activities import Activity, ActivityState
from models.hours import HourEntry, HourPolicy, HourState
from models.people import CertificationState, Teacher
from models.research import GroupPlan, ResearchGroup, SchoolProgramme, SchoolState
from models.scoping import Identity, acting_as
from rules.hour_ledger import policies_of
from rules.hours import Limits, policy_on, said
from rules.members import IN_A_GROUP
from rules.page_views import day_of

NOTHING = Decimal(0)
STEP = 5
"""Hours from one column of the chart to the next."""
IN_NONE = -1
"""The column of those who are in no group: not of the chart."""


@dataclass(frozen=True)
class Members:
    """How many there are of a school or a group, and how far they are."""

    number: int
    reached: int
    counted: Decimal
    """Their counted hours, added up."""

    @property
    def below(self) -> int:
        return self.number - self.reached

    @property
    def average(self) -> Decimal:
        """Counted hours a head, to a tenth; nothing for nobody."""
        return (self.counted / self.number).quantize(Decimal("0.1")) if self.number else NOTHING


@dataclass(frozen=True)
class GroupFigures:
    """One group: its members' hours, and what it has put on."""

    id: int
    name: str
    leader: str
    members: Members
    activities: int
    completed: int
    """Activities that are over by their own act, offline ones that is."""
    has_plan: bool


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
    """A school, or those of its groups that the reader answers for; who is in several groups counts once."""

    members: Members
    spread: Sequence[tuple[str, int]]
    """How many persons have counted so many hours: 0, above 0, from 5, … and the target reached."""
    groups: Sequence[GroupFigures]
    ungrouped: int
    """Certified teachers of the school who are in none of its groups; 0 where only some groups are asked for."""


def school_with_limits(session: Session, pk: int, *, now: datetime) -> tuple[SchoolProgramme, Limits] | None:
    """A school's programme within reach, and the limits of its hours today; one statement. None out of reach."""
    # The bare table: whoever reads the school is told its limits, also without the right to read policies.
    dated: Any = HourPolicy.__table__.c
    policies = select(SchoolProgramme, dated.valid_from, dated.target, dated.cap).join(
        HourPolicy.__table__, dated.programme_id == SchoolProgramme.programme_id
    )
    rows = session.execute(policies.where(SchoolProgramme.id == pk)).all()
    return (rows[0][0], policy_on(rows, day_of(now))) if rows else None


def progress_of(
    session: Session, identity: Identity, school: SchoolProgramme, group_ids: Collection[int] | None, limits: Limits
) -> Progress:
    """Hours of the school's members, or of those groups' alone; the caller has asked whether the person may see them.

    One statement, however many teachers, groups and activities there are.
    """
    marks = _marks(limits.target)
    by_unit: dict[int | None, list[Any]] = defaultdict(list)
    with acting_as(identity.serving()):
        for row in session.execute(_figures(school, group_ids, limits, marks)):
            by_unit[row.group_id].append(row)
    everybody = by_unit.pop(None, [])
    ungrouped = sum(row.number for row in everybody if row.mark == IN_NONE)
    everybody = [row for row in everybody if row.mark != IN_NONE]
    numbers = Counter({row.mark: row.number for row in everybody})
    ranges = zip(marks, [*marks[1:], limits.target], strict=True)
    edges = ["0", *(f"{said(mark)}–{said(after)}" for mark, after in ranges), f"≥{said(limits.target)}"]
    spread = [(edge, numbers[at]) for at, edge in enumerate(edges)]
    top = len(edges) - 1
    return Progress(_members_of(everybody, top), spread, [_group(rows, top) for rows in by_unit.values()], ungrouped)


def _members_of(rows: Sequence[Any], top: int) -> Members:
    """The rows of one unit, one for each column of the chart, in one."""
    reached = sum(row.number for row in rows if row.mark == top)
    return Members(sum(row.number for row in rows), reached, sum((row.counted for row in rows), NOTHING))


def _group(rows: Sequence[Any], top: int) -> GroupFigures:
    one = rows[0]
    return GroupFigures(
        id=one.group_id,
        name=one.name,
        leader=one.leader or "",
        members=_members_of(rows, top),
        activities=one.activities or 0,
        completed=one.completed or 0,
        has_plan=one.plan is not None,
    )


# --- sums -------------------------------------------------------------------------------------------------------------


def members_in(*conditions: ColumnElement[bool]) -> Select[*tuple[Any, ...]]:
    """Who is in which group of which school's programme now."""
    held = (Post.role.in_(IN_A_GROUP), in_office(), Account.teacher_id.is_not(None), *conditions)
    columns = (Account.teacher_id, ResearchGroup.id.label("group_id"), ResearchGroup.school_programme_id, SchoolProgramme.programme_id)
    members = select(*columns).join(SchoolProgramme, SchoolProgramme.id == ResearchGroup.school_programme_id)
    return members.join(Post, Post.scope_path == ResearchGroup.scope_path).join(Account, Account.id == Post.account_id).where(*held)


def of_groups(school: SchoolProgramme, group_ids: Collection[int] | None) -> list[ColumnElement[bool]]:
    """The condition for those groups of the school, or all of them."""
    chosen = [ResearchGroup.id.in_(sorted(group_ids))] if group_ids is not None else []
    return [ResearchGroup.school_programme_id == school.id, *chosen]


def in_no_group(school: SchoolProgramme, members: FromClause) -> tuple[ColumnElement[bool], ...]:
    """The condition for these teachers; ``members`` has the ``teacher_id`` of who is in a group of the school."""
    certified = Teacher.certification == CertificationState.PASSED
    return Teacher.school_id == school.school_id, certified, Teacher.id.not_in(select(members.c.teacher_id))


def counted_in(teacher_id: ColumnElement[Any], programme_id: ColumnElement[Any], cap: ColumnElement[Any]) -> ColumnElement[Any]:
    """What counts of a person's hours: all that is registered, and of what is accrued as much as the cap still holds."""
    registered = func.sum(case((HourEntry.state == HourState.REGISTERED, func.coalesce(HourEntry.counted, 0)), else_=0))
    accrued = func.sum(case((HourEntry.state == HourState.ACCRUED, HourEntry.hours), else_=0))
    added = select(func.coalesce(registered, 0).label("registered"), func.coalesce(accrued, 0).label("accrued"))
    sums = added.where(*valid_hours(teacher_id, programme_id)).correlate(*teacher_id._from_objects).subquery()
    room = case((sums.c.registered < cap, cap - sums.c.registered), else_=0)
    # SQLite adds binary fractions, which are no hundredths before they are rounded.
    counted = func.round(sums.c.registered + case((sums.c.accrued < room, sums.c.accrued), else_=room), 2, type_=HourEntry.hours.type)
    return select(counted).scalar_subquery()


def valid_hours(teacher_id: ColumnElement[Any], programme_id: ColumnElement[Any]) -> tuple[ColumnElement[bool], ...]:
    """The entries of one person in a programme that were not voided."""
    return HourEntry.teacher_id == teacher_id, HourEntry.programme_id == programme_id, HourEntry.state != HourState.VOID


def _standing(members: CTE, limits: Mapping[int, Limits]) -> CTE:
    """Each person once for each school: what counts of their hours under that school's limits."""
    people = select(members.c.school_programme_id, members.c.programme_id, members.c.teacher_id).distinct().subquery()
    cap = case({school: limit.cap for school, limit in limits.items()}, value=people.c.school_programme_id)
    counted = counted_in(people.c.teacher_id, people.c.programme_id, cap)
    # Made once: the sums would be made again wherever a column of them is named.
    return select(people.c.school_programme_id, people.c.teacher_id, counted.label("counted")).cte("standing").prefix_with("MATERIALIZED")


def _marks(target: Decimal) -> list[Decimal]:
    """Where each column of the chart but the last begins: just above 0, 5, 10, …"""
    return [NOTHING, *(Decimal(mark) for mark in range(STEP, int(target) + 1, STEP) if mark < target)]


def _figures(school: SchoolProgramme, group_ids: Collection[int] | None, limits: Limits, marks: Sequence[Decimal]) -> CompoundSelect[Any]:
    """Every group with how many of its members stand in each column of the chart; under no group the same of everybody, and who is in none."""
    ours = of_groups(school, group_ids)
    members = members_in(*ours).cte("members")
    counted = _standing(members, {school.id: limits}).c.counted
    columns = [(counted >= mark, at) for at, mark in list(enumerate(marks, 1))[:0:-1]]
    mark = case((counted >= limits.target, len(marks) + 1), *columns, (counted > 0, 1), else_=0)
    persons = select(counted.table.c.teacher_id, counted, mark.label("mark")).cte("persons")
    numbers = (persons.c.mark, func.count().label("number"), func.sum(persons.c.counted).label("counted"))
    theirs = select(members.c.group_id, *numbers).join(persons, persons.c.teacher_id == members.c.teacher_id)
    tally = theirs.group_by(members.c.group_id, persons.c.mark).subquery()
    told = (tally.c.mark, func.coalesce(tally.c.number, 0).label("number"), func.coalesce(tally.c.counted, 0).label("counted"))
    activities, leader = _activities(ours), aliased(Teacher)
    facts = (
        ResearchGroup.name.label("name"),
        leader.name.label("leader"),
        activities.c.activities,
        activities.c.completed,
        GroupPlan.id.label("plan"),
    )
    groups = select(ResearchGroup.id.label("group_id"), *told, *facts).outerjoin(tally, tally.c.group_id == ResearchGroup.id).where(*ours)
    groups = groups.outerjoin(leader, leader.id == ResearchGroup.leader_id).outerjoin(GroupPlan, GroupPlan.group_id == ResearchGroup.id)
    groups = groups.outerjoin(activities, activities.c.group_id == ResearchGroup.id)
    nothing: list[Any] = [null() for _fact in facts]
    everybody = select(null(), *numbers, *nothing).group_by(persons.c.mark)
    alone = [*in_no_group(school, members)] if group_ids is None else [false()]
    in_none: Sequence[Any] = (null(), literal(IN_NONE), func.count(Teacher.id), literal(NOTHING), *nothing)
    return union_all(groups, everybody, select(*in_none).where(*alone)).order_by("name", "group_id")


def _activities(ours: Sequence[ColumnElement[bool]]) -> Subquery:
    """Group → how many activities it has put on, and how many of them are completed."""
    done = func.sum(case((Activity.state == ActivityState.COMPLETED, 1), else_=0))
    counts = select(Activity.group_id, func.count().label("activities"), done.label("completed"))
    of = (Activity.state != ActivityState.DRAFT, Activity.group_id.in_(select(ResearchGroup.id).where(*ours)))
    return counts.where(*of).group_by(Activity.group_id).subquery()


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
    standing = _standing(members_in(ResearchGroup.school_programme_id.in_(sorted(limits))).cte("members"), limits)
    target = case({school: limit.target for school, limit in limits.items()}, value=standing.c.school_programme_id)
    reached = func.sum(case((standing.c.counted >= target, 1), else_=0))
    return select(standing.c.school_programme_id, func.count(), reached).group_by(standing.c.school_programme_id)
