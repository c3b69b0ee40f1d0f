"""研修专题、研修活动 and the hours they bring, behind every door (S0-61, S0-78, S0-127, S1-06…33, S1-49)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import sessionmaker

from models.activities import Activity, ActivityKind, ActivityState, OfflineForm, Participation, ParticipationState, Topic, TopicState
from models.hours import HourEntry, HourPolicy, HourState
from models.invariants import what_keeps
from models.research import SchoolProgramme, SchoolState
from models.scoping import SYSTEM, acting_as
from models.violation import NotPermitted, OutOfReach, RuleViolation
from rules.activities import ACTIVITY
from rules.offline import complete_offline, name_participants, reopen_offline
from rules.page_views import day_of
from rules.participation import PARTICIPATION, complete, enter
from rules.topics import TOPIC
from rules.workflow import take
from tests.cast import TODAY, Cast
from tests.research_cast import ACTIVITY as ACTIVITY_OF_THE_CAST
from tests.services.lessons import LEADER, MEMBER, OTHER, Lessons

DISCUSSION, HOMEWORK, OBSERVATION, OFFLINE = ActivityKind


@pytest.fixture
def lessons(cast: Cast, factory: sessionmaker[Any]) -> Iterator[Lessons]:
    with factory() as session:
        yield Lessons(cast, session)


def refused(lessons: Lessons, kind: ActivityKind, **given: Any) -> tuple[str | None, str]:
    with pytest.raises(RuleViolation) as refusal:
        lessons.activity(LEADER, kind, **given)
    return refusal.value.field, str(refusal.value)


def entries(lessons: Lessons) -> list[tuple[Decimal, HourState]]:
    with acting_as(SYSTEM):
        new = (HourEntry.programme_id == lessons.school.programme_id, HourEntry.title != ACTIVITY_OF_THE_CAST)
        return [
            (hours, state)
            for hours, state in lessons.session.execute(select(HourEntry.hours, HourEntry.state).where(*new).order_by(HourEntry.id))
        ]


@pytest.mark.parametrize(("kind", "hours"), [(DISCUSSION, "2"), (HOMEWORK, "5"), (OBSERVATION, "5")])
def test_fixed_hours_come_from_the_policy_and_cannot_be_chosen(lessons: Lessons, kind: ActivityKind, hours: str) -> None:
    """S1-24, S1-26…29."""
    assert lessons.activity(LEADER, kind).hours == Decimal(hours)
    field, sentence = refused(lessons, kind, hours=Decimal(hours) + 1)
    assert field == "hours" and "固定为" in sentence


def test_fixed_hours_cannot_be_edited_either(lessons: Lessons) -> None:
    row = lessons.activity(LEADER, DISCUSSION)
    with acting_as(lessons.as_personal(LEADER)), pytest.raises(RuleViolation, match="固定为 2 学时"):
        row.hours = Decimal(9)
        lessons.session.commit()


def test_an_activity_keeps_the_policy_of_the_day_it_starts(lessons: Lessons) -> None:
    """A policy that changes in the middle changes what starts later, not what was there."""
    with acting_as(SYSTEM):
        policy = HourPolicy(programme_id=lessons.school.programme_id, valid_from=date(2026, 12, 1), discussion=Decimal(3))
        lessons.session.add(policy)
        lessons.session.commit()
    before = lessons.activity(LEADER, DISCUSSION, ends_at=TODAY + timedelta(days=20))
    after = lessons.activity(LEADER, DISCUSSION, starts_at=TODAY + timedelta(days=10), title="十二月")
    assert (before.hours, after.hours, after.policy_id) == (Decimal(2), Decimal(3), policy.id)


def test_activities_to_come_follow_a_new_policy_unless_somebody_has_joined(lessons: Lessons) -> None:
    """S1-24…29: worth what the policy of the day they start says, whenever that policy was made; a promise is kept (decision 0007)."""
    begins = {"starts_at": TODAY + timedelta(days=10), "ends_at": TODAY + timedelta(days=20)}
    free, joined = (lessons.activity(LEADER, DISCUSSION, title=title, **begins) for title in ("自由", "已参与"))
    sooner = lessons.activity(LEADER, DISCUSSION, title="之前", starts_at=TODAY + timedelta(days=2), ends_at=TODAY + timedelta(days=20))
    offline = lessons.activity(LEADER, ActivityKind.OFFLINE, title="线下", hours=Decimal(6), offline_form=OfflineForm.PREPARATION, **begins)
    with acting_as(SYSTEM):
        lessons.session.add(Participation(activity_id=joined.id, teacher_id=lessons.cast.teacher[MEMBER], joined_at=TODAY))
        lessons.session.commit()
        policy = HourPolicy(programme_id=lessons.school.programme_id, valid_from=day_of(TODAY) + timedelta(days=5), discussion=Decimal(4))
        lessons.session.add(policy)
        lessons.session.commit()
        rows = (free, joined, sooner, offline)
        for row in rows:
            lessons.session.refresh(row)
        assert [row.hours for row in rows] == [4, 2, 2, 6]
        assert [row.policy_id == policy.id for row in rows] == [True, False, False, True]
        policy.discussion = Decimal(3)
        lessons.session.commit()
        lessons.session.refresh(free)
        assert free.hours == 3


@pytest.mark.parametrize("hours", ["0.001", "3.333", "NaN", "Infinity", "1000000"])
def test_hours_are_hundredths_and_a_number(lessons: Lessons, hours: str) -> None:
    """Behind every door: databases would round, or keep what is none."""
    with pytest.raises(RuleViolation, match=r"位小数|须为数字|过大") as refused:
        lessons.activity(LEADER, ActivityKind.OFFLINE, hours=Decimal(hours), offline_form=OfflineForm.PREPARATION)
    assert refused.value.field == "hours"


@pytest.mark.parametrize("hours", ["0.5", "10"])
def test_offline_hours_are_set_by_the_leader(lessons: Lessons, hours: str) -> None:
    """S1-30, S1-31."""
    assert lessons.activity(LEADER, OFFLINE, hours=Decimal(hours), offline_form=OfflineForm.PREPARATION).hours == Decimal(hours)


@pytest.mark.parametrize("hours", [None, "0", "-1", "10.5", "11"])
def test_offline_hours_out_of_bounds_are_refused(lessons: Lessons, hours: str | None) -> None:
    given = {"hours": Decimal(hours)} if hours else {}
    field, _sentence = refused(lessons, OFFLINE, offline_form=OfflineForm.PREPARATION, **given)
    assert field == "hours"


@pytest.mark.parametrize(
    ("kind", "given", "field"),
    [
        (OFFLINE, {"hours": Decimal(3)}, "offline_form"),
        (DISCUSSION, {"offline_form": OfflineForm.DISCUSSION}, "offline_form"),
        (HOMEWORK, {"guest_teacher": "梅"}, "guest_teacher"),
        (OBSERVATION, {"rubric_id": None}, "rubric"),
        (DISCUSSION, {"ends_at": TODAY}, "ends_at"),
        (DISCUSSION, {"starts_at": TODAY - timedelta(days=200)}, "starts_at"),
        (DISCUSSION, {"ends_at": TODAY + timedelta(days=400)}, "ends_at"),
    ],
)
def test_what_does_not_fit_is_told_beside_its_field(lessons: Lessons, kind: ActivityKind, given: dict[str, Any], field: str) -> None:
    assert refused(lessons, kind, **given)[0] == field


@pytest.mark.parametrize(
    ("values", "phase"),
    [
        ({"state": TopicState.DRAFT}, "草稿"),
        ({"starts_on": date(2026, 11, 24)}, "未开始"),
        ({"ends_on": date(2026, 11, 22)}, "已结束"),
    ],
)
def test_activities_come_under_a_topic_in_progress_alone(
    lessons: Lessons, monkeypatch: pytest.MonkeyPatch, values: dict[str, Any], phase: str
) -> None:
    """S0-78, S0-127."""
    monkeypatch.setattr("rules.activities.utcnow", lambda: TODAY)
    monkeypatch.setattr("rules.topics.utcnow", lambda: TODAY)
    monkeypatch.setattr("rules.closing.utcnow", lambda: TODAY)
    with acting_as(SYSTEM):
        lessons.session.execute(update(Topic).where(Topic.id == lessons.topic.id).values(values))
        lessons.session.commit()
        lessons.session.expire_all()
    field, sentence = refused(lessons, DISCUSSION)
    assert field == "topic" and f"目前是“{phase}”" in sentence


def test_a_topic_is_published_by_its_leader_and_withdrawn_only_while_it_is_empty(lessons: Lessons) -> None:
    leader = lessons.as_personal(LEADER)
    with acting_as(leader):
        topic = Topic(group_id=lessons.group.id, title="新专题", starts_on=date(2026, 11, 1), ends_on=date(2027, 1, 1))
        lessons.session.add(topic)
        lessons.session.commit()
    take(lessons.session, leader, TOPIC, topic, "publish", now=TODAY)
    take(lessons.session, leader, TOPIC, topic, "withdraw", now=TODAY)
    with pytest.raises(RuleViolation, match="不能撤回"):
        take(lessons.session, leader, TOPIC, lessons.topic, "withdraw", now=TODAY)
    with pytest.raises(NotPermitted):
        take(lessons.session, lessons.as_personal(MEMBER), TOPIC, topic, "publish", now=TODAY)


def test_the_school_looks_at_activities_only_and_deletes_empty_topics(lessons: Lessons) -> None:
    """S0-59, S0-62."""
    school = lessons.cast.identity("平")
    assert not any(school.may(act, "activity") for act in ("add", "edit", "delete", "publish"))
    assert school.may("delete", "topic") and not school.may("edit", "topic")
    with acting_as(school):
        assert what_keeps(lessons.session, lessons.topic), "its activity keeps it"


def test_hours_come_with_completion_and_once(lessons: Lessons) -> None:
    """S1-25: not with joining; a second completion of the same round credits nothing."""
    row = lessons.activity(LEADER, DISCUSSION)
    member = lessons.as_personal(MEMBER)
    with acting_as(member.serving()):
        joined = enter(lessons.session, member, row, lessons.cast.teacher[MEMBER], now=TODAY)
        lessons.session.commit()
        assert entries(lessons) == []
        for _twice in range(2):
            complete(lessons.session, member, joined, now=TODAY)
            lessons.session.commit()
    assert entries(lessons) == [(Decimal(2), HourState.ACCRUED)]


def test_what_is_returned_is_void_and_counts_again_when_completed_anew(lessons: Lessons) -> None:
    row = lessons.activity(LEADER, HOMEWORK)
    member, leader = lessons.as_personal(MEMBER), lessons.as_personal(LEADER)
    with acting_as(member.serving()):
        joined = enter(lessons.session, member, row, lessons.cast.teacher[MEMBER], now=TODAY)
        complete(lessons.session, member, joined, now=TODAY)
        lessons.session.commit()
    take(lessons.session, leader, PARTICIPATION, joined, "return", comment="请补充反思", now=TODAY)
    assert entries(lessons) == [(Decimal(5), HourState.VOID), (Decimal(-5), HourState.VOID)]
    with acting_as(member.serving()):
        complete(lessons.session, member, joined, now=TODAY)
        lessons.session.commit()
    assert entries(lessons)[-1] == (Decimal(5), HourState.ACCRUED)


def test_nobody_joins_twice(lessons: Lessons) -> None:
    row = lessons.activity(LEADER, DISCUSSION)
    member = lessons.as_personal(MEMBER)
    with acting_as(member.serving()):
        enter(lessons.session, member, row, lessons.cast.teacher[MEMBER], now=TODAY)
        with pytest.raises(RuleViolation, match="已参与"):
            enter(lessons.session, member, row, lessons.cast.teacher[MEMBER], now=TODAY)


def test_an_activity_somebody_joined_is_a_promise(lessons: Lessons) -> None:
    row = lessons.activity(LEADER, DISCUSSION)
    leader, member = lessons.as_personal(LEADER), lessons.as_personal(MEMBER)
    with acting_as(member.serving()):
        enter(lessons.session, member, row, lessons.cast.teacher[MEMBER], now=TODAY)
        lessons.session.commit()
    with acting_as(leader):
        row.title, row.ends_at = "说得更清楚", row.ends_at + timedelta(days=1)
        lessons.session.commit()
        assert what_keeps(lessons.session, row)
        with pytest.raises(RuleViolation, match="已有教师参与"):
            row.ends_at = row.ends_at - timedelta(days=3)
            lessons.session.commit()
    with pytest.raises(RuleViolation, match="不能撤回"):
        take(lessons.session, leader, ACTIVITY, published(lessons, row), "withdraw", now=TODAY)


def published(lessons: Lessons, row: Activity) -> Activity:
    if row.state is ActivityState.DRAFT:
        take(lessons.session, lessons.as_personal(LEADER), ACTIVITY, row, "publish", now=TODAY)
    return row


def offline(lessons: Lessons) -> Activity:
    row = lessons.activity(LEADER, OFFLINE, hours=Decimal("7.5"), offline_form=OfflineForm.PREPARATION)
    return published(lessons, row)


def test_evidence_completes_an_offline_activity_for_everybody_named(lessons: Lessons) -> None:
    """S1-14, S1-15, S1-32, S1-33: members do nothing online."""
    row, leader = offline(lessons), lessons.as_personal(LEADER)
    ids = [lessons.cast.teacher[LEADER], lessons.cast.teacher[MEMBER]]
    assert name_participants(lessons.session, leader, row, ids, now=TODAY) == 2
    with acting_as(leader), pytest.raises(RuleViolation) as refusal:
        complete_offline(lessons.session, leader, row, [], now=TODAY)
    assert refusal.value.field == "evidence"
    with acting_as(leader):
        assert complete_offline(lessons.session, leader, row, ["photo"], now=TODAY) == 2
        lessons.session.commit()
    assert row.state is ActivityState.COMPLETED
    assert entries(lessons) == [(Decimal("7.5"), HourState.ACCRUED)] * 2
    assert reopen_offline(lessons.session, leader, row, "照片有误", now=TODAY) == 2
    assert sum(hours for hours, _state in entries(lessons)) == 0
    with acting_as(SYSTEM):
        states = lessons.session.scalars(select(Participation.state).filter_by(activity_id=row.id)).all()
    assert set(states) == {ParticipationState.JOINED}


def test_only_members_are_named_and_only_by_the_leader(lessons: Lessons) -> None:
    row = offline(lessons)
    with pytest.raises(RuleViolation, match="不是本教研组成员"):
        name_participants(lessons.session, lessons.as_personal(LEADER), row, [lessons.cast.teacher[OTHER]], now=TODAY)
    for who, error in ((lessons.as_personal(MEMBER), NotPermitted), (lessons.cast.identity("平"), NotPermitted)):
        with pytest.raises(error):
            name_participants(lessons.session, who, row, [lessons.cast.teacher[MEMBER]], now=TODAY)
    with pytest.raises((NotPermitted, OutOfReach)):
        name_participants(lessons.session, lessons.cast.identity("锐"), row, [lessons.cast.teacher[MEMBER]], now=TODAY)


def test_after_acceptance_nothing_moves_any_more(lessons: Lessons) -> None:
    """S1-49: registered hours are neither added to nor taken back."""
    row, leader = offline(lessons), lessons.as_personal(LEADER)
    name_participants(lessons.session, leader, row, [lessons.cast.teacher[MEMBER]], now=TODAY)
    with acting_as(leader):
        complete_offline(lessons.session, leader, row, ["photo"], now=TODAY)
        lessons.session.commit()
    with acting_as(SYSTEM):
        passed = update(SchoolProgramme).where(SchoolProgramme.id == lessons.school.id).values(state=SchoolState.PASSED)
        lessons.session.execute(passed)
        lessons.session.commit()
        lessons.session.expire_all()
    with pytest.raises(RuleViolation, match="已通过整校验收"):
        reopen_offline(lessons.session, leader, row, "照片有误", now=TODAY)
    assert "已通过整校验收" in refused(lessons, DISCUSSION)[1]
    with acting_as(SYSTEM):
        count = lessons.session.scalar(select(func.count()).select_from(HourEntry).where(HourEntry.state == HourState.VOID))
    assert count == 0
