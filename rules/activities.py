"""研修专题、研修活动: what a topic and an activity must be like, behind every door, and what becomes of them (S0-59…62, S0-77…79, S1-06…33).

Hours of the three online kinds come from the policy of the day the activity starts and are nobody's to change (S1-29). The one thing
a newcomer gets wrong: once somebody has joined, an activity is a promise; its leader may explain it better or give more time, and no more.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import exists, func, inspect, select
from sqlalchemy.orm import Session

from models.base import utcnow
from models.history import Decision, note
from models.hours import HourCategory, Programme
from models.invariants import holds, keeps, linked
from models.people import Teacher
from models.research import (
    Activity,
    ActivityKind,
    ActivityState,
    Participation,
    ParticipationState,
    ResearchGroup,
    Rubric,
    SchoolProgramme,
    SchoolState,
    Topic,
    TopicState,
)
from models.scoping import Identity, acting_as
from models.session import transaction
from models.violation import Sentence
from rules.errors import RuleViolation
from rules.hour_ledger import policy_in_force
from rules.hours import hours_of
from rules.members import members_of
from rules.page_views import day_of
from rules.participation import complete_all, enter, reopen
from rules.workflow import lock, take
from rules.workflow_steps import KnownBy, Step, Workflow

MOST_CRITERIA = 20
KEPT_ONCE_JOINED = ("topic_id", "kind", "starts_at", "hours", "homework_kind", "teaching_teacher", "rubric_id", "offline_form")


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


def _check_open(session: Session, group_id: int, now: datetime) -> SchoolProgramme:
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
        _check_open(session, linked(session, topic, "group").id, utcnow())
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


# --- activities -------------------------------------------------------------------------------------------------------


@holds(Activity)
def check_activity(session: Session, activity: Activity) -> None:
    """Under a published topic in progress (S0-78), inside its dates, with what its kind asks for and nothing else."""
    state: Any = inspect(activity)
    topic = linked(session, activity, "topic")
    now = utcnow()
    if state.pending:
        activity.group_id = topic.group_id
        check_topic_takes_activities(topic, now)
        _check_open(session, topic.group_id, now)
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
    school = school_of(session, activity.group_id)
    policy = policy_in_force(session, school.programme_id, day_of(activity.starts_at))
    state: Any = inspect(activity)
    is_moved = not state.pending and not state.attrs.hours.history.has_changes()
    chosen = activity.hours if activity.hours and not (is_moved and activity.kind is not ActivityKind.OFFLINE) else None
    activity.hours = hours_of(policy, HourCategory[activity.kind.name], chosen)
    activity.policy_id = policy.id


def _check_kind(session: Session, activity: Activity) -> None:
    kind = activity.kind
    only = (
        ("homework_kind", ActivityKind.HOMEWORK),
        ("teaching_teacher", ActivityKind.OBSERVATION),
        ("rubric_id", ActivityKind.OBSERVATION),
        ("offline_form", ActivityKind.OFFLINE),
    )
    for name, theirs in only:
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
    school = school_of(session, activity.group_id)
    if why := why_closed(school, session.get_one(Programme, school.programme_id), utcnow()):
        yield why
    if activity.kind is not ActivityKind.OFFLINE and activity.ends_at <= utcnow():
        yield "活动的结束时间已过，请先修改时间。"


def reasons_against_withdrawing(session: Session, activity: Activity) -> Iterator[str]:
    """Nobody is left standing in an activity that is withdrawn."""
    if count := joined(session, activity):
        yield Sentence("已有 {count} 名教师参与，不能撤回。", count=count)


def reasons_against_reopening(session: Session, activity: Activity) -> Iterator[str]:
    """Hours that are registered stay (S1-49)."""
    if school_of(session, activity.group_id).state is SchoolState.PASSED:
        yield "本校已通过整校验收，学时已登记，不能再更改。"


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
            check=reasons_against_reopening,
            effect=_reopened,
            shown=False,
        ),
    ),
    person=KnownBy({}),
    starts=(ActivityState.DRAFT,),
)


# --- rubrics ----------------------------------------------------------------------------------------------------------


@holds(Rubric)
def check_rubric(session: Session, rubric: Rubric) -> None:
    """One to twenty criteria; used once, they stay as they are, for stars have been given for them."""
    if not 1 <= len(rubric.items) <= MOST_CRITERIA:
        raise RuleViolation("请填写 1 至 {most} 条评价内容，每行一条。", "criteria", most=MOST_CRITERIA)
    state: Any = inspect(rubric)
    if state.pending or not state.attrs.criteria.history.has_changes():
        return
    # Whoever evaluates holds the rubric (rules.taking_part).
    session.execute(select(Rubric.id).where(Rubric.id == rubric.id).with_for_update())
    if _used(session, rubric):
        raise RuleViolation("已有教师按这份标准评课，评价内容不能再修改；请另建一份。", "criteria")


@keeps(Rubric)
def what_keeps_rubric(session: Session, rubric: Rubric) -> Iterator[str]:
    """Activities keep the rubric they use."""
    count = session.scalar(select(func.count()).select_from(Activity).where(Activity.rubric_id == rubric.id))
    if count:
        yield Sentence("有 {count} 个听课评课活动使用这份标准，不能删除。", count=count)


def _used(session: Session, rubric: Rubric) -> bool:
    theirs = (Activity.rubric_id == rubric.id, Participation.activity_id == Activity.id)
    return bool(session.scalar(select(exists().where(*theirs))))


# --- offline activities (S1-13…20, S1-30…33) --------------------------------------------------------------------------


def name_participants(session: Session, identity: Identity, activity: Activity, teacher_ids: Collection[int], *, now: datetime) -> int:
    """The leader names who takes part in an offline activity; answers how many are new (S1-14). Members of the group alone."""
    identity.require("publish", "activity", activity.scope_path)
    with acting_as(identity.serving()), transaction(session):
        group = _offline(session, activity)
        _check_open(session, group.id, now)
        activity = lock(session, identity, activity, "publish")
        if activity.state is ActivityState.COMPLETED:
            raise RuleViolation("活动已经完成，需要增加参与人员时，请先重新开放。", "teacher")
        theirs = {member.teacher.id for member in members_of(session, identity, group)}
        if strangers := set(teacher_ids) - theirs:
            raise RuleViolation("所选教师中有 {count} 人不是本教研组成员。", "teacher", count=len(strangers))
        there = select(Participation.teacher_id).where(
            Participation.activity_id == activity.id, Participation.state != ParticipationState.REMOVED
        )
        new = sorted(set(teacher_ids) - set(session.scalars(there)))
        for teacher_id in new:
            enter(session, identity, activity, teacher_id, now=now)
        if new:
            names = session.scalars(select(Teacher.name).where(Teacher.id.in_(new)).order_by(Teacher.id))
            note(session, activity, "name_participants", {"participants": [None, "、".join(names)]})
        return len(new)


def check_can_complete_offline(session: Session, activity: Activity, evidence: Sequence[Any], now: datetime) -> None:
    """Raise RuleViolation unless it has begun, somebody takes part and there is evidence (S1-32)."""
    if not evidence:
        raise RuleViolation("请至少上传一份佐证材料。", "evidence")
    if now < activity.starts_at:
        raise RuleViolation("活动尚未开始，不能上传佐证材料完成活动。", "evidence")
    if not joined(session, activity):
        raise RuleViolation("请先指定参与的组员。", "teacher")


def complete_offline(session: Session, identity: Identity, activity: Activity, evidence: Sequence[Any], *, now: datetime) -> int:
    """With its evidence an offline activity is completed, and everybody named is credited (S1-32, S1-33); answers how many.

    ``evidence`` are the attachments already claimed for it in this transaction; the caller commits.
    """
    identity.require("publish", "activity", activity.scope_path)
    with acting_as(identity.serving()):
        group = _offline(session, activity)
        _check_open(session, group.id, now)
        check_can_complete_offline(session, activity, evidence, now)
        if activity.state is not ActivityState.COMPLETED:
            take(session, identity.serving(), ACTIVITY, activity, "complete", now=now, commit=False)
        return complete_all(session, identity, activity, now=now)


def reopen_offline(session: Session, identity: Identity, activity: Activity, reason: str, *, now: datetime) -> int:
    """Take back the completion, with everybody's hours, while they are only accrued; answers how many."""
    identity.require("publish", "activity", activity.scope_path)
    if not reason.strip():
        raise RuleViolation("请填写“{label}”。", "comment", label="重新开放的原因")
    with acting_as(identity.serving()), transaction(session):
        _offline(session, activity)
        take(session, identity.serving(), ACTIVITY, activity, "reopen", comment=reason, now=now, commit=False)
        done = select(Participation).filter_by(activity_id=activity.id, state=ParticipationState.COMPLETED).order_by(Participation.id)
        return reopen(session, identity, session.scalars(done).all(), now=now)


def _offline(session: Session, activity: Activity) -> ResearchGroup:
    if activity.kind is not ActivityKind.OFFLINE:
        raise RuleViolation("只有线下活动由组长指定参与人员并上传佐证材料。")
    return session.get_one(ResearchGroup, activity.group_id)
