"""What a school still lacks before it applies to be accepted, and before the superior decides: warnings, told as a list (S1-49…52).

The one thing a newcomer gets wrong: these do not block. Only what ``rules.opening`` checks does; the superior weighs the rest.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.base import table_name
from models.history import Decision
from models.hours import HourEntry, HourState
from models.research import SchoolProgramme, SchoolState
from models.scoping import Identity, acting_as, below
from models.violation import Sentence
from rules.hours import said
from rules.opening import PLANS, Readiness, readiness_of
from rules.research_figures import Reached, reached_of


def missing_of(session: Session, identity: Identity, school: SchoolProgramme, *, now: datetime) -> list[Sentence]:
    """What is missing, one sentence each, for whoever has the school's programme within reach; nothing once it is accepted."""
    if school.state is SchoolState.PASSED:
        return []
    with acting_as(identity.serving()):
        reached = reached_of(session, identity, {school.id: school.programme_id}, now=now)[school.id]
        return list(_missing(readiness_of(session, school), reached))


def _missing(ready: Readiness, hours: Reached) -> Iterator[Sentence]:
    if ready.plans < len(PLANS):
        yield Sentence("两案只提交了 {count} / {all} 份。", count=ready.plans, all=len(PLANS))
    if not ready.team:
        yield Sentence("还没有组建信息化团队。")
    if not ready.groups:
        yield Sentence("还没有创建教研组。")
    if ready.groups_without_leader:
        yield Sentence("{count} 个教研组还没有组长。", count=ready.groups_without_leader)
    if ready.groups_without_plan:
        yield Sentence("{count} 个教研组没有研修计划。", count=ready.groups_without_plan)
    if below := hours.members - hours.reached:
        yield Sentence("{all} 名成员中有 {count} 名未达 {target} 学时。", count=below, all=hours.members, target=said(hours.target))
    if ready.members_without_plan:
        yield Sentence("{count} 名成员没有上传个人提升计划。", count=ready.members_without_plan)
    if ready.summaries_waiting:
        yield Sentence("{count} 份能力点提升总结还没有评审。", count=ready.summaries_waiting)
    if ready.groups_without_case:
        yield Sentence("{count} 个教研组没有提交教学案例。", count=ready.groups_without_case)


def why_failed(session: Session, identity: Identity, school: SchoolProgramme) -> str:
    """What the superior wrote when the school was not accepted; empty unless that is how it stands."""
    if school.state is not SchoolState.FAILED:
        return ""
    ours = (Decision.table_name == table_name(SchoolProgramme), Decision.row_id == school.id, Decision.step == "fail")
    with acting_as(identity.serving()):
        said = session.scalar(select(Decision.comment).where(*ours).order_by(Decision.id.desc()).limit(1))
    return said or ""


def registered_in(session: Session, identity: Identity, school: SchoolProgramme) -> tuple[int, Decimal]:
    """How many teachers of the school have hours registered in its programme, and how many hours these are."""
    ours = (HourEntry.programme_id == school.programme_id, HourEntry.state == HourState.REGISTERED)
    figures = select(func.count(HourEntry.teacher_id.distinct()), func.coalesce(func.sum(HourEntry.counted), 0))
    with acting_as(identity.serving()):
        teachers, hours = session.execute(figures.where(*ours, below(HourEntry.scope_path, school.scope_path))).one()
    return teachers, Decimal(str(hours))
