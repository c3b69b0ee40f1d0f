"""What a programme's policies have to be like, and whose hours another one would change (S1-22…31, S1-47, S1-48).

The one thing a newcomer gets wrong: a policy in use is never edited. A new row says from which day on something else holds, and
what was registered before stays as it was registered.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, insert, inspect, or_, select
from sqlalchemy.orm import Session

from models.base import utcnow
from models.hours import HourEntry, HourPolicy, HourState, Programme
from models.invariants import holds, keeps, on_added
from models.org import School
from models.people import Teacher
from models.scoping import Identity, acting_as
from models.violation import OutOfReach
from rules.errors import RuleViolation
from rules.hour_ledger import policies_of
from rules.hours import policy_on, said
from rules.page_views import day_of

KINDS = ("discussion", "homework", "observation", "offline_most", "target", "cap")
LOCKED = "这份学时政策已在使用，不能修改或删除。请新增一份从今天或以后生效的政策。"
AT_ONCE = 1_000


@dataclass(frozen=True)
class PolicyValues:
    """What a policy that is not saved yet would say."""

    programme_id: int
    valid_from: date
    target: Decimal
    cap: Decimal


@dataclass(frozen=True)
class Effect:
    """One teacher whose total would read differently."""

    teacher_id: int
    name: str
    school: str
    counted_before: Decimal
    counted_after: Decimal
    is_reached_before: bool
    is_reached_after: bool


@dataclass(frozen=True)
class WhatIf:
    """How many would change, how many would reach the target or no longer do, and the first of them."""

    changed: int
    gained: int
    lost: int
    first: tuple[Effect, ...]


# --- what holds -------------------------------------------------------------------------------------------------------


@holds(Programme)
def check_dates(session: Session, programme: Programme) -> None:
    if programme.ends_on < programme.starts_on:
        raise RuleViolation("结束日期不能早于开始日期。", "ends_on")


@holds(HourPolicy)
def check_policy(session: Session, policy: HourPolicy) -> None:
    """Sane numbers, and neither a row in use nor one that would rewrite the past."""
    for name in KINDS:
        value = getattr(policy, name)
        if value is not None and value <= 0:
            raise RuleViolation("“{label}”须大于 0。", name, label=inspect(HourPolicy).columns[name].info["label"])
    if policy.target is not None and policy.cap is not None and policy.target > policy.cap:
        raise RuleViolation("达标学时不能超过计入上限 {cap}。", "target", cap=said(policy.cap))
    if policy.id is not None and _is_in_use(session, policy):
        raise RuleViolation(LOCKED)
    if policy.valid_from < day_of(utcnow()) and _has_entries(session, policy):
        raise RuleViolation("已有教师获得学时，生效日期不能早于今天。", "valid_from")


@keeps(HourPolicy)
def what_keeps_policy(session: Session, policy: HourPolicy) -> Iterator[str]:
    """A policy in use stays, and so does a programme's last one."""
    if _is_in_use(session, policy):
        yield LOCKED
    others = select(HourPolicy.id).where(HourPolicy.programme_id == policy.programme_id, HourPolicy.id != policy.id)
    if session.scalar(others.limit(1)) is None:
        yield "研修项目至少要有一份学时政策。"


@on_added(Programme)
def add_first_policy(session: Session, programmes: list[Programme]) -> None:
    """A programme begins with a policy: 2, 5 and 5 hours, offline up to 10, target and cap 25 (S1-22…31)."""
    columns: Any = inspect(HourPolicy).columns
    usual = {name: columns[name].default.arg for name in (*KINDS, "policy_ref")}
    rows = [{"programme_id": one.id, "valid_from": one.starts_on, "scope_path": one.scope_path} | usual for one in programmes]
    session.execute(insert(HourPolicy), rows)


def _is_in_use(session: Session, policy: HourPolicy) -> bool:
    """Used by an entry, or in force while there are entries; nobody credits by it until this transaction ends."""
    session.execute(select(HourPolicy.id).where(HourPolicy.id == policy.id).with_for_update()).all()
    used = session.scalar(select(HourEntry.id).where(HourEntry.policy_id == policy.id).limit(1))
    past = inspect(policy).attrs.valid_from.history
    began = past.deleted[0] if past.deleted else policy.valid_from
    return used is not None or (began <= day_of(utcnow()) and _has_entries(session, policy))


def _has_entries(session: Session, policy: HourPolicy) -> bool:
    programme_id = policy.programme_id or (policy.programme.id if policy.programme else None)  # type: ignore[attr-defined]
    return session.scalar(select(HourEntry.id).where(HourEntry.programme_id == programme_id).limit(1)) is not None


# --- what if ----------------------------------------------------------------------------------------------------------


def what_if(session: Session, identity: Identity, values: PolicyValues, *, names: int = 100) -> WhatIf:
    """Whose totals would read differently from the day the policy begins: counts, and the first of them by school.

    Raises NotPermitted and OutOfReach like the adding itself.
    """
    found = _changing(session, identity, values)
    totals = found.subquery()
    now, later = totals.c.is_reached_before, totals.c.is_reached_after
    counts = select(
        func.count(), *(func.coalesce(func.sum(case((each, 1), else_=0)), 0) for each in (and_(~now, later), and_(now, ~later)))
    )
    with acting_as(identity.serving()):
        changed, gained, lost = session.execute(counts.select_from(totals)).one()
        first = session.execute(found.order_by(Teacher.scope_path, Teacher.id).limit(names)).all()
    return WhatIf(changed, gained, lost, tuple(_effect(row) for row in first))


def everyone_changed(session: Session, identity: Identity, values: PolicyValues) -> Iterator[Effect]:
    """All of them, for a list."""
    found = _changing(session, identity, values)
    with acting_as(identity.serving()):
        rows = session.execute(found.order_by(Teacher.scope_path, Teacher.id).execution_options(yield_per=AT_ONCE))
    for row in rows:
        yield _effect(row)


def _changing(session: Session, identity: Identity, values: PolicyValues) -> Any:
    """Teachers with their totals under the policy there would be otherwise, and under this one.

    Totals by sums alone are those of ``rules.hours.tally``; a test holds the two together.
    """
    identity.require("add", "hour_policy")
    with acting_as(identity):
        programme = session.get(Programme, values.programme_id)
    if programme is None:
        raise OutOfReach(f"programme {values.programme_id}")
    identity.require("add", "hour_policy", programme.scope_path)
    before = policy_on(policies_of(session, [programme.id])[programme.id], values.valid_from)
    hours, state = HourEntry.hours, HourEntry.state
    registered = func.sum(case((state == HourState.REGISTERED, func.coalesce(HourEntry.counted, 0)), else_=0))
    accrued = func.sum(case((state == HourState.ACCRUED, hours), else_=0))
    theirs = select(HourEntry.teacher_id, registered.label("registered"), accrued.label("accrued"))
    sums = theirs.where(HourEntry.programme_id == programme.id).group_by(HourEntry.teacher_id).subquery()
    counted = [_counted(sums.c.registered, sums.c.accrued, cap) for cap in (before.cap, values.cap)]
    reached = [counted[0] >= before.target, counted[1] >= values.target]
    columns = (
        Teacher.id,
        Teacher.name,
        func.coalesce(School.name, "").label("school"),
        counted[0].label("counted_before"),
        counted[1].label("counted_after"),
        reached[0].label("is_reached_before"),
        reached[1].label("is_reached_after"),
    )
    found: Any = select(*columns).join(sums, sums.c.teacher_id == Teacher.id).outerjoin(School, School.id == Teacher.school_id)
    return found.where(or_(counted[0] != counted[1], reached[0] != reached[1]))


def _counted(registered: Any, accrued: Any, cap: Decimal) -> ColumnElement[Decimal]:
    """What counts of the two sums: the accrued only as far as the registered leave room."""
    room = cap - registered
    counted: ColumnElement[Decimal] = case((room <= 0, registered), (accrued <= room, registered + accrued), else_=registered + room)
    return func.round(counted, 2, type_=HourEntry.hours.type)


def _effect(row: Any) -> Effect:
    return Effect(row[0], row[1], row[2], row[3], row[4], bool(row[5]), bool(row[6]))
