"""Random joins, completions, returns, removals and an acceptance: every total equals what a plain recount says (S1-25, S1-45…51, Z-01)."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from models.activities import Activity, ActivityKind, OfflineForm, Participation, ParticipationState
from models.hours import HourEntry, HourState, Programme
from models.research import SchoolProgramme, SchoolState
from models.scoping import SYSTEM, acting_as
from models.session import make_engine, make_session_factory
from models.violation import RuleViolation
from rules.hour_ledger import policy_in_force, register
from rules.hours import tally
from rules.page_views import day_of
from rules.participation import PARTICIPATION, complete, enter, participation_in, remove
from rules.workflow import take
from tests.cast import TODAY, meet
from tests.databases import SqliteFiles
from tests.services.lessons import LEADER, MEMBER, OTHER, Lessons

KINDS = (ActivityKind.DISCUSSION, ActivityKind.HOMEWORK, ActivityKind.OBSERVATION, ActivityKind.OFFLINE, ActivityKind.OFFLINE)
PEOPLE = (LEADER, MEMBER, OTHER)
CAP = Decimal(25)
STEPS = st.tuples(
    st.sampled_from(("join", "complete", "return", "remove", "accept")), st.sampled_from(PEOPLE), st.integers(0, len(KINDS) - 1)
)


class Recount:
    """What everybody has done, kept beside the platform, and what that is worth."""

    def __init__(self, hours: list[Decimal]) -> None:
        self.hours = hours
        self.state: dict[tuple[str, int], str] = {}
        self.is_accepted = False

    def take(self, step: str, who: str, nth: int) -> None:
        """The same step, by the rules as a person would say them."""
        now = self.state.get((who, nth), "")
        if step == "accept":
            self.is_accepted = True
        elif self.is_accepted and step != "join":
            return
        elif (step, now) in {("join", ""), ("join", "removed")}:
            self.state[who, nth] = "joined"
        elif (step, now) == ("complete", "joined"):
            self.state[who, nth] = "completed"
        elif (step, now) == ("return", "completed") and who != LEADER:
            self.state[who, nth] = "joined"
        elif step == "remove" and now in ("joined", "completed"):
            self.state[who, nth] = "removed"

    def raw(self, who: str) -> Decimal:
        return sum((self.hours[nth] for (name, nth), state in self.state.items() if name == who and state == "completed"), Decimal(0))


class School:
    """The platform's side of it."""

    def __init__(self, lessons: Lessons) -> None:
        self.lessons, self.session = lessons, lessons.session
        self.leader = lessons.as_personal(LEADER)
        self.activities = [self._activity(nth, kind) for nth, kind in enumerate(KINDS)]

    def _activity(self, nth: int, kind: ActivityKind) -> Activity:
        given: dict[str, Any] = {"title": f"{nth}", "starts_at": TODAY - timedelta(days=1)}
        if kind is ActivityKind.OFFLINE:
            given |= {"hours": Decimal("9.5"), "offline_form": OfflineForm.DISCUSSION}
        return self.lessons.activity(LEADER, kind, **given)

    def take(self, step: str, who: str, nth: int, minute: int) -> None:
        now, activity, teacher = TODAY + timedelta(minutes=minute), self.activities[nth], self.lessons.cast.teacher[who]
        with acting_as(SYSTEM), suppress(RuleViolation):
            if step == "accept":
                self._accept(now)
                return
            found = participation_in(self.session, activity, teacher)
            if step == "join":
                enter(self.session, SYSTEM, activity, teacher, now=now)
            elif step == "complete" and found is not None:
                complete(self.session, SYSTEM, found, now=now)
            elif step == "return" and found is not None:
                take(self.session, self.leader, PARTICIPATION, found, "return", comment="请补充", now=now)
            elif step == "remove" and found is not None and found.state is not ParticipationState.REMOVED and not self._is_accepted():
                remove(self.session, SYSTEM, [found], now=now)
            self.session.commit()

    def _is_accepted(self) -> bool:
        return self.session.get_one(SchoolProgramme, self.lessons.school.id).state is SchoolState.PASSED

    def _accept(self, now: Any) -> None:
        school = self.session.get_one(SchoolProgramme, self.lessons.school.id)
        school.state = SchoolState.PASSED
        register(self.session, self.session.get_one(Programme, school.programme_id), school.scope_path, now=now)
        self.session.commit()

    def entries(self, who: str) -> list[HourEntry]:
        ours = {"teacher_id": self.lessons.cast.teacher[who], "programme_id": self.lessons.school.programme_id}
        with acting_as(SYSTEM):
            self.session.expire_all()
            found = self.session.scalars(select(HourEntry).filter_by(**ours).where(HourEntry.title.in_(map(str, range(len(KINDS))))))
            return list(found)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> SqliteFiles:
    return SqliteFiles(tmp_path_factory.mktemp("totals"))


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=st.lists(STEPS, min_size=10, max_size=40))
def test_every_total_equals_a_recount(files: SqliteFiles, steps: list[tuple[str, str, int]]) -> None:
    engine = make_engine(files.fresh(filled=True))
    with make_session_factory(engine)() as session:
        school = School(Lessons(meet(engine), session))
        recount = Recount([activity.hours for activity in school.activities])
        for minute, (step, who, nth) in enumerate(steps):
            school.take(step, who, nth, minute)
            recount.take(step, who, nth)
        check(school, recount)
    engine.dispose()


def check(school: School, recount: Recount) -> None:
    with acting_as(SYSTEM):
        policy = policy_in_force(school.session, school.lessons.school.programme_id, day_of(TODAY))
        found = select(Participation.state, Participation.teacher_id, Participation.activity_id)
        states = {(teacher, activity): state.value for state, teacher, activity in school.session.execute(found)}
    for who in PEOPLE:
        entries = school.entries(who)
        told = tally(entries, policy)
        assert told.raw == recount.raw(who)
        assert told.counted == min(recount.raw(who), CAP)
        assert sum(entry.hours for entry in entries if entry.state is HourState.VOID) == 0, (
            "what is void and its counter-entries cancel out"
        )
        assert len({entry.evidence for entry in entries}) == len(entries), "no evidence is credited twice"
        if recount.is_accepted:
            assert all(entry.state is not HourState.ACCRUED for entry in entries)
        for nth, activity in enumerate(school.activities):
            assert states.get((school.lessons.cast.teacher[who], activity.id), "") == recount.state.get((who, nth), "")
