"""能力点提升总结: one for each teacher and ability point, handed in, given to a reviewer and decided on (S0-42, S0-63…66, S0-92, S0-120…122).

The school's administrator and every member of its IT team may decide, nobody on their own (S0-121). The one thing a newcomer gets
wrong: the reviewer a summary is given to is who is expected to decide, not the only one who may.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from models.history import Decision
from models.notices import NoticeKind
from models.outcomes import AbilityPoint, AbilitySummary, SummaryState
from models.research import SchoolProgramme
from models.scoping import Identity, acting_as
from models.session import transaction
from models.violation import Sentence
from rules.assignment import Given, Work, assign
from rules.errors import RuleViolation
from rules.files import settle
from rules.grants import IT_TEAM
from rules.handing_in import is_teacher, lock_for_hand_in
from rules.members import holders
from rules.notices import tell_accounts
from rules.workflow import take
from rules.workflow_steps import KnownBy, Step, Workflow

PASSED = "这个能力点的总结已通过评审，不能再更换。"
MINE = "/ability_summary/list/?only.mine=1&f.state=submitted"


# --- the review -------------------------------------------------------------------------------------------------------


def own_summaries(person: Iterable[tuple[str, Any]]) -> ColumnElement[bool]:
    """A person's summaries, by whichever of their accounts (S0-121)."""
    return is_teacher(AbilitySummary.teacher_id, person)


def _reviewed(session: Session, summary: AbilitySummary, decision: Decision) -> None:
    summary.reviewed_at = decision.at


def _handed_in_again(session: Session, summary: AbilitySummary, decision: Decision) -> None:
    summary.reviewed_at = None


SUMMARY_REVIEW = Workflow(
    "能力点提升总结评审",
    AbilitySummary.state,
    (
        Step(
            "pass",
            SummaryState.SUBMITTED,
            SummaryState.PASSED,
            act="review",
            label="通过",
            not_by_author=True,
            effect=_reviewed,
        ),
        Step(
            "fail",
            SummaryState.SUBMITTED,
            SummaryState.FAILED,
            act="review",
            label="不通过",
            kind="danger",
            not_by_author=True,
            needs_comment=True,
            comment_label="评审意见",
            effect=_reviewed,
        ),
        # By handing in anew (hand_in_summary).
        Step(
            "resubmit",
            (SummaryState.FAILED, SummaryState.VOID),
            SummaryState.SUBMITTED,
            act="hand_in",
            label="重新提交",
            effect=_handed_in_again,
            shown=False,
        ),
        # With the removal of its author (rules.removal).
        Step("void", SummaryState.SUBMITTED, SummaryState.VOID, act="review", label="作废", kind="danger", shown=False),
    ),
    person=KnownBy({"teacher": AbilitySummary.teacher_id}),
    own=own_summaries,
    starts=(SummaryState.SUBMITTED,),
    waits=(SummaryState.SUBMITTED,),
    ends=(SummaryState.PASSED,),
    subject=lambda row: str(row.ability_point),
    leads_to="/research/summaries/",
)


# --- handing in -------------------------------------------------------------------------------------------------------


def points_of(
    session: Session, identity: Identity, school: SchoolProgramme, teacher_id: int
) -> Sequence[tuple[AbilityPoint, AbilitySummary | None]]:
    """The ability points in use, and those used, each with the teacher's own summary in this school's programme; one statement."""
    theirs = (AbilitySummary.school_programme_id == school.id, AbilitySummary.teacher_id == teacher_id)
    rows = select(AbilityPoint, AbilitySummary).outerjoin(AbilitySummary, and_(AbilitySummary.ability_point_id == AbilityPoint.id, *theirs))
    rows = rows.where(or_(AbilityPoint.is_active, AbilitySummary.id.is_not(None))).order_by(AbilityPoint.rank, AbilityPoint.id)
    with acting_as(identity.serving()):
        return [(point, summary) for point, summary in session.execute(rows)]


def last_opinions(session: Session, identity: Identity, summaries: Sequence[AbilitySummary]) -> dict[int, str]:
    """Summary id → what was said when it was not passed last, of those that have failed; one statement at most."""
    failed = [summary.id for summary in summaries if summary.state is SummaryState.FAILED]
    if not failed:
        return {}
    said = (Decision.table_name == SUMMARY_REVIEW.table, Decision.row_id.in_(failed), Decision.target == SummaryState.FAILED.value)
    with acting_as(identity.serving()):
        found = session.execute(select(Decision.row_id, Decision.comment).where(*said).order_by(Decision.id))
        return {row: comment or "" for row, comment in found}


def hand_in_summary(
    session: Session, identity: Identity, school: SchoolProgramme, ability_point_id: int, attachment_ids: Iterable[int], *, now: datetime
) -> AbilitySummary:
    """Hand in one's own summary of an ability point, replace it while it waits, or try again when it was not passed.

    Raises NotPermitted, OutOfReach and RuleViolation; Conflict when it is decided at this moment.
    """
    identity.require("hand_in", "ability_summary")
    with acting_as(identity.serving()), transaction(session):
        teacher_id = lock_for_hand_in(session, identity, school)
        summary = _locked(session, school, teacher_id, ability_point_id)
        if summary is None:
            summary = _new(session, identity, school, teacher_id, ability_point_id, now)
        if summary.state is SummaryState.PASSED:
            raise RuleViolation(PASSED, "ability_point")
        summary.handed_in_at = now
        settle(session, identity, summary, "summary", attachment_ids)
        if summary.state in (SummaryState.FAILED, SummaryState.VOID):
            take(session, identity.serving(), SUMMARY_REVIEW, summary, "resubmit", now=now, commit=False)
        return summary


def _locked(session: Session, school: SchoolProgramme, teacher_id: int, point_id: int) -> AbilitySummary | None:
    mine = select(AbilitySummary).filter_by(school_programme_id=school.id, teacher_id=teacher_id, ability_point_id=point_id)
    held = mine.with_for_update(of=AbilitySummary)
    return session.scalars(held, execution_options={"populate_existing": True}).one_or_none()


def _new(session: Session, identity: Identity, school: SchoolProgramme, teacher_id: int, point_id: int, now: datetime) -> AbilitySummary:
    """A summary given to who has least to review."""
    point = session.get(AbilityPoint, point_id)
    if point is None or not point.is_active:
        raise RuleViolation("请选择一个启用的能力点。", "ability_point")
    chosen = assign([Work(0, teacher_id)], _team(session, identity, school), _given(session, school))
    summary = AbilitySummary(school_programme_id=school.id, teacher_id=teacher_id, ability_point_id=point_id, handed_in_at=now)
    summary.reviewer_id = chosen.get(0)
    session.add(summary)
    return summary


# --- who reviews ------------------------------------------------------------------------------------------------------


def _team(session: Session, identity: Identity, school: SchoolProgramme) -> dict[int, int]:
    """The teachers of the school's IT team, each with the account of their post."""
    return {member.teacher.id: member.post.account_id for member in holders(session, identity, school.scope_path, (IT_TEAM,))}


def _given(session: Session, school: SchoolProgramme, *conditions: ColumnElement[bool]) -> list[Given]:
    """Who has been given whose summary in this school's programme."""
    ours = (AbilitySummary.school_programme_id == school.id, AbilitySummary.reviewer_id.is_not(None))
    given = session.execute(select(AbilitySummary.teacher_id, AbilitySummary.reviewer_id).where(*ours, *conditions))
    return [Given(author, reviewer) for author, reviewer in given if reviewer is not None]


def reassign(session: Session, identity: Identity, school: SchoolProgramme, *, now: datetime) -> int:
    """Give out anew what waits in a school's programme, because its IT team has changed; answers how many have another reviewer.

    Raises NotPermitted and OutOfReach. Who is given something new is told how much waits for them.
    """
    identity.require("review", "ability_summary", school.scope_path)
    with acting_as(identity.serving()), transaction(session):
        held = select(SchoolProgramme.id).where(SchoolProgramme.id == school.id).with_for_update(key_share=True)
        session.execute(held)
        team = _team(session, identity, school)
        waits = select(AbilitySummary).filter_by(school_programme_id=school.id, state=SummaryState.SUBMITTED).order_by(AbilitySummary.id)
        waiting = session.scalars(waits.with_for_update(of=AbilitySummary), execution_options={"populate_existing": True}).all()
        decided = _given(session, school, AbilitySummary.state != SummaryState.SUBMITTED)
        chosen = assign([Work(summary.id, summary.teacher_id) for summary in waiting], team, decided)
        changed = [summary for summary in waiting if summary.reviewer_id != chosen.get(summary.id)]
        for summary in changed:
            summary.reviewer_id = chosen.get(summary.id)
        told = {summary.reviewer_id for summary in changed} - {None}
        for reviewer in sorted(reviewer for reviewer in told if reviewer is not None and team[reviewer] != identity.account_id):
            count = sum(1 for given in chosen.values() if given == reviewer)
            said = Sentence("有 {count} 份能力点提升总结等待您评审。", count=count)
            tell_accounts(session, [team[reviewer]], said, MINE, kind=NoticeKind.POST, now=now, place=school.scope_path)
        return len(changed)
