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

from sqlalchemy import ColumnElement, and_, case, exists, func, insert, inspect, or_, select
from sqlalchemy.orm import Session

from models.base import utcnow
from models.hours import HourEntry, HourPolicy, HourState, Programme
from models.invariants import holds, keeps, on_added
from models.org import School
from models.people import Teacher
from models.scoping import Identity, acting_as, current_identity
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


def locked_policies(session: Session) -> frozenset[int]:
    """The policies that are used by an entry, or in force while there are entries: nobody changes them any more."""
    with acting_as(current_identity().serving()):
        return frozenset(session.scalars(select(HourPolicy.id).where(_used())))


def _used() -> ColumnElement[bool]:
    credited = exists().where(HourEntry.policy_id == HourPolicy.id)
    begun = exists().where(HourEntry.programme_id == HourPolicy.programme_id)
    return or_(credited, and_(HourPolicy.valid_from <= day_of(utcnow()), begun))


def _is_in_use(session: Session, policy: HourPolicy) -> bool:
    """The same of one, as it stands in the table; nobody credits by it until this transaction ends."""
    session.execute(select(HourPolicy.id).where(HourPolicy.id == policy.id).with_for_update()).all()
    return session.scalar(select(HourPolicy.id).where(HourPolicy.id == policy.id, _used())) is not None


def _has_entries(session: Session, policy: HourPolicy) -> bool:
    programme_id = policy.programme_id or (policy.programme.id if policy.programme else None)  # type: ignore[attr-defined]
    return session.scalar(select(HourEntry.id).where(HourEntry.programme_id == programme_id).limit(1)) is not None


# --- what if ----------------------------------------------------------------------------------------------------------


def what_if(
    session: Session, identity: Identity, values: PolicyValues | None, *, instead_of: HourPolicy | None = None, names: int = 100
) -> WhatIf:
    """Whose totals would read differently: counts, and the first of them by school.

    A new policy has ``values``, a changed one stands ``instead_of`` itself, and a deleted one has no values. Raises NotPermitted and
    OutOfReach like the adding, editing or deleting itself.
    """
    found = _changing(session, identity, values, instead_of)
    totals = found.subquery()
    now, later = totals.c.is_reached_before, totals.c.is_reached_after
    counts = select(
        func.count(), *(func.coalesce(func.sum(case((each, 1), else_=0)), 0) for each in (and_(~now, later), and_(now, ~later)))
    )
    with acting_as(identity.serving()):
        changed, gained, lost = session.execute(counts.select_from(totals)).one()
        first = session.execute(found.order_by(Teacher.scope_path, Teacher.id).limit(names)).all()
    return WhatIf(changed, gained, lost, tuple(_effect(row) for row in first))


def everyone_changed(
    session: Session, identity: Identity, values: PolicyValues | None, *, instead_of: HourPolicy | None = None
) -> Iterator[Effect]:
    """All of them, for a list."""
    found = _changing(session, identity, values, instead_of)
    with acting_as(identity.serving()):
        rows = session.execute(found.order_by(Teacher.scope_path, Teacher.id).execution_options(yield_per=AT_ONCE))
    for row in rows:
        yield _effect(row)


def _changing(session: Session, identity: Identity, values: PolicyValues | None, instead_of: HourPolicy | None) -> Any:
    """Teachers with their totals under the policy there would be otherwise, and under this one, on the first day that changes them.

    Totals by sums alone are those of ``rules.hours.tally``; a test holds the two together.
    """
    programme = _programme(session, identity, values, instead_of)
    hours, state = HourEntry.hours, HourEntry.state
    registered = func.sum(case((state == HourState.REGISTERED, func.coalesce(HourEntry.counted, 0)), else_=0))
    accrued = func.sum(case((state == HourState.ACCRUED, hours), else_=0))
    theirs = select(HourEntry.teacher_id, registered.label("registered"), accrued.label("accrued"))
    sums = theirs.where(HourEntry.programme_id == programme.id).group_by(HourEntry.teacher_id).subquery()
    days: list[tuple[Any, ...]] = []
    for before, after in _replaced(policies_of(session, [programme.id])[programme.id], values, instead_of):
        counted = [_counted(sums.c.registered, sums.c.accrued, policy.cap) for policy in (before, after)]
        reached = [counted[0] >= before.target, counted[1] >= after.target]
        days.append((or_(counted[0] != counted[1], reached[0] != reached[1]), *counted, *reached))
    changes = [day[0] for day in days]
    names = ("counted_before", "counted_after", "is_reached_before", "is_reached_after")
    told = [case(*((day[0], day[n]) for day in days)).label(name) for n, name in enumerate(names, 1)]
    columns = (Teacher.id, Teacher.name, func.coalesce(School.name, "").label("school"), *told)
    found: Any = select(*columns).join(sums, sums.c.teacher_id == Teacher.id).outerjoin(School, School.id == Teacher.school_id)
    return found.where(or_(*changes))


def _programme(session: Session, identity: Identity, values: PolicyValues | None, instead_of: HourPolicy | None) -> Programme:
    act = "add" if instead_of is None else "delete" if values is None else "edit"
    identity.require(act, "hour_policy")
    given = instead_of if instead_of is not None else values
    if given is None:
        raise ValueError("a policy that would be, or one there is")
    with acting_as(identity):
        programme = session.get(Programme, given.programme_id)
    if programme is None:
        raise OutOfReach(f"programme {given.programme_id}")
    identity.require(act, "hour_policy", programme.scope_path)
    return programme


def _replaced(policies: list[HourPolicy], values: PolicyValues | None, instead_of: HourPolicy | None) -> list[tuple[Any, Any]]:
    """The policy of now and of then, for the days on which the two begin: the day left, and the day taken."""
    later: list[Any] = [policy for policy in policies if policy is not instead_of]
    later += [values] if values is not None else []
    days = sorted({one.valid_from for one in (instead_of, values) if one is not None})
    return [(policy_on(policies, day), policy_on(later, day)) for day in days]


def _counted(registered: Any, accrued: Any, cap: Decimal) -> ColumnElement[Decimal]:
    """What counts of the two sums: the accrued only as far as the registered leave room."""
    room = cap - registered
    counted: ColumnElement[Decimal] = case((room <= 0, registered), (accrued <= room, registered + accrued), else_=registered + room)
    return func.round(counted, 2, type_=HourEntry.hours.type)


def _effect(row: Any) -> Effect:
    return Effect(row[0], row[1], row[2], row[3], row[4], bool(row[5]), bool(row[6]))
