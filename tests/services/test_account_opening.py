"""An account that was asked for is unusable until somebody who answers for it approves (S2-12, S2-23); who disables whom."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from models.access import Account, AccountState
from models.people import CertificationState, Teacher
from models.scoping import acting_as
from models.violation import Conflict, NotPermitted, OutOfReach, RuleViolation
from rules.approvals import ACCOUNT_OPENING, CERTIFICATION
from rules.registration import request_account
from rules.workflow import take
from rules.workflow_steps import Step
from rules.workflow_waiting import waiting
from tests.cast import TODAY
from tests.services.desk import Desk


def take_as(desk: Desk, who: str, step: str, account: Account, comment: str = "") -> None:
    with acting_as(identity := desk.cast.identity(who)):
        take(desk.session, identity, ACCOUNT_OPENING, account, step, comment=comment, now=TODAY)


@pytest.mark.parametrize("step", ACCOUNT_OPENING.steps, ids=lambda step: step.name)
@pytest.mark.parametrize("state", AccountState)
def test_every_step_from_every_state(desk: Desk, step: Step, state: AccountState) -> None:
    account = desk.account("竹")
    desk.put(Account, account.id, state=state)
    if not step.shown:
        with pytest.raises(NotPermitted):
            take_as(desk, "福", step.name, account, "核对过")
        return
    if state in step.sources:
        take_as(desk, "福", step.name, account, "核对过")
        assert (account.state, account.version) == (step.target, 2)
        assert account.is_active is (step.target is AccountState.ACTIVE)
        return
    with pytest.raises(Conflict):
        take_as(desk, "福", step.name, account, "核对过")
    assert account.state is state


def test_who_asked_for_an_account_can_use_it_once_it_is_approved_and_is_a_teacher_of_the_school(desk: Desk) -> None:
    request_account(desk.session, name="新", id_number="11010519491231002x", school_id=desk.cast.school["北"], now=TODAY)
    with acting_as(admin := desk.cast.identity("平")):
        asked = desk.session.scalars(select(Account).where(Account.username == "11010519491231002X")).one()
        assert (asked.is_active, asked.default_password_until) == (False, None)
        assert waiting(desk.session, admin, (CERTIFICATION, ACCOUNT_OPENING)) == {"teacher": 1, "account": 1}
    take_as(desk, "平", "approve", asked)
    assert asked.is_active
    assert asked.default_password_until is not None and asked.default_password_until > TODAY
    [teacher] = desk.rows(Teacher, Teacher.id == asked.teacher_id)
    assert (teacher.name, teacher.id_number, teacher.certification) == ("新", "11010519491231002X", CertificationState.NONE)
    assert asked.scope_path == teacher.scope_path == f"{desk.cast.path['北']}t{teacher.id}/"


def test_a_refusal_says_why_and_another_school_has_no_say(desk: Desk) -> None:
    account = desk.account("竹")
    desk.put(Account, account.id, state=AccountState.REQUESTED)
    with pytest.raises(OutOfReach):
        take_as(desk, "锐", "refuse", account, "不认识")
    with pytest.raises(RuleViolation, match="请填写“审核意见”。"):
        take_as(desk, "平", "refuse", account)
    take_as(desk, "平", "refuse", account, "不是本校教师")
    assert (account.state, account.is_active) == (AccountState.REFUSED, False)


def test_an_account_of_before_there_were_versions_is_approved_too(desk: Desk) -> None:
    account = desk.account("竹")
    desk.put(Account, account.id, state=AccountState.REQUESTED, version=None)
    take_as(desk, "平", "approve", account)
    assert (account.state, account.version) == (AccountState.ACTIVE, 1)


def test_nobody_disables_themselves(desk: Desk) -> None:
    with pytest.raises(RuleViolation, match="不能办理本人的事项"):
        take_as(desk, "福", "disable", desk.account("福"))
    assert desk.account("福").is_active
