"""研修专题: when one is in progress, what it may be like behind every door, and whether its school can do anything now (S0-77, S0-78, S0-127).

The one thing a newcomer gets wrong: only draft and published are states; whether a topic has begun or ended follows from its dates.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import func, inspect, select
from sqlalchemy.orm import Session

from models.activities import Activity, Topic, TopicState
from models.base import utcnow
from models.hours import Programme
from models.invariants import holds, keeps, linked
from models.research import ResearchGroup, SchoolProgramme, SchoolState
from models.violation import Sentence
from rules.errors import RuleViolation
from rules.page_views import day_of
from rules.workflow_steps import KnownBy, Step, Workflow

# --- where it belongs -------------------------------------------------------------------------------------------------


def school_of(session: Session, group_id: int) -> SchoolProgramme:
    """The school's programme that a group belongs to."""
    return session.scalars(select(SchoolProgramme).join(ResearchGroup).where(ResearchGroup.id == group_id)).one()


def why_closed(school: SchoolProgramme, programme: Programme, now: datetime) -> str:
    """The sentence why nothing new can be done in this school's programme now; empty when it can."""
    if school.state is SchoolState.PREPARING:
        return "本校的校本研修尚未开启，请先由学校管理员完成开启步骤。"
    if school.state is SchoolState.PASSED:
        return "本校已通过整校验收，不能再开展活动。"
    if day_of(now) > programme.ends_on:
        return Sentence("研修项目已于 {day} 结束。", day=f"{programme.ends_on:%Y.%m.%d}")
    return ""


def check_open(session: Session, group_id: int, now: datetime) -> SchoolProgramme:
    school = school_of(session, group_id)
    if why := why_closed(school, session.get_one(Programme, school.programme_id), now):
        raise RuleViolation(why)
    return school


# --- topics -----------------------------------------------------------------------------------------------------------


@holds(Topic)
def check_topic(session: Session, topic: Topic) -> None:
    """The dates are in order, and an activity never lies outside its topic."""
    if topic.ends_on < topic.starts_on:
        raise RuleViolation("结束日期不能早于开始日期。", "ends_on")
    if inspect(topic).pending:
        check_open(session, linked(session, topic, "group").id, utcnow())
        return
    first, last = session.execute(
        select(func.min(Activity.starts_at), func.max(Activity.ends_at)).where(Activity.topic_id == topic.id)
    ).one()
    if first is not None and (day_of(first) < topic.starts_on or day_of(last) > topic.ends_on):
        told = {"first": f"{day_of(first):%Y.%m.%d}", "last": f"{day_of(last):%Y.%m.%d}"}
        raise RuleViolation("专题下的活动在 {first} 至 {last} 之间，专题的起止日期须包含它们。", "ends_on", **told)


def reasons_against_publishing_topic(session: Session, topic: Topic) -> Iterator[str]:
    """A topic that is over, or whose school is not open, is not published."""
    school = school_of(session, topic.group_id)
    if why := why_closed(school, session.get_one(Programme, school.programme_id), utcnow()):
        yield why
    if day_of(utcnow()) > topic.ends_on:
        yield "专题的结束日期已过，请先修改日期。"


def reasons_against_withdrawing_topic(session: Session, topic: Topic) -> Iterator[str]:
    """A topic with activities stays published."""
    if count := session.scalar(select(func.count()).select_from(Activity).where(Activity.topic_id == topic.id)):
        yield Sentence("专题下已有 {count} 个研修活动，不能撤回。", count=count)


@keeps(Topic)
def what_keeps_topic(session: Session, topic: Topic) -> Iterator[str]:
    """Its activities keep a topic: they go first, while nobody has joined them."""
    if count := session.scalar(select(func.count()).select_from(Activity).where(Activity.topic_id == topic.id)):
        yield Sentence("专题下有 {count} 个研修活动，请先由教研组组长删除没有人参与的活动。", count=count)


TOPIC = Workflow(
    "研修专题发布",
    Topic.state,
    (
        Step(
            "publish",
            TopicState.DRAFT,
            TopicState.PUBLISHED,
            act="publish",
            label="发布",
            kind="primary",
            check=reasons_against_publishing_topic,
        ),
        Step(
            "withdraw",
            TopicState.PUBLISHED,
            TopicState.DRAFT,
            act="publish",
            label="撤回发布",
            kind="normal",
            confirm="撤回后组员看不到这个专题在进行中。确定撤回吗？",
            check=reasons_against_withdrawing_topic,
        ),
    ),
    person=KnownBy({}),
    starts=(TopicState.DRAFT,),
)
