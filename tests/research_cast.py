"""School-based research in the cast's North school: one row of every table, owned by what the row above it says."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from models.activities import Activity, ActivityKind, ActivityState, Comment, Evaluation, Participation, Rubric, Topic, TopicState
from models.hours import HourCategory, HourEntry, HourPolicy, Programme
from models.outcomes import AbilityPoint, AbilitySummary, ImprovementPlan, Outcome, OutcomeState
from models.people import Teacher
from models.research import GroupPlan, RemovalRequest, ResearchGroup, ScaleItem, ScaleScore, SchoolProgramme, SchoolState

if TYPE_CHECKING:
    from tests.cast import World

PROGRAMME, GROUP, TOPIC, ACTIVITY = "整校推进2026", "北语文教研组", "整本书阅读", "如何导读"


def add_research(world: World, today: Any) -> None:
    """A programme of 思明区 in which North takes part with one group, and what its teachers have done so far."""
    county, north = world.units["350203"], world.units["北"]
    bamboo = world.session.query(Teacher).filter_by(name="竹").one()

    def add(row: Any, owner: Any) -> Any:
        row.scope_path = owner.scope_path
        return world._add(row)

    programme = add(
        Programme(name=PROGRAMME, year=2026, region_id=county.id, starts_on=date(2026, 9, 1), ends_on=date(2027, 8, 31)), county
    )
    policy = add(HourPolicy(programme_id=programme.id, valid_from=date(2026, 9, 1)), programme)
    school = SchoolProgramme(programme_id=programme.id, school_id=north.id, state=SchoolState.OPEN, theme="读写融合", opened_at=today)
    school.name = f"{north.name} · {PROGRAMME}"
    add(school, north)
    group = add(ResearchGroup(school_programme_id=school.id, name=GROUP), north)
    group.scope_path += f"g{group.id}/"
    add(GroupPlan(group_id=group.id, title="一年计划", content="每月一次"), group)
    topic = Topic(group_id=group.id, title=TOPIC, starts_on=date(2026, 9, 1), ends_on=date(2027, 7, 1), state=TopicState.PUBLISHED)
    add(topic, group)
    rubric = add(Rubric(group_id=group.id, name="课堂评价", criteria="教学目标\n教学过程"), group)
    activity = Activity(topic_id=topic.id, group_id=group.id, kind=ActivityKind.OBSERVATION, title=ACTIVITY, rubric_id=rubric.id)
    activity.starts_at, activity.ends_at, activity.hours = today - timedelta(days=7), today + timedelta(days=7), Decimal(5)
    activity.policy_id, activity.state = policy.id, ActivityState.PUBLISHED
    add(activity, group)
    part = add(Participation(activity_id=activity.id, teacher_id=bamboo.id, joined_at=today), group)
    add(Comment(activity_id=activity.id, teacher_id=bamboo.id, body="北的评课记录"), group)
    evaluation = Evaluation(activity_id=activity.id, teacher_id=bamboo.id, stars=[5, 4], average=Decimal("4.5"), summary="北的建议")
    add(evaluation, group)
    entry = HourEntry(teacher_id=bamboo.id, programme_id=programme.id, policy_id=policy.id, category=HourCategory.OBSERVATION)
    entry.title, entry.hours, entry.earned_at, entry.evidence = ACTIVITY, Decimal(5), today, f"participation/{part.id}/1"
    add(entry, group)
    _hand_in(add, world, school, programme, bamboo, today)
    add(Outcome(group_id=group.id, title="北的成果", state=OutcomeState.SUBMITTED, submitted_at=today), group)


def _hand_in(add: Any, world: World, school: SchoolProgramme, programme: Programme, teacher: Teacher, today: Any) -> None:
    """What one teacher has handed in, and what the school asks for and is given points for."""
    theirs = {"school_programme_id": school.id, "teacher_id": teacher.id}
    add(ImprovementPlan(**theirs, handed_in_at=today), school)
    point = world._reference(AbilityPoint, "A1")
    add(AbilitySummary(**theirs, ability_point_id=point.id, handed_in_at=today), school)
    add(RemovalRequest(**theirs, reason="调往他校"), school)
    item = add(ScaleItem(programme_id=programme.id, name="校本研修网络空间建设"), programme)
    add(ScaleScore(school_programme_id=school.id, scale_item_id=item.id, points=8), school)
