"""Is a teacher's profile complete? (S3-27, S4-51)

The one thing a newcomer gets wrong: a profile may be complete without 学科领域. Heads and librarians have none, and the
manuals print ``--`` for it (S3-124), so no list of unfinished work asks for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, String, or_
from sqlalchemy.orm import InstrumentedAttribute

from models.people import Teacher

Facts = Sequence[InstrumentedAttribute[Any]]

REAL_NAME: Facts = (Teacher.name, Teacher.id_type_id, Teacher.id_number, Teacher.phone)
"""Who the person is: without these nobody can be recognised."""
PROFILE: Facts = (*REAL_NAME, Teacher.school_id, Teacher.title_id, Teacher.stage_id)


def missing_facts(teacher: Teacher, facts: Facts = PROFILE) -> list[str]:
    """The labels of what the teacher still has to fill in, in the order of the form."""
    return [fact.info["label"] for fact in facts if getattr(teacher, fact.key) in (None, "")]


def lacks_facts(facts: Facts = PROFILE) -> ColumnElement[bool]:
    """The condition that something is missing: a filter for lists (S3-27)."""
    blank = [fact == "" for fact in facts if isinstance(fact.type, String)]
    return or_(*(fact.is_(None) for fact in facts), *blank)
