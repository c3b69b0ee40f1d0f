"""The persons behind a school's figures: what each has counted, what they lack, and what they have done (S0-31, S0-32, S0-37, S1-35).

The one thing a newcomer gets wrong: whoever is in two groups is one person. Their groups are a column of theirs.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import CTE, ColumnElement, Select, String, Subquery, cast, func, literal, select, true
from sqlalchemy.orm import Session

from models.activities import Activity, Participation, ParticipationState
from models.follow_ups import FollowUp
from models.hours import HourEntry
from models.inside import begins
from models.outcomes import AbilitySummary, ImprovementPlan, SummaryState
from models.people import Teacher
from models.research import ResearchGroup, SchoolProgramme
from models.scoping import Identity, acting_as, in_reach
from rules.hours import Limits
from rules.research_figures import counted_in, members_in, of_groups, valid_hours


@dataclass(frozen=True)
class Standing:
    """A member's hours in the programme, wherever they earned them."""

    teacher_id: int
    name: str
    group_ids: tuple[int, ...]
    raw: Decimal
    counted: Decimal
    target: Decimal

    @property
    def is_reached(self) -> bool:
        return self.counted >= self.target

    @property
    def missing(self) -> Decimal:
        return max(Decimal(0), self.target - self.counted)


@dataclass(frozen=True)
class Deeds:
    """What one member has done beside their hours."""

    joined: int
    completed: int
    plan: int
    summaries: int
    passed: int
    reminded_at: datetime | None
    is_in_reach: bool
    """Whether the reader reaches the teacher, who may belong to another school by now."""


@dataclass(frozen=True)
class Wanted:
    """Which members are asked for; all of them unless it says so."""

    group_ids: Collection[int] | None = None
    """Of these groups, and nothing is told of their others."""
    group_id: int | None = None
    teacher_ids: Collection[int] | None = None
    name: str = ""
    """How it begins."""
    is_below: bool = False
    """Below the target."""


@dataclass(frozen=True)
class Page:
    """Some of the persons wanted, who misses most first, and how many there are in all."""

    persons: Sequence[Standing]
    found: int
    deeds: Mapping[int, Deeds]
    """Teacher → what they have done, of the persons of the page."""


def persons_of(session: Session, identity: Identity, school: SchoolProgramme, limits: Limits, wanted: Wanted) -> list[Standing]:
    """All of them, who misses most first; one statement. The caller has asked whether the person may see them."""
    chosen = _chosen(school, limits, wanted).subquery()
    with acting_as(identity.serving()):
        return [_standing_of(row, limits) for row in session.execute(_told(chosen, school))]


def page_of_persons(
    session: Session, identity: Identity, school: SchoolProgramme, limits: Limits, wanted: Wanted, *, limit: int, offset: int
) -> Page:
    """The same a page at a time, with what they have done; one statement. Beyond the last page nobody is found."""
    chosen = _chosen(school, limits, wanted).limit(limit).offset(offset).subquery()
    known = in_reach(Teacher, identity)
    reach = select(Teacher.id).where(Teacher.id == chosen.c.teacher_id, true() if known is None else known).exists()
    columns = (*_deeds(chosen.c.teacher_id, school), reach)
    with acting_as(identity.serving()):
        rows = session.execute(_told(chosen, school).add_columns(*columns)).all()
    deeds = {row.teacher_id: Deeds(*row[-len(columns) :]) for row in rows}
    return Page([_standing_of(row, limits) for row in rows], rows[0].found if rows else 0, deeds)


def _standing_of(row: Any, limits: Limits) -> Standing:
    groups = tuple(sorted(int(number) for number in row.groups.split()))
    return Standing(row.teacher_id, row.name, groups, row.raw, row.counted, limits.target)


def _chosen(school: SchoolProgramme, limits: Limits, wanted: Wanted) -> Select[Any]:
    """Who is wanted: their groups, what counts of their hours, and how many they are."""
    members = members_in(*of_groups(school, wanted.group_ids)).cte("members")
    persons = _counted(members, school, limits)
    asked: list[ColumnElement[bool]] = [persons.c.counted < limits.target] if wanted.is_below else []
    if wanted.group_id is not None:
        asked.append(persons.c.teacher_id.in_(select(members.c.teacher_id).where(members.c.group_id == wanted.group_id)))
    if wanted.teacher_ids is not None:
        asked.append(persons.c.teacher_id.in_(sorted(wanted.teacher_ids)))
    if wanted.name:
        asked.append(begins(Teacher.name, wanted.name))
    found = select(*persons.c, Teacher.name, func.count().over().label("found")).join(Teacher, Teacher.id == persons.c.teacher_id)
    return found.where(*asked).order_by(persons.c.counted, Teacher.name, persons.c.teacher_id)


def _counted(members: CTE, school: SchoolProgramme, limits: Limits) -> CTE:
    """Each person once, with their groups and what counts of their hours."""
    groups = func.aggregate_strings(cast(members.c.group_id, String), " ").label("groups")
    people = select(members.c.teacher_id, groups).group_by(members.c.teacher_id).subquery()
    counted = counted_in(people.c.teacher_id, literal(school.programme_id), literal(limits.cap))
    return select(*people.c, counted.label("counted")).cte("persons").prefix_with("MATERIALIZED")


def _told(chosen: Subquery, school: SchoolProgramme) -> Select[Any]:
    """The chosen, in their order, with everything they have earned."""
    earned = func.coalesce(func.sum(HourEntry.hours), 0, type_=HourEntry.hours.type)
    raw = select(earned).where(*valid_hours(chosen.c.teacher_id, literal(school.programme_id))).scalar_subquery()
    return select(*chosen.c, raw.label("raw")).order_by(chosen.c.counted, chosen.c.name, chosen.c.teacher_id)


def _deeds(teacher_id: ColumnElement[int], school: SchoolProgramme) -> list[ColumnElement[Any]]:
    """The first six of ``Deeds``."""

    def handed_in(model: Any, *conditions: ColumnElement[bool]) -> Select[Any]:
        return select(func.count()).where(model.teacher_id == teacher_id, model.school_programme_id == school.id, *conditions)

    parts = select(func.count()).select_from(Participation).join(Activity).join(ResearchGroup)
    parts = parts.where(Participation.teacher_id == teacher_id, ResearchGroup.school_programme_id == school.id)
    reminders = select(func.max(FollowUp.reminded_at)).where(FollowUp.school_programme_id == school.id, FollowUp.teacher_id == teacher_id)
    columns = (
        parts.where(Participation.state == ParticipationState.JOINED),
        parts.where(Participation.state == ParticipationState.COMPLETED),
        handed_in(ImprovementPlan),
        handed_in(AbilitySummary),
        handed_in(AbilitySummary, AbilitySummary.state == SummaryState.PASSED),
        reminders,
    )
    return [column.scalar_subquery() for column in columns]
