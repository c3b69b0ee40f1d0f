"""A school as large as one gets, in the middle of a programme: 3 000 teachers in 200 groups with 20 000 activities.

Beside the million teachers of the demonstration, in the same database. The one thing a newcomer gets wrong: it is written past
every rule, so its rows have to be such as the rules would have made.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from sqlalchemy import DDL, Engine, func, insert, select
from sqlalchemy.orm import Session

from models.access import Account, Post
from models.activities import (
    Activity,
    ActivityKind,
    ActivityState,
    Comment,
    OfflineForm,
    Participation,
    ParticipationState,
    Rubric,
    Topic,
    TopicState,
)
from models.base import utcnow
from models.hours import HourCategory, HourEntry, HourPolicy, Programme
from models.org import AreaType, Region, School
from models.outcomes import AbilityPoint, AbilitySummary, ImprovementPlan, Outcome, OutcomeKind, OutcomeState, SummaryState
from models.people import CertificationState, Teacher
from models.research import GroupPlan, ResearchGroup, SchoolProgramme, SchoolState
from models.scoping import SYSTEM, acting_as, below
from models.session import make_session_factory, transaction
from rules.demo.accounts import PASSWORD
from rules.demo.regions import Place
from rules.demo.research import PROGRAMME
from rules.demo.schools import Planned, Schools, Settled
from rules.demo.staff import add_teacher, draw_person, read_references
from rules.demo.writer import Writer
from rules.grants import GROUP_LEADER, GROUP_MEMBER, IT_TEAM, SCHOOL_ADMIN, TEACHER
from rules.issuing import chosen, new_account, teaching
from rules.page_views import day_of

NAME, SERIAL = "鼓楼区教育集团", "B00001"
TEACHERS, GROUPS, ACTIVITIES = 3_000, 200, 20_000
FINISHED, BEGUN = 12, 2
"""Activities each member has completed, and those they have only joined."""
TEAM = 10
FIRST = 8_000_000
"""Of the persons of the region, behind everybody else's."""
ADMINISTRATOR, LEADER, MEMBER, REVIEWER = "BigSchoolAdmin", "BigSchoolLeader", "BigSchoolMember", "BigSchoolReviewer"
HOURS = {ActivityKind.DISCUSSION: 2, ActivityKind.HOMEWORK: 5, ActivityKind.OBSERVATION: 5, ActivityKind.OFFLINE: 6}
KINDS = tuple(ActivityKind)


def add_big_school(engine: Engine) -> int:
    """Write the school unless it is there; the id of its taking part."""
    with acting_as(SYSTEM), make_session_factory(engine)() as session:
        known = select(SchoolProgramme.id).join(School).where(School.name == NAME)
        if (found := session.scalar(known)) is None:
            with transaction(session):
                found = _BigSchool(session, utcnow()).write()
                session.connection().execute(DDL("ANALYZE"))  # type: ignore[no-untyped-call]
        return found


@dataclass(frozen=True)
class Person:
    """A teacher of the school with their account."""

    teacher: int
    account: int
    path: str


class _BigSchool:
    def __init__(self, session: Session, now: datetime) -> None:
        self.session, self.now, self.random = session, now, Random(NAME)
        self.writer, self.references = Writer(session, now), read_references(session)
        self.programme = session.scalars(select(Programme).filter_by(name=PROGRAMME)).one()
        self.policy = session.scalars(select(HourPolicy.id).filter_by(programme_id=self.programme.id)).first()

    def write(self) -> int:
        school = self._school()
        people = self._people(school)
        taking_part = self._insert(
            SchoolProgramme,
            [
                {
                    "programme_id": self.programme.id,
                    "school_id": school.id,
                    "name": f"{school.name} · {self.programme.name}"[:200],
                    "state": SchoolState.OPEN,
                    "theme": "信息技术支持的读写教学",
                    "opened_at": self._ago(200),
                    "scope_path": school.path,
                }
            ],
        )[0]
        size = TEACHERS // GROUPS
        members = [people[n * size : (n + 1) * size] for n in range(GROUPS)]
        groups = self._groups(school, taking_part, members)
        activities = self._activities(groups)
        self._work(groups, activities, members)
        self._papers(taking_part, school.path, groups, people)
        return taking_part

    def _ago(self, days: float) -> datetime:
        return self.now - timedelta(days=days)

    def _insert(self, model: Any, rows: Sequence[dict[str, Any]]) -> range:
        """Insert the rows; their ids."""
        ids = self.writer.reserve(model, len(rows))
        stamps = {"created_at": self.now, "updated_at": self.now, "version": 1}
        self.session.execute(insert(model), [stamps | row | {"id": row_id} for row_id, row in zip(ids, rows, strict=True)])
        return ids

    # --- people -------------------------------------------------------------------------------------------------------

    def _school(self) -> Settled:
        r = self.session.scalars(select(Region).filter_by(name="鼓楼区")).one()
        place = Place(r.id, r.code, r.name, r.level, r.kind, r.parent_id, r.scope_path, r.teacher_count)
        schools = Schools(self.writer, self.references.stages)
        return schools.add(self.writer.reserve(School, 1)[0], place, Planned(NAME, ("小学", "初中"), area_type=AreaType.URBAN), SERIAL)

    def _people(self, school: Settled) -> list[Person]:
        found = []
        teachers, accounts = self.writer.reserve(Teacher, TEACHERS), self.writer.reserve(Account, TEACHERS + 1)
        named, known = {0: LEADER, 1: MEMBER, 2: REVIEWER}, chosen(PASSWORD)
        for n, (teacher_id, account_id) in enumerate(zip(teachers, accounts[1:], strict=True)):
            person = draw_person(self.random, school, FIRST + n, FIRST + n, (CertificationState.PASSED,), self.now)
            path = add_teacher(self.writer, self.references, teacher_id, school, person, named.get(n, person.id_number))
            values = new_account(named.get(n, person.id_number), person.name, path, self.now) | teaching(self.now)
            values |= {"teacher_id": teacher_id, "id_number": person.id_number} | (known if n in named else {})
            self.writer.add_account(account_id, values)
            self._post(account_id, TEACHER, school, school.name, path)
            found.append(Person(teacher_id, account_id, path))
        self.writer.add_account(accounts[0], new_account(ADMINISTRATOR, "李管理", school.path, self.now) | known)
        self._post(accounts[0], SCHOOL_ADMIN, school, school.name, school.path)
        for person in found[2 : 2 + TEAM]:
            self._post(person.account, IT_TEAM, school, "信息化团队", school.path)
        self.writer.flush()
        return found

    def _post(self, account_id: int, role: str, school: Settled, unit: str, path: str) -> None:
        at = {"school_id": school.id, "unit_name": unit, "scope_path": path, "since": self.now, "source": "demo"}
        self.writer.add(Post, account_id=account_id, role=role, **at)

    # --- groups and what they do --------------------------------------------------------------------------------------

    def _groups(self, school: Settled, taking_part: int, members: Sequence[Sequence[Person]]) -> list[tuple[int, str]]:
        """Id and path of each."""
        ids = self.writer.reserve(ResearchGroup, GROUPS)
        found = [(group_id, f"{school.path}g{group_id}/") for group_id in ids]
        stamps = {"created_at": self.now, "updated_at": self.now, "version": 1}
        rows = [
            stamps | {"id": i, "school_programme_id": taking_part, "name": f"第{n}教研组", "leader_id": m[0].teacher, "scope_path": path}
            for n, ((i, path), m) in enumerate(zip(found, members, strict=True), start=1)
        ]
        self.session.execute(insert(ResearchGroup), rows)
        for (_i, path), theirs, row in zip(found, members, rows, strict=True):
            for person in theirs:
                role = GROUP_LEADER if person is theirs[0] else GROUP_MEMBER
                self._post(person.account, role, school, row["name"], path)
        self.writer.flush()
        plan = {"title": "本年度研修计划", "content": "每月一个专题，每周一次集体备课。"}
        self._insert(GroupPlan, [plan | {"group_id": i, "scope_path": path} for i, path in found])
        return found

    def _activities(self, groups: Sequence[tuple[int, str]]) -> Sequence[tuple[int, dict[str, Any]]]:
        """Ids and rows; group after group, as many each."""
        today = day_of(self.now)
        topics = self._insert(
            Topic,
            [
                {
                    "group_id": i,
                    "title": f"技术支持的课堂讲授（{n}）",
                    "starts_on": today - timedelta(days=200),
                    "ends_on": today + timedelta(days=60),
                    "state": TopicState.PUBLISHED,
                    "scope_path": path,
                }
                for i, path in groups
                for n in (1, 2)
            ],
        )
        rubrics = self._insert(
            Rubric, [{"group_id": i, "name": "课堂教学评价表", "criteria": "目标\n过程", "scope_path": p} for i, p in groups]
        )
        rows = [
            self._activity(group, topics[2 * g + n % 2], rubrics[g], n)
            for g, group in enumerate(groups)
            for n in range(ACTIVITIES // GROUPS)
        ]
        return list(zip(self._insert(Activity, rows), rows, strict=True))

    def _activity(self, group: tuple[int, str], topic: int, rubric: int, n: int) -> dict[str, Any]:
        kind, starts = KINDS[n % len(KINDS)], self._ago(200 - 2 * n)
        over = n < ACTIVITIES // GROUPS - 2 * len(KINDS)
        return {
            "topic_id": topic,
            "group_id": group[0],
            "kind": kind,
            "title": f"{kind.label}第{n + 1}次：整本书阅读",
            "starts_at": starts,
            "ends_at": starts + timedelta(days=10) if over else self._ago(-30),
            "hours": Decimal(HOURS[kind]),
            "rubric_id": rubric if kind is ActivityKind.OBSERVATION else None,
            "offline_form": OfflineForm.PREPARATION if kind is ActivityKind.OFFLINE else None,
            "policy_id": self.policy,
            "state": ActivityState.COMPLETED if over and kind is ActivityKind.OFFLINE else ActivityState.PUBLISHED,
            "scope_path": group[1],
        }

    def _work(
        self, groups: Sequence[tuple[int, str]], activities: Sequence[tuple[int, dict[str, Any]]], members: Sequence[Sequence[Person]]
    ) -> None:
        each = ACTIVITIES // GROUPS
        taken = [
            (person, activity_id, row, state)
            for g in range(len(groups))
            for person in members[g]
            for (activity_id, row), state in self._chosen(activities[g * each : (g + 1) * each])
        ]
        rows = [
            {
                "activity_id": activity_id,
                "teacher_id": person.teacher,
                "state": state,
                "joined_at": row["starts_at"],
                "completed_at": row["starts_at"] + timedelta(days=1) if state is ParticipationState.COMPLETED else None,
                "scope_path": row["scope_path"],
            }
            for person, activity_id, row, state in taken
        ]
        ids = self._insert(Participation, rows)
        done = [(part, *one) for part, one in zip(ids, taken, strict=True) if one[-1] is ParticipationState.COMPLETED]
        self._insert(HourEntry, [self._entry(part, person, row) for part, person, _activity, row, _state in done])
        said = {"body": "导入环节用短视频创设情境，学生兴趣很高，建议再压缩半分钟。"}
        talks = [one for one in done if one[3]["kind"] is ActivityKind.DISCUSSION]
        places = ({"activity_id": a, "teacher_id": person.teacher, "scope_path": row["scope_path"]} for _p, person, a, row, _s in talks)
        self._insert(Comment, [said | place for place in places])

    def _chosen(self, theirs: Sequence[tuple[int, dict[str, Any]]]) -> Iterator[tuple[tuple[int, dict[str, Any]], ParticipationState]]:
        for n, one in enumerate(self.random.sample(theirs, FINISHED + BEGUN)):
            yield one, ParticipationState.COMPLETED if n < FINISHED else ParticipationState.JOINED

    def _entry(self, part: int, person: Person, row: dict[str, Any]) -> dict[str, Any]:
        return {
            "teacher_id": person.teacher,
            "programme_id": self.programme.id,
            "category": HourCategory(row["kind"].value),
            "title": row["title"],
            "hours": row["hours"],
            "earned_at": row["starts_at"] + timedelta(days=1),
            "policy_id": self.policy,
            "evidence": f"participation/{part}",
            "scope_path": row["scope_path"],
        }

    # --- papers -------------------------------------------------------------------------------------------------------

    def _papers(self, taking_part: int, school: str, groups: Sequence[tuple[int, str]], people: Sequence[Person]) -> None:
        points = self.session.scalars(select(AbilityPoint.id).order_by(AbilityPoint.rank)).all()
        states = (SummaryState.PASSED, SummaryState.SUBMITTED, SummaryState.FAILED)
        of = [{"school_programme_id": taking_part, "teacher_id": person.teacher, "scope_path": school} for person in people]
        self._insert(ImprovementPlan, [one | {"handed_in_at": self._ago(150)} for one in of])
        self._insert(
            AbilitySummary,
            [
                one
                | {
                    "ability_point_id": points[n % len(points)],
                    "state": states[n % 3],
                    "handed_in_at": self._ago(20),
                    "reviewer_id": people[2 + n % TEAM].teacher,
                }
                for n, one in enumerate(of)
            ],
        )
        kinds = (OutcomeKind.OUTCOME, OutcomeKind.TEACHING_CASE)
        self._insert(
            Outcome,
            [
                {
                    "group_id": i,
                    "kind": kind,
                    "title": f"{kind.label}：整本书阅读",
                    "state": OutcomeState.SUBMITTED,
                    "submitted_at": self._ago(3),
                    "scope_path": path,
                }
                for i, path in groups
                for kind in kinds
            ],
        )


def first_of(engine: Engine, model: Any) -> int:
    """The id of the first of the school's rows: they were written group after group."""
    with acting_as(SYSTEM), make_session_factory(engine)() as session:
        path = session.scalars(select(School.scope_path).where(School.name == NAME)).one()
        return session.scalars(select(func.min(model.id)).where(below(model.scope_path, path))).one()
