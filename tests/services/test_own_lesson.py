"""听课评课 of one's own lesson: who teaches is a member of the group or a guest, gives no stars, and talks of design and reflection (S1-11, S1-12)."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.orm import sessionmaker

from models.access import Post
from models.activities import Activity, ActivityKind, Evaluation
from models.hours import HourState
from models.scoping import acting_as
from models.violation import RuleViolation
from rules.activities import ACTIVITY
from rules.files import files_of
from rules.grants import GROUP_MEMBER
from rules.participation import PARTICIPATION
from rules.taking_part import LESSON, evaluate, hand_in_lesson, join
from rules.workflow import take
from tests.cast import TODAY, Cast
from tests.services.lessons import LEADER, MEMBER, OTHER, Lessons
from tests.services.test_taking_part import COMPLETED, JOINED, hours, parts, today, uploaded, written  # noqa: F401

OBSERVATION = ActivityKind.OBSERVATION


@pytest.fixture
def lessons(cast: Cast, factory: sessionmaker[Any]) -> Iterator[Lessons]:
    with factory() as session:
        yield Lessons(cast, session)


def taught_by(lessons: Lessons, who: str, *joining: str) -> Activity:
    """A published observation of a lesson that ``who`` teaches, joined by these."""
    row = lessons.activity(LEADER, OBSERVATION, teaching_teacher_id=lessons.cast.teacher[who])
    take(lessons.session, lessons.as_personal(LEADER), ACTIVITY, row, "publish", now=TODAY)
    for name in joining:
        join(lessons.session, lessons.as_personal(name), row, now=TODAY)
    return row


@pytest.mark.parametrize("who", [LEADER, MEMBER])
def test_leader_and_members_teach(lessons: Lessons, who: str) -> None:
    assert taught_by(lessons, who).teaching_teacher_id == lessons.cast.teacher[who]


def test_who_is_not_of_the_group_is_a_guest_by_name(lessons: Lessons) -> None:
    with pytest.raises(RuleViolation, match="请填写在“外请执教教师”") as refusal:
        taught_by(lessons, OTHER)
    assert refusal.value.field == "teaching_teacher"
    assert lessons.activity(LEADER, OBSERVATION, guest_teacher="特级教师张老师").guest_teacher == "特级教师张老师"
    both = {"teaching_teacher_id": lessons.cast.teacher[MEMBER], "guest_teacher": "张老师"}
    with pytest.raises(RuleViolation, match="只填一项") as refusal:
        lessons.activity(LEADER, OBSERVATION, **both)
    assert refusal.value.field == "guest_teacher"
    with pytest.raises(RuleViolation, match="只用于“听课评课”"):
        lessons.activity(LEADER, ActivityKind.DISCUSSION, teaching_teacher_id=lessons.cast.teacher[MEMBER])


def test_nobody_gives_their_own_lesson_stars(lessons: Lessons) -> None:
    row = taught_by(lessons, MEMBER, MEMBER, LEADER)
    with pytest.raises(RuleViolation, match="不评自己的课"):
        evaluate(lessons.session, lessons.as_personal(MEMBER), row, [5, 5], "很好", now=TODAY)
    assert [part.state for part in parts(lessons, row)] == [JOINED, JOINED]
    assert evaluate(lessons.session, lessons.as_personal(LEADER), row, [5, 4], "导入有趣", now=TODAY).average == Decimal("4.50")


def test_the_teaching_teacher_completes_it_with_design_and_reflection(lessons: Lessons, tmp_path: Path) -> None:
    """S1-12, S1-28: credited like those who observe, and again after it was returned."""
    row, member = taught_by(lessons, MEMBER, MEMBER), lessons.as_personal(MEMBER)
    with pytest.raises(RuleViolation, match="请至少上传一个文件") as refusal:
        hand_in_lesson(lessons.session, member, row, [], now=TODAY)
    assert refusal.value.field == LESSON
    file = uploaded(lessons, tmp_path, MEMBER, "教学反思.pdf")
    part = hand_in_lesson(lessons.session, member, row, [file], now=TODAY)
    assert part.state is COMPLETED and hours(lessons, row) == [(Decimal(5), HourState.ACCRUED)]
    assert [one.name for one in files_of(lessons.session, [row], LESSON)[row.id]] == ["教学反思.pdf"]
    take(lessons.session, lessons.as_personal(LEADER), PARTICIPATION, part, "return", comment="请补充反思", now=TODAY)
    hand_in_lesson(lessons.session, member, row, [file], now=TODAY)
    assert [state for _hours, state in hours(lessons, row)] == [HourState.VOID, HourState.VOID, HourState.ACCRUED]


def test_who_observes_hands_in_no_lesson(lessons: Lessons, tmp_path: Path) -> None:
    row = taught_by(lessons, MEMBER, LEADER)
    with pytest.raises(RuleViolation, match="由执教教师上传"):
        hand_in_lesson(lessons.session, lessons.as_personal(LEADER), row, [uploaded(lessons, tmp_path, LEADER)], now=TODAY)
    with pytest.raises(RuleViolation, match="请先点击“参与”"):
        hand_in_lesson(lessons.session, lessons.as_personal(MEMBER), row, [uploaded(lessons, tmp_path, MEMBER)], now=TODAY)
    assert hours(lessons, row) == [] and files_of(lessons.session, [row], LESSON)[row.id] == []


def test_once_somebody_has_joined_who_teaches_stays(lessons: Lessons) -> None:
    """And stays named when they leave the group: the leader goes on writing the rest."""
    row = taught_by(lessons, MEMBER, LEADER)
    with acting_as(lessons.as_personal(LEADER)), pytest.raises(RuleViolation, match="已有教师参与"):
        row.teaching_teacher_id = lessons.cast.teacher[LEADER]
        lessons.session.commit()
    written(lessons, update(Post).where(Post.role == GROUP_MEMBER).values(until=TODAY))
    with acting_as(lessons.as_personal(LEADER)):
        row = lessons.session.get_one(Activity, row.id)
        row.summary = "教师们学到了情境导入"
        lessons.session.commit()
    assert row.teaching_teacher_id == lessons.cast.teacher[MEMBER]
    assert lessons.session.query(Evaluation).filter_by(activity_id=row.id).count() == 0
