"""What an operator asks at a terminal: why somebody may not do something, and an account to run the platform with."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.access import Role
from models.people import Teacher
from models.scoping import SYSTEM, acting_as
from rules.grants import SCHOOL_ADMIN
from tests.clients import Browser


def ask(app: Any, *words: object) -> Any:
    """As at a terminal, where the command finds the application it is called for."""
    with app.app_context():
        return app.test_cli_runner().invoke(args=[str(word) for word in words])


def test_why_says_which_of_act_row_and_rule_answers_no(app: Any, cast: Any) -> None:
    def answer(person: str, act: str, teacher: str) -> str:
        return str(ask(app, "why", cast.username[person], act, "teacher", cast.teacher[teacher]).output)

    assert "act: NO. No post here grants certify on teacher; shipped roles that do: operator, school_admin" in answer("丹", "certify", "兰")
    assert "row: NO. it belongs to" in answer("锐", "certify", "兰")
    assert "row: yes" in answer("平", "certify", "兰") and "rule (pass): NO. " in answer("平", "certify", "梅")


def test_why_says_that_there_is_no_such_account_or_row(app: Any, cast: Any) -> None:
    assert ask(app, "why", "nobody", "read", "teacher").output == "no account is called nobody\n"
    assert "row: teacher has no row 999999" in ask(app, "why", cast.username["平"], "read", "teacher", 999999).output


@pytest.mark.parametrize(
    ("act", "table", "told"), [("read", "teachers", "nothing is called teachers"), ("raed", "teacher", "nothing asks for raed on teacher")]
)
def test_why_names_the_words_it_does_not_know(app: Any, cast: Any, act: str, table: str, told: str) -> None:
    answer = ask(app, "why", cast.username["平"], act, table)
    assert told in answer.output and "there are " in answer.output


def test_a_new_operator_signs_in_and_reaches_everything(app: Any, cast: Any) -> None:
    made = ask(app, "create-operator", "keeper", "--password", "Yunying#2026")
    assert made.output.endswith("keeper may sign in.\n")
    keeper = Browser(app)
    keeper.sign_in("keeper", "Yunying#2026")
    with acting_as(SYSTEM), app.app_context():
        count = app.extensions["db"]().query(Teacher).count()
    assert f"共 {count} 名教师" in keeper.get("/teacher/list/").text


def test_an_operator_is_not_made_with_a_weak_password(app: Any, cast: Any) -> None:
    refused = ask(app, "create-operator", "keeper", "--password", "1")
    assert refused.exit_code == 1 and "密码" in refused.output


def test_the_doctor_names_what_the_database_lacks(app: Any, cast: Any) -> None:
    """A forgotten migration and a grant that came after its table are told, the one as a fault, the other as a note."""
    well = ask(app, "doctor")
    assert (well.exit_code, well.output) == (0, "all declarations are whole\n")
    with Session(cast.engine) as session:
        role = session.scalars(select(Role).where(Role.name == SCHOOL_ADMIN)).one()
        role.permissions = [p for p in role.permissions if (p.permission.name, p.view_menu.name) != ("can_import", "teacher")]
        session.commit()
    told = ask(app, "doctor")
    assert told.exit_code == 0
    assert "note: school_admin may not import teacher, as rules/grants.py says; if it should, tick it in 角色列表" in told.output
    with cast.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE title DROP COLUMN rank")
        connection.exec_driver_sql("DROP TABLE follow_up")
    told = ask(app, "doctor")
    assert told.exit_code == 1
    assert "title.rank is not in the database; make migration NAME=what_changed, then make run" in told.output
    assert "follow_up is not in the database;" in told.output
