"""Taking part in an online activity, and what completes each kind: a comment, a file, an evaluation (S0-81…91, S1-25, S1-55).

Joining is voluntary and counts nothing; hours come when a member has done what the kind asks for, and only through
``rules.participation``. The one thing a newcomer gets wrong: whoever acts holds their own participation first, so that of two
tabs one completes it and the other finds it completed.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from models.activities import (
    Activity,
    ActivityKind,
    ActivityState,
    Comment,
    Evaluation,
    Participation,
    ParticipationState,
    Rubric,
    Topic,
    TopicState,
)
from models.base import ZONE
from models.hours import Programme
from models.notices import NoticeKind
from models.research import ResearchGroup, SchoolProgramme
from models.scoping import Identity, acting_as
from models.session import transaction
from models.violation import Conflict, Sentence
from rules.closing import check_open, school_of, why_closed, why_kept
from rules.errors import RuleViolation
from rules.files import settle
from rules.members import NOT_APPROVED, acting_teacher, in_group_of, is_approved
from rules.notices import accounts_of, tell_accounts
from rules.offline import check_not_completed, complete_offline
from rules.participation import complete, enter, participation_in, reasons_against_crediting, remove
from rules.workflow import lock

LONGEST_COMMENT = 2000
LONGEST_SUMMARY = 2000
LONGEST_REASON = 500
MOST_STARS = 5
EDITABLE = timedelta(minutes=30)
"""How long its author may change a comment."""
LESSON = "lesson_reflection"
"""The slot of an activity that its teaching teacher fills (S1-12)."""
OWN_LESSON = "您是这节课的执教教师，不评自己的课；请上传教学设计和教学反思来完成活动。"
HIDDEN = "您在“{activity}”中的评课记录已被组长隐藏。原因：{reason}"


# --- whether it is open -----------------------------------------------------------------------------------------------


def surroundings(session: Session, activity: Activity) -> tuple[Topic, SchoolProgramme, Programme]:
    """The topic, the school's programme and the programme of an activity, in one statement."""
    joined = select(Topic, SchoolProgramme, Programme).join(ResearchGroup, ResearchGroup.id == Topic.group_id)
    joined = joined.join(SchoolProgramme, SchoolProgramme.id == ResearchGroup.school_programme_id)
    found = joined.join(Programme, Programme.id == SchoolProgramme.programme_id).where(Topic.id == activity.topic_id)
    topic, school, programme = session.execute(found).one()
    return topic, school, programme


def why_not_now(activity: Activity, topic: Topic, school: SchoolProgramme, programme: Programme, now: datetime) -> str:
    """The sentence why nobody can join or complete the activity now; empty when it is open."""
    if activity.state is ActivityState.DRAFT:
        return "活动还没有发布。"
    if topic.state is not TopicState.PUBLISHED:
        return Sentence("研修专题“{topic}”没有发布。", topic=topic.title)
    if now < activity.starts_at:
        return Sentence("活动将于 {at} 开始。", at=_said_at(activity.starts_at))
    if now > activity.ends_at:
        return Sentence("活动已于 {at} 结束。", at=_said_at(activity.ends_at))
    return why_closed(school, programme, now)


def _said_at(value: datetime) -> str:
    """2026.11.23 09:41 in Shanghai."""
    return value.astimezone(ZONE).strftime("%Y.%m.%d %H:%M")


# --- joining and leaving ----------------------------------------------------------------------------------------------


def join(session: Session, identity: Identity, activity: Activity, *, now: datetime) -> Participation:
    """The member who acts takes part in an online activity of their own group (S0-81, S0-105, S1-54).

    Raises NotPermitted, OutOfReach and RuleViolation; of two who join at once for the same teacher one does.
    """
    teacher_id = _member(identity, activity)
    with acting_as(identity.serving()), transaction(session):
        _take_turn(session, Activity, Activity.id == activity.id)
        activity = lock(session, identity, activity, "join")
        _check_may_join(session, activity, teacher_id, now)
        return enter(session, identity, activity, teacher_id, now=now)


def _check_may_join(session: Session, activity: Activity, teacher_id: int, now: datetime) -> None:
    if activity.kind is ActivityKind.OFFLINE:
        raise RuleViolation("线下活动由组长指定参与人员，不需要自己参与。")
    topic, school, programme = surroundings(session, activity)
    if why := why_not_now(activity, topic, school, programme, now):
        raise RuleViolation(why)
    mine = select(ResearchGroup.id).where(ResearchGroup.id == activity.group_id, in_group_of(teacher_id))
    if session.scalar(mine) is None:
        raise RuleViolation("只有本教研组的组长和成员可以参与。")
    if not session.scalar(select(is_approved(teacher_id, school.school_id))):
        raise RuleViolation(NOT_APPROVED)


def leave(session: Session, identity: Identity, activity: Activity, *, now: datetime) -> None:
    """The member no longer takes part, as long as nothing has been completed; nothing of it is left but the audit trail."""
    teacher_id = _member(identity, activity)
    with acting_as(identity.serving()), transaction(session):
        participation = _held(session, activity, teacher_id)
        if activity.kind is ActivityKind.OFFLINE:
            raise RuleViolation("线下活动由组长指定参与人员，如有变动请联系组长。")
        if participation.state is ParticipationState.COMPLETED:
            raise RuleViolation("活动已经完成，不能退出。需要重做时，请联系组长退回。")
        if participation.round > 1:
            raise RuleViolation("这个活动曾经完成、后被退回，不能退出，请按要求重新完成。")
        if why := why_kept(school_of(session, activity).state):
            raise RuleViolation(why)
        session.delete(participation)


def _member(identity: Identity, activity: Activity) -> int:
    """The teacher who acts, once act and row are answered: NotPermitted, OutOfReach, and RuleViolation for who is no teacher."""
    identity.require("join", "activity", activity.scope_path)
    return acting_teacher(identity)


def _held(session: Session, activity: Activity, teacher_id: int) -> Participation:
    """How this teacher takes part, held until the transaction ends."""
    mine = (Participation.activity_id == activity.id, Participation.teacher_id == teacher_id)
    _take_turn(session, Participation, *mine)
    found = session.scalars(select(Participation).where(*mine), execution_options={"populate_existing": True}).one_or_none()
    if found is None or found.state is ParticipationState.REMOVED:
        raise RuleViolation("请先点击“参与”，再进行这一步。")
    return found


def _take_turn(session: Session, model: type[Any], *those: Any) -> None:
    """One after the other, also where a database has no row locks: an update that changes nothing."""
    same = {"version": model.version, "updated_at": model.updated_at}
    session.execute(update(model).where(*those).values(same), execution_options={"synchronize_session": False})


def _at_work(session: Session, activity: Activity, teacher_id: int, kind: ActivityKind, now: datetime) -> Participation:
    """The participation, held, of a teacher who does what this kind asks for, while the activity is open."""
    if activity.kind is not kind:
        raise RuleViolation("这一步只用于“{kind}”。", kind=kind.label)
    participation = _held(session, activity, teacher_id)
    session.refresh(activity)
    if why := why_not_now(activity, *surroundings(session, activity), now):
        raise RuleViolation(why)
    if reasons := list(reasons_against_crediting(session, participation)):
        raise RuleViolation(Sentence.of(reasons))
    return participation


# --- 教学研讨: 评课记录 (S0-86, S0-109) -------------------------------------------------------------------------------


def say(session: Session, identity: Identity, activity: Activity, body: str, *, answers: int | None = None, now: datetime) -> Comment:
    """Write a comment, or an answer to one (``answers``); the first one completes the activity (S1-55)."""
    teacher_id, said = _member(identity, activity), _checked_text(body, "body", "评课记录", LONGEST_COMMENT)
    with acting_as(identity.serving()), transaction(session):
        participation = _at_work(session, activity, teacher_id, ActivityKind.DISCUSSION, now)
        parent = _thread(session, activity, answers) if answers is not None else None
        comment = Comment(activity=activity, teacher_id=teacher_id, parent_id=parent, body=said, created_at=now)
        session.add(comment)
        session.flush()
        complete(session, identity, participation, now=now)
        return comment


def _thread(session: Session, activity: Activity, answers: int) -> int:
    """The comment under which an answer stands: threads are one level deep."""
    found = session.scalars(select(Comment).filter_by(id=answers, activity_id=activity.id)).one_or_none()
    if found is None or found.hidden_at is not None:
        raise RuleViolation("要回复的评课记录已不在，请刷新后查看。", "body")
    return found.parent_id or found.id


def edit_comment(session: Session, identity: Identity, comment: Comment, body: str, *, now: datetime) -> None:
    """Its author says it better, within half an hour and while the activity is open."""
    identity.require("read", "comment", comment.scope_path)
    said = _checked_text(body, "body", "评课记录", LONGEST_COMMENT)
    with acting_as(identity.serving()), transaction(session):
        comment = lock(session, identity, comment, "read")
        if not is_editable(comment, acting_teacher(identity), now):
            raise RuleViolation("只能由本人在发布后 30 分钟内修改，已被隐藏的不能修改。", "body")
        activity = session.get_one(Activity, comment.activity_id)
        if why := why_not_now(activity, *surroundings(session, activity), now):
            raise RuleViolation(why)
        if comment.body != said:
            comment.body, comment.edited_at = said, now


def is_editable(comment: Comment, teacher_id: int | None, now: datetime) -> bool:
    """Whether this teacher may still change the comment."""
    return comment.teacher_id == teacher_id and comment.hidden_at is None and now <= comment.created_at + EDITABLE


def hide_comment(session: Session, identity: Identity, comment: Comment, reason: str, *, now: datetime) -> None:
    """The leader takes a comment out of sight, with a reason its author is told; the completion it brought stays."""
    identity.require("moderate", "comment", comment.scope_path)
    identity = identity.at("moderate", comment)
    why = _checked_text(reason, "comment", "隐藏原因", LONGEST_REASON)
    with acting_as(identity.serving()), transaction(session):
        comment = lock(session, identity, comment, "moderate")
        if comment.hidden_at is not None:
            raise Conflict("这条评课记录已经隐藏。")
        comment.hidden_at, comment.hidden_reason = now, why
        activity = session.get_one(Activity, comment.activity_id)
        authors = set(accounts_of(session, {("teacher", comment.teacher_id)})) - {identity.account_id}
        told = Sentence(HIDDEN, activity=activity.title, reason=why)
        tell_accounts(session, authors, told, f"/research/activities/{activity.id}", kind=NoticeKind.DECISION, now=now)


def _checked_text(text: str, name: str, label: str, most: int) -> str:
    said = text.replace("\r\n", "\n").strip()
    if not said:
        raise RuleViolation("请填写“{label}”。", name, label=label)
    if len(said) > most:
        raise RuleViolation("“{label}”最多 {most} 个字。", name, label=label, most=most)
    return said


# --- 研修作业 (S0-91, S0-111) -----------------------------------------------------------------------------------------


def hand_in_homework(session: Session, identity: Identity, activity: Activity, files: Sequence[int], *, now: datetime) -> Participation:
    """Hand in these files, at least one, instead of those handed in before; completes the activity (S1-55)."""
    teacher_id = _member(identity, activity)
    _check_some(files, "homework")
    with acting_as(identity.serving()), transaction(session):
        participation = _at_work(session, activity, teacher_id, ActivityKind.HOMEWORK, now)
        settle(session, identity, participation, "homework", files)
        complete(session, identity, participation, now=now)
        return participation


def _check_some(files: Sequence[int], slot: str) -> None:
    if not files:
        raise RuleViolation("请至少上传一个文件。", slot)


# --- 听课评课: 评课表 (S0-87…90, S0-110) ------------------------------------------------------------------------------


def evaluate(session: Session, identity: Identity, activity: Activity, stars: Sequence[int], summary: str, *, now: datetime) -> Evaluation:
    """Give one to five stars for every criterion, with a summary and advice; completes the activity, and is changed until it ends.

    From here on the rubric stays as it is. Nobody evaluates the lesson they teach themselves (S1-12).
    """
    teacher_id = _member(identity, activity)
    said = _checked_text(summary, "summary", "评价总结及建议", LONGEST_SUMMARY)
    with acting_as(identity.serving()), transaction(session):
        participation = _at_work(session, activity, teacher_id, ActivityKind.OBSERVATION, now)
        if activity.teaching_teacher_id == teacher_id:
            raise RuleViolation(OWN_LESSON)
        _check_stars(session, activity, stars)
        found = session.scalars(select(Evaluation).filter_by(activity_id=activity.id, teacher_id=teacher_id)).one_or_none()
        evaluation = found or Evaluation(activity=activity, teacher_id=teacher_id)
        evaluation.stars, evaluation.average, evaluation.summary = list(stars), average_of(stars), said
        session.add(evaluation)
        session.flush()
        complete(session, identity, participation, now=now)
        return evaluation


def hand_in_lesson(session: Session, identity: Identity, activity: Activity, files: Sequence[int], *, now: datetime) -> Participation:
    """The teaching teacher hands in what they designed and how they look back on it, for all who observe; completes it for them (S1-12)."""
    teacher_id = _member(identity, activity)
    _check_some(files, LESSON)
    with acting_as(identity.serving()), transaction(session):
        _take_turn(session, Activity, Activity.id == activity.id)
        participation = _at_work(session, activity, teacher_id, ActivityKind.OBSERVATION, now)
        if activity.teaching_teacher_id != teacher_id:
            raise RuleViolation("教学设计和教学反思由执教教师上传。", LESSON)
        settle(session, identity, activity, LESSON, files)
        complete(session, identity, participation, now=now)
        return participation


def _check_stars(session: Session, activity: Activity, stars: Sequence[int]) -> None:
    held = select(Rubric).where(Rubric.id == activity.rubric_id).with_for_update(read=True, of=Rubric)
    rubric = session.scalars(held, execution_options={"populate_existing": True}).one()
    if len(stars) != len(rubric.items) or any(not 1 <= given <= MOST_STARS for given in stars):
        raise RuleViolation("请给每一条评价内容评 1 至 {most} 星。", "stars", most=MOST_STARS)


def average_of(stars: Sequence[int]) -> Decimal:
    """The mean number of stars, to two places."""
    return (Decimal(sum(stars)) / len(stars)).quantize(Decimal("0.01"))


def averages(given: Collection[Sequence[int]], criteria: int) -> list[Decimal]:
    """Criterion by criterion, the mean of everybody's stars; empty while nobody has given any."""
    complete_ones = [stars for stars in given if len(stars) == criteria]
    return [average_of([stars[n] for stars in complete_ones]) for n in range(criteria)] if complete_ones else []


# --- 线下活动: what the leader does (S1-14…16, S1-32, S1-33) ----------------------------------------------------------


def hand_in_evidence(
    session: Session, identity: Identity, activity: Activity, files: Sequence[int], naming: Collection[int] = (), *, now: datetime
) -> int:
    """Hand in the evidence of an offline activity, which completes it for everybody named; answers for how many (S1-32, S1-33).

    ``naming`` are teachers who are named in the same breath.
    """
    identity.require("publish", "activity", activity.scope_path)
    identity = identity.at("publish", activity)
    with acting_as(identity.serving()), transaction(session):
        _take_turn(session, Activity, Activity.id == activity.id)
        activity = lock(session, identity, activity, "publish")
        check_not_completed(activity)
        if activity.kind is ActivityKind.OFFLINE and files:
            settle(session, identity, activity, "evidence", files)
        return complete_offline(session, identity, activity, files, naming, now=now)


def unname(session: Session, identity: Identity, activity: Activity, teacher_id: int, *, now: datetime) -> None:
    """The leader takes back that somebody takes part in an offline activity, before it is completed."""
    identity.require("publish", "activity", activity.scope_path)
    identity = identity.at("publish", activity)
    with acting_as(identity.serving()), transaction(session):
        _take_turn(session, Activity, Activity.id == activity.id)
        activity = lock(session, identity, activity, "publish")
        check_open(session, activity, now)
        named = participation_in(session, activity, teacher_id)
        if activity.kind is not ActivityKind.OFFLINE or named is None or named.state is not ParticipationState.JOINED:
            raise RuleViolation("只能移出线下活动中还没有完成的参与人员。")
        if named.round > 1:
            remove(session, identity, [named], now=now)
        else:
            session.delete(named)
