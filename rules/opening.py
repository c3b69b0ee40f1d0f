"""整校推进: from the two plans and the IT team to the school's acceptance, with what comes next in words (S0-43…49, S1-49…52, S1-57).

Until a school has handed in its plans, formed its IT team and created a group, nothing is opened (S0-44). The one thing a newcomer
gets wrong: hours are registered by the acceptance and by nothing else; nobody applies for their own (S1-50).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, func, select
from sqlalchemy.orm import Session, joinedload

from models.access import Account, Post, in_office
from models.activities import Activity, ActivityState, Topic, TopicState
from models.base import table_name
from models.files import Attachment
from models.history import Decision
from models.hours import HourEntry, HourState, Programme
from models.notices import NoticeKind
from models.org import School
from models.outcomes import AbilitySummary, ImprovementPlan, Outcome, OutcomeKind, OutcomeState, SummaryState
from models.people import Teacher
from models.research import GroupPlan, ResearchGroup, SchoolProgramme, SchoolState
from models.scoping import Identity, acting_as, below, current_identity
from models.session import transaction
from models.violation import Conflict, Sentence
from rules.errors import RuleViolation
from rules.grants import IT_TEAM
from rules.hour_ledger import register
from rules.members import IN_A_GROUP, Appointment, appoint, candidates_at, holders, new_accounts, release
from rules.notices import tell_accounts_where
from rules.page_views import day_of
from rules.removal import is_removed
from rules.workflow_steps import KnownBy, Step, Workflow

PLANS = ("development_plan", "assessment_plan")
MOST_IN_TEAM = 30
REGISTERED = "本校已通过整校验收，您在“{programme}”的学时已登记。"


@dataclass(frozen=True)
class Readiness:
    """What a school has done so far, as numbers; read in one statement."""

    plans: int
    """How many of the two plans are handed in (S1-02)."""
    team: int
    groups: int
    groups_without_leader: int
    groups_without_plan: int
    topics: int
    activities: int
    """Without drafts, which are nobody's work yet."""
    summaries_waiting: int
    summaries_decided: int
    groups_without_case: int
    improvement_plans: int
    members_without_plan: int
    """Of its groups, who has handed in no improvement plan (S0-39)."""

    @property
    def is_open(self) -> bool:
        """Whether the gate is passed: both plans, a team and a group (S0-44)."""
        return self.plans == len(PLANS) and self.team > 0 and self.groups > 0


def readiness_of(session: Session, school: SchoolProgramme) -> Readiness:
    """What the school has done in this programme; one statement, as a service."""
    ours = ResearchGroup.school_programme_id == school.id
    group = select(ResearchGroup.id).where(ours)
    plan = (Attachment.owner_table == table_name(SchoolProgramme), Attachment.owner_id == school.id, Attachment.slot.in_(PLANS))
    case = exists().where(
        Outcome.group_id == ResearchGroup.id, Outcome.kind == OutcomeKind.TEACHING_CASE, Outcome.state != OutcomeState.SAVED
    )
    summaries = select(func.count()).select_from(AbilitySummary).where(*_counts_of(AbilitySummary, school))
    waits = AbilitySummary.state == SummaryState.SUBMITTED
    counts = (
        select(func.count(func.distinct(Attachment.slot))).where(*plan),
        select(func.count()).where(Post.scope_path == school.scope_path, Post.role == IT_TEAM, in_office()),
        select(func.count()).select_from(ResearchGroup).where(ours),
        select(func.count()).select_from(ResearchGroup).where(ours, ResearchGroup.leader_id.is_(None)),
        select(func.count()).select_from(ResearchGroup).where(ours, ~exists().where(GroupPlan.group_id == ResearchGroup.id)),
        select(func.count()).select_from(Topic).where(Topic.group_id.in_(group), Topic.state == TopicState.PUBLISHED),
        select(func.count()).select_from(Activity).where(Activity.group_id.in_(group), Activity.state != ActivityState.DRAFT),
        summaries.where(waits),
        summaries.where(~waits),
        select(func.count()).select_from(ResearchGroup).where(ours, ~case),
        select(func.count()).select_from(ImprovementPlan).where(*_counts_of(ImprovementPlan, school)),
        _members_without_plan(school),
    )
    with acting_as(current_identity().serving()):
        return Readiness(*session.execute(select(*(count.scalar_subquery() for count in counts))).one())


def _members_without_plan(school: SchoolProgramme) -> Select[Any]:
    handed_in = exists().where(ImprovementPlan.school_programme_id == school.id, ImprovementPlan.teacher_id == Account.teacher_id)
    members = select(func.count(func.distinct(Account.teacher_id))).join(Post, Post.account_id == Account.id)
    members = members.join(ResearchGroup, ResearchGroup.scope_path == Post.scope_path)
    held = (Post.role.in_(IN_A_GROUP), in_office(), Account.teacher_id.is_not(None))
    return members.where(ResearchGroup.school_programme_id == school.id, *held, ~handed_in)


def _counts_of(model: Any, school: SchoolProgramme) -> tuple[ColumnElement[bool], ...]:
    """What was handed in in the school's programme, and by nobody who was taken out of it."""
    return (model.school_programme_id == school.id, ~is_removed(model.school_programme_id, model.teacher_id))


# --- opening (S0-44…49) -----------------------------------------------------------------------------------------------


def reasons_against_opening(session: Session, school: SchoolProgramme) -> Iterator[str]:
    """What is still to be done before the school can begin (S0-44)."""
    ready = readiness_of(session, school)
    if ready.plans < len(PLANS):
        yield "请先提交两案：《信息化教育教学发展规划方案》和《校本研修与考核方案》。"
    if not ready.team:
        yield "请先组建信息化团队。"
    if not ready.groups:
        yield "请先创建教研组。"


def _opened(session: Session, school: SchoolProgramme, decision: Decision) -> None:
    school.opened_at = decision.at


# --- acceptance (S1-49…52) --------------------------------------------------------------------------------------------


def reasons_against_acceptance(session: Session, school: SchoolProgramme) -> Iterator[str]:
    """A school that has no plans or no group has nothing to be accepted."""
    yield from reasons_against_opening(session, school)


def _applied(session: Session, school: SchoolProgramme, decision: Decision) -> None:
    school.applied_at, school.applied_by_id = decision.at, decision.account_id


def _withdrawn(session: Session, school: SchoolProgramme, decision: Decision) -> None:
    school.applied_at = school.applied_by_id = None


def _passed(session: Session, school: SchoolProgramme, decision: Decision) -> None:
    """Every accrued hour of the school is registered at once, and who earned them is told (S1-49, S1-50)."""
    school.accepted_at = decision.at
    programme = session.get_one(Programme, school.programme_id)
    register(session, programme, school.scope_path, now=decision.at)
    earned = select(HourEntry.teacher_id).where(HourEntry.programme_id == programme.id, HourEntry.state == HourState.REGISTERED)
    accounts: Any = Account.__table__
    theirs = accounts.c.teacher_id.in_(earned.where(below(HourEntry.scope_path, school.scope_path)))
    told = Sentence(REGISTERED, programme=programme.name)
    tell_accounts_where(session, [theirs], told, "/hours/", kind=NoticeKind.DECISION, now=decision.at)


SCHOOL = Workflow(
    "整校推进",
    SchoolProgramme.state,
    (
        Step(
            "open",
            SchoolState.PREPARING,
            SchoolState.OPEN,
            act="open",
            label="提交",
            kind="primary",
            confirm="提交后本校进入校本研修，教研组可以添加专题和活动。确定提交吗？",
            check=reasons_against_opening,
            effect=_opened,
        ),
        Step(
            "apply",
            (SchoolState.OPEN, SchoolState.FAILED),
            SchoolState.APPLIED,
            act="apply",
            label="申请整校验收",
            kind="primary",
            confirm="请先核对尚未完成的事项。提交后由上级验收，验收通过后全校学时自动登记。确定申请吗？",
            check=reasons_against_acceptance,
            effect=_applied,
        ),
        Step(
            "withdraw",
            SchoolState.APPLIED,
            SchoolState.OPEN,
            act="apply",
            label="撤回验收申请",
            kind="normal",
            confirm="撤回后可以继续完善，再重新申请。确定撤回吗？",
            effect=_withdrawn,
        ),
        Step(
            "accept",
            SchoolState.APPLIED,
            SchoolState.PASSED,
            act="accept",
            label="验收通过",
            not_by_author=True,
            confirm="通过后全校已累计的学时立即登记，不能再更改。确定通过吗？",
            check=reasons_against_acceptance,
            effect=_passed,
        ),
        Step(
            "fail",
            SchoolState.APPLIED,
            SchoolState.FAILED,
            act="accept",
            label="验收不通过",
            kind="danger",
            not_by_author=True,
            needs_comment=True,
            comment_label="还需完善的内容",
        ),
    ),
    person=KnownBy({"account": SchoolProgramme.applied_by_id}),
    starts=(SchoolState.PREPARING,),
    waits=(SchoolState.APPLIED,),
    ends=(SchoolState.PASSED,),
    leads_to="/research/",
)


# --- what comes next (S0-43) ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Stage:
    """One thing a school has to do: whether it is done, and in words how far it is."""

    name: str
    label: str
    is_done: bool
    told: str = ""


def stages_of(school: SchoolProgramme, ready: Readiness, programme: Programme, now: datetime) -> Sequence[Stage]:
    """The way from the plans to the registered hours, in order; the first that is not done is what comes next."""
    groups, without_plan = ready.groups, ready.groups_without_plan
    over = day_of(now) > programme.ends_on
    return (
        *_stages_to_begin(school, ready),
        Stage("theme", "编辑校本主题", bool(school.theme)),
        Stage(
            "group_plans",
            "制定教研组研修计划",
            groups > 0 and not without_plan,
            Sentence("还有 {count} 个教研组没有计划。", count=without_plan) if without_plan else "",
        ),
        Stage(
            "improvement_plans",
            "上传个人提升计划",
            ready.improvement_plans > 0 and not ready.members_without_plan,
            Sentence("{count} 名成员没有上传个人提升计划。", count=ready.members_without_plan) if ready.members_without_plan else "",
        ),
        Stage(
            "activities",
            "开展研修活动",
            over or school.state in (SchoolState.APPLIED, SchoolState.PASSED),
            Sentence("已发布 {topics} 个专题，共有 {activities} 个活动。", topics=ready.topics, activities=ready.activities),
        ),
        Stage(
            "reviews",
            "评审能力点提升总结",
            ready.summaries_decided > 0 and not ready.summaries_waiting,
            Sentence("还有 {count} 份总结待评审。", count=ready.summaries_waiting) if ready.summaries_waiting else "",
        ),
        Stage(
            "cases",
            "提交教学案例",
            groups > 0 and not ready.groups_without_case,
            Sentence("还有 {count} 个教研组没有提交教学案例。", count=ready.groups_without_case) if ready.groups_without_case else "",
        ),
        Stage("acceptance", "申请整校验收", school.state in (SchoolState.APPLIED, SchoolState.PASSED)),
        Stage("registered", "验收通过，学时登记", school.state is SchoolState.PASSED),
    )


def _stages_to_begin(school: SchoolProgramme, ready: Readiness) -> Sequence[Stage]:
    without_leader = ready.groups_without_leader
    return (
        Stage("plans", "提交两案", ready.plans == len(PLANS), Sentence("已提交 {count} / {all} 份。", count=ready.plans, all=len(PLANS))),
        Stage("team", "组建信息化团队", ready.team > 0, Sentence("已有 {count} 名成员。", count=ready.team)),
        Stage("groups", "创建教研组", ready.groups > 0, Sentence("已创建 {count} 个教研组。", count=ready.groups)),
        Stage(
            "leaders",
            "指定教研组组长",
            ready.groups > 0 and not without_leader,
            Sentence("{count} 个教研组还没有组长。", count=without_leader) if without_leader else "",
        ),
        Stage("open", "提交，进入校本研修", school.state is not SchoolState.PREPARING),
    )


# --- the IT team (S0-44, S0-114…121) ----------------------------------------------------------------------------------


def team_candidates(session: Session, identity: Identity, school: SchoolProgramme, begins: str = "") -> Sequence[Teacher]:
    """The school's certified teachers who are not in the team yet, at most 50."""
    identity.require("open", "school_programme", school.scope_path)
    held = and_(Post.scope_path == school.scope_path, Post.role == IT_TEAM, in_office())
    return candidates_at(session, identity, school.school_id, held, begins)


def form_team(session: Session, identity: Identity, school: SchoolProgramme, teacher_ids: Collection[int], *, now: datetime) -> int:
    """Take certified teachers into the school's IT team; answers how many are new. Raises NotPermitted, OutOfReach, RuleViolation."""
    identity.require("open", "school_programme", school.scope_path)
    with acting_as(identity.serving()), transaction(session):
        there = holders(session, identity, school.scope_path, (IT_TEAM,))
        if len({*teacher_ids, *(member.teacher.id for member in there)}) > MOST_IN_TEAM:
            raise RuleViolation("信息化团队最多 {most} 人。", "teacher", most=MOST_IN_TEAM)
        if not teacher_ids:
            raise RuleViolation("请选择教师。", "teacher")
        new = new_accounts(session, school.scope_path, (IT_TEAM,), school.school_id, teacher_ids)
        unit = session.get_one(School, school.school_id).name
        to = Appointment(IT_TEAM, "信息化团队成员", school.school_id, school.scope_path, unit, "/research/")
        appoint(session, to, new, now=now)
        return len(new)


def leave_team(session: Session, identity: Identity, school: SchoolProgramme, post_id: int, *, now: datetime) -> None:
    """Let a member of the team go; a school that is under way keeps one. Raises NotPermitted, OutOfReach, Conflict, RuleViolation."""
    identity.require("open", "school_programme", school.scope_path)
    with acting_as(identity.serving()), transaction(session):
        there = holders(session, identity, school.scope_path, (IT_TEAM,))
        if all(member.post.id != post_id for member in there):
            raise Conflict("该成员已不在信息化团队中，请刷新后查看。")
        if len(there) == 1 and school.state is not SchoolState.PREPARING:
            raise RuleViolation("信息化团队至少保留一名成员。")
        release(session, identity, post_id, Sentence("您不再是信息化团队的成员。"), "/research/", now=now)


WITH_NAMES = (joinedload(SchoolProgramme.programme), joinedload(SchoolProgramme.school).lazyload(School.stages))  # type: ignore[attr-defined]
"""For a page that names the school and the programme: both come along in the statement."""


def current_school_programme(session: Session, identity: Identity) -> SchoolProgramme | None:
    """The school's programme that the person reads and that began last; None when their school takes part in nothing."""
    with acting_as(identity):
        newest = select(SchoolProgramme).join(Programme).order_by(Programme.starts_on.desc(), SchoolProgramme.id.desc()).limit(1)
        return session.scalars(newest.options(*WITH_NAMES)).first()
