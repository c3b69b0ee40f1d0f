"""A reassigned teacher goes on, or is taken out by a decision that voids and deletes nothing (S1-43…45, Z-13)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session, sessionmaker

from models.access import Post
from models.activities import ActivityKind, Participation, ParticipationState
from models.history import Change
from models.hours import HourEntry, HourState
from models.notices import Notice
from models.outcomes import AbilitySummary, ImprovementPlan
from models.people import Teacher
from models.research import RemovalRequest, RemovalState, ResearchGroup, SchoolProgramme, SchoolState
from models.scoping import SYSTEM, Identity, acting_as
from models.violation import Conflict, NotPermitted, OutOfReach, RuleViolation
from rules.activities import ACTIVITY
from rules.approvals import WORKFLOWS
from rules.grants import GROUP_LEADER, GROUP_MEMBER, IT_TEAM
from rules.opening import readiness_of
from rules.participation import complete, enter
from rules.people import leave_school
from rules.removal import REMOVAL, ask_removal, at_stake, removable
from rules.summaries import SUMMARY_REVIEW
from rules.workflow import take
from rules.workflow_waiting import waiting
from tests.cast import TODAY, Cast
from tests.services.lessons import LEADER, MEMBER, OTHER, Lessons
from tests.services.test_opening import race


@pytest.fixture
def lessons(cast: Cast, session: Session) -> Lessons:
    """兰 has completed one activity and joined another; the cast's own request about 竹 is out of the way."""
    lessons = Lessons(cast, session)
    with acting_as(SYSTEM):
        session.execute(update(RemovalRequest).values(state=RemovalState.WITHDRAWN))
        session.commit()
    for kind, is_done in ((ActivityKind.DISCUSSION, True), (ActivityKind.HOMEWORK, False)):
        row = lessons.activity(LEADER, kind)
        take(session, lessons.as_personal(LEADER), ACTIVITY, row, "publish", now=TODAY)
        with acting_as(SYSTEM):
            part = enter(session, lessons.as_personal(LEADER), row, cast.teacher[MEMBER], now=TODAY)
            if is_done:
                complete(session, lessons.as_personal(MEMBER), part, now=TODAY)
            session.commit()
    return lessons


def ask(lessons: Lessons, who: str = "平", about: str = MEMBER, reason: str = "调往他校") -> RemovalRequest:
    return ask_removal(lessons.session, lessons.cast.identity(who), lessons.school, lessons.cast.teacher[about], reason, now=TODAY)


def decide(lessons: Lessons, who: str | Identity, request: RemovalRequest, step: str, comment: str = "") -> None:
    identity = lessons.cast.identity(who) if isinstance(who, str) else who
    take(lessons.session, identity, REMOVAL, request, step, comment=comment, now=TODAY)


def told(lessons: Lessons, name: str) -> list[str]:
    with acting_as(SYSTEM):
        return [str(notice.sentence) for notice in lessons.session.scalars(select(Notice).filter_by(account_id=lessons.cast.account[name]))]


def of_member(lessons: Lessons, model: Any) -> list[Any]:
    with acting_as(SYSTEM):
        return list(lessons.session.scalars(select(model).filter_by(teacher_id=lessons.cast.teacher[MEMBER]).order_by(model.id)))


def posts(lessons: Lessons, name: str) -> list[str]:
    with acting_as(SYSTEM):
        held = select(Post.role).where(Post.account_id == lessons.cast.account[name], Post.until.is_(None))
        return sorted(lessons.session.scalars(held.where(Post.scope_path.startswith(lessons.school.scope_path))))


def test_what_would_be_lost_is_told_before_asking(lessons: Lessons) -> None:
    """S1-45: the warning."""
    with acting_as(lessons.cast.identity("平")):
        lost = at_stake(lessons.session, lessons.school, lessons.cast.teacher[MEMBER])
    assert (lost.hours, lost.completed, lost.joined, lost.posts) == (Decimal(2), 1, 1, 1)
    names = [teacher.name for teacher in removable(lessons.session, lessons.cast.identity("平"), lessons.school)]
    assert names == sorted(names) and set(names) == {LEADER, MEMBER, OTHER}
    assert [t.name for t in removable(lessons.session, lessons.cast.identity("平"), lessons.school, MEMBER)] == [MEMBER]


def test_an_approved_removal_voids_and_keeps_in_history(lessons: Lessons) -> None:
    """S1-44, S1-45, Z-13."""
    request = ask(lessons)
    assert request.lost_hours == Decimal(2) and any("申请将您移出" in sentence for sentence in told(lessons, MEMBER))
    decide(lessons, "丹", request, "approve")
    assert (request.state, request.decided_at, request.lost_hours) == (RemovalState.APPROVED, TODAY, Decimal(2))
    assert GROUP_MEMBER not in posts(lessons, MEMBER)
    parts = of_member(lessons, Participation)
    assert {part.state for part in parts} == {ParticipationState.REMOVED} and len(parts) == 2
    entries = [entry for entry in of_member(lessons, HourEntry) if entry.programme_id == lessons.school.programme_id]
    assert sorted((entry.hours, entry.state) for entry in entries) == [(Decimal(-2), HourState.VOID), (Decimal(2), HourState.VOID)]
    with acting_as(SYSTEM):
        lines = select(func.count()).select_from(Change).where(Change.table_name == "participation", Change.act == "remove")
        assert lessons.session.scalar(lines) == 2
    assert any("同意移除" in sentence for sentence in told(lessons, MEMBER))
    assert any("同意移除" in sentence for sentence in told(lessons, "平"))


def test_plan_and_summaries_stay_and_no_longer_count(lessons: Lessons) -> None:
    lessons.appoint(OTHER, GROUP_MEMBER, lessons.group.scope_path)
    request = ask(lessons, about=OTHER)
    with acting_as(SYSTEM):
        before = readiness_of(lessons.session, lessons.school)
    decide(lessons, "丹", request, "approve")
    with acting_as(SYSTEM):
        after = readiness_of(lessons.session, lessons.school)
        kept = [lessons.session.scalar(select(func.count()).select_from(model)) for model in (ImprovementPlan, AbilitySummary)]
    assert (before.improvement_plans, before.summaries_waiting) == (1, 1)
    assert (after.improvement_plans, after.summaries_waiting) == (0, 0) and kept == [1, 1]


def test_what_waited_for_a_reviewer_waits_no_more_until_it_is_handed_in_anew(lessons: Lessons) -> None:
    """S1-45: neither counted in the menu nor to be passed."""
    lessons.appoint(OTHER, GROUP_MEMBER, lessons.group.scope_path)
    lessons.appoint(LEADER, IT_TEAM, lessons.cast.path["北"])
    reviewer, session = lessons.as_personal(LEADER), lessons.session
    with acting_as(SYSTEM):
        summary = session.scalars(select(AbilitySummary).filter_by(teacher_id=lessons.cast.teacher[OTHER])).one()
    assert waiting(session, reviewer, WORKFLOWS)["ability_summary"] == 1
    decide(lessons, "丹", ask(lessons, about=OTHER), "approve")
    assert waiting(session, reviewer, WORKFLOWS)["ability_summary"] == 0
    with pytest.raises(Conflict, match="已作废"):
        take(session, reviewer, SUMMARY_REVIEW, summary, "pass", now=TODAY)
    with acting_as(SYSTEM):
        take(session, SYSTEM, SUMMARY_REVIEW, summary, "resubmit", now=TODAY)
    assert waiting(session, reviewer, WORKFLOWS)["ability_summary"] == 1


def test_a_leader_who_is_removed_leads_no_more(lessons: Lessons) -> None:
    decide(lessons, "丹", ask(lessons, about=LEADER), "approve")
    with acting_as(SYSTEM):
        assert lessons.session.get_one(ResearchGroup, lessons.group.id, populate_existing=True).leader_id is None
    assert GROUP_LEADER not in posts(lessons, LEADER) and GROUP_MEMBER not in posts(lessons, LEADER)


def test_until_it_is_decided_the_teacher_goes_on(lessons: Lessons) -> None:
    """S1-43: what was earned meanwhile is lost with the rest."""
    request = ask(lessons)
    [_done, joined] = of_member(lessons, Participation)
    with acting_as(SYSTEM):
        complete(lessons.session, lessons.as_personal(MEMBER), joined, now=TODAY)
        lessons.session.commit()
    assert joined.state is ParticipationState.COMPLETED
    decide(lessons, "丹", request, "approve")
    assert request.lost_hours == Decimal(7)


def test_refused_or_withdrawn_nothing_changes(lessons: Lessons) -> None:
    request = ask(lessons)
    with pytest.raises(RuleViolation, match="审核意见"):
        decide(lessons, "丹", request, "refuse")
    decide(lessons, "丹", request, "refuse", "可继续研修")
    assert request.state is RemovalState.REFUSED and any("可继续研修" in sentence for sentence in told(lessons, MEMBER))
    again = ask(lessons)
    decide(lessons, "平", again, "withdraw")
    assert again.state is RemovalState.WITHDRAWN and any("已撤回" in sentence for sentence in told(lessons, MEMBER))
    assert GROUP_MEMBER in posts(lessons, MEMBER)
    assert {part.state for part in of_member(lessons, Participation)} == {ParticipationState.JOINED, ParticipationState.COMPLETED}


@pytest.mark.parametrize(
    ("who", "error"), [("丹", NotPermitted), ("兰", NotPermitted), ("锐", OutOfReach)], ids=["superior", "teacher", "another school"]
)
def test_only_the_school_asks(lessons: Lessons, who: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        ask(lessons, who=who)


def test_neither_who_asked_nor_whom_it_is_about_decides(lessons: Lessons) -> None:
    request, dan = ask(lessons), lessons.cast.identity("丹")
    for name in ("平", MEMBER):
        person = lessons.cast.identity(name).person
        both = Identity(account_id=lessons.cast.account[name], grants=dan.grants, person=person)
        with pytest.raises(RuleViolation, match="不能办理本人的事项"):
            decide(lessons, both, request, "approve")
    with pytest.raises(OutOfReach):
        decide(lessons, "岚", request, "approve")
    with pytest.raises(NotPermitted):
        decide(lessons, "平", request, "approve")


def test_refusals_in_words(lessons: Lessons) -> None:
    for reason, sentence in (("  ", "请填写“移除原因”"), ("长" * 501, "最多 500 个字")):
        with pytest.raises(RuleViolation, match=sentence) as refusal:
            ask(lessons, reason=reason)
        assert refusal.value.field == "reason"
    with pytest.raises(RuleViolation, match="没有参加本校的校本研修"):
        ask(lessons, about="菊")
    request = ask(lessons)
    with pytest.raises(RuleViolation, match="已有一份待审批"):
        ask(lessons)
    with acting_as(SYSTEM):
        passed = update(SchoolProgramme).where(SchoolProgramme.id == lessons.school.id).values(state=SchoolState.PASSED)
        lessons.session.execute(passed)
        lessons.session.commit()
        lessons.session.expire_all()
    with pytest.raises(RuleViolation, match="已通过整校验收"):
        decide(lessons, "丹", request, "approve")
    with pytest.raises(RuleViolation, match="已通过整校验收"):
        ask(lessons, about=LEADER)


def test_of_two_who_ask_or_decide_at_once_one_does(lessons: Lessons, factory: sessionmaker[Any]) -> None:
    ping, dan = lessons.cast.identity("平"), lessons.cast.identity("丹")
    teacher, school_id = lessons.cast.teacher[MEMBER], lessons.school.id

    def asking(session: Session) -> None:
        with acting_as(SYSTEM):
            school = session.get_one(SchoolProgramme, school_id)
        ask_removal(session, ping, school, teacher, "调岗", now=TODAY)

    results = race(factory, asking, asking, asking)
    assert results.count(None) == 1 and all("已有一份待审批" in str(one) for one in results if one)

    def deciding(step: str) -> Any:
        def act(session: Session) -> None:
            with acting_as(SYSTEM):
                request = session.scalars(select(RemovalRequest).filter_by(state=RemovalState.PENDING)).one_or_none()
            if request is None:
                raise Conflict("late")
            take(session, dan, REMOVAL, request, step, comment="审批意见", now=TODAY)

        return act

    results = race(factory, deciding("approve"), deciding("refuse"), deciding("approve"))
    assert results.count(None) == 1
    states = {part.state for part in of_member(lessons, Participation)}
    with acting_as(SYSTEM):
        state = lessons.session.scalars(select(RemovalRequest.state).filter_by(teacher_id=teacher)).one()
    assert (ParticipationState.REMOVED in states) == (state is RemovalState.APPROVED)


def test_a_reassigned_teacher_may_go_on_as_a_member(lessons: Lessons) -> None:
    """S1-43: leaving the school ends no membership; who led is a member from then on."""
    for name in (MEMBER, LEADER):
        with acting_as(SYSTEM):
            teacher = lessons.session.get_one(Teacher, lessons.cast.teacher[name], populate_existing=True)
        leave_school(lessons.session, lessons.cast.identity("平"), teacher, now=TODAY)
    with acting_as(SYSTEM):
        held = select(Post.role).where(Post.scope_path == lessons.group.scope_path, Post.until.is_(None))
        assert set(lessons.session.scalars(held)) == {GROUP_MEMBER}
        assert lessons.session.get_one(ResearchGroup, lessons.group.id, populate_existing=True).leader_id is None
    assert MEMBER in [teacher.name for teacher in removable(lessons.session, lessons.cast.identity("平"), lessons.school)]
