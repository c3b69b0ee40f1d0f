"""Steps as plain values: who is offered what in which state, what is said of the rest, and which declarations are wrong."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.orm import Session

from models.access import Account, AccountState, person_of
from models.people import Certification, CertificationOutcome, CertificationState, Teacher
from models.scoping import SYSTEM, Identity
from rules.approvals import ACCOUNT_OPENING, CERTIFICATION, WORKFLOWS, workflow_of
from rules.workflow import KnownBy, Offer, Step, Workflow, check_workflow, offers, why_not
from rules.workflow_docs import diagram, workflows_page

NONE, PENDING, PASSED, FAILED = CertificationState
SCHOOL = "/350000/350200/350203/s17/"
OWN = SCHOOL + "t42/"
NOWHERE = Session()
"""Bound to no database: whoever asks it anything is told so by an error."""


def somebody(*acts: str, at: str = SCHOOL, table: str = "teacher", **known: Any) -> Identity:
    return Identity(account_id=7, grants=frozenset((act, table, at) for act in acts), person=frozenset(known.items()))


ADMIN = somebody("read", "edit", "certify", "leave")
NEIGHBOUR = somebody("read", "edit", "certify", "leave", at="/350000/350200/350203/s18/")
TEACHER = somebody("read", "edit", "apply", "leave", at=OWN, teacher=42, id_number="35020319900501004X")
SECOND_ACCOUNT = somebody("read", "certify", account=99, id_number="35020319900501004X")
SAME_PHONE = somebody("read", "certify", account=99, phone="13850000002")
READER = somebody("read")


def teacher(state: CertificationState) -> Teacher:
    return Teacher(id=42, scope_path=OWN, name="兰", id_number="35020319900501004X", phone="13850000002", certification=state, version=1)


def open_names(offered: list[Offer]) -> str:
    return " ".join(offer.step.name for offer in offered if not offer.why)


@pytest.mark.parametrize(
    ("who", "by_state"),
    [
        pytest.param(TEACHER, {NONE: "apply", PENDING: "withdraw", FAILED: "apply"}, id="the teacher"),
        pytest.param(ADMIN, {NONE: "recognise", PENDING: "pass fail"}, id="the school's administrator"),
        pytest.param(NEIGHBOUR, {}, id="another school's administrator"),
        pytest.param(READER, {}, id="who may only read"),
        pytest.param(Identity(), {}, id="nobody"),
        pytest.param(SYSTEM, {NONE: "apply recognise", PENDING: "pass fail withdraw", FAILED: "apply"}, id="a service"),
    ],
)
@pytest.mark.parametrize("state", CertificationState)
def test_the_steps_offered_are_those_of_the_state_and_the_acts(
    who: Identity, by_state: dict[CertificationState, str], state: CertificationState
) -> None:
    offered = offers(NOWHERE, who, CERTIFICATION, teacher(state))
    assert open_names(offered) == by_state.get(state, "")
    assert len(offered) == len(by_state.get(state, "").split())


@pytest.mark.parametrize("who", [SECOND_ACCOUNT, SAME_PHONE], ids=["second account of the same ID", "second account of the same phone"])
def test_the_person_is_shown_why_their_own_application_is_closed_to_them(who: Identity) -> None:
    offered = offers(NOWHERE, who, CERTIFICATION, teacher(PENDING))
    assert [offer.step.name for offer in offered] == ["pass", "fail"]
    assert {offer.why for offer in offered} == {"不能办理本人的事项，请由其他有权限的人员办理。"}


SENTENCES = {
    "act": "您的岗位没有“{}”的权限。",
    "row": "这条记录不在您的管理范围内。",
    "author": "不能办理本人的事项，请由其他有权限的人员办理。",
}
ABOVE = {"pass_above": "act", "fail_above": "act"}
WHO_IS_TOLD = {
    "administrator": (ADMIN, ABOVE | {"apply": "act", "withdraw": "act", "drop": "act"}),
    "neighbour": (NEIGHBOUR, ABOVE | {"apply": "act", "recognise": "row", "pass": "row", "fail": "row", "withdraw": "act", "drop": "act"}),
    "teacher": (TEACHER, ABOVE | {"recognise": "act", "pass": "act", "fail": "act", "drop": "act"}),
    "second account": (
        SECOND_ACCOUNT,
        ABOVE | {"apply": "act", "recognise": "author", "pass": "author", "fail": "author", "withdraw": "act", "drop": "act"},
    ),
}


@pytest.mark.parametrize("who", WHO_IS_TOLD)
@pytest.mark.parametrize("step", CERTIFICATION.steps, ids=lambda step: step.name)
@pytest.mark.parametrize("state", CertificationState)
def test_a_sentence_says_why_not_for_every_step_in_every_state(who: str, step: Step, state: CertificationState) -> None:
    identity, closed = WHO_IS_TOLD[who]
    reason = closed.get(step.name, "")
    if reason in ("", "author") and state not in step.sources:
        expected = f"当前状态是“{state.label}”，不能“{step.label}”。"
    else:
        expected = SENTENCES[reason].format(step.label) if reason else ""
    assert why_not(identity, CERTIFICATION, teacher(state), step.name) == expected


@pytest.mark.parametrize(
    ("state", "names"),
    [
        (AccountState.REQUESTED, "approve refuse"),
        (AccountState.ACTIVE, "disable"),
        (AccountState.DISABLED, "enable"),
        (AccountState.REFUSED, ""),
        (None, ""),
    ],
)
def test_accounts_are_approved_and_disabled_by_whom_looks_after_them(state: AccountState | None, names: str) -> None:
    account = Account(id=5, scope_path=OWN, state=state)
    keeper = somebody("read", "approve", "disable", table="account")
    assert open_names(offers(NOWHERE, keeper, ACCOUNT_OPENING, account)) == names
    assert offers(NOWHERE, somebody("read", "approve", "disable"), ACCOUNT_OPENING, account) == []


def test_an_account_and_a_teacher_are_known_by_what_the_person_is_known_by() -> None:
    account = Account(id=5, phone="13850000002", id_number="35020319900501004X", teacher_id=42)
    assert ACCOUNT_OPENING.person(account) == person_of(account)
    assert CERTIFICATION.person(teacher(PENDING)) == person_of(account) - {("account", 5)}
    assert CERTIFICATION.person(Teacher(id=42)) == {("teacher", 42)}


REVIEW = Workflow(
    "成果评审",
    Certification.outcome,
    (
        Step("pass", CertificationOutcome.PENDING, CertificationOutcome.PASSED, act="read", label="通过"),
        Step("fail", CertificationOutcome.PENDING, CertificationOutcome.FAILED, act="export", label="不通过"),
    ),
    person=KnownBy({"teacher": Certification.teacher_id}),
    starts=(CertificationOutcome.PENDING,),
    ends=(CertificationOutcome.PASSED, CertificationOutcome.FAILED),
)


def test_a_row_about_a_person_is_reached_from_the_persons_own_path_wherever_the_row_is_kept() -> None:
    moved_on = somebody("read", at="/350000/350300/t42/", table="certification")
    row = Certification(id=1, teacher_id=42, scope_path=OWN, outcome=CertificationOutcome.PENDING)
    assert open_names(offers(NOWHERE, moved_on, REVIEW, row)) == "pass"
    row.teacher_id = 43
    assert offers(NOWHERE, moved_on, REVIEW, row) == []


# --- declarations -----------------------------------------------------------------------------------------------------


def test_a_table_knows_its_workflow() -> None:
    assert workflow_of(Teacher) is CERTIFICATION
    assert workflow_of(Account) is ACCOUNT_OPENING
    assert workflow_of(Certification) is None
    assert len({workflow.model for workflow in WORKFLOWS}) == len(WORKFLOWS)


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda workflow: workflow.table)
def test_the_workflows_in_use_are_declared_without_fault(workflow: Workflow) -> None:
    assert check_workflow(workflow) == []


def without(*names: str) -> tuple[Step, ...]:
    return tuple(step for step in CERTIFICATION.steps if step.name not in names)


FAULTS = [
    (replace(CERTIFICATION, steps=without("fail", "fail_above")), ["no step leads to failed"]),
    (replace(CERTIFICATION, starts=()), [f"no step leads to {state.value}" for state in CertificationState]),
    (replace(CERTIFICATION, steps=without("drop")), ["no step leaves passed, which is not declared as an end"]),
    (replace(CERTIFICATION, ends=(PASSED,)), ["a step leaves passed, which is declared as an end"]),
    (replace(CERTIFICATION, waits=(PENDING, PASSED)), ["rows wait in passed, and nobody can decide on them"]),
    (replace(CERTIFICATION, steps=(*CERTIFICATION.steps, CERTIFICATION.step("pass"))), ["pass is the name of more than one step"]),
    (
        replace(CERTIFICATION, steps=(*without("pass"), replace(CERTIFICATION.step("pass"), act="bless"))),
        ["pass asks for the act bless, which the table does not know"],
    ),
    (
        replace(CERTIFICATION, steps=(*CERTIFICATION.steps, replace(CERTIFICATION.step("pass"), name="mix", target=AccountState.ACTIVE))),
        ["mix joins states of another column"],
    ),
    (
        replace(CERTIFICATION, column=Teacher.name, steps=(), starts=(), waits=()),
        ["the column does not hold a state", "the column is open to edits; declare it readonly"],
    ),
]


@pytest.mark.parametrize(("workflow", "faults"), FAULTS)
def test_a_wrong_declaration_is_told_in_sentences(workflow: Workflow, faults: list[str]) -> None:
    assert check_workflow(workflow) == [f"teacher.{workflow.field}: {fault}" for fault in faults]


def test_the_page_of_workflows_is_current() -> None:
    page = Path(__file__).parents[2] / "docs" / "workflows.md"
    assert page.read_text(encoding="utf-8") == workflows_page(), "run: python -m rules.workflow_docs > docs/workflows.md"


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda workflow: workflow.table)
def test_every_step_is_an_arrow_of_the_diagram(workflow: Workflow) -> None:
    drawn = diagram(workflow)
    for step in workflow.steps:
        for source in step.sources:
            assert f"{source.value} --> {step.target.value} : {step.label}" in drawn
    for state in workflow.states:
        assert f'state "{state.label}" as {state.value}' in drawn
