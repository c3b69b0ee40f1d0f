"""A school opens its research and is accepted at the end (S0-43…51, S0-132, S1-02, S1-49…52, S1-57, S1-58)."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session, sessionmaker

import rules.school_programmes  # noqa: F401  (a school's part has a name)
from models.activities import Activity, ActivityKind, ActivityState, Participation, ParticipationState
from models.base import table_name
from models.files import Attachment
from models.history import Decision
from models.hours import HourEntry, HourState, Programme
from models.notices import Notice
from models.org import School
from models.outcomes import AbilityPoint, AbilitySummary, SummaryState
from models.people import CertificationState, Teacher
from models.research import ResearchGroup, SchoolProgramme, SchoolState
from models.scoping import SYSTEM, Identity, acting_as
from models.violation import Conflict, NotPermitted, OutOfReach, RuleViolation
from rules.acceptance import missing_of, why_failed
from rules.activities import ACTIVITY
from rules.grants import IT_TEAM
from rules.members import holders
from rules.opening import SCHOOL, form_team, leave_team, readiness_of, stages_of, team_candidates
from rules.participation import complete, enter
from rules.workflow import take
from tests.bench.measuring import counted
from tests.cast import TODAY, Cast
from tests.research_cast import PROGRAMME
from tests.services.endings import hand_in_plans, many
from tests.services.lessons import LEADER, MEMBER, OTHER, Lessons


@pytest.fixture
def lessons(cast: Cast, session: Session) -> Lessons:
    return Lessons(cast, session)


@pytest.fixture
def south(cast: Cast, session: Session) -> SchoolProgramme:
    """锐 takes part with South, where 菊 is certified now."""
    with acting_as(SYSTEM):
        session.execute(update(Teacher).where(Teacher.name == "菊").values(certification=CertificationState.PASSED))
        programme = session.scalars(select(Programme).filter_by(name=PROGRAMME)).one()
        session.commit()
    with acting_as(cast.identity("锐")):
        part = SchoolProgramme(programme_id=programme.id, school_id=cast.school["南"])
        session.add(part)
        session.commit()
    return part


def step(session: Session, identity: Identity, school: SchoolProgramme, name: str, comment: str = "") -> str:
    """Take it; the answer is the sentence why not, empty when it was taken."""
    try:
        take(session, identity, SCHOOL, school, name, comment=comment, now=TODAY)
    except RuleViolation as refusal:
        return refusal.message
    finally:
        with acting_as(SYSTEM):
            session.refresh(school)
    return ""


def ready(lessons: Lessons) -> SchoolProgramme:
    """North has both plans and a team: it could apply."""
    hand_in_plans(lessons.session, lessons.school)
    form_team(lessons.session, lessons.cast.identity("平"), lessons.school, [lessons.cast.teacher[OTHER]], now=TODAY)
    return lessons.school


# --- opening ----------------------------------------------------------------------------------------------------------


def test_a_school_opens_when_plans_team_and_a_group_are_there(cast: Cast, session: Session, south: SchoolProgramme) -> None:
    """S0-44…49: each refusal says what is still to be done."""
    rui = cast.identity("锐")
    assert south.state is SchoolState.PREPARING and south.name == f"南实验小学 · {PROGRAMME}"
    assert step(session, rui, south, "open") == (
        "请先提交两案：《信息化教育教学发展规划方案》和《校本研修与考核方案》。请先组建信息化团队。请先创建教研组。"
    )
    hand_in_plans(session, south)
    assert step(session, rui, south, "open") == "请先组建信息化团队。请先创建教研组。"
    assert [teacher.name for teacher in team_candidates(session, rui, south)] == ["菊"]
    assert form_team(session, rui, south, [cast.teacher["菊"]], now=TODAY) == 1
    assert step(session, rui, south, "open") == "请先创建教研组。"
    with acting_as(rui):
        session.add(ResearchGroup(school_programme_id=south.id, name="南语文组"))
        session.commit()
    assert step(session, rui, south, "open") == ""
    assert (south.state, south.opened_at) == (SchoolState.OPEN, TODAY)
    assert "当前状态是" in step(session, rui, south, "open") or "办理" in step(session, rui, south, "open")


def test_nobody_else_opens_it(cast: Cast, session: Session, south: SchoolProgramme) -> None:
    """Act, then row."""
    for name in ("菊", "丹"):
        with pytest.raises(NotPermitted):
            take(session, cast.identity(name), SCHOOL, south, "open", now=TODAY)
        with pytest.raises(NotPermitted):
            form_team(session, cast.identity(name), south, [cast.teacher["菊"]], now=TODAY)
    with pytest.raises(OutOfReach):
        take(session, cast.identity("平"), SCHOOL, south, "open", now=TODAY)
    with pytest.raises(OutOfReach):
        form_team(session, cast.identity("平"), south, [cast.teacher["菊"]], now=TODAY)
    with pytest.raises(OutOfReach):
        leave_team(session, cast.identity("平"), south, 1, now=TODAY)


def test_a_school_takes_part_once_in_what_is_meant_for_it(cast: Cast, session: Session, south: SchoolProgramme) -> None:
    def part(school: str, programme: Programme) -> str:
        with acting_as(SYSTEM), pytest.raises(RuleViolation) as refusal:
            session.add(SchoolProgramme(programme_id=programme.id, school_id=cast.school[school]))
            session.commit()
        return refusal.value.message

    with acting_as(SYSTEM):
        running = session.scalars(select(Programme).filter_by(name=PROGRAMME)).one()
    assert part("南", running) == "本校已参加这个研修项目。"
    assert part("湖", running) == "这个研修项目不面向本校所在的区域，请选择其他项目。"
    with acting_as(SYSTEM):
        ended = Programme(name="工程一", year=2024, region_id=running.region_id, starts_on=date(2024, 1, 1), ends_on=date(2025, 11, 23))
        session.add(ended)
        session.commit()
    assert part("南", ended) == "研修项目已于 2025.11.23 结束，不能再参加。"


def test_a_renamed_school_is_called_so_in_its_programmes(cast: Cast, session: Session, south: SchoolProgramme) -> None:
    with acting_as(SYSTEM):
        session.get_one(School, cast.school["南"]).name = "南山小学"
        session.get_one(Programme, south.programme_id).name = "工程三"
        session.commit()
        session.refresh(south)
    assert south.name == "南山小学 · 工程三"


def test_the_team_is_of_certified_teachers_and_never_left_empty(lessons: Lessons) -> None:
    """S0-44, S0-53."""
    ping, school, session = lessons.cast.identity("平"), lessons.school, lessons.session
    with pytest.raises(RuleViolation, match="请选择教师"):
        form_team(session, ping, school, [], now=TODAY)
    with pytest.raises(RuleViolation, match="不是本校教师"):
        form_team(session, ping, school, [lessons.cast.teacher["菊"]], now=TODAY)
    with acting_as(SYSTEM):
        session.execute(update(Teacher).where(Teacher.name == OTHER).values(certification=CertificationState.PENDING))
        session.commit()
        session.expire_all()
    with pytest.raises(RuleViolation, match=OTHER):
        form_team(session, ping, school, [lessons.cast.teacher[OTHER]], now=TODAY)
    form_team(session, ping, school, [lessons.cast.teacher[MEMBER]], now=TODAY)
    assert form_team(session, ping, school, [lessons.cast.teacher[MEMBER], lessons.cast.teacher[LEADER]], now=TODAY) == 1
    first, second = holders(session, ping, school.scope_path, (IT_TEAM,))
    leave_team(session, ping, school, first.post.id, now=TODAY)
    with pytest.raises(Conflict):
        leave_team(session, ping, school, first.post.id, now=TODAY)
    with pytest.raises(RuleViolation, match="至少保留一名成员"):
        leave_team(session, ping, school, second.post.id, now=TODAY)


def test_the_theme_is_the_school_administrators_and_read_by_all(lessons: Lessons) -> None:
    """S0-51, S0-132, S1-58."""

    def write(identity: Identity) -> None:
        with acting_as(identity):
            found = lessons.session.get_one(SchoolProgramme, lessons.school.id, populate_existing=True)
            found.theme = "大单元"
            lessons.session.commit()

    for who in (lessons.as_personal(LEADER), lessons.as_personal(MEMBER), lessons.cast.identity("丹")):
        with acting_as(who):
            assert lessons.session.get_one(SchoolProgramme, lessons.school.id, populate_existing=True).theme == "读写融合"
        with pytest.raises(NotPermitted):
            write(who)
    write(lessons.cast.identity("平"))
    with acting_as(lessons.cast.identity("锐")):
        assert lessons.session.get(SchoolProgramme, lessons.school.id) is None


def test_what_comes_next_is_the_first_that_is_not_done(lessons: Lessons) -> None:
    """S0-43."""
    with acting_as(SYSTEM):
        programme = lessons.session.get_one(Programme, lessons.school.programme_id)
        before = stages_of(lessons.school, readiness_of(lessons.session, lessons.school), programme, TODAY)
    assert next(stage for stage in before if not stage.is_done).name == "plans"
    ready(lessons)
    with acting_as(SYSTEM):
        after = stages_of(lessons.school, readiness_of(lessons.session, lessons.school), programme, TODAY)
    assert [stage.name for stage in after if stage.is_done] == ["plans", "team", "groups", "leaders", "open", "theme", "group_plans"]


def test_what_nobody_has_done_is_not_ticked(lessons: Lessons) -> None:
    """S0-29, S0-39, S0-43: a draft is no activity, nothing handed in is nothing reviewed, a group without a leader is work to do."""
    ready(lessons)
    draft = lessons.activity(LEADER, ActivityKind.HOMEWORK)

    def stage(name: str) -> Any:
        with acting_as(SYSTEM):
            programme = lessons.session.get_one(Programme, lessons.school.programme_id)
            return {one.name: one for one in stages_of(lessons.school, readiness_of(lessons.session, lessons.school), programme, TODAY)}[
                name
            ]

    before = stage("activities").told
    with acting_as(SYSTEM):
        lessons.session.execute(update(Activity).where(Activity.id == draft.id).values(state=ActivityState.PUBLISHED))
        lessons.session.execute(delete(AbilitySummary))
        lessons.session.commit()
    assert stage("activities").told != before and not stage("reviews").is_done
    assert "2 名成员" in stage("improvement_plans").told and not stage("improvement_plans").is_done
    summary = {"school_programme_id": lessons.school.id, "teacher_id": lessons.cast.teacher[MEMBER], "handed_in_at": TODAY}
    with acting_as(SYSTEM):
        point = lessons.session.scalars(select(AbilityPoint.id)).first()
        lessons.session.add(AbilitySummary(**summary, ability_point_id=point, state=SummaryState.PASSED))
        lessons.session.commit()
    assert stage("reviews").is_done and stage("leaders").is_done
    with acting_as(SYSTEM):
        lessons.session.execute(update(ResearchGroup).values(leader_id=None))
        lessons.session.commit()
    assert (stage("leaders").is_done, stage("leaders").told) == (False, "1 个教研组还没有组长。")


# --- acceptance -------------------------------------------------------------------------------------------------------


def test_an_application_says_what_blocks_and_warns_of_the_rest(lessons: Lessons) -> None:
    """S1-52: only plans, team and a group block."""
    ping = lessons.cast.identity("平")
    assert step(lessons.session, ping, lessons.school, "apply").startswith("请先提交两案")
    ready(lessons)
    told = missing_of(lessons.session, lessons.cast.identity("丹"), lessons.school, now=TODAY)
    assert told == [
        "2 名成员中有 2 名未达 25 学时。",
        "2 名成员没有上传个人提升计划。",
        "1 份能力点提升总结还没有评审。",
        "1 个教研组没有提交教学案例。",
    ]
    with acting_as(SYSTEM):
        lessons.group.leader_id = None
        lessons.session.commit()
    assert "1 个教研组还没有组长。" in missing_of(lessons.session, lessons.cast.identity("丹"), lessons.school, now=TODAY)
    assert step(lessons.session, ping, lessons.school, "apply") == ""
    assert step(lessons.session, ping, lessons.school, "withdraw") == ""
    assert (lessons.school.state, lessons.school.applied_at) == (SchoolState.OPEN, None)


def test_who_applied_never_decides(lessons: Lessons) -> None:
    """The person, not the account: 平 administers the county as well."""
    school, session = ready(lessons), lessons.session
    assert step(session, lessons.cast.identity("平"), school, "apply") == ""
    with pytest.raises(NotPermitted):
        step(session, lessons.cast.identity("平"), school, "accept")
    dan, ping = lessons.cast.identity("丹"), lessons.cast.identity("平")
    both = Identity(account_id=ping.account_id, grants=dan.grants, person=ping.person)
    assert "不能办理本人的事项" in step(session, both, school, "accept")
    assert "不能办理本人的事项" in step(session, both, school, "fail", "缺材料")
    with pytest.raises(OutOfReach):
        step(session, lessons.cast.identity("岚"), school, "accept")
    assert school.state is SchoolState.APPLIED


def test_a_failed_acceptance_says_what_is_missing_and_is_applied_for_again(lessons: Lessons) -> None:
    """S1-52."""
    school, session, dan = ready(lessons), lessons.session, lessons.cast.identity("丹")
    step(session, lessons.cast.identity("平"), school, "apply")
    assert "还需完善的内容" in step(session, dan, school, "fail")
    assert step(session, dan, school, "fail", "教学案例未提交") == ""
    assert school.state is SchoolState.FAILED and why_failed(session, lessons.cast.identity("平"), school) == "教学案例未提交"
    with acting_as(SYSTEM):
        told = [str(notice.sentence) for notice in session.scalars(select(Notice).filter_by(account_id=lessons.cast.account["平"]))]
        states = set(session.scalars(select(HourEntry.state)))
    assert any("教学案例未提交" in sentence for sentence in told) and states == {HourState.ACCRUED}
    assert step(session, lessons.cast.identity("平"), school, "apply") == ""
    assert why_failed(session, dan, school) == ""


def test_plans_taken_away_meanwhile_refuse_the_acceptance(lessons: Lessons) -> None:
    school, session = ready(lessons), lessons.session
    step(session, lessons.cast.identity("平"), school, "apply")
    with acting_as(SYSTEM):
        for file in session.scalars(select(Attachment).filter_by(owner_table=table_name(SchoolProgramme))):
            session.delete(file)
        session.commit()
    assert step(session, lessons.cast.identity("丹"), school, "accept").startswith("请先提交两案")
    assert school.state is SchoolState.APPLIED


def test_acceptance_registers_everything_and_tells_who_earned_it(lessons: Lessons) -> None:
    """S1-49…51."""
    school, session = ready(lessons), lessons.session
    step(session, lessons.cast.identity("平"), school, "apply")
    assert step(session, lessons.cast.identity("丹"), school, "accept") == ""
    with acting_as(SYSTEM):
        entry = session.scalars(select(HourEntry).filter_by(programme_id=school.programme_id)).one()
        told = [str(notice.sentence) for notice in session.scalars(select(Notice).filter_by(account_id=lessons.cast.account[OTHER]))]
        other = session.scalars(select(HourEntry).where(HourEntry.programme_id != school.programme_id)).first()
    assert (entry.state, entry.counted) == (HourState.REGISTERED, Decimal(5))
    assert any("学时已登记" in sentence for sentence in told)
    assert other is None or other.state is HourState.ACCRUED
    assert missing_of(session, lessons.cast.identity("丹"), school, now=TODAY) == []


def test_three_thousand_teachers_are_registered_in_one_transaction(lessons: Lessons) -> None:
    """S1-49: however many, a handful of statements, and nothing half."""
    school, session = ready(lessons), lessons.session
    many(session, school, teachers=3_000, groups=50, hours=(5, 5, 10, 7))
    step(session, lessons.cast.identity("平"), school, "apply")
    began = time.perf_counter()
    with counted(session.get_bind()) as sent:
        assert step(session, lessons.cast.identity("丹"), school, "accept") == ""
    assert len(sent) < 40, sent
    assert time.perf_counter() - began < 60
    with acting_as(SYSTEM):
        numbers = select(HourEntry.state, func.count()).filter_by(programme_id=school.programme_id).group_by(HourEntry.state)
        by_state = {state: number for state, number in session.execute(numbers)}
        most = (
            session.execute(
                select(func.sum(HourEntry.counted)).where(HourEntry.evidence.startswith("many/")).group_by(HourEntry.teacher_id)
            )
            .scalars()
            .all()
        )
    assert by_state == {HourState.REGISTERED: 12_001} and set(most) == {Decimal(25)}


# --- two at once ------------------------------------------------------------------------------------------------------


def race(factory: sessionmaker[Any], *acts: Any) -> list[BaseException | None]:
    """Everybody begins at once; what each raised, or None."""
    start = Barrier(len(acts))

    def run(act: Any) -> BaseException | None:
        with factory() as session:
            start.wait(timeout=30)
            try:
                act(session)
            except (RuleViolation, OutOfReach) as refusal:
                session.rollback()
                return refusal
            return None

    with ThreadPoolExecutor(len(acts)) as threads:
        return [running.result(timeout=60) for running in [threads.submit(run, act) for act in acts]]


def taking(identity: Identity, school_id: int, name: str) -> Any:
    def act(session: Session) -> None:
        with acting_as(SYSTEM):
            school = session.get_one(SchoolProgramme, school_id)
        take(session, identity, SCHOOL, school, name, now=TODAY)

    return act


def test_an_application_and_an_acceptance_happen_once(lessons: Lessons, factory: sessionmaker[Any]) -> None:
    school = ready(lessons)
    for who, name in (("平", "apply"), ("丹", "accept")):
        results = race(factory, *[taking(lessons.cast.identity(who), school.id, name)] * 4)
        assert [type(result) for result in results].count(Conflict) == 3 and results.count(None) == 1
        with acting_as(SYSTEM):
            ours = (Decision.table_name == "school_programme", Decision.row_id == school.id, Decision.step == name)
            assert lessons.session.scalar(select(func.count()).select_from(Decision).where(*ours)) == 1


@pytest.mark.parametrize("attempt", range(4))
def test_an_activity_completed_during_the_acceptance_is_registered_or_refused(
    lessons: Lessons, factory: sessionmaker[Any], attempt: int
) -> None:
    """S1-49: never an hour that is credited after the school was accepted and stays unregistered."""
    school, session, leader = ready(lessons), lessons.session, lessons.as_personal(LEADER)
    row = lessons.activity(LEADER, ActivityKind.DISCUSSION)
    take(session, leader, ACTIVITY, row, "publish", now=TODAY)
    with acting_as(SYSTEM):
        part = enter(session, leader, row, lessons.cast.teacher[MEMBER], now=TODAY)
        session.commit()
    step(session, lessons.cast.identity("平"), school, "apply")
    member = lessons.as_personal(MEMBER)

    def completing(session: Session) -> None:
        with acting_as(SYSTEM):
            mine = session.get_one(Participation, part.id)
            complete(session, member, mine, now=TODAY)
            session.commit()

    refused = race(factory, taking(lessons.cast.identity("丹"), school.id, "accept"), completing)
    assert refused[0] is None
    with acting_as(SYSTEM), factory() as fresh:
        entries = fresh.scalars(select(HourEntry).where(HourEntry.evidence.startswith(f"participation/{part.id}/"))).all()
        state = fresh.get_one(Participation, part.id).state
    if refused[1] is None:
        assert [entry.state for entry in entries] == [HourState.REGISTERED] and state is ParticipationState.COMPLETED
    else:
        assert "已通过整校验收" in str(refused[1]) and entries == [] and state is ParticipationState.JOINED
