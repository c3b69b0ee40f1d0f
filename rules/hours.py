"""What counts of the hours somebody earned and why the rest does not, computed from the ledger and never stored (S1-21…51, Z-01).

Pure: the entries, the policy and the day are arguments; ``rules.hour_ledger`` writes the entries. The one thing a newcomer gets
wrong: entries say what was earned, not what counts. Only what was registered is fixed (``counted``): a later policy takes nothing
of it away and adds nothing to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Protocol, TypeVar

from models.hours import HourCategory, HourState
from models.violation import Sentence
from rules.errors import RuleViolation

NOTHING = Decimal(0)
OVER_CAP = "超出 {cap} 学时上限，{hours} 学时不计入。"
OVER_CAP_THEN = "登记时已超出上限，{hours} 学时不计入。"
VOIDED = "已冲销，不计入。"
COUNTER = "冲销记录，不计入。"
OUT_OF_REACH = "还差 {missing} 学时，而目前的活动最多还能获得 {available} 学时，按现有安排不能达到 {target} 学时。"


class Limits(Protocol):
    """What a policy says of totals."""

    @property
    def target(self) -> Decimal: ...
    @property
    def cap(self) -> Decimal: ...


class Kinds(Protocol):
    """What a policy says of one activity."""

    @property
    def discussion(self) -> Decimal: ...
    @property
    def homework(self) -> Decimal: ...
    @property
    def observation(self) -> Decimal: ...
    @property
    def offline_most(self) -> Decimal: ...


class Dated(Protocol):
    @property
    def valid_from(self) -> date: ...


P = TypeVar("P", bound=Dated)


@dataclass(frozen=True)
class Line:
    """One entry: how many of its hours count, and the sentence that says why the others do not (empty when all do)."""

    entry: Any
    counted: Decimal
    why: str = ""


@dataclass(frozen=True)
class Tally:
    """One teacher's hours in one programme."""

    raw: Decimal
    """已累计: everything earned and not voided, capped by nothing (S1-46, S1-48)."""
    counted: Decimal
    registered: Decimal
    """The part of ``counted`` that is registered (S1-51)."""
    target: Decimal
    cap: Decimal
    lines: tuple[Line, ...]

    @property
    def missing(self) -> Decimal:
        """Hours to the target; nothing once it is reached."""
        return max(NOTHING, self.target - self.counted)

    @property
    def is_reached(self) -> bool:
        return self.counted >= self.target


def tally(entries: Iterable[Any], policy: Limits) -> Tally:
    """Count the entries of one teacher in one programme, in the order earned, under the policy of the day asked.

    An entry is a ``HourEntry``, or whatever else has its id, hours, earned_at, state and counted.
    """
    ordered = sorted(entries, key=lambda entry: (entry.earned_at, entry.id))
    valid = [entry for entry in ordered if entry.state is not HourState.VOID]
    registered = sum((entry.counted or NOTHING for entry in valid if entry.state is HourState.REGISTERED), NOTHING)
    room = max(NOTHING, policy.cap - registered)
    lines = []
    for entry in ordered:
        line = _line(entry, room, policy.cap)
        room -= line.counted if entry.state is HourState.ACCRUED else NOTHING
        lines.append(line)
    raw = sum((entry.hours for entry in valid), NOTHING)
    counted = sum((line.counted for line in lines), NOTHING)
    return Tally(raw, counted, registered, policy.target, policy.cap, tuple(lines))


def _line(entry: Any, room: Decimal, cap: Decimal) -> Line:
    if entry.state is HourState.VOID:
        return Line(entry, NOTHING, COUNTER if entry.hours < 0 else VOIDED)
    if entry.state is HourState.REGISTERED:
        counted = entry.counted or NOTHING
        over = entry.hours - counted
        return Line(entry, counted, Sentence(OVER_CAP_THEN, hours=said(over)) if over else "")
    counted = min(entry.hours, room)
    over = entry.hours - counted
    return Line(entry, counted, Sentence(OVER_CAP, cap=said(cap), hours=said(over)) if over else "")


def why_out_of_reach(tallied: Tally, available: Decimal | None) -> str:
    """The warning that what can still be earned does not suffice; empty when it does, or when nobody knows (``None``)."""
    if available is None or tallied.missing <= available:
        return ""
    return Sentence(OUT_OF_REACH, missing=said(tallied.missing), available=said(available), target=said(tallied.target))


def policy_on(policies: Sequence[P], day: date) -> P:
    """The policy in force on a day: the last one that had begun, before all of them the first; IndexError without any."""
    ordered = sorted(policies, key=lambda policy: policy.valid_from)
    begun = [policy for policy in ordered if policy.valid_from <= day]
    return begun[-1] if begun else ordered[0]


def hours_of(policy: Kinds, category: HourCategory, chosen: Decimal | None = None) -> Decimal:
    """What an activity is worth: fixed by its kind (S1-26…29), chosen up to the policy's most when offline (S1-30, S1-31)."""
    fixed = {
        HourCategory.DISCUSSION: policy.discussion,
        HourCategory.HOMEWORK: policy.homework,
        HourCategory.OBSERVATION: policy.observation,
    }
    if category in fixed:
        if chosen not in (None, fixed[category]):
            raise RuleViolation("{kind}固定为 {hours} 学时，不能修改。", "hours", kind=category.label, hours=said(fixed[category]))
        return fixed[category]
    if chosen is None:
        raise RuleViolation("请填写学时。", "hours")
    if not NOTHING < chosen <= policy.offline_most:
        raise RuleViolation("线下活动的学时须大于 0，不超过 {most}。", "hours", most=said(policy.offline_most))
    return chosen


def said(hours: Decimal) -> str:
    """25, 24.5: without the zeros a database adds."""
    return format(hours.normalize(), "f")
