"""研修专题、研修活动: what a topic and an activity must be like, behind every door, and what becomes of them (S0-59…62, S0-77…79, S1-06…33).

Hours of the three online kinds come from the policy of the day the activity starts and are nobody's to change (S1-29). The one thing
a newcomer gets wrong: once somebody has joined, an activity is a promise; its leader may explain it better or give more time, and no more.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, false, func, inspect, or_, select, update
from sqlalchemy.orm import Session

from models.access import Account, Post, in_office
from models.activities import Activity, ActivityKind, ActivityState, Participation, ParticipationState, Topic, TopicState
from models.base import utcnow
from models.history import Decision
from models.hours import HourCategory, HourPolicy
from models.invariants import holds, keeps, linked, on_added
from models.offers import offers
from models.people import Teacher
from models.research import ResearchGroup, SchoolProgramme
from models.scoping import Identity, below
from models.violation import Sentence
from rules.closing import school_of, what_acceptance_keeps, why_closed_around
from rules.errors import RuleViolation
from rules.hour_ledger import policies_of, policy_in_force
from rules.hours import hours_of
from rules.members import IN_A_GROUP, in_group_of
from rules.page_views import day_begins, day_of
from rules.workflow_steps import KnownBy, Step, Workflow

OF_KIND = {
    "homework_kind": ActivityKind.HOMEWORK,
    "teaching_teacher_id": ActivityKind.OBSERVATION,
    "guest_teacher": ActivityKind.OBSERVATION,
    "rubric_id": ActivityKind.OBSERVATION,
    "offline_form": ActivityKind.OFFLINE,
}
"""What one kind alone has."""
KEPT_ONCE_JOINED = ("topic_id", "kind", "starts_at", "hours", *OF_KIND)


@holds(Activity)
def check_activity(session: Session, activity: Activity) -> None:
    """Under a published topic in progress (S0-78), inside its dates, with what its kind asks for and nothing else."""
    state: Any = inspect(activity)
    topic = linked(session, activity, "topic")
    if state.pending:
        activity.group_id = topic.group_id
        check_topic_takes_activities(topic, utcnow())
    else:
        _check_promise(session, activity)
    _check_times(activity, topic)
    if state.pending or state.attrs.starts_at.history.has_changes() or state.attrs.hours.history.has_changes():
        _set_hours(session, activity)
    _check_kind(session, activity)


def check_topic_takes_activities(topic: Topic, now: datetime) -> None:
    """Raise RuleViolation unless the topic is published and in progress (S0-78)."""
    phase = topic.phase(day_of(now))
    if phase != "进行中":
        raise RuleViolation("只能在已发布且进行中的研修专题下添加活动，“{topic}”目前是“{phase}”。", "topic", topic=topic.title, phase=phase)


def _check_promise(session: Session, activity: Activity) -> None:
    state: Any = inspect(activity)
    changed = [name for name in KEPT_ONCE_JOINED if state.attrs[name].history.has_changes()]
    end = state.attrs.ends_at.history
    is_shorter = bool(end.has_changes() and end.deleted and activity.ends_at < end.deleted[0])
    if not (changed or is_shorter):
        return
    # Whoever joins holds the activity: they come before this question, or wait until the change is made.
    session.execute(select(Activity.id).where(Activity.id == activity.id).with_for_update())
    if joined(session, activity):
        name = changed[0] if changed else "ends_at"
        raise RuleViolation("已有教师参与，只能修改名称、要求和材料，或延后结束时间。", name)


def joined(session: Session, activity: Activity) -> int:
    """How many take part and have not been removed."""
    theirs = (Participation.activity_id == activity.id, Participation.state != ParticipationState.REMOVED)
    return session.scalar(select(func.count()).select_from(Participation).where(*theirs)) or 0


def _check_times(activity: Activity, topic: Topic) -> None:
    if activity.ends_at <= activity.starts_at:
        raise RuleViolation("结束时间须晚于开始时间。", "ends_at")
    for name, moment in (("starts_at", activity.starts_at), ("ends_at", activity.ends_at)):
        if not topic.starts_on <= day_of(moment) <= topic.ends_on:
            told = {"first": f"{topic.starts_on:%Y.%m.%d}", "last": f"{topic.ends_on:%Y.%m.%d}"}
            raise RuleViolation("活动时间须在专题的起止日期（{first} 至 {last}）之内。", name, **told)


def _set_hours(session: Session, activity: Activity) -> None:
    """By the policy of the day it starts; chosen by the leader for an offline activity alone (S1-26…31)."""
    school = school_of(session, activity)
    policy = policy_in_force(session, school.programme_id, day_of(activity.starts_at))
    state: Any = inspect(activity)
    is_moved = not state.pending and not state.attrs.hours.history.has_changes()
    chosen = activity.hours if activity.hours and not (is_moved and activity.kind is not ActivityKind.OFFLINE) else None
    activity.hours = hours_of(policy, HourCategory[activity.kind.name], chosen)
    activity.policy_id = policy.id


@on_added(HourPolicy)
def follow_new_policies(session: Session, policies: list[HourPolicy]) -> None:
    """Activities that begin later, and that nobody has joined, are worth what the new policy says (S1-24…29)."""
    for programme_id in {policy.programme_id for policy in policies}:
        _follow_policies(session, programme_id)


@holds(HourPolicy)
def follow_changed_policy(session: Session, policy: HourPolicy) -> None:
    """The same of a policy that is changed before anybody has earned hours by it."""
    if inspect(policy).persistent:
        _follow_policies(session, policy.programme_id)


def _follow_policies(session: Session, programme_id: int) -> None:
    policies = sorted(policies_of(session, [programme_id])[programme_id], key=lambda policy: policy.valid_from)
    groups = select(ResearchGroup.id).join(SchoolProgramme).where(SchoolProgramme.programme_id == programme_id)
    joined_by = select(Participation.activity_id).where(Participation.state != ParticipationState.REMOVED)
    to_come = (Activity.group_id.in_(groups), Activity.starts_at > utcnow(), Activity.id.not_in(joined_by))
    for policy, after in zip(policies, [*policies[1:], None], strict=True):
        theirs = [*to_come, Activity.starts_at < day_begins(after.valid_from)] if after is not None else [*to_come]
        if policy is not policies[0]:
            theirs.append(Activity.starts_at >= day_begins(policy.valid_from))
        _adopt(session, policy, theirs)


def _adopt(session: Session, policy: HourPolicy, theirs: Sequence[ColumnElement[bool]]) -> None:
    offline = and_(Activity.kind == ActivityKind.OFFLINE, Activity.hours <= policy.offline_most)
    values = {"policy_id": policy.id, "version": Activity.version + 1}
    session.execute(update(Activity).where(*theirs, offline, Activity.policy_id != policy.id).values(values))
    for kind in (ActivityKind.DISCUSSION, ActivityKind.HOMEWORK, ActivityKind.OBSERVATION):
        hours = hours_of(policy, HourCategory[kind.name])
        others = or_(Activity.hours != hours, Activity.policy_id != policy.id)
        session.execute(update(Activity).where(*theirs, Activity.kind == kind, others).values(values | {"hours": hours}))


def _check_kind(session: Session, activity: Activity) -> None:
    kind = activity.kind
    for name, theirs in OF_KIND.items():
        if getattr(activity, name) and kind is not theirs:
            raise RuleViolation("这一项只用于“{kind}”。", name, kind=theirs.label)
    if kind is ActivityKind.OFFLINE and activity.offline_form is None:
        raise RuleViolation("请选择线下形式。", "offline_form")
    if kind is ActivityKind.OBSERVATION:
        rubric = linked(session, activity, "rubric")
        if rubric is None:
            raise RuleViolation("听课评课活动须选择评课标准。", "rubric")
        if rubric.group_id != activity.group_id:
            raise RuleViolation("请选择本教研组的评课标准。", "rubric")
        _check_who_teaches(session, activity)


def _check_who_teaches(session: Session, activity: Activity) -> None:
    """A member of the group, or a guest by name (S1-11, S1-12); who has left the group since stays named."""
    if activity.teaching_teacher_id is None:
        return
    if activity.guest_teacher:
        raise RuleViolation("“执教教师”和“外请执教教师”只填一项。", "guest_teacher")
    state: Any = inspect(activity)
    if state.pending or state.attrs.teaching_teacher_id.history.has_changes():
        ours = select(ResearchGroup.id).where(ResearchGroup.id == activity.group_id, in_group_of(activity.teaching_teacher_id))
        if session.scalar(ours) is None:
            raise RuleViolation("执教教师须为本教研组的组长或成员；外请教师请填写在“外请执教教师”。", "teaching_teacher")


@offers(Activity, "topic", why="只能在已发布且进行中的研修专题下添加活动。")
def topics_to_add_to(identity: Identity, act: str) -> Select[Any]:
    """Published topics in progress where this person writes activities, those that end first (S0-78)."""
    today = day_of(utcnow())
    there = or_(false(), *(below(Topic.scope_path, path) for path in identity.paths(act, "activity")))
    going_on = and_(Topic.state == TopicState.PUBLISHED, Topic.starts_on <= today, Topic.ends_on >= today)
    return select(Topic).where(going_on, there).order_by(Topic.ends_on, Topic.id)


@offers(Activity, "teaching_teacher")
def teachers_to_name(identity: Identity, act: str) -> Select[Any]:
    """Leader and members of the groups whose activities this person writes, by name (S1-12)."""
    there = or_(false(), *(below(Post.scope_path, path) for path in identity.paths(act, "activity")))
    held = select(Account.teacher_id).join(Post, Post.account_id == Account.id).where(Post.role.in_(IN_A_GROUP), in_office(), there)
    return select(Teacher).where(Teacher.id.in_(held)).order_by(Teacher.name, Teacher.id)


@keeps(Activity)
def what_keeps_activity(session: Session, activity: Activity) -> Iterator[str]:
    """Whoever has joined keeps an activity."""
    if count := session.scalar(select(func.count()).select_from(Participation).where(Participation.activity_id == activity.id)):
        yield Sentence("已有 {count} 名教师参与，不能删除。", count=count)


def reasons_against_publishing(session: Session, activity: Activity) -> Iterator[str]:
    """What is published goes on under a topic in progress, and is not over."""
    topic = session.get_one(Topic, activity.topic_id)
    if topic.phase(day_of(utcnow())) != "进行中":
        yield Sentence("专题“{topic}”不在进行中。", topic=topic.title)
    if why := why_closed_around(session, activity, utcnow()):
        yield why
    if activity.kind is not ActivityKind.OFFLINE and activity.ends_at <= utcnow():
        yield "活动的结束时间已过，请先修改时间。"


def reasons_against_withdrawing(session: Session, activity: Activity) -> Iterator[str]:
    """Nobody is left standing in an activity that is withdrawn, and an accepted school's stay."""
    yield from what_acceptance_keeps(session, activity)
    if count := joined(session, activity):
        yield Sentence("已有 {count} 名教师参与，不能撤回。", count=count)


def _completed(session: Session, activity: Activity, decision: Decision) -> None:
    activity.completed_at = decision.at


def _reopened(session: Session, activity: Activity, decision: Decision) -> None:
    activity.completed_at = None


ACTIVITY = Workflow(
    "研修活动发布",
    Activity.state,
    (
        Step(
            "publish",
            ActivityState.DRAFT,
            ActivityState.PUBLISHED,
            act="publish",
            label="发布",
            kind="primary",
            check=reasons_against_publishing,
        ),
        Step(
            "withdraw",
            ActivityState.PUBLISHED,
            ActivityState.DRAFT,
            act="publish",
            label="撤回发布",
            kind="normal",
            check=reasons_against_withdrawing,
        ),
        # By handing in evidence of an offline activity (S1-32), and back when it does not hold.
        Step(
            "complete",
            ActivityState.PUBLISHED,
            ActivityState.COMPLETED,
            act="publish",
            label="完成活动",
            effect=_completed,
            shown=False,
        ),
        Step(
            "reopen",
            ActivityState.COMPLETED,
            ActivityState.PUBLISHED,
            act="publish",
            label="重新开放",
            kind="danger",
            # Hours that are registered stay (S1-49).
            check=what_acceptance_keeps,
            effect=_reopened,
            shown=False,
        ),
    ),
    person=KnownBy({}),
    starts=(ActivityState.DRAFT,),
)
