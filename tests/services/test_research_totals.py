"""Random steps of a group's life, each by the service its page calls: every total equals what a plain recount says.

Joining, leaving, completing by what each kind asks for, returning, opening again, removing by a decision, and the acceptance
(S1-25, S1-30…33, S1-43…51, Z-01).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update

from models.activities import Activity, ActivityKind, OfflineForm, Participation
from models.hours import HourEntry, HourState
from models.research import RemovalRequest, RemovalState
from models.scoping import SYSTEM, Identity, acting_as
from models.session import make_engine, make_session_factory
from models.violation import RuleViolation
from rules.activities import ACTIVITY
from rules.files_store import FileStore
from rules.grants import GROUP_MEMBER, IT_TEAM
from rules.hour_ledger import policy_in_force
from rules.hours import tally
from rules.offline import name_participants, reopen_offline
from rules.opening import SCHOOL
from rules.page_views import day_of
from rules.participation import PARTICIPATION, participation_in
from rules.removal import REMOVAL, ask_removal
from rules.taking_part import evaluate, hand_in_evidence, hand_in_homework, join, leave, say
from rules.uploads import keep_file
from rules.workflow import take
from tests import samples
from tests.cast import TODAY, meet
from tests.databases import PostgresqlDatabases, SqliteFiles
from tests.services.endings import hand_in_plans
from tests.services.lessons import LEADER, MEMBER, OTHER, Lessons

DISCUSSION, HOMEWORK, OBSERVATION, OFFLINE = ActivityKind
KINDS = (DISCUSSION, HOMEWORK, OBSERVATION, HOMEWORK, OFFLINE, OFFLINE)
PEOPLE = (LEADER, MEMBER, OTHER)
CAP = Decimal(25)
OFTEN = ("join", "join", "complete", "complete", "return", "leave", "remove")
STEP = st.tuples(st.sampled_from(OFTEN), st.sampled_from(PEOPLE), st.integers(0, len(KINDS) - 1))
LIVES = st.tuples(st.lists(STEP, min_size=15, max_size=40), st.sampled_from(([], [("accept", LEADER, 0)])), st.lists(STEP, max_size=5)).map(
    lambda parts: parts[0] + parts[1] + parts[2]
)
"""A school is accepted after much has been done, if it is; what is tried then changes nothing."""


class Recount:
    """What everybody has done, kept beside the platform, and what that is worth."""

    def __init__(self, hours: list[Decimal]) -> None:
        self.hours = hours
        self.state: dict[tuple[str, int], str] = {}
        self.returned: set[tuple[str, int]] = set()
        self.held: set[int] = set()
        """Offline activities that are completed."""
        self.gone: set[str] = set()
        self.is_accepted = False

    def take(self, step: str, who: str, nth: int) -> None:
        """The same step, by the rules as a person would say them."""
        if self.is_accepted:
            return
        if step == "accept":
            self.is_accepted = True
        elif step == "remove":
            self._remove(who)
        elif KINDS[nth] is OFFLINE:
            self._offline(step, who, nth)
        elif who not in self.gone:
            self._online(step, who, nth)

    def _remove(self, who: str) -> None:
        """Of a leader the group would have to be given to somebody else first: only members are removed here."""
        if who != LEADER and who not in self.gone:
            self.gone.add(who)
            self.state |= {key: "removed" for key, state in self.state.items() if key[0] == who and state}

    def _online(self, step: str, who: str, nth: int) -> None:
        now = self.state.get((who, nth), "")
        if (step, now) == ("join", ""):
            self.state[who, nth] = "joined"
        elif (step, now) == ("leave", "joined") and (who, nth) not in self.returned:
            self.state[who, nth] = ""
        elif (step, now) == ("complete", "joined"):
            self.state[who, nth] = "completed"
        elif (step, now) == ("return", "completed") and who != LEADER:
            self.state[who, nth] = "joined"
            self.returned.add((who, nth))

    def _offline(self, step: str, who: str, nth: int) -> None:
        """The leader names who takes part, and hands in the evidence for all of them."""
        named = [(name, nth) for name in PEOPLE if self.state.get((name, nth), "") in ("joined", "completed")]
        if step == "join" and nth not in self.held and who not in self.gone and (who, nth) not in named:
            self.state[who, nth] = "joined"
        elif step == "complete" and nth not in self.held and named:
            self.held.add(nth)
            self.state |= dict.fromkeys(named, "completed")
        elif step == "return" and nth in self.held:
            self.held.remove(nth)
            self.state |= dict.fromkeys(named, "joined")

    def raw(self, who: str) -> Decimal:
        return sum((self.hours[nth] for (name, nth), state in self.state.items() if name == who and state == "completed"), Decimal(0))


class School:
    """The platform's side of it."""

    def __init__(self, lessons: Lessons, folder: Path) -> None:
        self.lessons, self.session = lessons, lessons.session
        self.store = FileStore(f"file://{folder}")
        lessons.appoint(OTHER, GROUP_MEMBER, lessons.group.scope_path)
        lessons.appoint(OTHER, IT_TEAM, lessons.school.scope_path)
        hand_in_plans(self.session, lessons.school)
        with acting_as(SYSTEM):
            self.session.execute(update(RemovalRequest).values(state=RemovalState.WITHDRAWN))
            self.session.commit()
        self.activities = [self._activity(nth, kind) for nth, kind in enumerate(KINDS)]

    def _activity(self, nth: int, kind: ActivityKind) -> Activity:
        given: dict[str, Any] = {"title": f"{nth}", "starts_at": TODAY - timedelta(days=1)}
        if kind is OFFLINE:
            given |= {"hours": Decimal("9.5"), "offline_form": OfflineForm.DISCUSSION}
        row = self.lessons.activity(LEADER, kind, **given)
        take(self.session, self.lessons.as_personal(LEADER), ACTIVITY, row, "publish", now=TODAY)
        return row

    def take(self, step: str, who: str, nth: int, minute: int) -> None:
        now, activity = TODAY + timedelta(minutes=minute), self.activities[nth]
        leader, cast, teacher = self.lessons.as_personal(LEADER), self.lessons.cast, self.lessons.cast.teacher[who]
        with suppress(RuleViolation):
            if step == "accept":
                self._accept(now)
            elif step == "remove" and who != LEADER:
                request = ask_removal(self.session, cast.identity("平"), self.lessons.school, teacher, "调往他校", now=now)
                take(self.session, cast.identity("丹"), REMOVAL, request, "approve", now=now)
            elif activity.kind is OFFLINE:
                self._offline(step, leader, activity, teacher, now)
            elif self.lessons.as_personal(who).may("join", "activity"):
                self._online(step, who, activity, now)
        self.session.rollback()

    def _online(self, step: str, who: str, activity: Activity, now: datetime) -> None:
        me = self.lessons.as_personal(who)
        if step == "join":
            join(self.session, me, activity, now=now)
        elif step == "leave":
            leave(self.session, me, activity, now=now)
        elif step == "complete" and activity.kind is DISCUSSION:
            say(self.session, me, activity, "导入可以更简短。", now=now)
        elif step == "complete" and activity.kind is HOMEWORK:
            hand_in_homework(self.session, me, activity, [self._file(me, now)], now=now)
        elif step == "complete":
            evaluate(self.session, me, activity, self._stars(), "目标清楚。", now=now)
        elif step == "return":
            with acting_as(SYSTEM):
                found = participation_in(self.session, activity, self.lessons.cast.teacher[who])
            if found is not None:
                take(self.session, self.lessons.as_personal(LEADER), PARTICIPATION, found, "return", comment="请补充", now=now)

    def _offline(self, step: str, leader: Identity, activity: Activity, teacher: int, now: datetime) -> None:
        if step == "join":
            name_participants(self.session, leader, activity, [teacher], now=now)
        elif step == "complete":
            hand_in_evidence(self.session, leader, activity, [self._file(leader, now)], now=now)
        elif step == "return":
            reopen_offline(self.session, leader, activity, "人员有误", now=now)

    def _file(self, identity: Identity, now: datetime) -> int:
        with acting_as(identity):
            return keep_file(self.session, identity, self.store, "材料.pdf", BytesIO(samples.pdf()), now=now).id

    def _stars(self) -> list[int]:
        return [4] * len(self.lessons.rubric.criteria.split("\n"))

    def _accept(self, now: datetime) -> None:
        for who, step in (("平", "apply"), ("丹", "accept")):
            take(self.session, self.lessons.cast.identity(who), SCHOOL, self.lessons.school, step, now=now)

    def entries(self, who: str) -> list[HourEntry]:
        ours = {"teacher_id": self.lessons.cast.teacher[who], "programme_id": self.lessons.school.programme_id}
        with acting_as(SYSTEM):
            self.session.expire_all()
            found = self.session.scalars(select(HourEntry).filter_by(**ours).where(HourEntry.title.in_(map(str, range(len(KINDS))))))
            return list(found)


@pytest.fixture(scope="module", autouse=True)
def today() -> Iterator[None]:
    """Activities are added on the cast's day, whenever the tests run."""
    with pytest.MonkeyPatch.context() as patch:
        for module in ("activities", "topics", "closing"):
            patch.setattr(f"rules.{module}.utcnow", lambda: TODAY)
        yield


def lives(databases: SqliteFiles | PostgresqlDatabases, folder: Path, steps: list[tuple[str, str, int]]) -> None:
    url = databases.fresh(filled=True)
    engine = make_engine(url)
    with make_session_factory(engine)() as session:
        school = School(Lessons(meet(engine), session), folder)
        recount = Recount([activity.hours for activity in school.activities])
        for minute, (step, who, nth) in enumerate(steps):
            school.take(step, who, nth, minute)
            recount.take(step, who, nth)
        check(school, recount)
    engine.dispose()
    databases.drop(url)


WITHOUT_CHECKS = {"deadline": None, "suppress_health_check": list(HealthCheck), "phases": (Phase.explicit, Phase.generate, Phase.shrink)}


@settings(max_examples=12, **WITHOUT_CHECKS)
@given(steps=LIVES)
def test_every_total_equals_a_recount(sqlite_files: SqliteFiles, tmp_path: Path, steps: list[tuple[str, str, int]]) -> None:
    lives(sqlite_files, tmp_path, steps)


@settings(max_examples=4, **WITHOUT_CHECKS)
@given(steps=LIVES)
def test_and_on_postgresql(postgresql_databases: PostgresqlDatabases | None, tmp_path: Path, steps: list[tuple[str, str, int]]) -> None:
    if postgresql_databases is None:
        pytest.skip("no PostgreSQL server answers")
    lives(postgresql_databases, tmp_path, steps)


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
