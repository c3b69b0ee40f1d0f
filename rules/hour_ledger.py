"""The ledger's three verbs: credit, void, register. Each is part of its caller's transaction, and asks nobody: the caller has.

Entries are written by statements alone, never through an object: ``check_append_only`` refuses every other writing, whoever
acts. The one thing a newcomer gets wrong: nothing is locked for the cap, because what counts is computed (``rules.hours``).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from itertools import groupby
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from models.history import note
from models.hours import HourCategory, HourEntry, HourPolicy, HourState, Programme
from models.invariants import holds, keeps
from models.people import Teacher
from models.scoping import acting_as, below, current_identity
from models.session import insert_or
from models.violation import Sentence
from rules.errors import RuleViolation
from rules.hours import policy_on, tally
from rules.page_views import day_of

AT_ONCE = 1_000
LONGEST_TITLE = 100
APPEND_ONLY = "学时台账只增不改，更正由冲销记录完成。"


@dataclass(frozen=True)
class Earned:
    """What somebody has earned hours with. ``evidence`` names the one row that proves it (``participation/7``).

    ``path`` is the unit the entry belongs to and ``policy_id`` the policy in force when the activity started.
    """

    teacher_id: int
    programme_id: int
    policy_id: int
    category: HourCategory
    title: str
    hours: Decimal
    earned_at: datetime
    evidence: str
    path: str


def policies_of(session: Session, programme_ids: Iterable[int]) -> dict[int, list[HourPolicy]]:
    """Programme → its policies, in one statement; read as a service."""
    found: dict[int, list[HourPolicy]] = defaultdict(list)
    with acting_as(current_identity().serving()):
        for policy in session.scalars(select(HourPolicy).where(HourPolicy.programme_id.in_(sorted(set(programme_ids))))):
            found[policy.programme_id].append(policy)
    return found


def policy_in_force(session: Session, programme_id: int, day: date) -> HourPolicy:
    """The programme's policy of a day."""
    return policy_on(policies_of(session, [programme_id])[programme_id], day)


def credit(session: Session, earned: Iterable[Earned], *, now: datetime) -> list[str]:
    """Write what was earned, each evidence once for ever; answers the evidence of what is new (S1-25, S1-33).

    Whoever credits the same evidence at once waits and writes nothing.
    """
    wanted = sorted(earned, key=lambda one: one.evidence)
    if any(one.hours <= 0 for one in wanted):
        raise ValueError("hours are earned, or voided")
    _keep_policies(session, {one.policy_id for one in wanted})
    written: list[str] = []
    for start in range(0, len(wanted), AT_ONCE):
        written += _write(session, [_values(one, now) for one in wanted[start : start + AT_ONCE]])
    return written


def void(session: Session, evidence: str, reason: str, *, now: datetime) -> bool:
    """Take back what was credited for ``evidence``: its entry becomes void and a counter-entry says so (Z-13).

    Answers whether anything was voided: of two who do it at once, one did. An evidence is never credited again.
    """
    ours = (HourEntry.evidence == evidence, HourEntry.state != HourState.VOID)
    voided = update(HourEntry).where(*ours).values(state=HourState.VOID, version=HourEntry.version + 1, updated_at=now)
    fresh = {"synchronize_session": False, "populate_existing": True}
    entry = session.scalars(voided.returning(HourEntry), execution_options=fresh).one_or_none()
    if entry is None:
        return False
    names = ("teacher_id", "programme_id", "policy_id", "category", "title", "earned_at", "scope_path")
    counter = {name: getattr(entry, name) for name in names} | {"hours": -entry.hours, "evidence": f"void/{evidence}"}
    _write(session, [counter | _stamps(now) | {"counters_id": entry.id, "state": HourState.VOID}])
    note(session, entry, "void", {"state": [None, HourState.VOID.value]}, reason)
    return True


def register(session: Session, programme: Programme, path: str, *, now: datetime) -> int:
    """Register every accrued entry of the programme at or below ``path``, with what of it counts today (S1-49…51); how many.

    What arrives meanwhile stays accrued whole. Registering again registers only what has come since.
    """
    _take_turn(session, programme)
    entries = _entries_concerned(session, programme.id, path)
    policy = policy_in_force(session, programme.id, day_of(now))
    by_counted: dict[Decimal, list[int]] = defaultdict(list)
    for _teacher, theirs in groupby(entries, key=lambda row: row.teacher_id):
        for line in tally(theirs, policy).lines:
            if line.entry.state is HourState.ACCRUED and line.entry.scope_path.startswith(path):
                by_counted[line.counted].append(line.entry.id)
    number = sum(len(ids) for ids in by_counted.values())
    for counted, ids in by_counted.items():
        for start in range(0, len(ids), AT_ONCE * 10):
            _write_registered(session, ids[start : start + AT_ONCE * 10], counted, now)
    if number:
        note(session, programme, "register", comment=f"{path} {number}")
    return number


# --- statements -------------------------------------------------------------------------------------------------------


def _keep_policies(session: Session, policy_ids: set[int]) -> None:
    """Nobody changes these policies until this transaction ends."""
    held = select(HourPolicy.id).where(HourPolicy.id.in_(sorted(policy_ids))).order_by(HourPolicy.id).with_for_update(read=True)
    with acting_as(current_identity().serving()):
        session.execute(held).all()


def _values(one: Earned, now: datetime) -> dict[str, Any]:
    given = {**vars(one), "title": one.title[:LONGEST_TITLE], "scope_path": one.path}
    del given["path"]
    return given | _stamps(now) | {"counters_id": None, "state": HourState.ACCRUED}


def _stamps(now: datetime) -> dict[str, Any]:
    return {"created_at": now, "updated_at": now, "version": 1}


def _write(session: Session, rows: list[dict[str, Any]]) -> list[str]:
    """The evidence of the rows that were not there."""
    if not rows:
        return []
    new = insert_or(session, HourEntry).values(rows).on_conflict_do_nothing(index_elements=["evidence"])
    return list(session.scalars(new.returning(HourEntry.evidence)))


def _take_turn(session: Session, programme: Programme) -> None:
    """Nobody else registers for this programme until this transaction ends; credits go on.

    An update that changes nothing makes us SQLite's one writer, too.
    """
    same = {"version": Programme.version, "updated_at": Programme.updated_at}
    session.execute(update(Programme).where(Programme.id == programme.id).values(same), execution_options={"synchronize_session": False})


def _entries_concerned(session: Session, programme_id: int, path: str) -> Sequence[Any]:
    """What the teachers with accrued entries there have in the programme, wherever they earned it, held against voiding."""
    entry = HourEntry
    accrued = (entry.programme_id == programme_id, entry.state == HourState.ACCRUED, below(entry.scope_path, path))
    valid = (entry.programme_id == programme_id, entry.state != HourState.VOID)
    columns = (entry.id, entry.teacher_id, entry.hours, entry.earned_at, entry.state, entry.counted, entry.scope_path)
    theirs = select(*columns).where(*valid, entry.teacher_id.in_(select(entry.teacher_id).where(*accrued)))
    with acting_as(current_identity().serving()):
        return session.execute(theirs.order_by(entry.teacher_id, entry.earned_at, entry.id).with_for_update(of=entry)).all()


def _write_registered(session: Session, ids: list[int], counted: Decimal, now: datetime) -> None:
    values = {"state": HourState.REGISTERED, "counted": counted, "version": HourEntry.version + 1, "updated_at": now}
    still = (HourEntry.id.in_(ids), HourEntry.state == HourState.ACCRUED)
    session.execute(update(HourEntry).where(*still).values(values), execution_options={"synchronize_session": False})


# --- behind every door ------------------------------------------------------------------------------------------------


@holds(HourEntry)
def check_append_only(session: Session, entry: HourEntry) -> None:
    """No form, import or service changes an entry through its object; the verbs above write by statements."""
    raise RuleViolation(APPEND_ONLY)


@keeps(HourEntry)
def what_keeps_entry(session: Session, entry: HourEntry) -> Iterator[str]:
    """Nothing is ever deleted from the ledger."""
    yield APPEND_ONLY


@keeps(Teacher)
def what_keeps_teacher(session: Session, teacher: Teacher) -> Iterator[str]:
    """Whoever has earned hours stays."""
    if session.scalar(select(HourEntry.id).where(HourEntry.teacher_id == teacher.id).limit(1)) is not None:
        yield "该教师已有学时记录，不能删除。"


@keeps(Programme)
def what_keeps_programme(session: Session, programme: Programme) -> Iterator[str]:
    """Its entries keep a programme; its policies go with it."""
    if session.scalar(select(HourEntry.id).where(HourEntry.programme_id == programme.id).limit(1)) is not None:
        yield Sentence("“{name}”已有学时记录，不能删除。", name=programme.name)
