"""A table declared for the measurement alone: a form with a link to a million rows, made by the declaration like any other."""

from __future__ import annotations

from sqlalchemy.orm import Mapped

from models.base import Record, Screen, Sentence, field, link
from models.people import Teacher
from models.scoping import Scoped


class TeacherRemark(Scoped, Record):
    """A remark about any teacher in reach."""

    __tablename__ = "teacher_remark"
    __owner__ = "teacher"
    __screen__ = Screen("教师备注", list=("teacher", "text"))

    teacher_id: Mapped[int] = link(Teacher, "教师")
    text: Mapped[Sentence] = field("备注")
