"""A teacher puts their own document right: not while a school vouches for it, and their account goes along (S4-51, S4-53, S4-54)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.access import Account
from models.history import Change
from models.people import Teacher
from rules.phones import TRIES
from tests.cast import Cast

NEW = "350203198503120036"


def facts(cast: Cast, name: str) -> tuple[str, str, str]:
    with Session(cast.engine) as session:
        row = select(Teacher.id_number, Account.id_number, Account.username).join(Account, Account.teacher_id == Teacher.id)
        return tuple(session.execute(row.where(Teacher.id == cast.teacher[name])).one())  # type: ignore[return-value]


def test_who_has_left_the_school_corrects_the_number_and_signs_in_with_it(cast: Cast, client_of: Any) -> None:
    mei, before = client_of("梅"), facts(cast, "梅")
    kind = str(_kind(cast, "梅"))
    assert "更正证件" not in mei.get("/me/").text
    refused = mei.post("/me/document", id_type=kind, id_number=NEW)
    assert refused.status_code == 422 and "请先从学校移除" in refused.text and facts(cast, "梅") == before
    mei.post(f"/teacher/do/leave/{cast.teacher['梅']}", confirmed="1")
    page = mei.get("/me/").text
    assert "更正证件" in page and before[0] not in mei.get("/me/document").text, "the number in force stays masked"
    for typed, sentence in (("", "请填写证件号码"), ("350203198503120037", "校验"), (facts(cast, "兰")[0], "")):
        answer = mei.post("/me/document", id_type=kind, id_number=typed)
        assert answer.status_code == 422 and sentence in answer.text and f'value="{typed}"' in answer.text, typed
    assert facts(cast, "梅") == before
    assert mei.post("/me/document", id_type=kind, id_number=NEW.lower()).status_code == 303
    number, of_account, username = facts(cast, "梅")
    assert number == of_account == NEW and username == (NEW if before[2] == before[0] else before[2])
    fresh = client_of("")
    assert fresh.try_sign_in(NEW, cast.password).status_code in (302, 303), "the number signs in"
    with Session(cast.engine) as session:
        told = session.scalars(select(Change.changes).where(Change.table_name == "teacher", Change.act == "edit")).all()
    assert any("id_number" in changes for changes in told), "history has it"


def test_nobody_takes_the_number_of_anothers_account(cast: Cast, client_of: Any) -> None:
    with Session(cast.engine) as session:
        session.get_one(Account, cast.account["平"]).id_number = NEW
        session.commit()
    lan = client_of("兰")
    before = facts(cast, "兰")
    answer = lan.post("/me/document", id_type=str(_kind(cast, "兰")), id_number=NEW)
    assert answer.status_code == 422 and "已有账号" in answer.text and facts(cast, "兰") == before
    assert client_of("平").get("/me/document").status_code == 404, "an administrator is no teacher here"


def _kind(cast: Cast, name: str) -> int:
    with Session(cast.engine) as session:
        return session.get_one(Teacher, cast.teacher[name]).id_type_id


def test_whose_number_is_known_cannot_be_asked_without_end(cast: Cast, client_of: Any) -> None:
    """The refusal says that a number is somebody's: after a few an hour nothing is said, and nothing is changed."""
    lan, kind, before = client_of("兰"), str(_kind(cast, "兰")), facts(cast, "兰")
    known = facts(cast, "梅")[0]
    for _time in range(TRIES):
        answer = lan.post("/me/document", id_type=kind, id_number=known)
        assert answer.status_code == 422 and "操作过于频繁" not in answer.text
    for number in (known, NEW):
        answer = lan.post("/me/document", id_type=kind, id_number=number)
        assert answer.status_code == 422 and "操作过于频繁，请稍后再试。" in answer.text and "重复" not in answer.text
    assert facts(cast, "兰") == before
