"""What a school's part in a programme must be like behind every door, and what it is called.

The one thing a newcomer gets wrong: its name is its school's and its programme's, kept beside it because every list of groups,
plans and summaries shows it; when one of them is renamed, this follows.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, inspect, literal, select, update
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
BETWEEN = " · "


def called(school: School, programme: Programme) -> str:
    """北实验小学 · 能力提升工程2.0."""
    return f"{school.name}{BETWEEN}{programme.name}"[:LONGEST]


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
@holds(Programme)
def follow_name(session: Session, named: School | Programme) -> None:
    """Renamed, a school or a programme is called so in every part at once; one statement."""
    state: Any = inspect(named)
    if state.pending or not state.attrs.name.history.has_changes():
        return
    is_school = isinstance(named, School)
    other, key = (Programme, SchoolProgramme.programme_id) if is_school else (School, SchoolProgramme.school_id)
    theirs: Any = select(other.name).where(other.id == key).scalar_subquery()
    school, programme = (literal(named.name), theirs) if is_school else (theirs, literal(named.name))
    ours = SchoolProgramme.school_id == named.id if is_school else SchoolProgramme.programme_id == named.id
    renamed = update(SchoolProgramme).where(ours).values(name=func.substr(school + BETWEEN + programme, 1, LONGEST))
    session.execute(renamed, execution_options={"synchronize_session": False})
