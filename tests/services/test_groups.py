"""教研组: leader and members are posts; who may come in, and what keeps a group (S0-52…58, S0-74, S0-131, S0-132, Z-02)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import sessionmaker

from models.access import Post
from models.activities import Activity, ActivityState
from models.invariants import what_keeps
from models.people import CertificationState, Teacher
from models.research import GroupPlan, ResearchGroup
from models.scoping import SYSTEM, acting_as
from models.violation import Conflict, NotPermitted, OutOfReach, RuleViolation
from rules.grants import GROUP_LEADER, GROUP_MEMBER
from rules.groups import add_members, candidates, release_member, without_activity, without_leader
from rules.members import members_of
from tests.cast import TODAY, Cast
from tests.services.lessons import LEADER, MEMBER, OTHER, Lessons


@pytest.fixture
def lessons(cast: Cast, factory: sessionmaker[Any]) -> Iterator[Lessons]:
    with factory() as session:
        yield Lessons(cast, session)


def roles(lessons: Lessons, group: ResearchGroup) -> dict[str, str]:
    return {member.teacher.name: member.post.role for member in members_of(lessons.session, SYSTEM, group)}


def test_the_school_creates_a_group_and_its_leader_holds_the_post_at_once(lessons: Lessons) -> None:
    with acting_as(lessons.cast.identity("平")):
        group = ResearchGroup(school_programme_id=lessons.school.id, name="北数学教研组", leader_id=lessons.cast.teacher[OTHER])
        lessons.session.add(group)
        lessons.session.commit()
    assert group.scope_path == f"{lessons.cast.path['北']}g{group.id}/"
    assert roles(lessons, group) == {OTHER: GROUP_LEADER}


def test_a_new_leader_takes_the_post_and_the_old_one_stays_a_member(lessons: Lessons) -> None:
    with acting_as(lessons.cast.identity("平")):
        lessons.group.leader_id = lessons.cast.teacher[MEMBER]
        lessons.session.commit()
    assert roles(lessons, lessons.group) == {MEMBER: GROUP_LEADER, LEADER: GROUP_MEMBER}


@pytest.mark.parametrize(("name", "sentence"), [("双", "组长须为本校教师。"), ("竹", "“竹”尚未通过认证，不能担任组长。")])
def test_only_a_certified_teacher_of_the_school_leads(lessons: Lessons, name: str, sentence: str) -> None:
    with acting_as(SYSTEM):
        lessons.session.execute(update(Teacher).where(Teacher.name == "竹").values(certification=CertificationState.NONE))
        lessons.session.commit()
        lessons.session.expire_all()
    with acting_as(lessons.cast.identity("平").serving()), pytest.raises(RuleViolation) as refusal:
        lessons.group.leader_id = lessons.cast.teacher[name]
        lessons.session.commit()
    assert str(refusal.value) == sentence and refusal.value.field == "leader"


def test_the_leader_adds_several_members_once(lessons: Lessons) -> None:
    leader = lessons.as_personal(LEADER)
    offered = [teacher.name for teacher in candidates(lessons.session, leader, lessons.group)]
    assert offered == [OTHER], "who is in the group already, and who is not certified, is not offered (S0-53)"
    wanted = [lessons.cast.teacher[OTHER], lessons.cast.teacher[MEMBER]]
    assert add_members(lessons.session, leader, lessons.group, wanted, now=TODAY) == 1
    assert add_members(lessons.session, leader, lessons.group, wanted, now=TODAY) == 0
    assert roles(lessons, lessons.group) == {LEADER: GROUP_LEADER, MEMBER: GROUP_MEMBER, OTHER: GROUP_MEMBER}


def test_a_teacher_of_another_school_does_not_come_in(lessons: Lessons) -> None:
    with pytest.raises(RuleViolation, match="不是本校教师"):
        add_members(lessons.session, lessons.as_personal(LEADER), lessons.group, [lessons.cast.teacher["双"]], now=TODAY)


@pytest.mark.parametrize(("who", "error"), [(MEMBER, NotPermitted), ("锐", OutOfReach), ("林", NotPermitted)])
def test_nobody_else_manages_members(lessons: Lessons, who: str, error: type[Exception]) -> None:
    identity = lessons.as_personal(who) if who == MEMBER else lessons.cast.identity(who)
    with pytest.raises(error):
        add_members(lessons.session, identity, lessons.group, [lessons.cast.teacher[OTHER]], now=TODAY)
    with pytest.raises(error):
        candidates(lessons.session, identity, lessons.group)


def test_a_member_is_released_once_and_the_leader_never(lessons: Lessons) -> None:
    leader = lessons.as_personal(LEADER)
    posts = {member.teacher.name: member.post.id for member in members_of(lessons.session, leader, lessons.group)}
    release_member(lessons.session, leader, lessons.group, posts[MEMBER], now=TODAY)
    assert roles(lessons, lessons.group) == {LEADER: GROUP_LEADER}
    with pytest.raises(Conflict):
        release_member(lessons.session, leader, lessons.group, posts[MEMBER], now=TODAY)
    with pytest.raises(RuleViolation, match="不能移出组长"):
        release_member(lessons.session, leader, lessons.group, posts[LEADER], now=TODAY)


def test_what_a_group_has_keeps_it_and_an_empty_one_goes_with_its_posts(lessons: Lessons) -> None:
    with acting_as(lessons.cast.identity("平")):
        said = " ".join(what_keeps(lessons.session, lessons.group))
        assert "一年计划" in said and "整本书阅读" in said and "1 个研修活动" in said
        assert "1 份研修成果（如“北的成果”）" in said and "1 份评课标准（如“课堂评价”）" in said
        empty = ResearchGroup(school_programme_id=lessons.school.id, name="北数学教研组", leader_id=lessons.cast.teacher[OTHER])
        lessons.session.add(empty)
        lessons.session.commit()
        path = empty.scope_path
        lessons.session.delete(empty)
        lessons.session.commit()
    with acting_as(SYSTEM):
        [post] = lessons.session.scalars(select(Post).filter_by(scope_path=path)).all()
    assert post.until is not None


def test_one_plan_for_each_group(lessons: Lessons) -> None:
    """S1-38."""
    with acting_as(lessons.as_personal(LEADER)), pytest.raises(RuleViolation) as refusal:
        lessons.session.add(GroupPlan(group_id=lessons.group.id, title="第二份", content="又一份"))
        lessons.session.commit()
    assert (str(refusal.value), refusal.value.field) == ("每个教研组只有一份研修计划。", "group")


def test_a_month_without_activity_is_not_ended_by_a_draft_or_by_what_is_to_come(lessons: Lessons) -> None:
    """S0-30: only what was published and has begun is something a group has done; S0-29: nobody leads some."""

    def quiet() -> bool:
        with acting_as(SYSTEM):
            return lessons.session.scalar(select(ResearchGroup.id).where(without_activity(TODAY, 30))) is not None

    def write(starts: int, state: ActivityState, completed: int | None = None) -> None:
        values: dict[str, Any] = {"starts_at": TODAY + timedelta(days=starts), "ends_at": TODAY + timedelta(days=90), "state": state}
        with acting_as(SYSTEM):
            done = None if completed is None else TODAY + timedelta(days=completed)
            lessons.session.execute(update(Activity).values(**values, completed_at=done))
            lessons.session.commit()

    for starts, state, completed, expected in (
        (-3, ActivityState.DRAFT, None, True),
        (20, ActivityState.PUBLISHED, None, True),
        (-40, ActivityState.PUBLISHED, None, True),
        (-3, ActivityState.PUBLISHED, None, False),
        (-40, ActivityState.COMPLETED, -3, False),
    ):
        write(starts, state, completed)
        assert quiet() is expected, (starts, state)
    with acting_as(SYSTEM):
        assert lessons.session.scalars(select(ResearchGroup).where(without_leader())).all() == []
        lessons.group.leader_id = None
        lessons.session.commit()
        assert lessons.session.scalars(select(ResearchGroup).where(without_leader())).all() == [lessons.group]
