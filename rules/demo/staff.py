"""Invented teachers with the applications behind their certification, as rows.

The one thing a newcomer gets wrong: a state without its applications would be a lie the workflow stumbles over, so the two are
always written together (S3-121…123).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.org import Stage
from models.people import Certification, CertificationOutcome, CertificationState, IdType, Subject, Teacher, Title
from rules.demo.persons import id_number, person_name, phone_number
from rules.demo.schools import Settled
from rules.demo.writer import Writer
from rules.id_numbers import RESIDENT

T = TypeVar("T")


def _pool(*weighted: tuple[T, int]) -> tuple[T, ...]:
    """Every value as often as its weight says: drawing from it is one step."""
    return tuple(value for value, weight in weighted for _ in range(weight))


PASSED, PENDING, FAILED, NONE = (
    CertificationState.PASSED,
    CertificationState.PENDING,
    CertificationState.FAILED,
    CertificationState.NONE,
)
OUTCOMES = {
    PASSED: CertificationOutcome.PASSED,
    PENDING: CertificationOutcome.PENDING,
    FAILED: CertificationOutcome.FAILED,
}
STATES = _pool((PASSED, 14), (PENDING, 2), (FAILED, 2), (NONE, 2))
# Where there is no administrator nobody has decided anything yet.
UNDECIDED = _pool((PENDING, 2), (NONE, 1))
TITLES = _pool(("正高级教师", 1), ("高级教师", 18), ("一级教师", 38), ("二级教师", 25), ("三级教师", 3), ("未定级", 15))
SUBJECTS = {
    "幼儿园": _pool(("学前教育", 1)),
    "小学": _pool(("语文", 7), ("数学", 6), ("英语", 3), ("科学", 2), ("体育与健康", 2), ("音乐", 1), ("美术", 1), ("道德与法治", 1)),
    "初中": _pool(("语文", 5), ("数学", 5), ("英语", 5), ("物理", 3), ("化学", 2), ("历史", 2), ("地理", 1), ("体育与健康", 2)),
    "高中": _pool(("语文", 5), ("数学", 5), ("英语", 5), ("物理", 3), ("化学", 3), ("生物学", 2), ("历史", 2), ("思想政治", 2)),
    "特教": _pool(("特殊教育", 3), ("心理健康教育", 1)),
    "通用学段": _pool(("其他", 2), ("心理健康教育", 1), ("信息科技", 1)),
}
WHY_FAILED = ("证件号码与姓名不符，请核对后重新申请。", "不是本校教师，请选择实际任教的学校。", "任教学科填写有误，请更正后重新申请。")


@dataclass(frozen=True)
class References:
    """The ids of the reference data, by name."""

    resident: int
    titles: Mapping[str, int]
    stages: Mapping[str, int]
    subjects: Mapping[str, int]


class Person(NamedTuple):
    """What is told of a teacher; a dash of the manuals is None."""

    name: str
    id_number: str
    phone: str | None
    title: str | None
    stage: str
    subject: str | None
    state: CertificationState
    applied_at: datetime | None


def read_references(session: Session) -> References:
    """The reference data as it is stored."""
    resident = session.scalars(select(IdType.id).where(IdType.code == RESIDENT)).one()
    return References(resident, _ids(session, Title), _ids(session, Stage), _ids(session, Subject))


def _ids(session: Session, model: Any) -> dict[str, int]:
    return {name: row_id for name, row_id in session.execute(select(model.name, model.id))}


def draw_person(random: Random, school: Settled, nth: int, phone: int, states: tuple[CertificationState, ...], now: datetime) -> Person:
    """A teacher of the school, the ``nth`` of its region; a few who have not applied yet have left something out (S3-27)."""
    stage, state = random.choice(school.stages), random.choice(states)
    unfinished = state is NONE and random.random() < 0.5
    return Person(
        name=person_name(random),
        id_number=id_number(school.region.code, nth),
        phone=None if unfinished else phone_number(phone),
        title=None if unfinished else random.choice(TITLES),
        stage=stage,
        subject=None if random.random() < 0.03 else random.choice(SUBJECTS[stage]),
        state=state,
        applied_at=None if state is NONE else now - timedelta(minutes=random.randrange(10_000, 700_000)),
    )


def add_teacher(writer: Writer, references: References, teacher_id: int, school: Settled, person: Person, account_name: str | None) -> str:
    """Write a teacher with their applications; the path."""
    path = f"{school.path}t{teacher_id}/"
    writer.add(
        Teacher,
        id=teacher_id,
        account_name=account_name,
        name=person.name,
        id_type_id=references.resident,
        id_number=person.id_number,
        phone=person.phone,
        school_id=school.id,
        title_id=references.titles[person.title] if person.title else None,
        stage_id=references.stages[person.stage],
        subject_id=references.subjects[person.subject] if person.subject else None,
        applied_at=person.applied_at,
        certification=person.state,
        scope_path=path,
    )
    for applied_at, outcome, comment in _applications(person, teacher_id):
        writer.add(
            Certification,
            teacher_id=teacher_id,
            school_id=school.id,
            scope_path=path,
            applied_at=applied_at,
            outcome=outcome,
            decided_at=None if outcome is CertificationOutcome.PENDING else applied_at + timedelta(days=3),
            comment=comment,
        )
    return path


def _applications(person: Person, nth: int) -> Iterable[tuple[datetime, CertificationOutcome, str | None]]:
    """The applications that led to the person's state; every twentieth was failed once before and applied anew (S3-123)."""
    if person.applied_at is None:
        return
    if nth % 20 == 0:
        yield person.applied_at - timedelta(days=30), CertificationOutcome.FAILED, WHY_FAILED[nth // 20 % len(WHY_FAILED)]
    comment = WHY_FAILED[nth % len(WHY_FAILED)] if person.state is FAILED else None
    yield person.applied_at, OUTCOMES[person.state], comment
