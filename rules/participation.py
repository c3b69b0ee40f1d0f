"""Taking part in an activity, from joining to the hours it brings: the one place that credits or takes back research hours.

Hours come when a participation is completed, never when it is joined (S1-25), once for each time it is completed: what was
returned by the leader and completed anew is credited anew. The one thing a newcomer gets wrong: nothing here asks which kind of
activity it is; what completes one (a comment, a file, an evaluation, evidence) is known by the service that calls ``complete``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.activities import Activity, Participation, ParticipationState
from models.history import Decision
from models.hours import HourCategory
from models.research import ResearchGroup, SchoolProgramme
from models.scoping import Identity
from rules.closing import school_of, why_kept
from rules.errors import RuleViolation
from rules.hour_ledger import Earned, credit, void
from rules.workflow import take, take_along
from rules.workflow_steps import KnownBy, Step, Workflow


def evidence_of(participation: Participation) -> str:
    """The ledger's name for this completion: a second one after a return is another evidence."""
    return f"participation/{participation.id}/{participation.round}"


def activity_of(session: Session, participation: Participation) -> Activity:
    """The activity somebody takes part in."""
    return session.get_one(Activity, participation.activity_id)


def reasons_against_crediting(session: Session, participation: Participation) -> Iterator[str]:
    """Once the school is accepted its hours are registered: nothing is credited or taken back any more (S1-49).

    The school's programme is held until the transaction ends, so that it is accepted before or after, never meanwhile.
    """
    group = select(ResearchGroup.school_programme_id).join(Activity).where(Activity.id == participation.activity_id)
    held = select(SchoolProgramme.state).where(SchoolProgramme.id == group.scalar_subquery()).with_for_update(read=True)
    if why := why_kept(session.scalars(held).one()):
        yield why


def _credited(session: Session, participation: Participation, decision: Decision) -> None:
    activity = activity_of(session, participation)
    participation.completed_at = decision.at
    earned = Earned(
        teacher_id=participation.teacher_id,
        programme_id=school_of(session, activity).programme_id,
        policy_id=activity.policy_id,
        category=HourCategory[activity.kind.name],
        title=activity.title,
        hours=activity.hours,
        earned_at=decision.at,
        evidence=evidence_of(participation),
        path=participation.scope_path,
    )
    credit(session, [earned], now=decision.at)


def _taken_back(session: Session, participation: Participation, decision: Decision) -> None:
    if participation.completed_at is not None:
        void(session, evidence_of(participation), decision.comment or decision.label, now=decision.at)
        participation.completed_at = None
        participation.round += 1


PARTICIPATION = Workflow(
    "活动参与",
    Participation.state,
    (
        Step(
            "complete",
            ParticipationState.JOINED,
            ParticipationState.COMPLETED,
            act="complete",
            label="完成活动",
            check=reasons_against_crediting,
            effect=_credited,
            shown=False,
        ),
        Step(
            "return",
            ParticipationState.COMPLETED,
            ParticipationState.JOINED,
            act="return",
            label="退回",
            kind="danger",
            not_by_author=True,
            needs_comment=True,
            comment_label="退回原因",
            check=reasons_against_crediting,
            effect=_taken_back,
        ),
        Step(
            "remove",
            (ParticipationState.JOINED, ParticipationState.COMPLETED),
            ParticipationState.REMOVED,
            act="complete",
            label="移除",
            check=reasons_against_crediting,
            effect=_taken_back,
            shown=False,
        ),
        # With the offline activity that is opened again.
        Step(
            "reopen",
            ParticipationState.COMPLETED,
            ParticipationState.JOINED,
            act="complete",
            label="重新开放",
            check=reasons_against_crediting,
            effect=_taken_back,
            shown=False,
        ),
        Step("rejoin", ParticipationState.REMOVED, ParticipationState.JOINED, act="complete", label="重新参与", shown=False),
    ),
    person=KnownBy({"teacher": Participation.teacher_id}),
    starts=(ParticipationState.JOINED,),
    subject=lambda row: str(row.activity),
    leads_to="/research/mine/",
)


def participation_in(session: Session, activity: Activity, teacher_id: int) -> Participation | None:
    """How this teacher takes part in the activity, if they do; one statement."""
    return session.scalars(select(Participation).filter_by(activity_id=activity.id, teacher_id=teacher_id)).one_or_none()


def enter(session: Session, identity: Identity, activity: Activity, teacher_id: int, *, now: datetime) -> Participation:
    """The teacher takes part from now on; the caller has asked its questions and commits. Conflict when they do already."""
    found = participation_in(session, activity, teacher_id)
    if found is None:
        found = Participation(activity=activity, teacher_id=teacher_id, joined_at=now)
        session.add(found)
        session.flush()
        return found
    if found.state is not ParticipationState.REMOVED:
        raise RuleViolation("已参与这个活动。")
    take(session, identity.serving(), PARTICIPATION, found, "rejoin", now=now, commit=False)
    return found


def complete(session: Session, identity: Identity, participation: Participation, *, now: datetime) -> None:
    """Completed, and its hours credited, in the caller's transaction; what is completed already stays as it is (S1-25)."""
    if participation.state is ParticipationState.JOINED:
        take(session, identity.serving(), PARTICIPATION, participation, "complete", now=now, commit=False)


def complete_all(session: Session, identity: Identity, activity: Activity, *, now: datetime) -> int:
    """Everybody who takes part has completed it (S1-33); the answer is how many had not before."""
    joined = select(Participation).filter_by(activity_id=activity.id, state=ParticipationState.JOINED).order_by(Participation.id)
    return _take_all(session, identity, session.scalars(joined.with_for_update()), "complete", now)


def remove(session: Session, identity: Identity, participations: Iterable[Participation], *, now: datetime) -> int:
    """The participations no longer count, their hours are void; kept in the audit trail (S1-45, Z-13)."""
    return _take_all(session, identity, participations, "remove", now)


def reopen(session: Session, identity: Identity, participations: Iterable[Participation], *, now: datetime) -> int:
    """Their completion is taken back with the activity's own, and their hours are void; answers how many."""
    return _take_all(session, identity, participations, "reopen", now)


def _take_all(session: Session, identity: Identity, participations: Iterable[Participation], step: str, now: datetime) -> int:
    taken = 0
    for participation in participations:
        take_along(session, identity.serving(), PARTICIPATION, participation, step, now=now)
        taken += 1
    session.flush()
    return taken
