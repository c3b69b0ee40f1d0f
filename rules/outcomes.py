"""研修成果: saved and changed by the group's leader, submitted once it is complete, reviewed by the IT team (S0-35, S0-36, S0-93…98, S0-123…125).

A teaching case is complete with its video, its design and its reflection (S1-36). The one thing a newcomer gets wrong: what has been
submitted is closed to everybody, files included; its leader takes it back first, or a reviewer returns it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, exists, inspect, or_, select
from sqlalchemy.orm import Session

from models.access import Account, known_by
from models.base import table_name
from models.files import Attachment, slots_of
from models.history import Change, Decision
from models.hours import Programme
from models.invariants import holds, keeps, linked
from models.outcomes import Outcome, OutcomeKind, OutcomeState
from models.research import ResearchGroup, SchoolProgramme
from models.scoping import Identity, acting_as, current_identity
from models.violation import Sentence
from rules.closing import school_of, what_acceptance_keeps, why_not_handed_in
from rules.errors import RuleViolation
from rules.handing_in import is_teacher
from rules.workflow_steps import KnownBy, Step, Workflow

PARTS = ("video", "design", "reflection")
"""What a teaching case consists of (S0-36)."""
WRITTEN = ("group_id", "kind", "title", "about", "updated_at")
"""What a form writes: the last one when nothing but its files change."""
MOST_REVIEWERS = 10
SUBMITTED = "成果已提交，不能再修改；需要修改时请先撤回，或由评审人退回。"


# --- behind every door ------------------------------------------------------------------------------------------------


@holds(Outcome)
def check_outcome(session: Session, outcome: Outcome) -> None:
    """Only what is saved can be changed, and a group has one teaching case (S0-35, S0-96)."""
    state: Any = inspect(outcome)
    if not state.pending:
        if outcome.state is not OutcomeState.SAVED and any(state.attrs[name].history.has_changes() for name in WRITTEN):
            raise RuleViolation(SUBMITTED)
        return
    group = linked(session, outcome, "group")
    if outcome.kind is OutcomeKind.TEACHING_CASE:
        there = session.scalar(select(Outcome.title).filter_by(group_id=group.id, kind=OutcomeKind.TEACHING_CASE))
        if there is not None:
            raise RuleViolation("本教研组已有教学案例“{title}”，每组一份。", "kind", title=there)


@keeps(Outcome)
def what_keeps_outcome(session: Session, outcome: Outcome) -> Iterator[str]:
    """What has been submitted stays."""
    if outcome.state is not OutcomeState.SAVED:
        yield "成果已提交，不能删除。"


@holds(Programme)
def check_reviewers(session: Session, programme: Programme) -> None:
    """One reviewer at least, and no more than a team has."""
    if programme.reviewers is not None and not 1 <= programme.reviewers <= MOST_REVIEWERS:
        raise RuleViolation("成果评审人数须为 1 至 {most}。", "reviewers", most=MOST_REVIEWERS)


# --- complete or not (S0-36, S1-36) -----------------------------------------------------------------------------------


def missing_parts(session: Session, outcome: Outcome) -> list[str]:
    """The labels of what an outcome lacks: a teaching case its parts, any other a file; one statement."""
    hung = (Attachment.owner_table == table_name(Outcome), Attachment.owner_id == outcome.id)
    with acting_as(current_identity().serving()):
        there = set(session.scalars(select(Attachment.slot).where(*hung)))
    if outcome.kind is OutcomeKind.TEACHING_CASE:
        return [slot.label for slot in slots_of(Outcome) if slot.name in PARTS and slot.name not in there]
    return [] if there else ["成果文件"]


def reasons_against_submitting(session: Session, outcome: Outcome) -> Iterator[str]:
    """That the school's time is over, else what is missing."""
    if why := why_not_handed_in(school_of(session, outcome)):
        yield why
    elif missing := missing_parts(session, outcome):
        yield Sentence("请先上传：{parts}。", parts=Sentence.of(missing, "、"))


# --- the review (S0-124, S0-125, S0-133) ------------------------------------------------------------------------------


def own_outcomes(person: Iterable[tuple[str, Any]]) -> ColumnElement[bool]:
    """What this person submitted, made or wrote at, by whichever account, and what a group made that they lead (S0-121)."""
    wrote = or_(Change.act.in_(("add", "files")), *(Change.changes[name].as_string().is_not(None) for name in WRITTEN))
    line = (Change.table_name == table_name(Outcome), Change.row_id == Outcome.id, Change.act.in_(("add", "edit", "files")), wrote)
    by_them = exists().where(*line, Account.id == Change.account_id, or_(known_by(person), is_teacher(Account.teacher_id, person)))
    leads = exists().where(ResearchGroup.id == Outcome.group_id, is_teacher(ResearchGroup.leader_id, person))
    return or_(by_them, is_teacher(Outcome.submitted_by_teacher_id, person), leads)


def reviewers_needed(session: Session, outcome: Outcome) -> int:
    """How many of the team have to publish their opinion: a setting of the programme."""
    joined = select(Programme.reviewers).join(SchoolProgramme).join(ResearchGroup, ResearchGroup.school_programme_id == SchoolProgramme.id)
    return session.scalars(joined.where(ResearchGroup.id == outcome.group_id)).one()


def _submitted(session: Session, outcome: Outcome, decision: Decision) -> None:
    outcome.submitted_at, outcome.submitted_by_id = decision.at, decision.account_id
    account = session.get(Account, decision.account_id) if decision.account_id is not None else None
    outcome.submitted_by_teacher_id = account.teacher_id if account is not None else None


def _back(session: Session, outcome: Outcome, decision: Decision) -> None:
    """Who had submitted it stays known: they are told why it comes back."""
    outcome.submitted_at = None


def _published(session: Session, outcome: Outcome, decision: Decision) -> None:
    outcome.reviewed_at, outcome.opinion = decision.at, decision.comment


OUTCOME_REVIEW = Workflow(
    "研修成果评审",
    Outcome.state,
    (
        Step(
            "submit",
            OutcomeState.SAVED,
            OutcomeState.SUBMITTED,
            act="submit",
            label="提交",
            kind="primary",
            confirm="提交后由信息化团队评审，不能再修改。确定提交吗？",
            confirm_label="保存",
            check=reasons_against_submitting,
            effect=_submitted,
        ),
        Step(
            "withdraw",
            OutcomeState.SUBMITTED,
            OutcomeState.SAVED,
            act="submit",
            label="撤回",
            kind="normal",
            confirm="撤回后可以修改，再重新提交。确定撤回吗？",
            check=what_acceptance_keeps,
            effect=_back,
        ),
        Step(
            "review",
            OutcomeState.SUBMITTED,
            OutcomeState.REVIEWED,
            act="review",
            label="发布",
            kind="primary",
            not_by_author=True,
            needs_comment=True,
            comment_label="评审意见",
            effect=_published,
            quorum=reviewers_needed,
        ),
        Step(
            "return",
            OutcomeState.SUBMITTED,
            OutcomeState.SAVED,
            act="review",
            label="退回修改",
            kind="danger",
            not_by_author=True,
            needs_comment=True,
            comment_label="评审意见",
            check=what_acceptance_keeps,
            effect=_back,
        ),
    ),
    person=KnownBy({"account": Outcome.submitted_by_id, "teacher": Outcome.submitted_by_teacher_id}),
    starts=(OutcomeState.SAVED,),
    waits=(OutcomeState.SUBMITTED,),
    own=own_outcomes,
    ends=(OutcomeState.REVIEWED,),
    subject=str,
)


def opinions_on(session: Session, identity: Identity, outcome: Outcome) -> Sequence[Decision]:
    """What reviewers have said about an outcome within reach, the first opinion first; one statement."""
    said = select(Decision).where(Decision.table_name == table_name(Outcome), Decision.row_id == outcome.id)
    with acting_as(identity.serving()):
        return session.scalars(said.where(Decision.step.in_(("review", "return"))).order_by(Decision.id)).all()
