"""Teachers: what must hold of one behind every door, and how one leaves a school and joins another.

The one thing a newcomer gets wrong: a school is not a field of the teacher's form. Who changes schools moves to another
place in the tree, with the account and the posts that are theirs, and has to be recognised anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import inspect, or_, select, update
from sqlalchemy.orm import Session

from models.access import Account, Post, in_force
from models.base import utcnow
from models.invariants import holds, keeps
from models.org import Region, School
from models.people import CertificationState, IdType, Teacher
from models.research import ResearchGroup
from models.scoping import Identity, acting_as
from models.session import transaction
from models.violation import Conflict
from rules.account_names import check_phone
from rules.approvals import CERTIFICATION
from rules.errors import RuleViolation
from rules.grants import GROUP_LEADER, GROUP_MEMBER, is_admin_role
from rules.id_numbers import FIELD, check_id_number, half_width
from rules.phones import TRIES
from rules.posts import end_substitutes
from rules.rotation import end_rotation
from rules.throttle import hit
from rules.units import check_units_stayed
from rules.workflow import lock, take

OF_THE_CERTIFIED = ("id_type", "id_number", "school")
"""What a school has vouched for (S4-53)."""


# --- what must hold ---------------------------------------------------------------------------------------------------


@holds(Teacher)
def name_is_given(session: Session, teacher: Teacher) -> None:
    """A name has at least one character one can see."""
    if _given(teacher, "name"):
        teacher.name = teacher.name.strip()
        if not half_width(teacher.name):
            raise RuleViolation("请填写“{label}”。", "name", label=Teacher.name.info["label"])


@holds(Teacher)
def id_number_is_valid(session: Session, teacher: Teacher) -> None:
    """The number is one the document can carry, and is kept in its one normal form (S2-10, S3-120)."""
    if not (_given(teacher, "id_number") or _given(teacher, "id_type_id")):
        return
    kind = session.get(IdType, teacher.id_type_id)
    if kind is None:
        raise RuleViolation("所选的“{label}”不存在。", "id_type_id", label=Teacher.id_type_id.info["label"])
    try:
        teacher.id_number = check_id_number(kind.code, teacher.id_number, utcnow().date())
    except RuleViolation as refusal:
        if refusal.field == FIELD:
            raise
        raise RuleViolation(refusal.template, "id_type_id", **refusal.params) from refusal


@holds(Teacher)
def phone_is_valid(session: Session, teacher: Teacher) -> None:
    """A phone may be missing; one that is given is a mobile's eleven digits."""
    if _given(teacher, "phone"):
        typed = half_width(teacher.phone or "")
        teacher.phone = check_phone(typed) if typed else None


@holds(Teacher)
def certified_facts_stay(session: Session, teacher: Teacher) -> None:
    """Who is certified changes neither document nor school; the way out is to leave the school first (S4-53, S4-54).

    Asked last: only then is a number in its normal form known to be another one.
    """
    if teacher.certification is not CertificationState.PASSED or not inspect(teacher).persistent:
        return
    for name in OF_THE_CERTIFIED:
        column = f"{name}_id" if f"{name}_id" in Teacher.__mapper__.columns else name
        if _given(teacher, column):
            label = Teacher.__mapper__.columns[column].info["label"]
            raise RuleViolation("认证通过的教师不能直接修改“{label}”；请先从学校移除，修改后重新加入学校并申请认证。", column, label=label)


@keeps(Teacher)
def reasons_to_keep(session: Session, teacher: Teacher) -> Iterator[str]:
    """A recognised teacher is not deleted: their school lets them go first."""
    if teacher.certification is CertificationState.PASSED:
        yield "该教师已认证通过，请先将其从学校移除。"


def _given(teacher: Teacher, name: str) -> bool:
    """Whether the flush is about to write a new value."""
    past = inspect(teacher).attrs[name].history
    return bool(past.added) and past.added != past.deleted


# --- leaving and joining ----------------------------------------------------------------------------------------------


def leave_school(session: Session, identity: Identity, teacher: Teacher, *, now: datetime) -> Teacher:
    """The teacher leaves their school, by their own hand or the school's, and is certified no more (S4-47…49).

    Until they join another they belong to the school's region: ``scope_path`` goes there, their account and their own posts go
    along, and their personal posts in the school (信息化团队) end; in their research group they may go on as a member until a removal
    is approved (S1-43…45). A post as administrator stays: handing it over is
    the superior's act (S3-133). Their applications stay with the school that decided on them, as its record; the teacher goes
    on seeing them, and the next school starts with a clean sheet.

    Raises NotPermitted, OutOfReach, RuleViolation; Conflict when the teacher has changed meanwhile.
    """
    session.flush()
    with acting_as(identity.serving()), transaction(session):
        teacher = _held(session, identity, teacher, "leave")
        if teacher.school_id is None:
            raise RuleViolation("目前没有任教的学校，不需要移除。")
        if teacher.certification is not CertificationState.NONE:
            _drop_certification(session, identity, teacher, "从学校移除", now)
        school = session.get_one(School, teacher.school_id)
        _settle(session, teacher, session.get_one(Region, school.region_id), now)
    return teacher


def join_school(session: Session, identity: Identity, teacher: Teacher, school: School, *, now: datetime) -> Teacher:
    """The teacher says where they teach now, be it the placeholder “其他” until the school is there (S3-131, S4-34, S4-36, S4-48).

    It is the teacher's own act, like applying: a school neither sees nor takes in a teacher who has not come to it (S0-22). An
    application the old school has not passed is dropped; who is certified has to leave first (``certified_facts_stay``).

    Raises NotPermitted, OutOfReach, RuleViolation; Conflict when the teacher or the school has changed meanwhile.
    """
    session.flush()
    with acting_as(identity.serving()), transaction(session):
        teacher = _held(session, identity, teacher, "apply")
        if teacher.school_id == school.id:
            raise RuleViolation("您已在“{school}”任教，不需要重新添加。", "school_id", school=school.name)
        if teacher.certification in (CertificationState.PENDING, CertificationState.FAILED):
            _drop_certification(session, identity, teacher, "改选任教学校", now)
        _settle(session, teacher, session.get_one(School, school.id, populate_existing=True), now)
        check_units_stayed(session, [teacher])
    return teacher


def correct_document(session: Session, identity: Identity, teacher: Teacher, id_type_id: int, id_number: str, *, now: datetime) -> Teacher:
    """The teacher puts their own document right, which no school has vouched for (S4-51, S4-53, S4-54); their account goes along.

    The refusal tells that a number is somebody's, so it can be asked a few times an hour only.

    Raises NotPermitted, OutOfReach, RuleViolation (also while they are certified, and for a number that is somebody's); Conflict.
    """
    session.flush()
    if not hit(session, f"document:{teacher.id}", limit=TRIES, seconds=3600, now=now):
        raise RuleViolation("操作过于频繁，请稍后再试。")
    with acting_as(identity.serving()), transaction(session):
        teacher = _held(session, identity, teacher, "apply")
        before = teacher.id_number
        teacher.id_type_id, teacher.id_number = id_type_id, id_number
        session.flush()
        if teacher.id_number != before:
            _rename_account(session, teacher, before)
    return teacher


def _rename_account(session: Session, teacher: Teacher, before: str) -> None:
    """The account that carried the old number carries the new one; where the number is its name, it is renamed (S0-11)."""
    carrying = or_(Account.username == teacher.id_number, Account.id_number == teacher.id_number)
    if session.scalar(select(Account.id).where(carrying, Account.teacher_id.is_distinct_from(teacher.id)).limit(1)) is not None:
        raise RuleViolation("这个证件号码已有账号，请联系客服核对。", "id_number")
    for account in session.scalars(select(Account).where(Account.teacher_id == teacher.id)):
        if account.id_number == before:
            account.id_number = teacher.id_number
        if account.username == before:
            account.username = teacher.id_number


def _held(session: Session, identity: Identity, teacher: Teacher, act: str) -> Teacher:
    """The teacher as the person has seen them, held until the transaction ends."""
    seen = teacher.version
    teacher = lock(session, identity, teacher, act)
    if teacher.version != seen:
        raise Conflict("这条记录刚刚被他人修改，请查看最新内容后再试。")
    return teacher


def _drop_certification(session: Session, identity: Identity, teacher: Teacher, why: str, now: datetime) -> None:
    take(session, identity.serving(), CERTIFICATION, teacher, "drop", comment=why, now=now, commit=False)


def _settle(session: Session, teacher: Teacher, unit: School | Region, now: datetime) -> None:
    """Bring the teacher to another unit with what is theirs; ``unit`` is a region for who is between schools."""
    old, new = teacher.scope_path, f"{unit.scope_path}t{teacher.id}/"
    left = old.removesuffix(f"t{teacher.id}/") if teacher.school_id is not None else None
    teacher.school_id = unit.id if isinstance(unit, School) else None
    teacher.scope_path = new
    end_rotation(teacher)
    for account in session.scalars(select(Account).where(Account.teacher_id == teacher.id)):
        # An account that is looked after elsewhere (an administrator's) stays where it is.
        if account.scope_path.startswith(old):
            account.scope_path = new
        for post in session.scalars(select(Post).where(Post.account_id == account.id, in_force(now))):
            if post.scope_path.startswith(old):
                _bring(post, unit, new)
            elif left is not None and post.scope_path.startswith(left) and not is_admin_role(post.role):
                _leave_behind(session, teacher, post, now)


def _leave_behind(session: Session, teacher: Teacher, post: Post, now: datetime) -> None:
    """A reassigned teacher may go on in their research group (S1-43), as a member; other posts in the school end, and what is stood in for."""
    end_substitutes(session, or_(Post.id == post.id, Post.delegate_of_id == post.id), now=now)
    if post.delegate_of_id is not None:
        return
    if post.role == GROUP_LEADER:
        led = update(ResearchGroup).where(ResearchGroup.scope_path == post.scope_path, ResearchGroup.leader_id == teacher.id)
        session.execute(led.values(leader_id=None, version=ResearchGroup.version + 1), execution_options={"synchronize_session": False})
        post.role = GROUP_MEMBER
    elif post.role != GROUP_MEMBER:
        post.until = now


def _bring(post: Post, unit: School | Region, path: str) -> None:
    post.scope_path = path
    post.unit_name = unit.name
    post.school_id = unit.id if isinstance(unit, School) else None
    post.region_id = unit.id if isinstance(unit, Region) else None
