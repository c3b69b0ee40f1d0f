"""The ledger: every evidence once, nothing ever changed or deleted, registered at once; who races gets one whole outcome."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from decimal import Decimal
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.orm import Session, sessionmaker

from models.history import Change
from models.hours import HourCategory, HourEntry, HourPolicy, HourState, Programme
from models.people import Teacher
from models.scoping import SYSTEM, Identity, acting_as
from models.session import transaction
from models.violation import NotPermitted, OutOfReach, RuleViolation
from rules.hour_ledger import Earned, credit, policy_in_force, register, void
from rules.hour_policies import PolicyValues, everyone_changed, what_if
from rules.hour_statement import statement_of
from rules.hours import tally
from rules.people import leave_school
from tests.bench.measuring import counted
from tests.cast import TODAY, Cast

ACCRUED, REGISTERED, VOID = HourState


class Book:
    """The county's programme and its ledger, as a service sees them."""

    def __init__(self, cast: Cast, factory: sessionmaker[Any]) -> None:
        self.cast, self.factory = cast, factory
        with acting_as(SYSTEM), factory() as session:
            self.programme = session.scalars(select(Programme).filter_by(name="能力提升工程2.0")).one()
            self.policy = session.scalars(select(HourPolicy).filter_by(programme_id=self.programme.id)).one()

    def earned(self, name: str, evidence: str, hours: str = "5", **values: Any) -> Earned:
        given: dict[str, Any] = {"category": HourCategory.OFFLINE, "title": "集中备课", "earned_at": TODAY, "path": self.path(name)}
        known = {"teacher_id": self.cast.teacher[name], "programme_id": self.programme.id, "policy_id": self.policy.id}
        return Earned(hours=Decimal(hours), evidence=evidence, **(given | known | values))

    def path(self, name: str) -> str:
        """The school the teacher works at."""
        return self.cast.path[name].rsplit("t", 1)[0]

    def do(self, act: Callable[[Session], Any]) -> Any:
        with acting_as(SYSTEM), self.factory() as session, transaction(session):
            return act(session)

    def credit(self, *earned: Earned) -> list[str]:
        return self.do(lambda session: credit(session, earned, now=TODAY))

    def void(self, evidence: str) -> bool:
        return self.do(lambda session: void(session, evidence, "离开教研组", now=TODAY))

    def register(self, path: str) -> int:
        return self.do(lambda session: register(session, self.programme, path, now=TODAY))

    def entries(self, *conditions: Any) -> list[HourEntry]:
        with acting_as(SYSTEM), self.factory() as session:
            return list(session.scalars(select(HourEntry).where(*conditions).order_by(HourEntry.id)))

    def states(self, name: str) -> list[tuple[Decimal, HourState, Decimal | None]]:
        theirs = (HourEntry.teacher_id == self.cast.teacher[name], HourEntry.programme_id == self.programme.id)
        return [(e.hours, e.state, e.counted) for e in self.entries(*theirs)]


@pytest.fixture
def book(cast: Cast, factory: sessionmaker[Any]) -> Book:
    return Book(cast, factory)


def together(book: Book, *acts: Callable[[Session], Any]) -> list[Any]:
    """Everybody begins at once, each with a session and a transaction of their own."""
    start = Barrier(len(acts))

    def run(act: Callable[[Session], Any]) -> Any:
        with acting_as(SYSTEM), book.factory() as session:
            start.wait(timeout=30)
            with transaction(session):
                return act(session)

    with ThreadPoolExecutor(len(acts)) as threads:
        return [running.result(timeout=60) for running in [threads.submit(run, act) for act in acts]]


# --- credit and void --------------------------------------------------------------------------------------------------


def test_an_evidence_is_credited_once_for_ever(book: Book) -> None:
    """S1-25, S1-33: the named participants, each once."""
    both = [book.earned("梅", "participation/1"), book.earned("竹", "participation/2")]
    assert sorted(book.credit(*both)) == ["participation/1", "participation/2"]
    assert book.credit(*both, book.earned("竹", "participation/3")) == ["participation/3"]
    assert book.states("梅") == [(5, ACCRUED, None)]
    assert book.states("竹") == [(5, ACCRUED, None)] * 2


def test_what_is_voided_stays_with_its_counter_entry_and_is_never_credited_again(book: Book) -> None:
    """Z-13, S1-43."""
    book.credit(book.earned("梅", "participation/1"))
    assert (book.void("participation/1"), book.void("participation/1"), book.void("participation/9")) == (True, False, False)
    first, counter = book.entries(HourEntry.teacher_id == book.cast.teacher["梅"])
    assert (first.hours, first.state, counter.hours, counter.state) == (5, VOID, -5, VOID)
    assert (counter.counters_id, counter.evidence, counter.scope_path) == (first.id, "void/participation/1", first.scope_path)
    assert book.credit(book.earned("梅", "participation/1")) == []
    [line] = book.do(lambda session: session.scalars(select(Change).filter_by(table_name="hour_entry", row_id=first.id)).all())
    assert (line.act, line.comment) == ("void", "离开教研组")


def test_hours_are_above_nothing(book: Book) -> None:
    for hours in ("0", "-2"):
        with pytest.raises(ValueError, match="earned"):
            book.credit(book.earned("梅", "participation/1", hours))


def test_what_the_caller_takes_back_was_never_credited(book: Book) -> None:
    with acting_as(SYSTEM), book.factory() as session:
        credit(session, [book.earned("梅", "participation/1")], now=TODAY)
        session.rollback()
    assert book.states("梅") == []


@pytest.mark.parametrize("who", ["运", "福", "丹", "平", "梅", "system"])
def test_the_ledger_is_append_only_behind_every_door(book: Book, who: str) -> None:
    book.credit(book.earned("梅", "participation/1"))
    identity = SYSTEM if who == "system" else book.cast.identity(who)
    with acting_as(identity), book.factory() as session:
        entry = session.scalars(
            select(HourEntry).where(HourEntry.teacher_id == book.cast.teacher["梅"], HourEntry.programme_id == book.programme.id)
        ).one()
        entry.hours = Decimal(25)
        with pytest.raises((RuleViolation, NotPermitted)):
            session.commit()
        entry = session.scalars(
            select(HourEntry).where(HourEntry.teacher_id == book.cast.teacher["梅"], HourEntry.programme_id == book.programme.id)
        ).one()
        session.delete(entry)
        with pytest.raises((RuleViolation, NotPermitted)):
            session.commit()
        session.add(HourEntry(**{name: getattr(entry, name) for name in ("teacher_id", "programme_id", "policy_id", "category", "title")}))
        with pytest.raises((RuleViolation, NotPermitted, OutOfReach)):
            session.commit()
        if who != "system":
            for statement in (delete(HourEntry), update(HourEntry).values(hours=25)):
                with pytest.raises(NotPermitted):
                    session.execute(statement)
    assert book.states("梅") == [(5, ACCRUED, None)]


def test_whoever_has_hours_is_not_deleted_nor_is_their_programme(book: Book) -> None:
    book.credit(book.earned("竹", "participation/1"))
    for model, row_id in ((Teacher, book.cast.teacher["竹"]), (Programme, book.programme.id)):
        with acting_as(SYSTEM), book.factory() as session, pytest.raises(RuleViolation, match="已有学时记录，不能删除"):
            session.delete(session.get_one(model, row_id))
            session.commit()


# --- register ---------------------------------------------------------------------------------------------------------


def test_registering_fixes_what_counts_and_does_it_once(book: Book) -> None:
    """S1-49, S1-50, S1-51."""
    book.credit(*(book.earned("梅", f"participation/{n}", "10", earned_at=TODAY + timedelta(hours=n)) for n in (1, 2, 3)))
    book.credit(book.earned("菊", "participation/4"))
    north = book.path("梅")
    assert book.register(north) == 4, "梅's three and the one 兰 had"
    assert book.states("梅") == [(10, REGISTERED, 10), (10, REGISTERED, 10), (10, REGISTERED, 5)]
    assert book.states("菊") == [(5, ACCRUED, None)], "another school is not accepted yet"
    assert book.register(north) == 0
    book.credit(book.earned("梅", "participation/5", "2"))
    assert book.register(north) == 1
    assert book.states("梅")[-1] == (2, REGISTERED, 0)
    [line, _again] = book.do(lambda session: session.scalars(select(Change).filter_by(table_name="programme").order_by(Change.id)).all())
    assert line.act == "register"


def test_what_was_registered_elsewhere_takes_room_here(book: Book) -> None:
    """The cap is a teacher's: 梅 has moved from South to North."""
    book.credit(book.earned("梅", "participation/1", "10", path=book.path("菊")), book.earned("梅", "participation/2", "10"))
    book.credit(book.earned("梅", "participation/3", "10"))
    assert book.register(book.path("菊")) == 1
    assert book.register(book.path("梅")) == 3
    assert sorted(counted for _hours, _state, counted in book.states("梅")) == [5, 10, 10]


def test_a_registered_entry_can_still_be_voided(book: Book) -> None:
    book.credit(book.earned("梅", "participation/1"))
    book.register(book.path("梅"))
    assert book.void("participation/1")
    assert tally(book.entries(HourEntry.teacher_id == book.cast.teacher["梅"]), book.policy).counted == 0


def test_three_thousand_teachers_are_registered_in_a_few_statements(book: Book) -> None:
    template = {c.key: c for c in Teacher.__table__.c}
    with acting_as(SYSTEM), book.factory() as session, transaction(session):
        mei = session.get_one(Teacher, book.cast.teacher["梅"])
        base = {name: getattr(mei, name) for name in template if name not in ("id", "account_name", "id_number", "phone", "name")}
        session.execute(insert(Teacher.__table__), [base | {"name": f"师{n}", "id_number": f"X{n}"} for n in range(3000)])
        ids = list(session.scalars(select(Teacher.id).where(Teacher.name.startswith("师"))))
        many = [
            book.earned("梅", f"many/{teacher}/{n}", "7", teacher_id=teacher, earned_at=TODAY + timedelta(minutes=n))
            for teacher in ids
            for n in range(4)
        ]
        assert len(credit(session, many, now=TODAY)) == 12_000
    with counted(book.factory.kw["bind"]) as sent:
        assert book.register(book.path("梅")) == 12_001
    assert len(sent) <= 10
    totals = select(HourEntry.teacher_id, func.sum(HourEntry.counted)).where(HourEntry.title == "集中备课").group_by(HourEntry.teacher_id)
    assert {total for _teacher, total in book.do(lambda session: session.execute(totals).all())} == {25}


# --- races ------------------------------------------------------------------------------------------------------------


def test_an_evidence_credited_eight_times_at_once_is_credited_once(book: Book) -> None:
    results = together(book, *[lambda session: credit(session, [book.earned("梅", "participation/1")], now=TODAY)] * 8)
    assert sorted(results) == [[]] * 7 + [["participation/1"]]
    assert book.states("梅") == [(5, ACCRUED, None)]


def test_an_entry_voided_eight_times_at_once_is_countered_once(book: Book) -> None:
    book.credit(book.earned("梅", "participation/1"))
    results = together(book, *[lambda session: void(session, "participation/1", "", now=TODAY)] * 8)
    assert sorted(results) == [False] * 7 + [True]
    assert [hours for hours, _state, _counted in book.states("梅")] == [5, -5]


def test_the_cap_reached_from_two_activities_at_once_needs_no_lock(book: Book) -> None:
    """S1-47: what counts is computed, so both are written whole and 25 count."""
    book.credit(book.earned("梅", "participation/1", "10"), book.earned("梅", "participation/2", "10"))
    acts = [lambda session, n=n: credit(session, [book.earned("梅", f"participation/{n}", "5")], now=TODAY) for n in (3, 4)]
    assert all(together(book, *acts))
    found = tally(book.entries(HourEntry.teacher_id == book.cast.teacher["梅"]), book.policy)
    assert (found.raw, found.counted, [line.counted for line in found.lines]) == (30, 25, [10, 10, 5, 0])


def test_a_credit_that_arrives_while_a_school_is_registered_is_registered_or_accrued_whole(book: Book) -> None:
    for turn in range(6):
        book.credit(book.earned("梅", f"participation/{turn}a", "2"))
        together(
            book,
            lambda session: register(session, book.programme, book.path("梅"), now=TODAY),
            lambda session, turn=turn: credit(session, [book.earned("梅", f"participation/{turn}b", "2")], now=TODAY),
        )
        states = book.states("梅")
        assert all((state, counted) in [(ACCRUED, None), (REGISTERED, 2)] for _hours, state, counted in states)
        assert states[2 * turn][1] is REGISTERED or states[2 * turn + 1][1] is REGISTERED
    book.register(book.path("梅"))
    assert {state for _hours, state, _counted in book.states("梅")} == {REGISTERED}


def test_registering_and_voiding_at_once_never_counts_what_is_void(book: Book) -> None:
    for turn in range(6):
        first, second = f"participation/{turn}a", f"participation/{turn}b"
        book.credit(book.earned("竹", first, "20"), book.earned("竹", second, "20", earned_at=TODAY + timedelta(hours=1)))
        together(
            book,
            lambda session: register(session, book.programme, book.path("竹"), now=TODAY),
            lambda session, first=first: void(session, first, "", now=TODAY),
        )
        [one] = book.entries(HourEntry.evidence == first)
        [other] = book.entries(HourEntry.evidence == second)
        assert (one.state, other.state) == (VOID, REGISTERED)
        # Voided first, its room was free; registered first, it had taken the room.
        assert (one.counted, other.counted) in [(None, 20), (20, 5)]
        book.void(second)


def test_two_who_register_at_once_register_every_entry_once(book: Book) -> None:
    book.credit(*(book.earned("梅", f"participation/{n}", "10") for n in range(3)))
    results = together(book, *[lambda session: register(session, book.programme, book.path("梅"), now=TODAY)] * 2)
    assert sorted(results) == [0, 4]
    assert sum(counted or 0 for _hours, _state, counted in book.states("梅")) == 25


# --- policies ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def county(book: Book) -> Iterator[Session]:
    with acting_as(book.cast.identity("丹")), book.factory() as session:
        yield session


def new_policy(book: Book, **values: Any) -> HourPolicy:
    return HourPolicy(**({"programme_id": book.programme.id, "valid_from": date(2099, 1, 1)} | values))


def refused(session: Session, row: Any, field: str | None = None) -> str:
    session.add(row)
    with pytest.raises(RuleViolation) as refusal:
        session.commit()
    assert refusal.value.field == field
    return refusal.value.message


def test_a_programme_begins_with_the_usual_policy(book: Book, county: Session) -> None:
    """S1-22…31: 2, 5, 5, up to 10, 25."""
    programme = Programme(name="新项目", year=2027, region_id=book.cast.region["思明区"])
    programme.starts_on, programme.ends_on = date(2027, 1, 1), date(2027, 12, 31)
    county.add(programme)
    county.commit()
    [policy] = county.scalars(select(HourPolicy).where(HourPolicy.programme_id == programme.id)).all()
    values = [policy.discussion, policy.homework, policy.observation, policy.offline_most, policy.target, policy.cap]
    assert values == [2, 5, 5, 10, 25, 25]
    assert (policy.valid_from, policy.scope_path, policy.policy_ref) == (date(2027, 1, 1), programme.scope_path, "粤教继函〔2020〕6号")
    county.delete(programme)
    county.commit()
    assert county.scalar(select(func.count()).select_from(HourPolicy).where(HourPolicy.programme_id == programme.id)) == 0


@pytest.mark.parametrize(
    ("values", "field", "sentence"),
    [
        ({"discussion": Decimal(0)}, "discussion", "“教学研讨学时”须大于 0。"),
        ({"homework": Decimal(-1)}, "homework", "“研修作业学时”须大于 0。"),
        ({"offline_most": Decimal(0)}, "offline_most", "“线下活动最高学时”须大于 0。"),
        ({"target": Decimal(26), "cap": Decimal(25)}, "target", "达标学时不能超过计入上限 25。"),
        ({"valid_from": date(2026, 1, 1)}, "valid_from", "已有教师获得学时，生效日期不能早于今天。"),
        ({"valid_from": date(2020, 1, 1)}, "valid_from", "已有教师获得学时，生效日期不能早于今天。"),
    ],
)
def test_a_policy_is_sane_and_rewrites_no_past(book: Book, county: Session, values: Any, field: str, sentence: str) -> None:
    defaults = {name: Decimal(25) for name in ("target", "cap")} | {n: Decimal(2) for n in ("discussion", "homework", "observation")}
    assert refused(county, new_policy(book, **(defaults | {"offline_most": Decimal(10)} | values)), field) == sentence


def test_one_policy_a_day(book: Book, county: Session) -> None:
    county.add(new_policy(book))
    county.commit()
    assert "在这一天已有一份学时政策" in refused(county, new_policy(book), "valid_from")


def test_a_policy_in_use_is_neither_changed_nor_deleted_a_new_row_is_added(book: Book, county: Session) -> None:
    policy = county.get_one(HourPolicy, book.policy.id)
    policy.cap = Decimal(40)
    assert refused(county, policy) == "这份学时政策已在使用，不能修改或删除。请新增一份从今天或以后生效的政策。"
    with pytest.raises(RuleViolation, match="已在使用"):
        county.delete(county.get_one(HourPolicy, book.policy.id))
        county.commit()
    later = new_policy(book, cap=Decimal(40))
    county.add(later)
    county.commit()
    later.cap = Decimal(45)
    county.commit()
    assert policy_in_force(county, book.programme.id, date(2098, 12, 31)).cap == 25
    assert policy_in_force(county, book.programme.id, date(2099, 1, 1)).cap == 45
    book.credit(book.earned("梅", "participation/1", policy_id=later.id))
    later.cap = Decimal(50)
    assert "已在使用" in refused(county, later)


def test_a_programme_keeps_its_last_policy(book: Book, county: Session) -> None:
    programme = Programme(name="新项目", year=2027, region_id=book.cast.region["思明区"])
    programme.starts_on, programme.ends_on = date(2027, 1, 1), date(2027, 12, 31)
    county.add(programme)
    county.commit()
    with pytest.raises(RuleViolation, match="至少要有一份"):
        county.delete(county.scalars(select(HourPolicy).where(HourPolicy.programme_id == programme.id)).one())
        county.commit()


def test_what_a_new_policy_would_change_is_known_before_it_is_saved(book: Book, county: Session) -> None:
    book.credit(*(book.earned("梅", f"participation/{n}", "10") for n in range(3)))
    book.credit(book.earned("菊", "participation/9", "20"))
    dan = book.cast.identity("丹")
    lower = PolicyValues(book.programme.id, date(2099, 1, 1), Decimal(20), Decimal(22))
    found = what_if(county, dan, lower)
    assert (found.changed, found.gained, found.lost) == (2, 1, 0)
    rows = {one.name: (one.counted_before, one.counted_after, one.is_reached_before, one.is_reached_after) for one in found.first}
    assert rows == {"梅": (25, 22, True, True), "菊": (20, 20, False, True)}
    assert list(everyone_changed(county, dan, lower)) == list(found.first)
    assert len(what_if(county, dan, lower, names=1).first) == 1
    assert what_if(county, dan, PolicyValues(book.programme.id, date(2099, 1, 1), Decimal(25), Decimal(25))).changed == 0
    book.register(book.path("梅"))
    after = {one.name: one.counted_after for one in what_if(county, dan, lower).first}
    assert after == {"菊": 20}, "what is registered stays"
    for who in ("平", "梅", "岚"):
        with acting_as(book.cast.identity(who)), pytest.raises((NotPermitted, OutOfReach)):
            what_if(county, book.cast.identity(who), lower) or pytest.fail("answered")


def test_a_policy_moved_or_deleted_changes_the_days_it_leaves_as_well(book: Book, county: Session) -> None:
    """What is compared is the policy of now and of then, on the day it began and on the day it would begin."""
    book.credit(*(book.earned("梅", f"participation/{n}", "10") for n in range(3)))
    dan, number = book.cast.identity("丹"), book.programme.id
    low = HourPolicy(programme_id=number, valid_from=date(2050, 1, 1), target=Decimal(20), cap=Decimal(20))
    lower = HourPolicy(programme_id=number, valid_from=date(2060, 1, 1), target=Decimal(10), cap=Decimal(10))
    county.add_all([low, lower])
    county.commit()

    def told(values: PolicyValues | None, row: HourPolicy) -> list[tuple[Decimal, Decimal]]:
        return [(one.counted_before, one.counted_after) for one in what_if(county, dan, values, instead_of=row).first]

    def on(year: int, limit: int) -> PolicyValues:
        return PolicyValues(number, date(year, 1, 1), Decimal(limit), Decimal(limit))

    assert told(None, low) == [(20, 25)] and told(None, lower) == [(10, 20)]
    assert told(on(2050, 20), low) == [], "nothing is changed"
    assert told(on(2055, 20), low) == [(20, 25)], "later: until then the one before holds"
    assert told(on(2040, 20), low) == [(25, 20)], "earlier"
    assert told(on(2070, 20), low) == [(20, 25)], "beyond another: the first day that changes something"
    assert told(on(2050, 22), low) == [(20, 22)]
    assert list(everyone_changed(county, dan, None, instead_of=low)) == list(what_if(county, dan, None, instead_of=low).first)
    with acting_as(book.cast.identity("平")), pytest.raises((NotPermitted, OutOfReach)):
        what_if(county, book.cast.identity("平"), None, instead_of=low)


def test_totals_by_sums_are_those_of_the_tally(book: Book, county: Session) -> None:
    """The what-if sums in the database; the rule adds entry by entry."""
    book.credit(*(book.earned("梅", f"participation/{n}", hours) for n, hours in enumerate(("10", "9.75", "4.5"))))
    book.register(book.path("梅"))
    book.credit(book.earned("梅", "participation/7", "3.25"), book.earned("梅", "participation/8", "0.5"))
    book.void("participation/8")
    for cap in ("3", "24.25", "25", "26.5", "60"):
        values = PolicyValues(book.programme.id, date(2099, 1, 1), Decimal(cap), Decimal(cap))
        mine = [one for one in what_if(county, book.cast.identity("丹"), values).first if one.name == "梅"]
        policy = HourPolicy(cap=values.cap, target=values.target)
        expected = tally(book.entries(HourEntry.teacher_id == book.cast.teacher["梅"]), policy)
        for one in mine:
            assert (one.counted_after, one.is_reached_after) == (expected.counted, expected.is_reached)
        assert bool(mine) is (expected.counted != 25 or not expected.is_reached)


# --- the statement ----------------------------------------------------------------------------------------------------


def test_the_statement_is_read_by_its_teacher_and_who_answers_for_them(book: Book) -> None:
    book.credit(book.earned("梅", "participation/1", "10", path=book.path("菊")), book.earned("梅", "participation/2", "20"))
    mei = book.cast.teacher["梅"]

    def read(who: str | Identity) -> Any:
        identity = book.cast.identity(who) if isinstance(who, str) else who
        with acting_as(identity), book.factory() as session:
            [statement] = [one for one in statement_of(session, identity, mei, now=TODAY) if one.tally.lines]
            return statement

    for who in ("梅", "平", "丹", "福", "运"):
        assert (read(who).tally.raw, read(who).tally.counted) == (30, 25), "wherever it was earned"
    for who in ("兰", "锐", "岚", "林"):
        with pytest.raises((OutOfReach, NotPermitted)):
            read(who)


def test_who_lacks_hours_is_told_whom_to_contact(book: Book) -> None:
    """S0-41."""
    book.credit(book.earned("梅", "participation/1", "24.5"))
    me = book.cast.identity("梅")
    with acting_as(me), book.factory() as session:
        [statement] = [one for one in statement_of(session, me, book.cast.teacher["梅"], now=TODAY) if one.tally.lines]
        assert [(c.name, c.role_label, c.unit_name) for c in statement.contacts] == [("平", "学校管理员", "北实验小学")]
        assert "****" not in statement.contacts[0].phone and len(statement.contacts[0].phone) == 11, "the teacher is to call"
        assert (statement.tally.missing, statement.warning) == (Decimal("0.5"), "")
    for other in map(book.cast.identity, ("平", "丹")):
        with acting_as(other), book.factory() as session:
            [statement] = [one for one in statement_of(session, other, book.cast.teacher["梅"], now=TODAY) if one.tally.lines]
            assert "****" in statement.contacts[0].phone, "it is nobody else's contact"
    book.credit(book.earned("梅", "participation/2", "0.5"))
    with acting_as(me), book.factory() as session:
        [statement] = [one for one in statement_of(session, me, book.cast.teacher["梅"], now=TODAY) if one.tally.lines]
        assert (statement.tally.is_reached, statement.contacts, statement.percent) == (True, (), 100)


def test_hours_go_with_a_teacher_who_leaves_as_a_matter_of_their_own(book: Book) -> None:
    """What was earned at the school stays the school's; the teacher still reads it."""
    book.credit(book.earned("梅", "participation/1"))
    me = book.cast.identity("梅")
    with acting_as(me), book.factory() as session:
        leave_school(session, me, session.get_one(Teacher, book.cast.teacher["梅"]), now=TODAY)
        [statement] = [one for one in statement_of(session, me, book.cast.teacher["梅"], now=TODAY) if one.tally.lines]
    assert statement.tally.raw == 5
    assert [entry.scope_path for entry in book.entries(HourEntry.evidence == "participation/1")] == [book.path("梅")]
