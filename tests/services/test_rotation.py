"""A rotating teacher is managed by the school that sent them, and by no other (S0-20)."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from models.people import CertificationState, Teacher
from models.scoping import SYSTEM, acting_as
from models.violation import RuleViolation
from rules.people import leave_school
from rules.rotation import rotating, serves_elsewhere
from tests.cast import TODAY
from tests.services.desk import Desk

DAY = date(2026, 11, 23)
SOUTH = "南实验小学"


def send(desk: Desk, who: str, name: str, unit: str | None, until: date | None = None) -> Teacher:
    with acting_as(desk.cast.identity(who)):
        teacher = desk.session.get_one(Teacher, desk.cast.teacher[name])
        teacher.rotation_unit, teacher.rotation_until = unit, until
        desk.session.commit()
    return teacher


def test_a_certified_teacher_is_sent_and_moves_nowhere(desk: Desk) -> None:
    before = desk.cast.path["梅"]
    teacher = send(desk, "平", "梅", f"  {SOUTH} ", DAY)
    assert (teacher.rotation_unit, teacher.rotation_until) == (SOUTH, DAY)
    assert (teacher.school_id, teacher.scope_path) == (desk.cast.school["北"], before)
    assert (teacher.certification, desk.account("梅").scope_path) == (CertificationState.PASSED, before)


def test_the_unit_they_serve_at_sees_nobody(desk: Desk) -> None:
    send(desk, "平", "梅", SOUTH)
    with acting_as(desk.cast.identity("锐")):
        assert set(desk.session.scalars(select(Teacher.name))) == {"菊", "松"}


@pytest.mark.parametrize(
    ("unit", "until", "at", "told"),
    [
        (None, DAY, "rotation_unit", "请填写“轮岗单位”。"),
        (" \u200b", DAY, "rotation_unit", "请填写“轮岗单位”。"),
        ("北实验小学", None, "rotation_unit", "轮岗单位不能是教师所在的学校。"),
    ],
)
def test_what_cannot_be_is_refused(desk: Desk, unit: str | None, until: date | None, at: str, told: str) -> None:
    with pytest.raises(RuleViolation, match=told) as refusal:
        send(desk, "平", "梅", unit, until)
    assert refusal.value.field == at


def test_a_blank_is_nothing(desk: Desk) -> None:
    assert send(desk, "平", "梅", "  ").rotation_unit is None


@pytest.mark.parametrize(
    ("unit", "until", "is_away"),
    [(None, None, False), (SOUTH, None, True), (SOUTH, DAY, True), (SOUTH, DAY - timedelta(days=1), False)],
)
def test_they_serve_elsewhere_until_the_day_is_over(desk: Desk, unit: str | None, until: date | None, is_away: bool) -> None:
    teacher = send(desk, "平", "梅", unit, until)
    assert serves_elsewhere(teacher, DAY) is is_away
    with acting_as(SYSTEM):
        assert list(desk.session.scalars(select(Teacher.name).where(rotating(DAY)))) == (["梅"] if is_away else [])


def test_who_leaves_the_school_is_sent_by_nobody(desk: Desk) -> None:
    send(desk, "平", "梅", SOUTH, DAY)
    identity: Any = desk.cast.identity("平")
    with acting_as(identity):
        teacher = leave_school(desk.session, identity, desk.teacher("梅"), now=TODAY)
    assert (teacher.rotation_unit, teacher.rotation_until) == (None, None)
