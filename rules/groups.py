"""教研组: who leads one, who belongs to it, and what keeps it (S0-29, S0-52…58, S0-74, S0-131, S0-132).

The leader is a field of the group, whatever door it is set at, and a post that follows it. The one thing a newcomer gets wrong:
leaving a group takes nothing away that was earned there; only an approved removal does (S1-43…45).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, and_, exists, false, func, inspect, or_, select, update
from sqlalchemy.orm import Session

from models.access import Account, Post, in_force, in_office
from models.activities import Activity, ActivityState, Rubric, Topic
from models.base import utcnow
from models.history import note
from models.invariants import holds, keeps, linked, on_added, on_deleted
from models.offers import offers
from models.outcomes import Outcome
from models.people import CertificationState, Teacher
from models.research import GroupPlan, ResearchGroup, SchoolProgramme
from models.scoping import Identity, acting_as, below
from models.session import transaction
from models.violation import Conflict, Sentence
from rules.errors import RuleViolation
from rules.grants import GROUP_LEADER, GROUP_MEMBER
from rules.members import IN_A_GROUP, Appointment, appoint, candidates_at, new_accounts, release
from rules.posts import end_substitutes

RELEASED = "您不再是“{group}”的成员。已获得的学时不受影响。"
MOST_AT_ONCE = 500


# --- the leader, behind every door ------------------------------------------------------------------------------------


@holds(ResearchGroup)
def check_group(session: Session, group: ResearchGroup) -> None:
    """A group is made in a programme that is going on, and led by a certified teacher of the school (S0-53)."""
    state: Any = inspect(group)
    school = linked(session, group, "school_programme")
    if not (state.pending or state.attrs.leader_id.history.has_changes() or state.attrs.leader.history.has_changes()):
        return
    leader = linked(session, group, "leader")
    if leader is not None:
        check_leader(school, leader)
    if not state.pending:
        _appoint(session, group, leader, utcnow())


def check_leader(school: SchoolProgramme, leader: Teacher) -> None:
    """Raise RuleViolation unless the teacher may lead a group of this school."""
    if leader.school_id != school.school_id:
        raise RuleViolation("组长须为本校教师。", "leader")
    if leader.certification is not CertificationState.PASSED:
        raise RuleViolation("“{name}”尚未通过认证，不能担任组长。", "leader", name=leader.name)


@offers(ResearchGroup, "leader", why="组长须为本校已通过认证的教师。")
def teachers_who_may_lead(identity: Identity, act: str) -> Select[Any]:
    """The certified teachers where this person writes groups, by name (S0-53)."""
    there = or_(false(), *(below(Teacher.scope_path, path) for path in identity.paths(act, "research_group")))
    able = select(Teacher).where(Teacher.certification == CertificationState.PASSED, there)
    return able.order_by(Teacher.name, Teacher.id)


@on_added(ResearchGroup)
def appoint_first_leaders(session: Session, groups: Sequence[ResearchGroup]) -> None:
    """Who leads a new group holds the post from the start."""
    for group in groups:
        if group.leader_id is not None:
            _appoint(session, group, session.get_one(Teacher, group.leader_id), utcnow())


def _appoint(session: Session, group: ResearchGroup, leader: Teacher | None, now: datetime) -> None:
    """The post follows the field: whoever led stays a member, whoever leads now is no ordinary member any more."""
    here = (Post.scope_path == group.scope_path, in_office())
    led = session.scalars(select(Post.account_id).where(*here, Post.role == GROUP_LEADER)).one_or_none()
    chosen = session.scalar(select(Account.id).where(Account.teacher_id == leader.id)) if leader is not None else None
    if leader is not None and chosen is None:
        raise RuleViolation("“{name}”还没有账号，不能担任组长。", "leader", name=leader.name)
    if led == chosen:
        return
    ended = (Post.role == GROUP_LEADER) | (Post.account_id == chosen)
    session.execute(update(Post).where(*here, ended).values(until=now), execution_options={"synchronize_session": False})
    end_substitutes(session, Post.scope_path == group.scope_path, now=now)
    if led is not None:
        _write_posts(session, group, [led], GROUP_MEMBER, now)
    if chosen is not None:
        _write_posts(session, group, [chosen], GROUP_LEADER, now)


def _write_posts(session: Session, group: ResearchGroup, account_ids: Collection[int], role: str, now: datetime) -> None:
    school = session.get_one(SchoolProgramme, group.school_programme_id)
    label = "组长" if role == GROUP_LEADER else "成员"
    appoint(session, Appointment(role, label, school.school_id, group.scope_path, group.name, "/research/mine/"), account_ids, now=now)


@on_deleted(ResearchGroup)
def end_posts(session: Session, groups: Sequence[ResearchGroup]) -> None:
    """Nobody holds a post at a group that is gone."""
    now = utcnow()
    held = (Post.scope_path.in_([group.scope_path for group in groups]), in_force(now))
    session.execute(update(Post).where(*held).values(until=now), execution_options={"synchronize_session": False})


@keeps(ResearchGroup)
def what_keeps_group(session: Session, group: ResearchGroup) -> Iterator[str]:
    """A plan, a topic, an activity, an outcome or a rubric keeps its group; the sentence says which (S0-58, Z-02)."""
    if title := session.scalar(select(GroupPlan.title).where(GroupPlan.group_id == group.id)):
        yield Sentence("该教研组已有研修计划“{title}”，不能删除。", title=title)
    for model, one, sentence in (
        (Topic, Topic.title, "该教研组有 {count} 个研修专题（如“{title}”），不能删除。"),
        (Activity, Activity.title, "该教研组有 {count} 个研修活动（如“{title}”），不能删除。"),
        (Outcome, Outcome.title, "该教研组有 {count} 份研修成果（如“{title}”），不能删除。"),
        (Rubric, Rubric.name, "该教研组有 {count} 份评课标准（如“{title}”），不能删除。"),
    ):
        count, title = session.execute(select(func.count(), func.min(one)).where(model.group_id == group.id)).one()
        if count:
            yield Sentence(sentence, count=count, title=title)


# --- members ----------------------------------------------------------------------------------------------------------


def candidates(session: Session, identity: Identity, group: ResearchGroup, begins: str = "") -> Sequence[Teacher]:
    """The school's certified teachers who are not in the group yet, by name, at most 50; for whoever manages its members (S0-74)."""
    identity.require("members", "research_group", group.scope_path)
    held = and_(Post.scope_path == group.scope_path, in_office(), Post.role.in_(IN_A_GROUP))
    with acting_as(identity.serving()):
        school = session.get_one(SchoolProgramme, group.school_programme_id)
    return candidates_at(session, identity, school.school_id, held, begins)


def add_members(session: Session, identity: Identity, group: ResearchGroup, teacher_ids: Collection[int], *, now: datetime) -> int:
    """Take certified teachers of the school into the group; answers how many were not in it before (S0-53, S0-74).

    Raises NotPermitted, OutOfReach and RuleViolation; all of them come in, or none.
    """
    identity.require("members", "research_group", group.scope_path)
    identity = identity.at("members", group)
    wanted = sorted(set(teacher_ids))
    if not wanted or len(wanted) > MOST_AT_ONCE:
        raise RuleViolation("请选择 1 至 {most} 名教师。", "teacher", most=MOST_AT_ONCE)
    with acting_as(identity.serving()), transaction(session):
        _hold(session, group)
        school = session.get_one(SchoolProgramme, group.school_programme_id)
        new = new_accounts(session, group.scope_path, IN_A_GROUP, school.school_id, wanted)
        if new:
            _write_posts(session, group, new, GROUP_MEMBER, now)
            names = session.scalars(select(Account.first_name).where(Account.id.in_(new)).order_by(Account.id))
            note(session, group, "add_members", {"members": [None, "、".join(names)]})
        return len(new)


def _hold(session: Session, group: ResearchGroup) -> None:
    """A post names its unit by path alone: the group may not go while somebody comes in. Conflict when it is gone."""
    there = select(ResearchGroup.id).where(ResearchGroup.id == group.id).with_for_update(read=True, key_share=True)
    if session.scalar(there) is None:
        raise Conflict("这个教研组刚刚已被删除，请刷新后查看。")


def release_member(session: Session, identity: Identity, group: ResearchGroup, post_id: int, *, now: datetime) -> None:
    """Let a member go; the leader is replaced instead. Raises NotPermitted, OutOfReach, RuleViolation and Conflict."""
    identity.require("members", "research_group", group.scope_path)
    identity = identity.at("members", group)
    with acting_as(identity.serving()), transaction(session):
        held = (Post.id == post_id, Post.scope_path == group.scope_path, in_office())
        post = session.scalars(select(Post).where(*held)).one_or_none()
        if post is None:
            raise Conflict("该成员已不在教研组中，请刷新后查看。")
        if post.role == GROUP_LEADER:
            raise RuleViolation("不能移出组长，请先由学校管理员更换组长。")
        name = session.scalar(select(Account.first_name).where(Account.id == post.account_id))
        note(session, group, "release_member", {"members": [name, None]})
        end_substitutes(session, Post.account_id == post.account_id, Post.scope_path == group.scope_path, now=now)
        release(session, identity, post.id, Sentence(RELEASED, group=group.name), "/research/mine/", now=now)


# --- the worklist -----------------------------------------------------------------------------------------------------


def without_leader() -> Any:
    """Groups that nobody leads (S0-29)."""
    return ResearchGroup.leader_id.is_(None)


def without_plan() -> Any:
    """Groups that have no plan yet (S0-30)."""
    return ~exists().where(GroupPlan.group_id == ResearchGroup.id)


def lacks_plan(session: Session, group_id: int) -> bool:
    """Whether this group has no plan yet; one statement."""
    return session.scalar(select(ResearchGroup.id).where(ResearchGroup.id == group_id, without_plan())) is not None


def without_activity(now: datetime, days: int) -> Any:
    """Groups in which nothing has begun or been completed for so many days; what is a draft, or still to come, is no activity yet (S0-30)."""
    since = now - timedelta(days=days)
    recent = or_(Activity.starts_at.between(since, now), Activity.completed_at >= since)
    return ~exists().where(Activity.group_id == ResearchGroup.id, Activity.state != ActivityState.DRAFT, recent)
