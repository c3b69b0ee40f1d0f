"""个人提升计划: a teacher's own plan, handed in and replaced by its author until the school locks it (S0-26, S0-39, S0-75, S0-76).

The one thing a newcomer gets wrong: a plan is locked one by one or all at once, and unlocked in the same way; nothing is reviewed here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.files import Attachment
from models.outcomes import ImprovementPlan
from models.research import SchoolProgramme
from models.scoping import Identity, acting_as, below
from models.session import transaction
from rules.errors import RuleViolation
from rules.files import files_of, settle
from rules.handing_in import lock_for_hand_in

LOCKED = "个人提升计划已由学校锁定，不能再更换。需要修改时请联系学校管理员解锁。"


def plan_of(session: Session, identity: Identity, school: SchoolProgramme, teacher_id: int) -> ImprovementPlan | None:
    """The plan this teacher has handed in, if they have; one statement."""
    with acting_as(identity.serving()):
        return session.scalars(select(ImprovementPlan).filter_by(school_programme_id=school.id, teacher_id=teacher_id)).one_or_none()


def hand_in_plan(
    session: Session, identity: Identity, school: SchoolProgramme, attachment_ids: Iterable[int], *, now: datetime
) -> ImprovementPlan:
    """Hand in one's own plan, or replace it. Raises NotPermitted, OutOfReach and RuleViolation, also once it is locked."""
    identity.require("hand_in", "improvement_plan")
    with acting_as(identity.serving()), transaction(session):
        teacher_id = lock_for_hand_in(session, identity, school)
        mine = select(ImprovementPlan).filter_by(school_programme_id=school.id, teacher_id=teacher_id).with_for_update(of=ImprovementPlan)
        plan = session.scalars(mine, execution_options={"populate_existing": True}).one_or_none()
        if plan is None:
            plan = ImprovementPlan(school_programme_id=school.id, teacher_id=teacher_id, handed_in_at=now)
            session.add(plan)
        if plan.locked_at is not None:
            raise RuleViolation(LOCKED)
        plan.handed_in_at = now
        settle(session, identity, plan, "plan", attachment_ids)
        return plan


def lock_plan(session: Session, identity: Identity, plan: ImprovementPlan, *, now: datetime) -> None:
    """From now on its author cannot replace it."""
    _write_lock(session, identity, plan, now)


def unlock_plan(session: Session, identity: Identity, plan: ImprovementPlan) -> None:
    """Its author may replace it again."""
    _write_lock(session, identity, plan, None)


def _write_lock(session: Session, identity: Identity, plan: ImprovementPlan, at: datetime | None) -> None:
    identity.require("lock", "improvement_plan", plan.scope_path)
    with acting_as(identity.serving()), transaction(session):
        plan.locked_at = at


def lock_all(session: Session, identity: Identity, path: str, *, now: datetime) -> int:
    """Lock every plan at and below ``path`` that is not locked yet; answers how many."""
    identity.require("lock", "improvement_plan", path)
    with acting_as(identity.serving()), transaction(session):
        open_ones = select(ImprovementPlan).where(below(ImprovementPlan.scope_path, path), ImprovementPlan.locked_at.is_(None))
        plans = session.scalars(open_ones.order_by(ImprovementPlan.id).with_for_update(of=ImprovementPlan)).all()
        for plan in plans:
            plan.locked_at = now
        return len(plans)


def templates_of(session: Session, school: SchoolProgramme) -> Sequence[Attachment]:
    """What teachers download and fill in: the school's own template, or the programme's (S0-75, S0-134)."""
    own = files_of(session, [school], "plan_template")[school.id]
    return own or files_of(session, [school.programme], "plan_template")[school.programme_id]  # type: ignore[attr-defined]
