"""Every workflow in use, on one page: what follows what, who decides, and what a decision brings about.

``rules.workflow`` takes the steps. The one thing a newcomer gets wrong: an effect runs inside the decision's transaction,
so it may neither commit nor ask the person anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, exists, false, or_, select
from sqlalchemy.orm import Session

from models.access import Account, AccountState, Post, in_office
from models.history import Decision
from models.org import School, SchoolKind
from models.people import Certification, CertificationOutcome, CertificationState, Teacher
from models.violation import Sentence
from rules.account_opening import end_all_sessions, open_requested, open_with_teacher
from rules.activities import ACTIVITY
from rules.grants import SCHOOL_ADMIN
from rules.opening import SCHOOL
from rules.outcomes import OUTCOME_REVIEW
from rules.participation import PARTICIPATION
from rules.questions import QUESTIONS
from rules.real_name import REAL_NAME, missing_facts
from rules.removal import REMOVAL
from rules.service_desk import SERVICE
from rules.summaries import SUMMARY_REVIEW
from rules.superiors import reasons_against_shutting_out
from rules.topics import TOPIC
from rules.workflow_steps import KnownBy, Step, Workflow

# --- 教师认证 (S3-09, S3-121…123, S4-47…49) ---------------------------------------------------------------------------


def reasons_against_applying(session: Session, teacher: Teacher) -> Iterator[str]:
    """What a teacher has to do before a school can recognise them (S3-27, S4-34)."""
    school = session.get(School, teacher.school_id) if teacher.school_id is not None else None
    if school is None:
        yield "请先添加当前任教的学校。"
    elif school.kind is SchoolKind.OTHER:
        # Nobody administers the placeholder: the application would wait for ever.
        yield "当前学校是“其他”，请先改为实际任教的学校。"
    for label in missing_facts(teacher, REAL_NAME):
        yield Sentence("请先填写“{label}”。", label=label)


def _open_application(session: Session, teacher: Teacher, decision: Decision) -> None:
    session.add(Certification(teacher_id=teacher.id, school_id=teacher.school_id, applied_at=decision.at))
    teacher.applied_at = decision.at


def _close_application(session: Session, teacher: Teacher, decision: Decision, outcome: CertificationOutcome) -> None:
    still_open = (Certification.teacher_id == teacher.id, Certification.outcome == CertificationOutcome.PENDING)
    for application in session.scalars(select(Certification).where(*still_open)):
        application.outcome = outcome
        application.decided_at = decision.at
        application.comment = decision.comment


def _passed(session: Session, teacher: Teacher, decision: Decision) -> None:
    _close_application(session, teacher, decision, CertificationOutcome.PASSED)


def _recognised(session: Session, teacher: Teacher, decision: Decision) -> None:
    """Application and decision in one: the school itself has entered the teacher and answers for them."""
    _open_application(session, teacher, decision)
    session.flush()
    _passed(session, teacher, decision)


def _failed(session: Session, teacher: Teacher, decision: Decision) -> None:
    _close_application(session, teacher, decision, CertificationOutcome.FAILED)


def _withdrawn(session: Session, teacher: Teacher, decision: Decision) -> None:
    """Only what still waits is withdrawn: an application once decided stays as the school decided it."""
    _close_application(session, teacher, decision, CertificationOutcome.WITHDRAWN)
    teacher.applied_at = None


# A sole administrator who teaches at their school cannot decide on themselves: the region above does.


def administers_own_school() -> ColumnElement[bool]:
    """A teacher who is an administrator of the school they teach at, whichever of their accounts holds the post."""
    # Written into the SQL, not bound: only then does the index of school administrators answer, a probe for each who waits.
    role: ColumnElement[str] = bindparam(None, SCHOOL_ADMIN, literal_execute=True)
    held = (Post.school_id == Teacher.school_id, Post.role == role, in_office(), Account.id == Post.account_id)
    same = or_(Account.teacher_id == Teacher.id, Account.id_number == Teacher.id_number, Account.phone == Teacher.phone)
    return exists().where(*held, same)


def own_administrators_of(paths: Sequence[str]) -> ColumnElement[bool]:
    """Those among the teachers of the schools right below these regions: what waits there is theirs, further down it is others'.

    Any region above may decide; counting whole provinces on every page would make nobody decide sooner.
    """
    right_below = or_(false(), *(and_(Teacher.scope_path >= f"{path}s", Teacher.scope_path < f"{path}t") for path in paths))
    return and_(right_below, administers_own_school())


def reasons_against_certifying_above(session: Session, teacher: Teacher) -> Iterator[str]:
    """The region stands in for the school only where the school's own administrator is the one to be certified."""
    if session.scalar(select(Teacher.id).where(Teacher.id == teacher.id, administers_own_school())) is None:
        yield "上级只审核在本校任教的学校管理员，其他教师由所在学校的管理员审核。"


CERTIFICATION = Workflow(
    "教师认证审核",
    Teacher.certification,
    (
        Step(
            "apply",
            (CertificationState.NONE, CertificationState.FAILED),
            CertificationState.PENDING,
            act="apply",
            label="申请认证",
            kind="primary",
            check=reasons_against_applying,
            effect=_open_application,
        ),
        Step(
            "pass",
            CertificationState.PENDING,
            CertificationState.PASSED,
            act="certify",
            label="通过",
            not_by_author=True,
            effect=_passed,
        ),
        Step(
            "recognise",
            CertificationState.NONE,
            CertificationState.PASSED,
            act="certify",
            label="直接认证",
            confirm="学校自己录入或导入的教师可以直接认证，不必等本人申请。请先核对实名信息。",
            not_by_author=True,
            check=reasons_against_applying,
            effect=_recognised,
        ),
        Step(
            "fail",
            CertificationState.PENDING,
            CertificationState.FAILED,
            act="certify",
            label="不通过",
            kind="danger",
            not_by_author=True,
            needs_comment=True,
            effect=_failed,
        ),
        Step(
            "pass_above",
            CertificationState.PENDING,
            CertificationState.PASSED,
            act="certify_above",
            label="上级通过",
            not_by_author=True,
            among=own_administrators_of,
            check=reasons_against_certifying_above,
            effect=_passed,
        ),
        Step(
            "fail_above",
            CertificationState.PENDING,
            CertificationState.FAILED,
            act="certify_above",
            label="上级不通过",
            kind="danger",
            not_by_author=True,
            needs_comment=True,
            among=own_administrators_of,
            check=reasons_against_certifying_above,
            effect=_failed,
        ),
        Step(
            "withdraw",
            CertificationState.PENDING,
            CertificationState.NONE,
            act="apply",
            label="撤回申请",
            kind="normal",
            confirm="撤回后学校不再审核这次申请，您可以修改信息后重新申请。确定撤回吗？",
            effect=_withdrawn,
        ),
        Step(
            "drop",
            (CertificationState.PASSED, CertificationState.PENDING, CertificationState.FAILED),
            CertificationState.NONE,
            act="leave",
            label="取消认证",
            kind="danger",
            effect=_withdrawn,
            shown=False,
        ),
    ),
    person=KnownBy({"teacher": Teacher.id, "id_number": Teacher.id_number, "phone": Teacher.phone}),
    starts=(CertificationState.NONE,),
    waits=(CertificationState.PENDING,),
    leads_to="/me/",
)

# --- 账号开通 (S2-12, S2-23) ------------------------------------------------------------------------------------------

ACCOUNT_OPENING = Workflow(
    "账号开通审核",
    Account.state,
    (
        Step(
            "approve",
            AccountState.REQUESTED,
            AccountState.ACTIVE,
            act="approve",
            label="通过",
            not_by_author=True,
            effect=open_requested,
        ),
        Step(
            "refuse",
            AccountState.REQUESTED,
            AccountState.REFUSED,
            act="approve",
            label="不通过",
            kind="danger",
            not_by_author=True,
            needs_comment=True,
        ),
        Step(
            "disable",
            AccountState.ACTIVE,
            AccountState.DISABLED,
            act="disable",
            label="停用",
            kind="danger",
            not_by_author=True,
            confirm="停用后该账号不能登录，正在使用的会话和接口密钥立即失效，以后可以重新启用。确定停用吗？",
            check=reasons_against_shutting_out,
            effect=end_all_sessions,
        ),
        Step(
            "enable",
            AccountState.DISABLED,
            AccountState.ACTIVE,
            act="disable",
            label="启用",
            not_by_author=True,
            check=reasons_against_shutting_out,
        ),
        # By registering again with a proven phone (rules.registration).
        Step("ask_again", AccountState.REFUSED, AccountState.REQUESTED, act="apply", label="重新申请", shown=False),
        # By adding the teacher, at whichever door (rules.teacher_accounts).
        Step(
            "open",
            (AccountState.REQUESTED, AccountState.REFUSED),
            AccountState.ACTIVE,
            act="approve",
            label="随教师开通",
            effect=open_with_teacher,
            shown=False,
        ),
    ),
    person=KnownBy({"account": Account.id, "id_number": Account.id_number, "phone": Account.phone, "teacher": Account.teacher_id}),
    starts=(AccountState.REQUESTED, AccountState.ACTIVE),
    waits=(AccountState.REQUESTED,),
    leads_to="/me/",
)

WORKFLOWS: tuple[Workflow, ...] = (
    CERTIFICATION,
    ACCOUNT_OPENING,
    SERVICE,
    QUESTIONS,
    SCHOOL,
    TOPIC,
    ACTIVITY,
    PARTICIPATION,
    SUMMARY_REVIEW,
    OUTCOME_REVIEW,
    REMOVAL,
)
_BY_MODEL = {workflow.model: workflow for workflow in WORKFLOWS}


def workflow_of(model: type[Any]) -> Workflow | None:
    """The workflow of a table's rows, if they have one."""
    return _BY_MODEL.get(model)
