"""What is measured: who asks for what, what it may cost, and the bare statements a page of these rows cannot do without.

The bare statements are sent by the driver alone, for nobody in particular: a plain list needs its rows and their number. The one
thing a newcomer gets wrong: they are no goal but a scale, which makes figures of two machines comparable.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote

from sqlalchemy import Engine, select

from models.activities import Activity, Participation, Topic
from models.hours import HourEntry
from models.org import Region
from models.outcomes import AbilitySummary, Outcome
from models.people import Teacher
from models.research import ResearchGroup
from models.scoping import SYSTEM, acting_as, below
from models.session import make_session_factory
from tests.bench import big_school

Budget = tuple[int, int] | None
"""Milliseconds on SQLite and on PostgreSQL (architecture.md)."""

OPERATOR, PROVINCE, COUNTY, SCHOOL = "operator", "province", "county", "school"
USERNAMES = {OPERATOR: "admin", PROVINCE: "OrganAdmin1", COUNTY: "OrganAdmin5", SCHOOL: "SchoolAdmin2"}
"""Of the demonstration: 福建省 (super), 宁化县 (special), 福州第一中学."""
BIG, LEADER, MEMBER, REVIEWER = "big school", "its leader", "its member", "its IT team"
USERNAMES |= {BIG: big_school.ADMINISTRATOR, LEADER: big_school.LEADER, MEMBER: big_school.MEMBER, REVIEWER: big_school.REVIEWER}
"""Of the school with 3 000 teachers in 200 groups with 20 000 activities."""
FULL_NAME, PART_OF_NAME = "王伟", "建国"
DEEP_PAGE = 40_000


@dataclass(frozen=True)
class Task:
    """One thing somebody asks for."""

    what: str
    who: str
    address: str
    budget: Budget
    bare: tuple[str, ...] = ()
    fresh: bool = False
    """Forget first what was counted before."""


@dataclass(frozen=True)
class Reach:
    """How much a visitor reaches."""

    who: str
    path: str
    teachers: int
    teacher: int
    """One of them, from the middle."""

    @property
    def pages(self) -> int:
        return -(-self.teachers // 10)

    def bare(self, rest: str = "", order: str = "scope_path", offset: int = 0) -> tuple[str, str]:
        """The rows of a page and their number."""
        where = f"FROM teacher WHERE scope_path >= '{self.path}' AND scope_path < '{self.path[:-1]}0'{rest}"
        return f"SELECT * {where} ORDER BY {order} LIMIT 10 OFFSET {offset}", f"SELECT count(*) {where}"


def reaches(engine: Engine, paths: dict[str, str]) -> list[Reach]:
    """The reach of each visitor, by the path of their post."""
    found = []
    with acting_as(SYSTEM), make_session_factory(engine)() as session:
        for who, path in paths.items():
            ids = list(session.scalars(select(Teacher.id).where(below(Teacher.scope_path, path)).order_by(Teacher.scope_path)))
            found.append(Reach(who, path, len(ids), ids[len(ids) // 2]))
    return found


def tasks(engine: Engine, found: list[Reach]) -> Iterator[Task]:
    """Everything measured over HTTP."""
    for reach in found:
        yield from _lists(reach)
        yield from _records(reach)
    yield from _choices()
    yield from _statistics(engine, {reach.who: reach.path for reach in found})
    yield from _research(engine)


def _lists(reach: Reach) -> Iterator[Task]:
    who, wide = reach.who, reach.who == PROVINCE
    deep = min(DEEP_PAGE, reach.pages)
    name, part = quote(FULL_NAME), quote(PART_OF_NAME)
    yield Task("list, page 1", who, "/teacher/list/", (20, 30), reach.bare())
    if wide:
        yield Task("list, page 1, everything counted anew", who, "/teacher/list/", None, reach.bare(), fresh=True)
    yield Task(f"list, page {deep}", who, f"/teacher/list/?page={deep}", (40, 60), reach.bare(offset=deep * 10 - 10))
    begins = f" AND name LIKE '{FULL_NAME}%%'"
    yield Task(f"names beginning with {FULL_NAME}", who, f"/teacher/list/?q={name}", (15, 15), reach.bare(begins, "name"))
    contains = f" AND name LIKE '%%{PART_OF_NAME}%%'"
    yield Task(f"names containing {PART_OF_NAME}", who, f"/teacher/list/?q={part}&anywhere=1", (60, 60), reach.bare(contains))
    yield Task("sorted by name", who, "/teacher/list/?sort=name", (20, 30), reach.bare(order="name"))
    waiting = " AND certification = 'pending'"
    yield Task("those waiting for certification", who, "/teacher/list/?f.certification=pending", (20, 30), reach.bare(waiting))
    if wide:
        grouped = (f"SELECT {key}, count(*) {reach.bare()[1].removeprefix('SELECT count(*) ')} GROUP BY {key}" for key in FACETS)
        yield Task("facet counts, after the page", who, "/teacher/facets", (300, 300), tuple(grouped))


FACETS = ("certification", "title_id", "stage_id")


def _records(reach: Reach) -> Iterator[Task]:
    bare = (f"SELECT * FROM teacher WHERE id = {reach.teacher}",)
    yield Task("record page", reach.who, f"/teacher/show/{reach.teacher}", (15, 15), bare)
    if reach.who == SCHOOL:
        yield Task("form of a teacher", reach.who, "/teacher/add", (15, 15))
    else:
        yield Task("form of a school", reach.who, "/school/add", (15, 15))


def _choices() -> Iterator[Task]:
    first = ("SELECT id, name FROM teacher ORDER BY scope_path LIMIT 50",)
    begins = (f"SELECT id, name FROM teacher WHERE name LIKE '{FULL_NAME}%%' ORDER BY scope_path LIMIT 50",)
    yield Task("form with a link to every teacher", OPERATOR, "/teacher_remark/add", (15, 15), first)
    address = f"/teacher_remark/choices/teacher?q={quote(FULL_NAME)}"
    yield Task("its choices while typing", OPERATOR, address, (15, 15), begins)


def _statistics(engine: Engine, paths: dict[str, str]) -> Iterator[Task]:
    with acting_as(SYSTEM), make_session_factory(engine)() as session:
        region = {path: number for number, path in session.execute(select(Region.id, Region.scope_path))}
    county = paths[COUNTY]
    city = county[: county.rstrip("/").rindex("/") + 1]
    levels = (
        (OPERATOR, "the country", "/", ""),
        (PROVINCE, "a province", paths[PROVINCE], ""),
        (PROVINCE, "a city", city, city),
        (COUNTY, "a county", county, ""),
    )
    for who, level, path, asked in levels:
        where = f"school.scope_path >= '{path}' AND school.scope_path < '{path[:-1]}0'"
        held = "LEFT JOIN post ON post.school_id = school.id AND post.role = 'school_admin' AND post.until IS NULL"
        bare = f"SELECT school.region_id, count(*), count(post.id) FROM school {held} WHERE {where} GROUP BY school.region_id"
        yield Task(f"activation of {level}", who, f"/activation/{region[asked] if asked else ''}", (50, 50), (bare,))
        if who != COUNTY:
            if who == OPERATOR:
                yield Task(f"views of {level}, 90 days", who, "/statistics/views?days=90", (50, 50))
            for report in ("registrations", "applications", "views"):
                yield Task(f"{report} of {level}", who, f"/statistics/{report}{f'/{region[asked]}' if asked else ''}", (50, 50))


def _research(engine: Engine) -> Iterator[Task]:
    """Every page of school research, by whoever has most before them: a list's budget, and for figures that of statistics."""
    school = big_school.add_big_school(engine)
    group, topic, activity, part, entry, summary, outcome = (
        big_school.first_of(engine, model) for model in (ResearchGroup, Topic, Activity, Participation, HourEntry, AbilitySummary, Outcome)
    )
    for who in (BIG, REVIEWER):
        yield Task("校本首页", who, f"/research/{school}/", (20, 30))
    for who in (BIG, LEADER):
        yield Task("学时进展", who, f"/research/progress/{school}", (50, 50))
        yield Task("未达标教师", who, f"/research/progress/{school}/persons", (50, 50))
        for table, row in (
            ("research_group", group),
            ("topic", topic),
            ("activity", activity),
            ("participation", part),
            ("hour_entry", entry),
            ("outcome", outcome),
        ):
            yield Task(f"{table}: list", who, f"/{table}/list/", (20, 30))
            yield Task(f"{table}: record", who, f"/{table}/show/{row}", (20, 30))
    for table in ("group_plan", "comment", "evaluation", "improvement_plan", "ability_summary", "rubric"):
        yield Task(f"{table}: list", BIG, f"/{table}/list/", (20, 30))
    yield Task("ability_summary: record", BIG, f"/ability_summary/show/{summary}", (20, 30))
    yield Task("form of an activity", LEADER, "/activity/add", (20, 30))
    yield Task("members of a group", BIG, f"/research_group/members/{group}", (20, 30))
    yield Task("removal of a teacher", BIG, f"/research/removing/{school}", (20, 30))
    for who in (LEADER, MEMBER):
        yield Task("我的校本", who, "/research/mine/", (20, 30))
        yield Task("参与活动", who, "/research/activities/", (20, 30))
        yield Task("活动详情", who, f"/research/activities/{activity}", (20, 30))
        yield Task("我的学时", who, "/hours/", (20, 30))
    yield Task("summaries to review", REVIEWER, "/research/summaries/", (20, 30))
    yield Task("outcomes to review", REVIEWER, "/outcome/list/", (20, 30))
    yield Task("学时进展 of all schools", PROVINCE, "/research/progress/", (50, 50))
    yield Task("school_programme: list", PROVINCE, "/school_programme/list/", (20, 30))
    yield Task("school_programme: record", PROVINCE, f"/school_programme/show/{school}", (20, 30))
    yield Task("what it lacks, after the page", PROVINCE, f"/school_programme/missing/{school}?part=1", (50, 50))
