"""A million teachers for 福建省: streamed, county by county, in constant memory.

Counties and schools are as uneven as real ones, and everything follows from counting: the k-th school of a county has the same
size whatever number was asked for. The one thing a newcomer gets wrong: asking again for more tops up, asking for as many or
fewer does nothing. These teachers have applications but no accounts: nobody logs in as the nine hundred thousandth.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from itertools import count
from random import Random
from typing import NamedTuple

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session, aliased, sessionmaker

from models.org import Region, School
from models.people import Teacher
from models.scoping import SYSTEM, acting_as, below
from models.session import PlatformSession, transaction
from rules.demo.regions import Place
from rules.demo.schools import Schools, Settled, ordinary_school
from rules.demo.staff import STATES, References, add_teacher, draw_person, read_references
from rules.demo.writer import Writer

PROVINCE = "/350000/"
MARK = "K"
"""In the codes of these schools, behind the region's: no other school's code is written so."""
FIRST_PERSON = 24_000
"""Of the identity numbers of an area, behind those of the teachers of the schools with a name."""
PEOPLE_PER_COUNTY = 1_000_000
UNEVENNESS = 0.7
"""Of the counties: a large one has ten times the teachers of a small one."""
SMALLEST, MEDIAN_LOG, SPREAD, LARGEST = 6, 3.5, 0.9, 400
"""Teachers of a school: half have fewer than e^3.5 = 33, the mean is 50."""


def add_many_teachers(
    session_factory: sessionmaker[PlatformSession], teachers: int, *, now: datetime, progress: Callable[[str], None]
) -> int:
    """Fill the counties of 福建省 up to ``teachers`` in all, a transaction each; how many came."""
    with acting_as(SYSTEM), session_factory() as session:
        references, counties = read_references(session), _counties(session)
        total = 0
        for index, (county, quota) in enumerate(zip(counties, _quotas(counties, teachers), strict=True)):
            with transaction(session):
                added = _County(session, references, county, index, now).fill(quota)
            total += added
            if added:
                progress(f"{county.name}：{added}名教师，累计{total}")
        progress(f"新增{total}名教师")
        return total


def _counties(session: Session) -> list[Place]:
    """The regions without any below them: the counties, and the city that has none."""
    child = aliased(Region)
    childless = ~exists().where(child.parent_id == Region.id)
    regions = session.scalars(select(Region).where(below(Region.scope_path, PROVINCE), childless).order_by(Region.scope_path))
    return [Place(r.id, r.code, r.name, r.level, r.kind, r.parent_id, r.scope_path, r.teacher_count) for r in regions]


def _quotas(counties: Sequence[Place], teachers: int) -> list[int]:
    """How many each county gets; the first takes what rounding leaves."""
    weights = [Random(county.code).lognormvariate(0, UNEVENNESS) for county in counties]
    whole = sum(weights)
    quotas = [int(teachers * weight / whole) for weight in weights]
    return [quotas[0] + teachers - sum(quotas), *quotas[1:]]


class Slot(NamedTuple):
    """The n-th school of a county: its teachers are those from ``first`` on, ``size`` of them."""

    number: int
    first: int
    size: int


class _County:
    """A county being filled."""

    def __init__(self, session: Session, references: References, place: Place, index: int, now: datetime) -> None:
        self.session = session
        self.references = references
        self.place = place
        self.first_phone = index * PEOPLE_PER_COUNTY
        self.writer = Writer(session, now)
        self.schools = Schools(self.writer, references.stages)

    def fill(self, quota: int) -> int:
        """Add schools and teachers until there are ``quota``; how many came."""
        last = self._last_school()
        reached = int(last.code.partition(MARK)[2]) if last else -1
        taught = self._taught(last) if last else 0
        slots = list(_slots(self.place.code, quota))[max(reached, 0) :]
        missing = max(sum(slot.size for slot in slots) - taught, 0)
        if not missing:
            return 0
        school_ids = iter(self.writer.reserve(School, len(slots)))
        teacher_ids = iter(self.writer.reserve(Teacher, missing))
        for slot in slots:
            planned = ordinary_school(self.place.name, slot.number)
            if last and slot.number == reached:
                school = Settled(last.id, last.code, last.name, self.place, last.scope_path, planned.stages, is_administered=True)
                self._add_teachers(school, slot, taught, teacher_ids)
            else:
                school = self.schools.add(next(school_ids), self.place, planned, f"{MARK}{slot.number:05d}")
                self._add_teachers(school, slot, 0, teacher_ids)
        self.writer.flush()
        return missing

    def _add_teachers(self, school: Settled, slot: Slot, taught: int, ids: Iterator[int]) -> None:
        random = Random(f"{school.code}-{taught}")
        for nth in range(slot.first + taught, slot.first + slot.size):
            person = draw_person(random, school, FIRST_PERSON + nth, self.first_phone + nth, STATES, self.writer.now)
            add_teacher(self.writer, self.references, next(ids), school, person, None)

    def _last_school(self) -> School | None:
        """Where earlier runs ended, wherever the school may belong by now."""
        ours = select(School).where(School.code.startswith(self.place.code + MARK))
        return self.session.scalars(ours.order_by(School.code.desc()).limit(1)).first()

    def _taught(self, school: School) -> int:
        """Its teachers: it was cut off where the quota was reached."""
        return self.session.scalars(select(func.count()).select_from(Teacher).where(Teacher.school_id == school.id)).one()


def _slots(code: str, quota: int) -> Iterator[Slot]:
    """The schools of a county until there are ``quota`` teachers; the last one is cut off there."""
    first = 0
    for number in count():
        if first >= quota:
            return
        whole = int(Random(f"{code}{number}").lognormvariate(MEDIAN_LOG, SPREAD))
        size = min(max(whole, SMALLEST), LARGEST, quota - first)
        yield Slot(number, first, size)
        first += size
