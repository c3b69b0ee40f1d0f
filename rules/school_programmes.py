"""What a school's taking part in a programme is called: the school and the programme, wherever it stands in a list."""

from __future__ import annotations

from typing import Any

from sqlalchemy import inspect, literal, select, update
from sqlalchemy.orm import Session

from models.hours import Programme
from models.invariants import holds, linked
from models.org import School
from models.research import SchoolProgramme

BETWEEN = " · "


@holds(SchoolProgramme)
def name_it(session: Session, row: SchoolProgramme) -> None:
    """A new one is called after its school and its programme."""
    if inspect(row).pending:
        row.title = BETWEEN.join((linked(session, row, "school").name, linked(session, row, "programme").name))


@holds(School)
@holds(Programme)
def carry_name(session: Session, named: School | Programme) -> None:
    """A corrected name is read at once where it is kept."""
    state: Any = inspect(named)
    if state.pending or not state.attrs.name.history.has_changes():
        return
    is_school = isinstance(named, School)
    other: Any = Programme if is_school else School
    theirs: Any = (
        select(other.name).where(other.id == (SchoolProgramme.programme_id if is_school else SchoolProgramme.school_id)).scalar_subquery()
    )
    parts: tuple[Any, Any] = (literal(named.name), theirs) if is_school else (theirs, literal(named.name))
    ours = SchoolProgramme.school_id == named.id if is_school else SchoolProgramme.programme_id == named.id
    renamed = update(SchoolProgramme).where(ours).values(title=parts[0] + BETWEEN + parts[1])
    session.execute(renamed, execution_options={"synchronize_session": False})
