"""A school recognises its teachers: who may decide what, what a decision brings about, and that nothing else writes a state.

(S3-09, S3-27, S3-115…124; leaving and joining schools is in ``test_leaving_school``.)
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, select, update
from sqlalchemy.orm import Session, sessionmaker

from models.access import Account, AccountState, Post
from models.history import Change, Decision
from models.people import Certification, CertificationOutcome, CertificationState, IdType, Teacher
from models.scoping import SYSTEM, Identity, acting_as
from models.violation import Conflict, NotPermitted, OutOfReach, RuleViolation
from rules.approvals import ACCOUNT_OPENING, CERTIFICATION, SERVICE, WORKFLOWS
from rules.grants import SCHOOL_ADMIN
from rules.workflow import offers, take
from rules.workflow_steps import Step
from rules.workflow_waiting import waiting
from tests.cast import TODAY
from tests.services.desk import Desk

NONE, PENDING, PASSED, FAILED = CertificationState
REFUSALS = (RuleViolation, NotPermitted, OutOfReach)


def statements_of(desk: Desk) -> list[str]:
    """Every statement from here on."""
    seen: list[str] = []
    event.listen(desk.cast.engine, "before_cursor_execute", lambda *args: seen.append(args[2]))
    return seen


# --- what a step brings about -----------------------------------------------------------------------------------------


def test_a_pass_is_written_everywhere_it_belongs(desk: Desk) -> None:
    before = desk.teacher("兰").version
    decision = desk.take("平", "pass", "兰", "欢迎")
    lan, admin = desk.teacher("兰"), desk.cast.identity("平")
    assert (lan.certification, lan.version) == (PASSED, before + 1)
    assert (decision.table_name, decision.row_id, decision.step, decision.label) == ("teacher", lan.id, "pass", "通过")
    assert (decision.source, decision.target, decision.comment, decision.at) == ("pending", "passed", "欢迎", TODAY)
    assert (decision.account_id, decision.post_id, decision.post) == (admin.account_id, admin.post_id, "学校管理员 · 北实验小学")
    [application] = desk.rows(Certification, Certification.teacher_id == lan.id)
    assert (application.outcome, application.decided_at, application.comment) == (CertificationOutcome.PASSED, TODAY, "欢迎")
    [line] = desk.rows(Change, Change.table_name == "teacher", Change.row_id == lan.id)
    assert (line.act, line.changes, line.comment) == ("pass", {"certification": ["pending", "passed"]}, "欢迎")
    assert (line.account_id, line.post, line.scope_path) == (admin.account_id, "学校管理员 · 北实验小学", lan.scope_path)


def test_a_school_recognises_whom_it_entered_itself_without_waiting_for_an_application(desk: Desk) -> None:
    desk.take("平", "recognise", "竹")
    assert desk.teacher("竹").certification is PASSED
    assert desk.applications("竹") == [(CertificationOutcome.PASSED, None)]
    for who, refusal in (("锐", OutOfReach), ("丹", NotPermitted), ("竹", NotPermitted)):
        with pytest.raises(refusal):
            desk.take(who, "recognise", "竹")


def test_a_failed_teacher_applies_anew_with_another_row(desk: Desk) -> None:
    desk.take("平", "fail", "兰", "证件号码与本人不符")
    assert desk.teacher("兰").certification is FAILED
    desk.take("兰", "apply", "兰")
    assert (desk.teacher("兰").certification, desk.teacher("兰").applied_at) == (PENDING, TODAY)
    failed = (CertificationOutcome.FAILED, "证件号码与本人不符")
    assert desk.applications("兰") == [failed, (CertificationOutcome.PENDING, None)]
    desk.take("平", "pass", "兰")
    assert desk.applications("兰") == [failed, (CertificationOutcome.PASSED, None)]
    second = desk.rows(Certification, Certification.teacher_id == desk.cast.teacher["兰"])[1]
    assert (second.school_id, second.applied_at, second.scope_path) == (desk.cast.school["北"], TODAY, desk.cast.path["兰"])


def test_an_application_is_withdrawn_by_the_teacher(desk: Desk) -> None:
    desk.take("兰", "withdraw", "兰")
    assert (desk.teacher("兰").certification, desk.teacher("兰").applied_at) == (NONE, None)
    assert desk.applications("兰") == [(CertificationOutcome.WITHDRAWN, None)]


@pytest.mark.parametrize("step", CERTIFICATION.steps, ids=lambda step: step.name)
@pytest.mark.parametrize("state", CertificationState)
def test_every_step_from_every_state(desk: Desk, step: Step, state: CertificationState) -> None:
    desk.put(Teacher, desk.cast.teacher["竹"], certification=state)
    if step.act == "certify_above":
        [post] = desk.rows(Post, Post.account_id == desk.cast.account["平"])
        desk.put(Post, post.id, account_id=desk.cast.account["竹"])
    if state in step.sources:
        assert desk.take(SYSTEM, step.name, "竹", "好").target == step.target.value
        assert desk.teacher("竹").certification is step.target
        return
    with pytest.raises(Conflict, match=f"当前状态是“{state.label}”，不能“{step.label}”。"):
        desk.take(SYSTEM, step.name, "竹", "好")
    assert desk.teacher("竹").certification is state
    assert desk.decisions() == []


# --- act, row, rule ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("who", "step", "refusal"),
    [
        pytest.param("林", "pass", NotPermitted, id="an account without a post"),
        pytest.param("丹", "pass", NotPermitted, id="the county does not certify"),
        pytest.param("兰", "pass", NotPermitted, id="the teacher does not certify"),
        pytest.param("平", "apply", NotPermitted, id="nobody applies for a teacher"),
        pytest.param("平", "drop", NotPermitted, id="a service's step is not a school's"),
        pytest.param("兰", "drop", NotPermitted, id="nor a teacher's"),
        pytest.param("平", "bless", NotPermitted, id="a step nobody declared"),
        pytest.param("锐", "pass", OutOfReach, id="another school's administrator"),
        pytest.param("双", "pass", OutOfReach, id="another county's school"),
        pytest.param("竹", "apply", OutOfReach, id="a colleague"),
    ],
)
def test_act_and_row_are_asked_before_anything_is_told(desk: Desk, who: str, step: str, refusal: type[Exception]) -> None:
    with pytest.raises(refusal):
        desk.take(who, step, "兰")
    assert desk.teacher("兰").certification is PENDING


@pytest.mark.parametrize("known_by", ["id_number", "phone"])
def test_nobody_decides_on_themselves_with_a_second_account(desk: Desk, known_by: str) -> None:
    admin = desk.cast.identity("平")
    twin = replace(admin, person=admin.person | {(known_by, getattr(desk.teacher("兰"), known_by))})
    for step in ("pass", "fail"):
        with pytest.raises(RuleViolation, match="不能办理本人的事项"):
            desk.take(twin, step, "兰", "本人")
    assert desk.teacher("兰").certification is PENDING


def test_a_school_administrator_who_teaches_there_is_certified_by_somebody_else(desk: Desk) -> None:
    desk.put(Teacher, desk.cast.teacher["双"], certification=PENDING)
    with pytest.raises(RuleViolation, match="不能办理本人的事项"):
        desk.take(desk.cast.identity("双", SCHOOL_ADMIN), "pass", "双")
    desk.take("运", "pass", "双")
    assert desk.teacher("双").certification is PASSED


@pytest.mark.parametrize("comment", ["", "  \n ", "长" * 501])
def test_a_refusal_says_why_in_at_most_500_characters(desk: Desk, comment: str) -> None:
    with pytest.raises(RuleViolation, match="审核意见") as refusal:
        desk.take("平", "fail", "兰", comment)
    assert refusal.value.field == "comment"
    assert desk.teacher("兰").certification is PENDING


def test_who_comes_too_late_hears_who_decided_what_and_when(desk: Desk) -> None:
    desk.take("平", "pass", "兰")
    with pytest.raises(Conflict) as told:
        desk.take("运", "fail", "兰", "晚了")
    decided = "已于 2026.11.23 10:00 办理“通过”，当前状态是“认证通过”"
    assert told.value.message == f"学校管理员 · 北实验小学{decided}，不能“不通过”。"
    with pytest.raises(Conflict) as told:
        desk.take("平", "pass", "兰")
    assert told.value.message == f"您{decided}，不能“通过”。"


def test_what_one_decides_on_is_what_one_has_seen(desk: Desk, factory: sessionmaker[Any]) -> None:
    seen = desk.teacher("兰")
    with acting_as(desk.cast.identity("兰")), factory() as other:
        other.get_one(Teacher, seen.id).name = "兰兰"
        other.commit()
    with pytest.raises(Conflict, match="刚刚已由他人处理"):
        desk.take("平", "pass", "兰")
    assert (desk.teacher("兰").name, desk.teacher("兰").certification) == ("兰兰", PENDING)
    desk.take("平", "pass", "兰")


def test_deciding_needs_no_right_to_edit(desk: Desk) -> None:
    grants = frozenset((act, "teacher", desk.cast.path["北"]) for act in ("read", "certify"))
    assert desk.take(Identity(desk.cast.account["平"], grants=grants), "pass", "兰").target == "passed"


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"phone": None}, "请先填写“手机号码”。"),
        ({"phone": None, "school_id": None}, "请先添加当前任教的学校。请先填写“手机号码”。"),
        ({"title_id": None, "stage_id": None, "subject_id": None}, ""),
    ],
)
def test_one_applies_with_a_school_and_a_complete_real_name(desk: Desk, values: dict[str, Any], told: str) -> None:
    desk.put(Teacher, desk.cast.teacher["竹"], **values)
    with acting_as(me := desk.cast.identity("竹")):
        assert [offer.why for offer in offers(desk.session, me, CERTIFICATION, desk.teacher("竹"), thorough=True)] == [told]
    if not told:
        assert desk.take("竹", "apply", "竹").target == "pending"
        return
    with pytest.raises(RuleViolation) as refusal:
        desk.take("竹", "apply", "竹")
    assert refusal.value.message == told
    assert desk.applications("竹") == []


# --- nothing but the engine writes a state ----------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["平", "兰", "运"])
def test_a_state_is_not_edited(desk: Desk, who: str) -> None:
    with acting_as(desk.cast.identity(who)):
        desk.session.get_one(Teacher, desk.cast.teacher["兰"]).certification = PASSED
        with pytest.raises(RuleViolation, match="“审核状态”不能在这里修改。"):
            desk.session.commit()
    assert desk.teacher("兰").certification is PENDING


def test_a_state_is_not_edited_on_a_row_that_a_service_had_loaded(desk: Desk) -> None:
    loaded = desk.teacher("兰")
    for who, refusal in (("锐", OutOfReach), ("平", RuleViolation)):
        with acting_as(desk.cast.identity(who)):
            assert (desk.session.get(Teacher, loaded.id) is None) is (who == "锐")
            loaded.certification = PASSED
            with pytest.raises(refusal):
                desk.session.commit()
        assert desk.teacher("兰").certification is PENDING


def test_a_state_is_not_written_in_bulk(desk: Desk) -> None:
    with acting_as(desk.cast.identity("运")), pytest.raises(NotPermitted):
        desk.session.execute(update(Teacher).where(Teacher.id == desk.cast.teacher["兰"]).values(certification=PASSED))
    desk.session.rollback()
    assert desk.teacher("兰").certification is PENDING


def test_nobody_is_added_as_certified(desk: Desk) -> None:
    with acting_as(desk.cast.identity("平")):
        kind = desk.session.scalars(select(IdType.id).where(IdType.code == "resident")).one()
        facts = {"name": "新", "id_type_id": kind, "id_number": "11010519491231002X", "school_id": desk.cast.school["北"]}
        desk.session.add(Teacher(**facts, certification=PASSED))
        with pytest.raises(RuleViolation, match="审核状态"):
            desk.session.commit()
    assert desk.rows(Teacher, Teacher.name == "新") == []


def test_a_state_forged_before_a_step_is_refused_with_it(desk: Desk) -> None:
    desk.teacher("竹").certification = PENDING
    with pytest.raises(RuleViolation, match="审核状态"):
        desk.take("平", "pass", "竹")
    assert desk.teacher("竹").certification is NONE


@pytest.mark.parametrize(("who", "step", "comment"), [("平", "fail", ""), ("兰", "pass", ""), ("锐", "pass", ""), ("平", "drop", "")])
def test_a_refused_step_leaves_nothing_to_a_later_commit(desk: Desk, who: str, step: str, comment: str) -> None:
    before = desk.teacher("兰").version
    desk.teacher("兰").name = "改了"
    with pytest.raises(REFUSALS):
        desk.take(who, step, "兰", comment)
    with acting_as(SYSTEM):
        desk.session.commit()
    lan = desk.teacher("兰")
    assert (lan.name, lan.certification, lan.version) == ("兰", PENDING, before)
    assert desk.rows(Change, Change.table_name == "teacher") == []
    assert desk.decisions() == []


def test_a_failing_effect_takes_the_decision_with_it(desk: Desk) -> None:
    def burst(session: Session, row: Any, decision: Decision) -> None:
        row.name = "半途"
        session.flush()
        raise RuntimeError("half way")

    broken = replace(CERTIFICATION, steps=(replace(CERTIFICATION.step("pass"), effect=burst),))
    with acting_as(admin := desk.cast.identity("平")), pytest.raises(RuntimeError):
        take(desk.session, admin, broken, desk.teacher("兰"), "pass", now=TODAY)
    with acting_as(SYSTEM):
        desk.session.commit()
    assert (desk.teacher("兰").name, desk.teacher("兰").certification) == ("兰", PENDING)
    assert desk.decisions() == []


def test_a_service_takes_a_step_inside_its_own_transaction(desk: Desk) -> None:
    lan, admin = desk.teacher("兰"), desk.cast.identity("平")
    with acting_as(admin.serving()):
        lan.applied_at = TODAY
        take(desk.session, admin, CERTIFICATION, lan, "pass", now=TODAY, commit=False)
        assert (lan.certification, lan.applied_at) == (PASSED, TODAY)
        desk.session.rollback()
    assert (desk.teacher("兰").certification, desk.teacher("兰").applied_at) == (PENDING, TODAY - timedelta(days=3))
    assert desk.decisions() == []


# --- counts -----------------------------------------------------------------------------------------------------------


PEOPLE = (CERTIFICATION, ACCOUNT_OPENING, SERVICE)


@pytest.mark.parametrize(
    ("who", "counted"),
    [
        ("平", {"teacher": 1, "account": 0}),
        ("锐", {"teacher": 1, "account": 0}),
        ("运", {"teacher": 4, "account": 1, "service_request": 1}),
        ("远", {"teacher": 0, "account": 1}),
        ("丹", {"teacher": 0}),
        ("兰", {}),
        ("林", {}),
    ],
)
def test_what_waits_is_counted_for_who_may_decide_in_one_statement(desk: Desk, who: str, counted: dict[str, int]) -> None:
    desk.put(Account, desk.cast.account["榕"], state=AccountState.REQUESTED)
    identity, statements = desk.cast.identity(who), statements_of(desk)
    with acting_as(identity):
        assert waiting(desk.session, identity, PEOPLE) == counted
    assert len(statements) == (1 if counted else 0)


@pytest.mark.parametrize(("phone", "counted"), [("13850000002", 0), ("13850000077", 1), (None, 1)])
def test_ones_own_application_is_not_counted_and_a_missing_phone_hides_nobody(desk: Desk, phone: str | None, counted: int) -> None:
    desk.put(Teacher, desk.cast.teacher["兰"], phone=phone)
    admin = desk.cast.identity("平")
    twin = replace(admin, person=admin.person | {("phone", "13850000002")})
    with acting_as(twin):
        assert waiting(desk.session, twin, WORKFLOWS)["teacher"] == counted


def test_counting_ends_where_a_number_is_no_longer_read(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    assert waiting(desk.session, desk.cast.identity("运"), PEOPLE)["teacher"] > 1
    monkeypatch.setattr("rules.workflow_waiting.MOST_COUNTED", 1)
    monkeypatch.setattr("rules.workflow_waiting._remembered", {})
    assert waiting(desk.session, desk.cast.identity("运"), PEOPLE)["teacher"] == 1


def test_a_list_of_offers_costs_no_statement(desk: Desk) -> None:
    lan, identity = desk.teacher("兰"), desk.cast.identity("平")
    statements = statements_of(desk)
    assert [offer.step.name for offer in offers(desk.session, identity, CERTIFICATION, lan)] == ["pass", "fail"]
    assert statements == []
