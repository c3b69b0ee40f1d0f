"""研修专题: when one is in progress, and what it may be like behind every door (S0-77, S0-78, S0-127).

The one thing a newcomer gets wrong: only draft and published are states; whether a topic has begun or ended follows from its dates.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import func, inspect, select
from sqlalchemy.orm import Session

from models.activities import Activity, Topic, TopicState
from models.base import utcnow
from models.invariants import holds, keeps
from models.violation import Sentence
from rules.closing import what_acceptance_keeps, why_closed_around
from rules.errors import RuleViolation
from rules.page_views import day_of
from rules.workflow_steps import KnownBy, Step, Workflow


@holds(Topic)
def check_topic(session: Session, topic: Topic) -> None:
    """The dates are in order, and an activity never lies outside its topic."""
    if topic.ends_on < topic.starts_on:
        raise RuleViolation("结束日期不能早于开始日期。", "ends_on")
    if inspect(topic).pending:
        return
    first, last = session.execute(
        select(func.min(Activity.starts_at), func.max(Activity.ends_at)).where(Activity.topic_id == topic.id)
    ).one()
    if first is not None and (day_of(first) < topic.starts_on or day_of(last) > topic.ends_on):
        told = {"first": f"{day_of(first):%Y.%m.%d}", "last": f"{day_of(last):%Y.%m.%d}"}
        raise RuleViolation("专题下的活动在 {first} 至 {last} 之间，专题的起止日期须包含它们。", "ends_on", **told)


def reasons_against_publishing_topic(session: Session, topic: Topic) -> Iterator[str]:
    """A topic that is over, or whose school is not open, is not published."""
    if why := why_closed_around(session, topic, utcnow()):
        yield why
    if day_of(utcnow()) > topic.ends_on:
        yield "专题的结束日期已过，请先修改日期。"


def reasons_against_withdrawing_topic(session: Session, topic: Topic) -> Iterator[str]:
    """A topic with activities stays published, and so does one that a school was accepted with."""
    yield from what_acceptance_keeps(session, topic)
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
