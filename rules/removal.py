"""移除: a school asks to take a reassigned teacher out of its research, the superior decides (S1-43…45, Z-13).

Until it is decided the teacher goes on taking part (S1-43). The one thing a newcomer gets wrong: nothing is deleted. Participations
and hours are void and stay in the history; plan and summaries stay for the audit and no longer count.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, func, or_, select, union, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from models.access import Account, Post, in_office
from models.activities import Activity, Participation, ParticipationState
from models.history import Decision
from models.hours import HourEntry, HourState
from models.notices import NoticeKind
from models.outcomes import AbilitySummary, ImprovementPlan, SummaryState
from models.people import Teacher
from models.research import RemovalRequest, RemovalState, ResearchGroup, SchoolProgramme
from models.scoping import Identity, acting_as, below, current_identity
from models.session import transaction
from models.violation import Sentence
from rules.closing import why_kept
from rules.errors import RuleViolation
from rules.members import IN_A_GROUP
from rules.notices import accounts_of, page_of, tell_accounts
from rules.participation import remove
from rules.posts import end_substitutes
from rules.summaries import SUMMARY_REVIEW
from rules.workflow import take_along
from rules.workflow_steps import KnownBy, Step, Workflow

LONGEST_REASON = 500
OFFERED = 50
ALREADY = "该教师已有一份待审批的移除申请。"
NO_PART = "该教师没有参加本校的校本研修，不需要移除。"
ASKED = "学校已申请将您移出“{school}”的校本研修，原因：{reason}。审批之前您可以继续参加活动。"
GIVEN_UP = "学校已撤回将您移出“{school}”的校本研修的申请。"
TAKES_PART = (ParticipationState.JOINED, ParticipationState.COMPLETED)


# --- what is at stake -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class AtStake:
    """What a removal would take from a teacher in a school's programme; read in one statement."""

    hours: Decimal
    """Accrued there, not yet registered."""
    completed: int
    joined: int
    """Joined and not completed."""
    posts: int
    plans: int
    summaries: int

    @property
    def is_nothing(self) -> bool:
        return not (self.hours or self.completed or self.joined or self.posts)


def at_stake(session: Session, school: SchoolProgramme, teacher_id: int) -> AtStake:
    """What the teacher would lose (S1-45); the caller has the school's programme within reach."""
    mine = (HourEntry.teacher_id == teacher_id, HourEntry.programme_id == school.programme_id, HourEntry.state == HourState.ACCRUED)
    part = select(func.count()).select_from(Participation).where(Participation.teacher_id == teacher_id, _in_programme(school))
    handed = {"school_programme_id": school.id, "teacher_id": teacher_id}
    counts = (
        select(func.coalesce(func.sum(HourEntry.hours), 0)).where(*mine, below(HourEntry.scope_path, school.scope_path)),
        part.where(Participation.state == ParticipationState.COMPLETED),
        part.where(Participation.state == ParticipationState.JOINED),
        select(func.count()).select_from(Post).where(_group_post(school, teacher_id)),
        select(func.count()).select_from(ImprovementPlan).filter_by(**handed),
        select(func.count()).select_from(AbilitySummary).filter_by(**handed),
    )
    with acting_as(current_identity().serving()):
        hours, *numbers = session.execute(select(*(count.scalar_subquery() for count in counts))).one()
    return AtStake(Decimal(str(hours)), *numbers)


def _in_programme(school: SchoolProgramme) -> ColumnElement[bool]:
    activity = select(Activity.id).join(ResearchGroup).where(ResearchGroup.school_programme_id == school.id)
    return Participation.activity_id.in_(activity)


def _group_post(school: SchoolProgramme, teacher_id: int) -> ColumnElement[bool]:
    """The posts the teacher holds in groups of the school's programme now."""
    groups = select(ResearchGroup.scope_path).where(ResearchGroup.school_programme_id == school.id)
    accounts = select(Account.id).where(Account.teacher_id == teacher_id)
    return and_(Post.account_id.in_(accounts), Post.role.in_(IN_A_GROUP), Post.scope_path.in_(groups), in_office())


def is_removed(school_programme_id: Any, teacher_id: Any) -> ColumnElement[bool]:
    """Whether this teacher was taken out of that school's programme and is in none of its groups again: what they handed in is no more counted."""
    approved = exists().where(
        RemovalRequest.school_programme_id == school_programme_id,
        RemovalRequest.teacher_id == teacher_id,
        RemovalRequest.state == RemovalState.APPROVED,
    )
    held = (Account.teacher_id == teacher_id, Post.account_id == Account.id, Post.role.in_(IN_A_GROUP), in_office())
    again = exists().where(*held, ResearchGroup.scope_path == Post.scope_path, ResearchGroup.school_programme_id == school_programme_id)
    return and_(approved, ~again)


def removable(session: Session, identity: Identity, school: SchoolProgramme, begins: str = "") -> Sequence[Teacher]:
    """Who takes part in the school's programme, by name, at most 50; for whoever may ask for a removal."""
    identity.require("apply", "removal_request", school.scope_path)
    groups = select(ResearchGroup.scope_path).where(ResearchGroup.school_programme_id == school.id)
    members = select(Account.teacher_id).join(Post, Post.account_id == Account.id)
    members = members.where(Post.role.in_(IN_A_GROUP), Post.scope_path.in_(groups), in_office())
    parts = select(Participation.teacher_id).where(Participation.scope_path.in_(groups), Participation.state.in_(TAKES_PART))
    found = select(Teacher).where(Teacher.id.in_(union(members, parts.distinct()))).order_by(Teacher.name, Teacher.id).limit(OFFERED)
    with acting_as(identity.serving()):
        return session.scalars(found.where(Teacher.name.startswith(begins, autoescape=True)) if begins else found).all()


def teacher_taking_part(session: Session, identity: Identity, school: SchoolProgramme, teacher_id: int) -> Teacher | None:
    """The teacher, when something of theirs in the school's programme is at stake or the school has asked to remove them before; for
    whoever may ask. None for any other: a school learns nothing of who is not its own.
    """
    identity.require("apply", "removal_request", school.scope_path)
    asked = select(RemovalRequest.id).filter_by(school_programme_id=school.id, teacher_id=teacher_id).limit(1)
    with acting_as(identity.serving()):
        if at_stake(session, school, teacher_id).is_nothing and session.scalar(asked) is None:
            return None
        return session.get(Teacher, teacher_id)


# --- asking -----------------------------------------------------------------------------------------------------------


def ask_removal(
    session: Session, identity: Identity, school: SchoolProgramme, teacher_id: int, reason: str, *, now: datetime
) -> RemovalRequest:
    """The school applies to take the teacher out; the superior is asked, the teacher told (S1-44).

    Raises NotPermitted, OutOfReach and RuleViolation: one request waits at a time, and none once the school is accepted.
    """
    identity.require("apply", "removal_request", school.scope_path)
    said = reason.strip()
    if not said:
        raise RuleViolation("请填写“{label}”。", "reason", label="移除原因")
    if len(said) > LONGEST_REASON:
        raise RuleViolation("“{label}”最多 {most} 个字。", "reason", label="移除原因", most=LONGEST_REASON)
    with acting_as(identity.serving()), transaction(session):
        if why := "".join(_reasons_against_removing(session, school.id)):
            raise RuleViolation(why)
        lost = at_stake(session, school, teacher_id)
        if lost.is_nothing:
            raise RuleViolation(NO_PART, "teacher")
        request = _write(session, identity, school, teacher_id, said, lost)
        told = Sentence(ASKED, school=school.name, reason=said)
        theirs = accounts_of(session, {("teacher", teacher_id)})
        tell_accounts(session, theirs, told, page_of(request), kind=NoticeKind.DECISION, now=now, place=school.scope_path)
    return request


def _write(session: Session, identity: Identity, school: SchoolProgramme, teacher_id: int, reason: str, lost: AtStake) -> RemovalRequest:
    waits = {"school_programme_id": school.id, "teacher_id": teacher_id, "state": RemovalState.PENDING}
    if session.scalar(select(RemovalRequest.id).filter_by(**waits).limit(1)) is not None:
        raise RuleViolation(ALREADY, "teacher")
    request = RemovalRequest(**waits, reason=reason, lost_hours=lost.hours, asked_by_id=identity.account_id)
    session.add(request)
    try:
        session.flush()
    except RuleViolation as refusal:
        # Of two who ask at once the index lets one.
        raise RuleViolation(ALREADY, "teacher") if isinstance(refusal.__cause__, IntegrityError) else refusal from refusal
    return request


# --- deciding ---------------------------------------------------------------------------------------------------------


def _reasons_against_removing(session: Session, school_programme_id: int) -> Iterator[str]:
    """Registered hours are not taken back; the school's programme is held, so that it is accepted before or after, never meanwhile."""
    held = select(SchoolProgramme.state).where(SchoolProgramme.id == school_programme_id).with_for_update(read=True)
    if why := why_kept(session.scalars(held).one()):
        yield why


def reasons_against_approving(session: Session, request: RemovalRequest) -> Iterator[str]:
    """Once the school is accepted nobody is removed any more."""
    yield from _reasons_against_removing(session, request.school_programme_id)


def _removed(session: Session, request: RemovalRequest, decision: Decision) -> None:
    """Posts end, participations and hours are void, and so is what waits for a reviewer, all of it in the decision's own transaction."""
    school = session.get_one(SchoolProgramme, request.school_programme_id)
    request.decided_at, request.lost_hours = decision.at, at_stake(session, school, request.teacher_id).hours
    _end_posts(session, school, request.teacher_id, decision.at)
    theirs = select(Participation).where(Participation.teacher_id == request.teacher_id, _in_programme(school))
    theirs = theirs.where(Participation.state.in_(TAKES_PART)).order_by(Participation.id).with_for_update(of=Participation)
    remove(session, current_identity(), session.scalars(theirs).all(), now=decision.at)
    handed_in = {"school_programme_id": school.id, "teacher_id": request.teacher_id, "state": SummaryState.SUBMITTED}
    waiting = select(AbilitySummary).filter_by(**handed_in).order_by(AbilitySummary.id).with_for_update(of=AbilitySummary)
    for summary in session.scalars(waiting, execution_options={"populate_existing": True}).all():
        take_along(session, current_identity(), SUMMARY_REVIEW, summary, "void", now=decision.at)


def _end_posts(session: Session, school: SchoolProgramme, teacher_id: int, now: datetime) -> None:
    quietly = {"synchronize_session": False}
    led = update(ResearchGroup).where(ResearchGroup.school_programme_id == school.id, ResearchGroup.leader_id == teacher_id)
    session.execute(led.values(leader_id=None, version=ResearchGroup.version + 1), execution_options=quietly)
    held = _group_post(school, teacher_id)
    accounts = select(Account.id).where(Account.teacher_id == teacher_id)
    groups = select(ResearchGroup.scope_path).where(ResearchGroup.school_programme_id == school.id)
    stands_in = and_(Post.account_id.in_(accounts), Post.scope_path.in_(groups))
    end_substitutes(session, or_(stands_in, Post.delegate_of_id.in_(select(Post.id).where(held))), now=now)
    ended = update(Post).where(held)
    session.execute(ended.values(until=now, version=Post.version + 1, updated_at=now), execution_options=quietly)


def _decided(session: Session, request: RemovalRequest, decision: Decision) -> None:
    request.decided_at = decision.at


def _given_up(session: Session, request: RemovalRequest, decision: Decision) -> None:
    """Who was told of the request hears that it is off."""
    request.decided_at = decision.at
    told = Sentence(GIVEN_UP, school=session.get_one(SchoolProgramme, request.school_programme_id).name)
    theirs = accounts_of(session, {("teacher", request.teacher_id)})
    tell_accounts(session, theirs, told, page_of(request), kind=NoticeKind.DECISION, now=decision.at, place=request.scope_path)


REMOVAL = Workflow(
    "移除申请",
    RemovalRequest.state,
    (
        Step(
            "approve",
            RemovalState.PENDING,
            RemovalState.APPROVED,
            act="decide",
            label="同意移除",
            kind="danger",
            not_by_author=True,
            confirm="同意后该教师在本校的教研组岗位结束，参与记录和未登记的学时全部作废，只在历史中保留。确定同意吗？",
            check=reasons_against_approving,
            effect=_removed,
        ),
        Step(
            "refuse",
            RemovalState.PENDING,
            RemovalState.REFUSED,
            act="decide",
            label="不同意",
            kind="normal",
            not_by_author=True,
            needs_comment=True,
            effect=_decided,
        ),
        Step(
            "withdraw",
            RemovalState.PENDING,
            RemovalState.WITHDRAWN,
            act="apply",
            label="撤回申请",
            kind="normal",
            confirm="撤回后该教师继续参加本校的校本研修。确定撤回吗？",
            effect=_given_up,
        ),
    ),
    person=KnownBy({"account": RemovalRequest.asked_by_id, "teacher": RemovalRequest.teacher_id}),
    starts=(RemovalState.PENDING,),
    waits=(RemovalState.PENDING,),
    ends=(RemovalState.APPROVED, RemovalState.REFUSED, RemovalState.WITHDRAWN),
)
