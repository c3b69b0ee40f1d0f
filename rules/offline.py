"""线下活动: whom the leader names, and the evidence that completes it for all of them (S1-13…20, S1-30…33).

The one thing a newcomer gets wrong: members do nothing online; one act of the leader credits everybody named.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from models.activities import Activity, ActivityKind, ActivityState, Participation, ParticipationState
from models.history import note
from models.people import Teacher
from models.research import ResearchGroup
from models.scoping import Identity, acting_as
from models.session import transaction
from models.violation import Conflict
from rules.activities import ACTIVITY, joined
from rules.closing import check_open
from rules.errors import RuleViolation
from rules.members import members_of
from rules.participation import complete_all, enter, reopen
from rules.workflow import lock, take

# --- offline activities (S1-13…20, S1-30…33) --------------------------------------------------------------------------


def name_participants(session: Session, identity: Identity, activity: Activity, teacher_ids: Collection[int], *, now: datetime) -> int:
    """The leader names who takes part in an offline activity; answers how many are new (S1-14). Members of the group alone."""
    identity.require("publish", "activity", activity.scope_path)
    identity = identity.at("publish", activity)
    with acting_as(identity.serving()), transaction(session):
        group = _offline(session, activity)
        check_open(session, activity, now)
        activity = lock(session, identity, activity, "publish")
        if activity.state is ActivityState.COMPLETED:
            raise RuleViolation("活动已经完成，需要增加参与人员时，请先重新开放。", "teacher")
        return _name(session, identity, activity, group, teacher_ids, now)


def _name(
    session: Session, identity: Identity, activity: Activity, group: ResearchGroup, teacher_ids: Collection[int], now: datetime
) -> int:
    new = _not_yet_named(session, identity, activity, group, teacher_ids)
    for teacher_id in new:
        enter(session, identity, activity, teacher_id, now=now)
    if new:
        names = session.scalars(select(Teacher.name).where(Teacher.id.in_(new)).order_by(Teacher.id))
        note(session, activity, "name_participants", {"participants": [None, "、".join(names)]})
    return len(new)


def _not_yet_named(
    session: Session, identity: Identity, activity: Activity, group: ResearchGroup, teacher_ids: Collection[int]
) -> list[int]:
    if not teacher_ids:
        return []
    theirs = {member.teacher.id for member in members_of(session, identity, group)}
    if strangers := set(teacher_ids) - theirs:
        raise RuleViolation("所选教师中有 {count} 人不是本教研组成员。", "teacher", count=len(strangers))
    there = select(Participation.teacher_id).where(
        Participation.activity_id == activity.id, Participation.state != ParticipationState.REMOVED
    )
    return sorted(set(teacher_ids) - set(session.scalars(there)))


def will_be_credited(
    session: Session, identity: Identity, activity: Activity, evidence: Sequence[Any], naming: Collection[int], *, now: datetime
) -> list[str]:
    """The names of all whom completing it would credit, those ``naming`` adds included; raises what completing it would raise."""
    identity.require("publish", "activity", activity.scope_path)
    identity = identity.at("publish", activity)
    with acting_as(identity.serving()):
        group = _offline(session, activity)
        check_open(session, activity, now)
        check_not_completed(activity)
        new = _not_yet_named(session, identity, activity, group, naming)
        waiting = select(Participation.teacher_id).filter_by(activity_id=activity.id, state=ParticipationState.JOINED)
        names = session.scalars(select(Teacher.name).where(or_(Teacher.id.in_(new), Teacher.id.in_(waiting))).order_by(Teacher.id)).all()
        _check_can_complete(activity, evidence, len(names), now)
        return list(names)


def check_not_completed(activity: Activity) -> None:
    """Raise Conflict when somebody has completed it meanwhile."""
    if activity.state is ActivityState.COMPLETED:
        raise Conflict("活动已经完成，请刷新后查看。")


def _check_can_complete(activity: Activity, evidence: Sequence[Any], participants: int, now: datetime) -> None:
    """It has begun, somebody takes part and there is evidence (S1-32)."""
    if not evidence:
        raise RuleViolation("请至少上传一份佐证材料。", "evidence")
    if now < activity.starts_at:
        raise RuleViolation("活动尚未开始，不能上传佐证材料完成活动。", "evidence")
    if not participants:
        raise RuleViolation("请先指定参与的组员。", "teacher")


def complete_offline(
    session: Session, identity: Identity, activity: Activity, evidence: Sequence[Any], naming: Collection[int] = (), *, now: datetime
) -> int:
    """With its evidence an offline activity is completed, and everybody named is credited (S1-32, S1-33); answers how many.

    ``naming`` are teachers to be named with it. ``evidence`` are the attachments already claimed for it in this transaction; the caller commits.
    """
    identity.require("publish", "activity", activity.scope_path)
    identity = identity.at("publish", activity)
    with acting_as(identity.serving()):
        group = _offline(session, activity)
        check_open(session, activity, now)
        _name(session, identity, activity, group, naming, now)
        _check_can_complete(activity, evidence, joined(session, activity), now)
        if activity.state is not ActivityState.COMPLETED:
            take(session, identity.serving(), ACTIVITY, activity, "complete", now=now, commit=False)
        return complete_all(session, identity, activity, now=now)


def reopen_offline(session: Session, identity: Identity, activity: Activity, reason: str, *, now: datetime) -> int:
    """Take back the completion, with everybody's hours, while they are only accrued; answers how many."""
    identity.require("publish", "activity", activity.scope_path)
    identity = identity.at("publish", activity)
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
