"""What counts of the hours earned, number by number with its boundaries; and a property: whatever happens, totals are what they must be."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from models.hours import HourCategory, HourState
from rules.errors import RuleViolation
from rules.hours import Tally, hours_of, policy_on, said, tally, why_out_of_reach

MONDAY = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
DISCUSSION, HOMEWORK, OBSERVATION, OFFLINE = HourCategory
ACCRUED, REGISTERED, VOID = HourState


@dataclass(frozen=True)
class Policy:
    target: Decimal = Decimal(25)
    cap: Decimal = Decimal(25)
    discussion: Decimal = Decimal(2)
    homework: Decimal = Decimal(5)
    observation: Decimal = Decimal(5)
    offline_most: Decimal = Decimal(10)
    valid_from: date = date(2026, 1, 1)


@dataclass(frozen=True)
class Entry:
    id: int
    hours: Decimal
    state: HourState = ACCRUED
    counted: Decimal | None = None
    earned_at: datetime = MONDAY


USUAL = Policy()


def entries(*hours: str | float) -> list[Entry]:
    return [Entry(n, Decimal(str(h)), earned_at=MONDAY + timedelta(hours=n)) for n, h in enumerate(hours, 1)]


def numbers(found: Tally) -> tuple[Decimal, Decimal, Decimal, bool]:
    return found.raw, found.counted, found.missing, found.is_reached


@pytest.mark.parametrize(
    ("kind", "chosen", "hours"),
    [
        (DISCUSSION, None, "2"),
        (HOMEWORK, None, "5"),
        (OBSERVATION, None, "5"),
        (DISCUSSION, "2", "2"),
        (OFFLINE, "0.01", "0.01"),
        (OFFLINE, "0.5", "0.5"),
        (OFFLINE, "9.99", "9.99"),
        (OFFLINE, "10", "10"),
    ],
)
def test_an_activity_is_worth_what_the_policy_says_of_its_kind(kind: HourCategory, chosen: str | None, hours: str) -> None:
    """S1-23, S1-24, S1-26, S1-27, S1-28, S1-30."""
    assert hours_of(USUAL, kind, Decimal(chosen) if chosen else None) == Decimal(hours)


@pytest.mark.parametrize(
    ("kind", "chosen", "sentence"),
    [
        (DISCUSSION, "3", "教学研讨固定为 2 学时，不能修改。"),
        (HOMEWORK, "4", "研修作业固定为 5 学时，不能修改。"),
        (OBSERVATION, "5.5", "听课评课固定为 5 学时，不能修改。"),
        (OFFLINE, "10.5", "线下活动的学时须大于 0，不超过 10。"),
        (OFFLINE, "10.01", "线下活动的学时须大于 0，不超过 10。"),
        (OFFLINE, "0", "线下活动的学时须大于 0，不超过 10。"),
        (OFFLINE, "-1", "线下活动的学时须大于 0，不超过 10。"),
        (OFFLINE, None, "请填写学时。"),
    ],
)
def test_hours_that_the_policy_does_not_allow_are_refused(kind: HourCategory, chosen: str | None, sentence: str) -> None:
    """S1-29, S1-31."""
    with pytest.raises(RuleViolation) as refusal:
        hours_of(USUAL, kind, Decimal(chosen) if chosen else None)
    assert (refusal.value.message, refusal.value.field) == (sentence, "hours")


@pytest.mark.parametrize(
    ("earned", "raw", "counted", "missing", "reached"),
    [
        ((), 0, 0, 25, False),
        ((2,), 2, 2, 23, False),
        ((2, 5, 5), 12, 12, 13, False),
        ((10, 10, 4.5), "24.5", "24.5", "0.5", False),
        ((10, 10, 5), 25, 25, 0, True),
        ((10, 10, 5.5), "25.5", 25, 0, True),
        ((5, 5, 5, 5, 5, 2), 27, 25, 0, True),
        ((10, 10, 10), 30, 25, 0, True),
        ((2,) * 40, 80, 25, 0, True),
        ((0.01,) * 3, "0.03", "0.03", "24.97", False),
    ],
)
def test_totals_are_cumulative_and_capped(earned: Any, raw: Any, counted: Any, missing: Any, reached: bool) -> None:
    """S1-21, S1-22, S1-46, S1-47, S1-48, Z-01."""
    expected = (Decimal(str(raw)), Decimal(str(counted)), Decimal(str(missing)), reached)
    assert numbers(tally(entries(*earned), USUAL)) == expected


def test_every_hour_that_does_not_count_says_why() -> None:
    lines = tally(entries(10, 10, 5.5, 2), USUAL).lines
    assert [(said(line.counted), line.why) for line in lines] == [
        ("10", ""),
        ("10", ""),
        ("5", "超出 25 学时上限，0.5 学时不计入。"),
        ("0", "超出 25 学时上限，2 学时不计入。"),
    ]


def test_exactly_the_cap_and_then_two_more() -> None:
    """S1-48: the two are shown and do not count."""
    found = tally(entries(5, 5, 5, 5, 5, 2), USUAL)
    assert numbers(found) == (27, 25, 0, True)
    assert (found.lines[-1].counted, found.lines[-1].why) == (0, "超出 25 学时上限，2 学时不计入。")


def test_entries_count_in_the_order_earned_whatever_order_they_come_in() -> None:
    first, second, third = entries(10, 10, 10)
    found = tally([third, first, second], USUAL)
    assert [(line.entry.id, line.counted) for line in found.lines] == [(1, 10), (2, 10), (3, 5)]


def test_two_programmes_know_nothing_of_each_other() -> None:
    one, other = tally(entries(10, 10, 10), USUAL), tally(entries(2), replace(USUAL, target=Decimal(10), cap=Decimal(20)))
    assert (one.counted, other.counted, other.missing) == (25, 2, 8)


def test_what_is_voided_in_the_middle_makes_room_and_says_so() -> None:
    """Z-13: sums with or without the voided pair agree."""
    first, second, third = entries(10, 10, 10)
    pair = [replace(second, state=VOID), replace(second, id=4, hours=-second.hours, state=VOID)]
    found = tally([first, *pair, third], USUAL)
    assert numbers(found) == numbers(tally([first, third], USUAL)) == (20, 20, 5, False)
    assert sum(line.entry.hours for line in found.lines) == found.raw
    assert [line.why for line in found.lines] == ["", "已冲销，不计入。", "冲销记录，不计入。", ""]


def test_registered_hours_stay_as_registered_and_later_ones_use_what_room_is_left() -> None:
    """S1-49, S1-51."""
    done = [replace(e, state=REGISTERED, counted=c) for e, c in zip(entries(10, 10, 10), (10, 10, 5), strict=True)]
    more = Entry(9, Decimal(2), earned_at=MONDAY - timedelta(days=9))
    found = tally([*done, more], USUAL)
    assert (found.raw, found.counted, found.registered) == (32, 25, 25)
    assert {line.entry.id: line.why for line in found.lines} == {
        9: "超出 25 学时上限，2 学时不计入。",
        1: "",
        2: "",
        3: "登记时已超出上限，5 学时不计入。",
    }
    part = tally([replace(done[0]), more], USUAL)
    assert (part.counted, part.registered, part.missing) == (12, 10, 13)


def test_a_policy_change_in_the_middle_moves_what_is_not_registered_only() -> None:
    done = [replace(e, state=REGISTERED, counted=Decimal(10)) for e in entries(10, 10)]
    later = [Entry(5, Decimal(10), earned_at=MONDAY + timedelta(days=1))]
    lower, higher = replace(USUAL, cap=Decimal(15), target=Decimal(15)), replace(USUAL, cap=Decimal(40), target=Decimal(30))
    assert numbers(tally([*done, *later], USUAL)) == (30, 25, 0, True)
    assert numbers(tally([*done, *later], lower)) == (30, 20, 0, True)
    assert numbers(tally([*done, *later], higher)) == (30, 30, 0, True)
    assert numbers(tally(later, lower)) == (10, 10, 5, False)


@pytest.mark.parametrize(
    ("day", "cap"), [("2025-06-01", 25), ("2026-01-01", 25), ("2026-05-31", 25), ("2026-06-01", 30), ("2026-12-31", 30), ("2027-01-01", 20)]
)
def test_the_policy_of_a_day_is_the_last_that_has_begun(day: str, cap: int) -> None:
    dated = [
        replace(USUAL, cap=Decimal(20), valid_from=date(2027, 1, 1)),
        USUAL,
        replace(USUAL, cap=Decimal(30), valid_from=date(2026, 6, 1)),
    ]
    assert policy_on(dated, date.fromisoformat(day)).cap == cap


@pytest.mark.parametrize(
    ("earned", "available", "warned"),
    [((10, 10), "5", False), ((10, 10), "4.5", True), ((), "0", True), ((10, 10, 5), "0", False), ((), None, False)],
)
def test_who_can_no_longer_reach_the_target_is_warned(earned: Any, available: str | None, warned: bool) -> None:
    why = why_out_of_reach(tally(entries(*earned), USUAL), Decimal(available) if available is not None else None)
    assert bool(why) is warned
    if available == "4.5":
        assert why == "还差 5 学时，而目前的活动最多还能获得 4.5 学时，按现有安排不能达到 25 学时。"


# --- whatever happens --------------------------------------------------------------------------------------------------

QUARTERS = st.integers(1, 40).map(lambda n: Decimal(n) / 4)


class Ledger(RuleBasedStateMachine):
    """A ledger of two teachers kept as the services keep it, and beside it the plainest possible bookkeeping."""

    def __init__(self) -> None:
        super().__init__()
        self.policy = USUAL
        self.rows: dict[int, list[Entry]] = defaultdict(list)
        self.by_evidence: dict[int, int] = {}
        self.next_id = 1

    def _add(self, teacher: int, **values: Any) -> Entry:
        entry = Entry(self.next_id, **values)
        self.rows[teacher].append(entry)
        self.next_id += 1
        return entry

    @rule(teacher=st.integers(0, 1), evidence=st.integers(0, 30), hours=QUARTERS, day=st.integers(0, 9))
    def credit(self, teacher: int, evidence: int, hours: Decimal, day: int) -> None:
        if evidence not in self.by_evidence:
            self.by_evidence[evidence] = self._add(teacher, hours=hours, earned_at=MONDAY + timedelta(days=day)).id

    @precondition(lambda self: self.by_evidence)
    @rule(data=st.data())
    def void(self, data: Any) -> None:
        target = self.by_evidence[data.draw(st.sampled_from(sorted(self.by_evidence)))]
        for teacher, rows in self.rows.items():
            for place, entry in enumerate(rows):
                if entry.id == target and entry.state is not VOID:
                    rows[place] = replace(entry, state=VOID)
                    self._add(teacher, hours=-entry.hours, state=VOID, earned_at=entry.earned_at)
                    return

    @rule()
    def register(self) -> None:
        for rows in self.rows.values():
            counts = {line.entry.id: line.counted for line in tally(rows, self.policy).lines}
            rows[:] = [replace(e, state=REGISTERED, counted=counts[e.id]) if e.state is ACCRUED else e for e in rows]

    @rule(cap=QUARTERS.map(lambda hours: hours * 4), part=st.integers(1, 4))
    def change_policy(self, cap: Decimal, part: int) -> None:
        self.policy = replace(self.policy, cap=cap, target=cap * part / 4)

    @invariant()
    def totals_are_what_they_must_be(self) -> None:
        for rows in self.rows.values():
            found = tally(rows, self.policy)
            credited = sum((e.hours for e in rows if e.hours > 0), Decimal(0))
            voided = sum((e.hours for e in rows if e.hours > 0 and e.state is VOID), Decimal(0))
            registered = sum((e.counted or Decimal(0) for e in rows if e.state is REGISTERED), Decimal(0))
            accrued = sum((e.hours for e in rows if e.state is ACCRUED), Decimal(0))
            assert found.raw == credited - voided == sum(e.hours for e in rows)
            assert found.counted == registered + min(accrued, max(Decimal(0), self.policy.cap - registered))
            assert found.counted <= max(self.policy.cap, registered) and found.counted <= found.raw
            assert found.missing == max(Decimal(0), self.policy.target - found.counted)
            assert all(0 <= line.counted <= max(Decimal(0), line.entry.hours) for line in found.lines)
            assert all(bool(line.why) == (line.entry.state is VOID or line.counted != line.entry.hours) for line in found.lines)


TestLedger = Ledger.TestCase
TestLedger.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
