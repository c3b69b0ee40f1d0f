"""Two people at once: one of them decides, the other is told; nothing is decided twice and nobody ends up between two places."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from models.access import Account, Post
from models.history import Change, Decision
from models.org import Region, School
from models.people import Certification, CertificationOutcome, CertificationState, Teacher
from models.questions import Question, QuestionState
from models.scoping import SYSTEM, Identity, acting_as
from models.violation import Conflict, OutOfReach
from rules.approvals import CERTIFICATION
from rules.people import join_school, leave_school
from rules.questions import QUESTIONS
from rules.units import move_school
from rules.workflow import take
from tests.cast import TODAY, Cast

Act = Callable[[Session], object]
PASSED, FAILED, PENDING = CertificationState.PASSED, CertificationState.FAILED, CertificationState.PENDING


def race(factory: sessionmaker[Any], contestants: Sequence[tuple[Identity, Callable[[Session], Act]]]) -> list[Any]:
    """Everybody loads what they need, waits for the others, and acts; the exception raised or None, in order."""
    start = Barrier(len(contestants))

    def run(identity: Identity, prepare: Callable[[Session], Act]) -> Exception | None:
        with acting_as(identity), factory() as session:
            act = prepare(session)
            session.commit()
            start.wait(timeout=30)
            try:
                act(session)
            except (Conflict, OutOfReach) as refusal:
                session.commit()
                return refusal
            return None

    with ThreadPoolExecutor(len(contestants)) as threads:
        running = [threads.submit(run, *contestant) for contestant in contestants]
        return [future.result(timeout=60) for future in running]


def deciding(cast: Cast, identity: Identity, step: str, name: str, comment: str = "") -> tuple[Identity, Callable[[Session], Act]]:
    def prepare(session: Session) -> Act:
        row = session.get_one(Teacher, cast.teacher[name])
        assert row.certification
        return lambda session: take(session, identity, CERTIFICATION, row, step, comment=comment, now=TODAY)

    return identity, prepare


def everything(factory: sessionmaker[Any], *statements: Any) -> list[list[Any]]:
    with acting_as(SYSTEM), factory() as session:
        return [list(session.scalars(statement)) for statement in statements]


def decisions(factory: sessionmaker[Any], row_id: int) -> list[Decision]:
    [found] = everything(factory, select(Decision).where(Decision.table_name == "teacher", Decision.row_id == row_id))
    return found


def test_of_two_who_decide_at_once_one_decides_and_the_other_is_told(cast: Cast, factory: sessionmaker[Any]) -> None:
    for name, admin in (("兰", "平"), ("菊", "锐"), ("荷", "双")):
        one, other = deciding(cast, cast.identity(admin), "pass", name), deciding(cast, cast.identity("运"), "fail", name, "材料不全")
        results = race(factory, [one, other])
        assert sorted(type(result) for result in results if result) == [Conflict]
        [decision] = decisions(factory, cast.teacher[name])
        winner = ("pass", "fail")[results.index(None)]
        assert decision.step == winner
        told = next(result for result in results if result)
        assert "办理" in told.message or "刚刚已由他人处理" in told.message
        [[teacher], [application], lines] = everything(
            factory,
            select(Teacher).where(Teacher.id == cast.teacher[name]),
            select(Certification).where(Certification.teacher_id == cast.teacher[name]),
            select(Change).where(Change.table_name == "teacher", Change.row_id == cast.teacher[name]),
        )
        assert teacher.certification is (PASSED if winner == "pass" else FAILED)
        assert application.outcome is (CertificationOutcome.PASSED if winner == "pass" else CertificationOutcome.FAILED)
        assert [line.act for line in lines] == [winner]


@pytest.mark.parametrize(("who", "step", "name"), [("平", "pass", "兰"), ("竹", "apply", "竹"), ("松", "apply", "松")])
def test_a_button_pressed_eight_times_decides_once(cast: Cast, factory: sessionmaker[Any], who: str, step: str, name: str) -> None:
    results = race(factory, [deciding(cast, cast.identity(who), step, name)] * 8)
    assert [type(result) for result in results].count(Conflict) == 7
    assert [decision.step for decision in decisions(factory, cast.teacher[name])] == [step]
    [applications] = everything(factory, select(Certification).where(Certification.teacher_id == cast.teacher[name]))
    still_open = [row for row in applications if row.outcome is CertificationOutcome.PENDING]
    assert len(still_open) == (1 if step == "apply" else 0)


def test_nobody_certifies_what_is_being_changed(cast: Cast, factory: sessionmaker[Any]) -> None:
    def editing(session: Session) -> Act:
        row = session.get_one(Teacher, cast.teacher["兰"])
        assert row.name

        def edit(session: Session) -> None:
            row.name = "兰兰"
            session.commit()

        return edit

    results = race(factory, [deciding(cast, cast.identity("平"), "pass", "兰"), (cast.identity("兰"), editing)])
    assert [type(result) for result in results if result] == [Conflict]
    [[lan]] = everything(factory, select(Teacher).where(Teacher.id == cast.teacher["兰"]))
    assert (lan.name, lan.certification) in [("兰兰", PENDING), ("兰", PASSED)]


def test_nobody_is_certified_by_a_school_they_are_leaving(cast: Cast, factory: sessionmaker[Any]) -> None:
    lan, me = cast.teacher["兰"], cast.identity("兰")

    def leaving(session: Session) -> Act:
        row = session.get_one(Teacher, lan)
        assert row.version
        return lambda session: leave_school(session, me, row, now=TODAY)

    results = race(factory, [deciding(cast, cast.identity("平"), "pass", "兰"), (me, leaving)])
    assert len([result for result in results if result]) == 1
    [[teacher]] = everything(factory, select(Teacher).where(Teacher.id == lan))
    assert (teacher.certification, teacher.school_id) in [(PASSED, cast.school["北"]), (CertificationState.NONE, None)]
    assert [decision.step for decision in decisions(factory, lan)] == (["pass"] if teacher.school_id else ["drop"])


@pytest.mark.parametrize("attempt", range(3))
def test_who_joins_a_school_that_is_moving_arrives_where_it_is(cast: Cast, factory: sessionmaker[Any], attempt: int) -> None:
    bamboo, me, operator = cast.teacher["竹"], cast.identity("竹"), cast.identity("运")
    with acting_as(SYSTEM), factory() as session:
        chosen = session.get_one(School, cast.school["南"])

    def joining(session: Session) -> Act:
        row = session.get_one(Teacher, bamboo)
        assert row.version
        return lambda session: join_school(session, me, row, chosen, now=TODAY)

    def moving(session: Session) -> Act:
        school, region = session.get_one(School, cast.school["南"]), session.get_one(Region, cast.region["湖里区"])
        assert school.version and region.version and school.region.version
        return lambda session: move_school(session, operator, school, region, now=TODAY)

    race(factory, [(me, joining), (operator, moving)])
    [schools, [teacher], [account], [post]] = everything(
        factory,
        select(School),
        select(Teacher).where(Teacher.id == bamboo),
        select(Account).where(Account.teacher_id == bamboo),
        select(Post).where(Post.account_id == cast.account["竹"]),
    )
    home = next(school for school in schools if school.id == teacher.school_id)
    assert teacher.scope_path == account.scope_path == post.scope_path == f"{home.scope_path}t{bamboo}/"
    assert post.school_id == home.id


@pytest.mark.parametrize("steps", [("answer", "pass_on"), ("pass_on", "pass_on"), ("answer", "answer")])
def test_of_two_who_work_on_one_question_one_does_and_the_other_is_told(
    cast: Cast, factory: sessionmaker[Any], steps: tuple[str, str]
) -> None:
    """S3-29: it is answered, or passed on by one unit, once."""
    ping = cast.identity("平")

    def working(step: str) -> tuple[Identity, Callable[[Session], Act]]:
        def prepare(session: Session) -> Act:
            row = session.scalars(select(Question).filter_by(scope_path=cast.path["北"])).one()
            assert row.state is QuestionState.WAITING
            return lambda session: take(session, ping, QUESTIONS, row, step, comment="一周左右。", now=TODAY)

        return ping, prepare

    refused = race(factory, [working(step) for step in steps])
    assert sum(refusal is None for refusal in refused) == 1, refused
    [[question], [decision]] = everything(factory, select(Question), select(Decision).filter_by(table_name="question"))
    assert decision.step == steps[refused.index(None)]
    is_answered = decision.step == "answer"
    assert (question.state is QuestionState.ANSWERED) == is_answered == (question.answer is not None)
    assert question.scope_path == cast.path["北" if is_answered else "思明区"]
