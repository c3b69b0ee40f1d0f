"""What a school was accepted with is kept: nothing is added to it, changed or deleted, whoever writes and by whichever door (S1-49, decision 0007)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import sessionmaker

from models.activities import Activity, ActivityKind, Rubric, Topic
from models.base import Record, utcnow
from models.hours import Programme
from models.outcomes import Outcome, OutcomeState
from models.research import GroupPlan, ResearchGroup, ScaleItem, ScaleScore, SchoolProgramme, SchoolState
from models.scoping import SYSTEM, Identity, acting_as
from models.violation import RuleViolation
from rules.activities import ACTIVITY
from rules.approvals import WORKFLOWS
from rules.closing import ACCEPTED, KEPT, school_of, schools_to_write_to, why_none_added
from rules.outcomes import OUTCOME_REVIEW
from rules.workflow import take
from tests.cast import TODAY, Cast
from tests.services.lessons import LEADER, Lessons


@pytest.fixture
def lessons(cast: Cast, factory: sessionmaker[Any], monkeypatch: pytest.MonkeyPatch) -> Iterator[Lessons]:
    for module in ("activities", "topics", "closing"):
        monkeypatch.setattr(f"rules.{module}.utcnow", lambda: TODAY)
    with factory() as session:
        yield Lessons(cast, session)


def put(lessons: Lessons, state: SchoolState, **dates: date) -> None:
    with acting_as(SYSTEM):
        lessons.session.execute(update(SchoolProgramme).values(state=state), execution_options={"synchronize_session": False})
        if dates:
            lessons.session.execute(update(Programme).values(dates), execution_options={"synchronize_session": False})
        lessons.session.commit()
        lessons.session.expire_all()


def new(lessons: Lessons, model: type[Any]) -> Record:
    group, topic = lessons.group.id, lessons.topic
    if model is Topic:
        return Topic(group_id=group, title="新专题", starts_on=topic.starts_on, ends_on=topic.ends_on)
    if model is Rubric:
        return Rubric(group_id=group, name="新标准", criteria="目标")
    if model is Activity:
        ends = TODAY + timedelta(days=1)
        return Activity(topic_id=topic.id, kind=ActivityKind.DISCUSSION, title="新活动", starts_at=TODAY, ends_at=ends, hours=Decimal(2))
    if model is Outcome:
        return Outcome(group_id=group, title="新成果")
    if model is ResearchGroup:
        return ResearchGroup(school_programme_id=lessons.school.id, name="新教研组")
    with acting_as(SYSTEM):
        if model is GroupPlan:
            lessons.session.delete(lessons.session.scalars(select(GroupPlan)).one())
            lessons.session.commit()
            return GroupPlan(group_id=group, title="新计划", content="每周")
        item = ScaleItem(programme_id=lessons.school.programme_id, name="新的一项")
        lessons.session.add(item)
        lessons.session.commit()
    return ScaleScore(school_programme_id=lessons.school.id, scale_item_id=item.id, points=1)


def none_added(lessons: Lessons, identity: Identity, model: type[Any]) -> str:
    schools = schools_to_write_to(lessons.session, identity, "add", model)
    return why_none_added(lessons.session, identity, model, [school for school, _programme in schools], TODAY)


CHANGES = {
    SchoolProgramme: "theme",
    GroupPlan: "title",
    Topic: "title",
    Rubric: "name",
    Activity: "title",
    Outcome: "title",
    ScaleScore: "remark",
}
ADDED = (ResearchGroup, GroupPlan, Topic, Rubric, Activity, Outcome, ScaleScore)


def test_every_table_that_is_kept_is_tried() -> None:
    assert set(CHANGES) == set(KEPT)


@pytest.mark.parametrize("model", KEPT)
def test_nothing_is_changed_and_nothing_deleted(lessons: Lessons, model: type[Any]) -> None:
    session = lessons.session
    with acting_as(SYSTEM):
        session.execute(update(Outcome).values(state=OutcomeState.SAVED), execution_options={"synchronize_session": False})
        row = session.scalars(select(model)).first()
        setattr(row, CHANGES[model], "之前改的")
        session.commit()
        put(lessons, SchoolState.PASSED)
        assert school_of(session, row).id == lessons.school.id
        setattr(row, CHANGES[model], "之后改的")
        with pytest.raises(RuleViolation, match=ACCEPTED):
            session.commit()
        row.updated_at = utcnow()
        with pytest.raises(RuleViolation, match=ACCEPTED):
            session.commit()
        assert getattr(session.get_one(model, row.id, populate_existing=True), CHANGES[model]) == "之前改的"
        if model is SchoolProgramme:
            return
        session.delete(row)
        with pytest.raises(RuleViolation):
            session.commit()
        assert session.get(model, row.id) is not None


@pytest.mark.parametrize("model", ADDED)
def test_nothing_is_added(lessons: Lessons, model: type[Any]) -> None:
    row = new(lessons, model)
    leader = lessons.as_personal(LEADER)
    assert none_added(lessons, leader, model) == ""
    put(lessons, SchoolState.PASSED)
    with acting_as(SYSTEM):
        lessons.session.add(row)
        with pytest.raises(RuleViolation, match=ACCEPTED):
            lessons.session.commit()
    asked = leader if leader.may("add", model.__tablename__) else lessons.cast.identity("平")
    if asked.may("add", model.__tablename__):
        assert none_added(lessons, asked, model) == ACCEPTED


@pytest.mark.parametrize(("model", "is_open"), [(Topic, False), (Activity, False), (Outcome, True), (Rubric, True), (GroupPlan, True)])
def test_after_the_programme_only_what_is_handed_in_comes(lessons: Lessons, model: type[Any], is_open: bool) -> None:
    put(lessons, SchoolState.OPEN, ends_on=TODAY.date() - timedelta(days=1))
    why = none_added(lessons, lessons.as_personal(LEADER), model)
    assert (why == "") is is_open and (is_open or "结束" in why)


@pytest.mark.parametrize(("step", "start"), [("withdraw", OutcomeState.SUBMITTED), ("return", OutcomeState.SUBMITTED)])
def test_what_could_not_be_submitted_anew_is_not_taken_back(lessons: Lessons, step: str, start: OutcomeState) -> None:
    with acting_as(SYSTEM):
        row = lessons.session.scalars(select(Outcome)).one()
        lessons.session.execute(update(Outcome).values(state=start), execution_options={"synchronize_session": False})
        put(lessons, SchoolState.PASSED)
        with pytest.raises(RuleViolation, match=ACCEPTED):
            take(lessons.session, SYSTEM, OUTCOME_REVIEW, lessons.session.get_one(Outcome, row.id), step, comment="x", now=TODAY)


def test_nor_is_an_activity_withdrawn(lessons: Lessons) -> None:
    row = lessons.activity(LEADER, ActivityKind.DISCUSSION)
    take(lessons.session, lessons.as_personal(LEADER), ACTIVITY, row, "publish", now=TODAY)
    put(lessons, SchoolState.PASSED)
    with pytest.raises(RuleViolation, match=ACCEPTED):
        take(lessons.session, lessons.as_personal(LEADER), ACTIVITY, row, "withdraw", now=TODAY)


def test_what_waits_is_still_reviewed(lessons: Lessons) -> None:
    with acting_as(SYSTEM):
        lessons.session.execute(update(Outcome).values(state=OutcomeState.SUBMITTED), execution_options={"synchronize_session": False})
        put(lessons, SchoolState.PASSED)
        row = lessons.session.scalars(select(Outcome)).one()
        take(lessons.session, SYSTEM, OUTCOME_REVIEW, row, "review", comment="很好", now=TODAY)
        assert row.state is OutcomeState.REVIEWED and row.opinion == "很好"
    assert OUTCOME_REVIEW in WORKFLOWS
