"""Is a school's research closed, and why: the one place that asks (S0-44, S1-49…50).

Three reasons, each a sentence: it has not begun, its programme is over, it has been accepted. The one thing a newcomer gets wrong:
an accepted school is kept as it is, whatever the door. Only who belongs to it, what was said there and unfit, and what waits for a
reviewer's answer may still change.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, false, inspect, or_, select
from sqlalchemy.orm import Session

from models.activities import Activity, Rubric, Topic
from models.base import table_name, utcnow
from models.hours import Programme
from models.invariants import holds, keeps, linked
from models.outcomes import Outcome
from models.owners import is_owner_at_hand
from models.research import GroupPlan, ResearchGroup, ScaleScore, SchoolProgramme, SchoolState
from models.scoping import Identity, acting_as, below
from models.violation import Sentence
from rules.errors import RuleViolation
from rules.page_views import day_of

ACCEPTED = "本校已通过整校验收，学时已登记，不能再更改。"
NOT_BEGUN = "本校的校本研修尚未开启，请先由学校管理员完成开启步骤。"


def school_of(session: Session, row: Any) -> SchoolProgramme:
    """The school's programme that a row of research belongs to, by its owners; what a group keeps has the group's path."""
    while not isinstance(row, SchoolProgramme):
        is_a_groups = row.__owner__ != "school_programme" and inspect(row).persistent
        if is_a_groups and not is_owner_at_hand(session, row):
            of = select(SchoolProgramme).join(ResearchGroup).where(ResearchGroup.scope_path == row.scope_path)
            return session.scalars(of).one()
        row = linked(session, row, row.__owner__)
    return row


def why_kept(state: SchoolState) -> str:
    """The sentence why nothing of a school can be changed any more; empty until it is accepted."""
    return ACCEPTED if state is SchoolState.PASSED else ""


def why_not_handed_in(school: SchoolProgramme) -> str:
    """The sentence why nobody can hand anything in here now; empty when they can, also after the programme's last day."""
    return NOT_BEGUN if school.state is SchoolState.PREPARING else why_kept(school.state)


def why_closed(school: SchoolProgramme, programme: Programme, now: datetime) -> str:
    """The sentence why nothing new can be done in this school's programme now; empty when it can."""
    if day_of(now) > programme.ends_on and school.state not in (SchoolState.PREPARING, SchoolState.PASSED):
        return Sentence("研修项目已于 {day} 结束。", day=f"{programme.ends_on:%Y.%m.%d}")
    return why_not_handed_in(school)


def goes_on(now: datetime) -> ColumnElement[bool]:
    """The same question of a statement that has the school's programme and the programme joined."""
    begun = SchoolProgramme.state.not_in((SchoolState.PREPARING, SchoolState.PASSED))
    return and_(begun, Programme.ends_on >= day_of(now))


def why_closed_around(session: Session, row: Any, now: datetime) -> str:
    """``why_closed`` of the school that a row of research belongs to."""
    school = school_of(session, row)
    return why_closed(school, session.get_one(Programme, school.programme_id), now)


def check_open(session: Session, row: Any, now: datetime) -> None:
    """Raise RuleViolation when nothing new can be done in the school that the row belongs to."""
    if why := why_closed_around(session, row, now):
        raise RuleViolation(why)


# --- an accepted school, behind every door ----------------------------------------------------------------------------

KEPT = (SchoolProgramme, GroupPlan, Topic, Rubric, Activity, Outcome, ScaleScore)
"""What a school is accepted with; of participations and comments the services ask themselves."""
ADDED = (ResearchGroup, *KEPT[1:])
"""What is added to a school's research by a form."""


def why_not_added(session: Session, model: type[Any], school: SchoolProgramme, now: datetime) -> str:
    """The sentence why no such row can be added in this school now; empty when one can."""
    if model in (Topic, Activity):
        return why_closed_around(session, school, now)
    return why_not_handed_in(school) if model is Outcome else why_kept(school.state)


def check_kept(session: Session, row: Any) -> None:
    """What an accepted school was accepted with is not changed by a form."""
    if not inspect(row).pending and _is_written(row) and (why := why_kept(school_of(session, row).state)):
        raise RuleViolation(why)


def check_added(session: Session, row: Any) -> None:
    """Nor is anything added to it; some things neither before it has begun, nor after its programme."""
    if inspect(row).pending and (why := why_not_added(session, type(row), school_of(session, row), utcnow())):
        raise RuleViolation(why)


def what_acceptance_keeps(session: Session, row: Any) -> Iterator[str]:
    """Nor is anything of it deleted."""
    if why := why_kept(school_of(session, row).state):
        yield why


for _changed in KEPT:
    holds(_changed)(check_kept)
for _added in ADDED:
    holds(_added)(check_added)
    keeps(_added)(what_acceptance_keeps)


def _is_written(row: Any) -> bool:
    """Whether a form has changed the row, or its files: then ``updated_at`` is set by hand. What services write is their own question."""
    state: Any = inspect(row)
    fields = [name for name, column in state.mapper.columns.items() if "label" in column.info and not column.info.get("readonly")]
    links = {name.removesuffix("_id") for name in fields} & set(state.mapper.relationships.keys())
    return any(state.attrs[name].history.has_changes() for name in (*fields, *links, "updated_at"))


# --- what pages offer -------------------------------------------------------------------------------------------------

NEWEST = 20


def schools_to_write_to(session: Session, identity: Identity, act: str, model: type[Any]) -> list[tuple[SchoolProgramme, Programme]]:
    """The newest of the schools' programmes where the person may do ``act`` to such rows, or in a group of which they may; one statement."""
    paths = identity.paths(act, table_name(model))
    groups = select(ResearchGroup.school_programme_id).where(or_(false(), *(below(ResearchGroup.scope_path, path) for path in paths)))
    theirs = or_(SchoolProgramme.id.in_(groups), *(below(SchoolProgramme.scope_path, path) for path in paths))
    newest = select(SchoolProgramme, Programme).join(Programme, Programme.id == SchoolProgramme.programme_id).where(theirs)
    with acting_as(identity.serving()):
        found = session.execute(newest.order_by(Programme.starts_on.desc(), SchoolProgramme.id.desc()).limit(NEWEST))
        return [(school, programme) for school, programme in found]


def why_none_added(session: Session, identity: Identity, model: type[Any], schools: Sequence[SchoolProgramme], now: datetime) -> str:
    """The sentence why none of these schools takes such a row; empty when one does, or there is none."""
    with acting_as(identity.serving()):
        reasons = [why_not_added(session, model, school, now) for school in schools]
    return reasons[0] if reasons and all(reasons) else ""
