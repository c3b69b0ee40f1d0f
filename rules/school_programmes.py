"""What a school's part in a programme must be like behind every door, and what it is called.

The one thing a newcomer gets wrong: its name is its school's and its programme's, kept beside it because every list of groups,
plans and summaries shows it; when one of them is renamed, this follows.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import inspect, select, update
from sqlalchemy.orm import Session

from models.base import utcnow
from models.hours import Programme
from models.invariants import holds, linked
from models.org import School
from models.research import SchoolProgramme
from models.scoping import ancestors
from rules.errors import RuleViolation
from rules.page_views import day_of

LONGEST = 210


def called(school: School, programme: Programme) -> str:
    """北实验小学 · 能力提升工程2.0."""
    return f"{school.name} · {programme.name}"[:LONGEST]


@holds(SchoolProgramme)
def check_part(session: Session, part: SchoolProgramme) -> None:
    """A school takes part in a programme of a region above it, while that goes on."""
    if not inspect(part).pending:
        return
    school, programme = linked(session, part, "school"), linked(session, part, "programme")
    if school is None or programme is None:
        return
    if programme.scope_path not in ancestors(school.scope_path):
        raise RuleViolation("这个研修项目不面向本校所在的区域，请选择其他项目。", "programme")
    if programme.ends_on < day_of(utcnow()):
        raise RuleViolation("研修项目已于 {day} 结束，不能再参加。", "programme", day=f"{programme.ends_on:%Y.%m.%d}")
    part.name = called(school, programme)


@holds(School)
def follow_school(session: Session, school: School) -> None:
    """A renamed school is called so in its programmes."""
    if _is_renamed(school):
        for part, programme in _parts(session, SchoolProgramme.school_id == school.id):
            _rename(session, part, called(school, programme))


@holds(Programme)
def follow_programme(session: Session, programme: Programme) -> None:
    """A renamed programme is called so at its schools."""
    if _is_renamed(programme):
        wanted = select(SchoolProgramme.id, School).join(School, School.id == SchoolProgramme.school_id)
        for part, school in session.execute(wanted.where(SchoolProgramme.programme_id == programme.id)).all():
            _rename(session, part, called(school, programme))


def _is_renamed(row: Any) -> bool:
    return row.id is not None and inspect(row).attrs.name.history.has_changes()


def _parts(session: Session, condition: Any) -> Any:
    found = select(SchoolProgramme.id, Programme).join(Programme, Programme.id == SchoolProgramme.programme_id)
    return session.execute(found.where(condition)).all()


def _rename(session: Session, part_id: int, name: str) -> None:
    statement = update(SchoolProgramme).where(SchoolProgramme.id == part_id).values(name=name)
    session.execute(statement, execution_options={"synchronize_session": False})
