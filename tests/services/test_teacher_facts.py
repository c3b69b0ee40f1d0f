"""What must hold of a teacher behind every door, and whose profile is incomplete (S2-10, S3-27, S3-120, S4-51…54)."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from models.people import CertificationState, IdType, Teacher
from models.scoping import SYSTEM, acting_as
from models.violation import RuleViolation
from rules import people  # noqa: F401  (registers what must hold)
from rules.real_name import lacks_facts, missing_facts
from tests.services.desk import Desk

NUMBER = "11010519491231002X"


def edit(desk: Desk, who: str, name: str, /, **values: Any) -> None:
    with acting_as(desk.cast.identity(who)):
        teacher = desk.session.get_one(Teacher, desk.cast.teacher[name])
        for field, value in values.items():
            setattr(teacher, field, value)
        desk.session.commit()


def kind(desk: Desk, code: str) -> IdType:
    return desk.rows(IdType, IdType.code == code)[0]


@pytest.mark.parametrize(
    ("field", "value", "kept"),
    [
        ("name", " 王 一 ", "王 一"),
        ("phone", "+86 138-0000-0000", "13800000000"),
        ("phone", "  ", None),
        ("phone", None, None),
        ("id_number", "１１０１０５19491231002x", NUMBER),
    ],
)
def test_what_is_typed_is_kept_in_one_form(desk: Desk, field: str, value: str | None, kept: str | None) -> None:
    edit(desk, "平", "竹", **{field: value})
    desk.session.expire_all()
    assert getattr(desk.teacher("竹"), field) == kept


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("name", " \u200b", "请填写“姓名”。"),
        ("phone", "12345", "手机号码应为11位数字"),
        ("id_number", "110105194912310021", "校验码"),
        ("id_number", "350203209905010016", "出生日期晚于今天"),
    ],
)
def test_what_cannot_be_is_refused_beside_its_field(desk: Desk, field: str, value: str, told: str) -> None:
    with pytest.raises(RuleViolation, match=told) as refusal:
        edit(desk, "平", "竹", **{field: value})
    assert refusal.value.field == field


def test_a_number_is_checked_when_a_teacher_is_added(desk: Desk) -> None:
    facts = {"name": "新", "id_type": kind(desk, "resident"), "school_id": desk.cast.school["北"]}
    with acting_as(desk.cast.identity("平")):
        desk.session.add(Teacher(**facts, id_number="110105194912310021"))
        with pytest.raises(RuleViolation, match="校验码"):
            desk.session.commit()
        desk.session.add(added := Teacher(**facts, id_number=NUMBER.lower()))
        desk.session.commit()
    assert added.id_number == NUMBER


@pytest.mark.parametrize("field", ["id_type_id", "id_type"])
def test_another_kind_of_document_is_checked_with_the_number(desk: Desk, field: str) -> None:
    passport = kind(desk, "passport")
    chosen = {field: passport.id if field == "id_type_id" else passport}
    with pytest.raises(RuleViolation, match="护照号码") as refusal:
        edit(desk, "平", "竹", **chosen)
    assert refusal.value.field == "id_number"
    edit(desk, "平", "竹", **chosen, id_number="e12345678")
    assert (desk.teacher("竹").id_number, desk.teacher("竹").id_type_id) == ("E12345678", passport.id)


def test_a_number_the_platform_cannot_check_is_told_beside_the_kind(desk: Desk) -> None:
    with acting_as(SYSTEM):
        desk.session.add(IdType(code="library", name="借书证"))
        desk.session.commit()
    with pytest.raises(RuleViolation, match="不支持这种证件类型") as refusal:
        edit(desk, "平", "竹", id_type=kind(desk, "library"))
    assert refusal.value.field == "id_type_id"


# --- the certified ----------------------------------------------------------------------------------------------------

WAY_OUT = "认证通过的教师不能直接修改“{}”；请先从学校移除，修改后重新加入学校并申请认证。"


@pytest.mark.parametrize("who", ["梅", "平", "运"])
@pytest.mark.parametrize(("field", "label"), [("id_number", "证件号码"), ("id_type_id", "证件类型"), ("id_type", "证件类型")])
def test_a_certified_teacher_keeps_the_document(desk: Desk, who: str, field: str, label: str) -> None:
    passport = kind(desk, "passport")
    values = (
        {"id_number": NUMBER}
        if field == "id_number"
        else {"id_number": "E12345678", field: passport if field == "id_type" else passport.id}
    )
    with pytest.raises(RuleViolation) as refusal:
        edit(desk, who, "梅", **values)
    assert refusal.value.message == WAY_OUT.format(label)
    assert refusal.value.field == ("id_number" if field == "id_number" else "id_type_id")


@pytest.mark.parametrize("through", ["school_id", "school"])
def test_not_even_a_service_moves_a_certified_teacher(desk: Desk, through: str) -> None:
    south = desk.school("南")
    with acting_as(SYSTEM):
        setattr(desk.teacher("梅"), through, south.id if through == "school_id" else south)
        with pytest.raises(RuleViolation) as refusal:
            desk.session.commit()
    assert refusal.value.message == WAY_OUT.format("学校")


def test_a_certified_teacher_corrects_the_rest_and_may_type_the_same_number_again(desk: Desk) -> None:
    desk.put(Teacher, desk.cast.teacher["梅"], id_number=NUMBER)
    assert desk.teacher("梅").id_number == NUMBER
    edit(desk, "梅", "梅", id_number=" 11010519491231002x ", id_type=kind(desk, "resident"), phone="13900000000")
    assert (desk.teacher("梅").phone, desk.teacher("梅").id_number) == ("13900000000", NUMBER)


def test_a_certified_teacher_is_not_deleted(desk: Desk) -> None:
    with acting_as(desk.cast.identity("平")):
        desk.session.delete(desk.teacher("梅"))
        with pytest.raises(RuleViolation, match="该教师已认证通过，请先将其从学校移除。"):
            desk.session.commit()
    with acting_as(desk.cast.identity("锐")):
        desk.session.delete(desk.session.get_one(Teacher, desk.cast.teacher["松"]))
        desk.session.commit()
    assert desk.rows(Teacher, Teacher.name == "松") == []
    assert desk.teacher("梅").certification is CertificationState.PASSED


# --- incomplete profiles ----------------------------------------------------------------------------------------------


def test_the_incomplete_are_listed_with_what_they_lack(desk: Desk) -> None:
    desk.put(Teacher, desk.cast.teacher["竹"], phone="", title_id=None)
    desk.put(Teacher, desk.cast.teacher["兰"], subject_id=None)
    desk.put(Teacher, desk.cast.teacher["菊"], phone=None)
    with acting_as(desk.cast.identity("平")):
        assert [row.name for row in desk.session.scalars(select(Teacher).where(lacks_facts()))] == ["竹"]
    assert missing_facts(desk.teacher("竹")) == ["手机号码", "职称"]
    assert missing_facts(desk.teacher("兰")) == []
