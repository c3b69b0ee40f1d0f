"""轮岗: a teacher serves at another unit for a while, and their own school manages them all the same (S0-20).

The one thing a newcomer gets wrong: rotation moves nobody. School, path, account, certification and hours stay where they are, and the
unit one serves at gains no right to see the teacher (docs/decisions/0010).
"""

from __future__ import annotations

from datetime import date

from sqlalchemy import ColumnElement, and_, or_
from sqlalchemy.orm import Session

from models.invariants import holds
from models.org import School
from models.people import Teacher
from rules.errors import RuleViolation
from rules.id_numbers import one_line


@holds(Teacher)
def rotation_is_told_whole(session: Session, teacher: Teacher) -> None:
    """A day on which it ends belongs to a unit, and that is not the teacher's own school."""
    unit = one_line(teacher.rotation_unit or "")
    if unit != (teacher.rotation_unit or ""):
        teacher.rotation_unit = unit or None
    if not unit and teacher.rotation_until is not None:
        raise RuleViolation("请填写“{label}”。", "rotation_unit", label=Teacher.rotation_unit.info["label"])
    school = session.get(School, teacher.school_id) if unit and teacher.school_id is not None else None
    if school is not None and school.name == unit:
        raise RuleViolation("轮岗单位不能是教师所在的学校。", "rotation_unit")


def serves_elsewhere(teacher: Teacher, today: date) -> bool:
    """Whether the teacher serves at another unit on that day."""
    return teacher.rotation_unit is not None and (teacher.rotation_until is None or teacher.rotation_until >= today)


def rotating(today: date) -> ColumnElement[bool]:
    """The same as a condition for lists."""
    return and_(Teacher.rotation_unit.is_not(None), or_(Teacher.rotation_until.is_(None), Teacher.rotation_until >= today))


def end_rotation(teacher: Teacher) -> None:
    """Who leaves the school that sent them is sent by nobody."""
    teacher.rotation_unit = teacher.rotation_until = None
