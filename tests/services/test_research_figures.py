"""How far members and groups have come, and whose leader is reminded (S0-31, S0-32, S0-37, S1-35, Z-01)."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from models.access import Post
from models.follow_ups import FollowUp
from models.hours import HourEntry, HourPolicy, HourState
from models.notices import Notice
from models.research import SchoolState
from models.scoping import SYSTEM, acting_as
from models.violation import NotPermitted, OutOfReach, RuleViolation
from rules.follow_up import remind_leaders
from rules.grants import GROUP_MEMBER
from rules.hour_ledger import policy_in_force
from rules.hours import tally
from rules.page_views import day_of
from rules.research_figures import progress_of, schools_by_state, schools_page
from rules.research_persons import Deeds, Page, Standing, Wanted, page_of_persons, persons_of
from tests.bench.measuring import counted
from tests.cast import TODAY, Cast
from tests.services.endings import many
from tests.services.lessons import LEADER, MEMBER, OTHER, Lessons


@pytest.fixture
def lessons(cast: Cast, session: Session) -> Lessons:
    lessons = Lessons(cast, session)
    lessons.appoint(OTHER, GROUP_MEMBER, lessons.group.scope_path)
    return lessons


def earn(lessons: Lessons, name: str, *amounts: str, state: HourState = HourState.ACCRUED, counted: str | None = None) -> None:
    """Entries of the teacher in the programme, past the ledger."""
    with Session(lessons.cast.engine) as session:
        policy = session.scalars(select(HourPolicy).filter_by(programme_id=lessons.school.programme_id)).one()
        start = session.scalar(select(func.count()).select_from(HourEntry)) or 0
        for at, hours in enumerate(amounts, start):
            entry = HourEntry(
                teacher_id=lessons.cast.teacher[name], programme_id=policy.programme_id, policy_id=policy.id, evidence=f"t/{at}"
            )
            entry.category, entry.title, entry.hours, entry.state = (
                session.scalars(select(HourEntry.category)).first(),
                "活动",
                Decimal(hours),
                state,
            )
            entry.earned_at, entry.scope_path = TODAY + timedelta(minutes=at), lessons.group.scope_path
            entry.counted = Decimal(counted) if counted else None
            session.add(entry)
        session.commit()


def policy_of(lessons: Lessons) -> HourPolicy:
    return policy_in_force(lessons.session, lessons.school.programme_id, day_of(TODAY))


def progress(lessons: Lessons, group_ids: Any = None) -> Any:
    return progress_of(lessons.session, lessons.cast.identity("平"), lessons.school, group_ids, policy_of(lessons))


def persons(lessons: Lessons, **wanted: Any) -> list[Standing]:
    return persons_of(lessons.session, lessons.cast.identity("平"), lessons.school, policy_of(lessons), Wanted(**wanted))


def page_of(lessons: Lessons, *, limit: int = 10, offset: int = 0, **wanted: Any) -> Page:
    asked = lessons.session, lessons.cast.identity("平"), lessons.school, policy_of(lessons), Wanted(**wanted)
    return page_of_persons(*asked, limit=limit, offset=offset)


def deeds_of(lessons: Lessons, name: str) -> Deeds:
    return page_of(lessons).deeds[lessons.cast.teacher[name]]


def test_figures_are_what_the_tally_of_each_person_says(lessons: Lessons) -> None:
    """Z-01: sums made by the database agree with the rule over every entry, below, at and above the target."""
    earn(lessons, LEADER, "10", "14.5")
    earn(lessons, LEADER, "3", state=HourState.VOID)
    earn(lessons, LEADER, "-3", state=HourState.VOID)
    earn(lessons, MEMBER, "20", state=HourState.REGISTERED, counted="20")
    earn(lessons, MEMBER, "3", "9")
    found, everybody = progress(lessons), persons(lessons)
    assert [(p.name, p.raw, p.counted, p.missing, p.is_reached) for p in everybody] == [
        (OTHER, 5, 5, 20, False),
        (LEADER, Decimal("24.5"), Decimal("24.5"), Decimal("0.5"), False),
        (MEMBER, 32, 25, 0, True),
    ]
    with acting_as(SYSTEM):
        policy = lessons.session.scalars(select(HourPolicy).filter_by(programme_id=lessons.school.programme_id)).one()
        for person in everybody:
            theirs = lessons.session.scalars(
                select(HourEntry).filter_by(teacher_id=person.teacher_id, programme_id=policy.programme_id)
            ).all()
            told = tally(theirs, policy)
            assert (told.raw, told.counted, told.missing) == (person.raw, person.counted, person.missing)
    [group] = found.groups
    assert group.leader == LEADER and group.members == found.members
    assert (group.members.number, group.members.reached, group.members.below, group.members.average) == (3, 1, 2, Decimal("18.2"))
    assert (group.activities, group.has_plan) == (1, True)
    assert dict(found.spread) == {"0": 0, "0–5": 0, "5–10": 1, "10–15": 0, "15–20": 0, "20–25": 1, "≥25": 1}


def test_who_has_left_the_group_is_in_no_figure(lessons: Lessons) -> None:
    with acting_as(SYSTEM):
        lessons.session.execute(
            update(Post).where(Post.account_id == lessons.cast.account[OTHER], Post.role == GROUP_MEMBER).values(until=TODAY)
        )
        lessons.session.commit()
    assert {person.name for person in persons(lessons)} == {LEADER, MEMBER}
    assert progress(lessons).members.number == 2
    assert persons(lessons, group_ids=[lessons.group.id + 1]) == [] and progress(lessons, [lessons.group.id + 1]).members.number == 0


def test_deeds_of_a_page(lessons: Lessons) -> None:
    policy, ping = policy_of(lessons), lessons.cast.identity("平")
    with counted(lessons.session.get_bind()) as sent:
        page = page_of_persons(lessons.session, ping, lessons.school, policy, Wanted(), limit=10, offset=0)
    assert len(sent) == 1 and page.found == 3
    deeds = page.deeds[lessons.cast.teacher[OTHER]]
    assert (deeds.joined, deeds.completed, deeds.plan, deeds.summaries, deeds.passed, deeds.is_in_reach) == (1, 0, 1, 1, 0, True)
    leader = deeds_of(lessons, LEADER)
    assert (leader.joined, leader.plan) == (0, 0)


def test_persons_are_found_by_group_name_and_what_they_lack(lessons: Lessons) -> None:
    """S0-32: a page at a time, who misses most first, and how many there are in all."""
    earn(lessons, LEADER, "25")
    earn(lessons, OTHER, "3")
    assert [person.name for person in persons(lessons)] == [MEMBER, OTHER, LEADER]
    assert [person.name for person in persons(lessons, is_below=True)] == [MEMBER, OTHER]
    assert [person.name for person in persons(lessons, name=OTHER)] == [OTHER]
    assert persons(lessons, name="%") == []
    assert len(persons(lessons, group_id=lessons.group.id)) == 3 and persons(lessons, group_id=lessons.group.id + 1) == []
    assert [person.name for person in persons(lessons, teacher_ids=[lessons.cast.teacher[MEMBER]])] == [MEMBER]
    pages = [page_of(lessons, limit=2, offset=offset) for offset in (0, 2, 4)]
    assert [[person.name for person in page.persons] for page in pages] == [[MEMBER, OTHER], [LEADER], []]
    assert [page.found for page in pages] == [3, 3, 0]


def test_a_large_school_costs_no_more_statements(lessons: Lessons) -> None:
    """3 000 teachers, 200 groups, 20 000 activities."""
    many(lessons.session, lessons.school, teachers=3_000, groups=200, activities=20_000, hours=(5, 5, 5, 5, 2))
    lessons.session.expire_all()
    with acting_as(SYSTEM):
        assert lessons.session.get_one(type(lessons.school), lessons.school.id)
    dan = lessons.cast.identity("丹")
    policy, ping = policy_of(lessons), lessons.cast.identity("平")
    with counted(lessons.session.get_bind()) as sent:
        found = progress_of(lessons.session, ping, lessons.school, None, policy)
        page = page_of_persons(lessons.session, ping, lessons.school, policy, Wanted(), limit=50, offset=0)
    assert len(sent) == 2, sent
    assert (found.members.number, len(found.groups), found.members.reached) == (3_003, 201, 0)
    assert len(page.persons) == len(page.deeds) == 50 and page.found == 3_003
    assert sum(group.activities for group in found.groups) == 20_001
    with counted(lessons.session.get_bind()) as sent:
        [school] = schools_page(lessons.session, dan, limit=10, offset=0, now=TODAY)
    assert len(sent) <= 3 and (school.members, school.reached, school.percent) == (3_003, 0, 0)


def test_a_region_sees_its_schools(lessons: Lessons) -> None:
    earn(lessons, LEADER, "25")
    [school] = schools_page(lessons.session, lessons.cast.identity("丹"), limit=10, offset=0, now=TODAY)
    assert (school.name, school.members, school.reached, school.percent) == (lessons.school.name, 3, 1, 33)
    assert schools_by_state(lessons.session, lessons.cast.identity("丹")) == {SchoolState.OPEN: 1}
    assert schools_page(lessons.session, lessons.cast.identity("岚"), limit=10, offset=0, now=TODAY) == []
    with pytest.raises(NotPermitted):
        schools_page(lessons.session, lessons.cast.identity("梅"), limit=10, offset=0, now=TODAY)


@pytest.mark.parametrize(
    ("accrued", "registered"),
    [
        (["0.1"] * 250, None),
        (["0.1"] * 249, None),
        (["24.99"], None),
        (["0.7", "0.1"], "24.2"),
        (["9"], "24.9"),
        (["3"], "22.01"),
        ([], "25"),
    ],
)
def test_the_database_counts_who_has_reached_the_target_as_the_rule_does(
    lessons: Lessons, accrued: list[str], registered: str | None
) -> None:
    """Z-01: hundredths are no binary fractions, and the cap holds for what is accrued beside what is registered."""
    earn(lessons, LEADER, *accrued)
    if registered:
        earn(lessons, LEADER, registered, state=HourState.REGISTERED, counted=registered)
    [leader] = persons(lessons, name=LEADER)
    [school] = schools_page(lessons.session, lessons.cast.identity("丹"), limit=10, offset=0, now=TODAY)
    assert school.reached == leader.is_reached == (Decimal(registered or 0) + sum(map(Decimal, accrued)) >= 25)


# --- reminders --------------------------------------------------------------------------------------------------------


def remind(lessons: Lessons, *names: str, who: str = "平", days: int = 0) -> int:
    ids = [lessons.cast.teacher[name] for name in names]
    return remind_leaders(lessons.session, lessons.cast.identity(who), lessons.school, ids, now=TODAY + timedelta(days=days))


def reminders(lessons: Lessons) -> list[str]:
    with acting_as(SYSTEM):
        mine = select(Notice).filter_by(account_id=lessons.cast.account[LEADER]).order_by(Notice.id)
        return [str(notice.sentence) for notice in lessons.session.scalars(mine) if "请跟进" in str(notice.sentence)]


def test_the_leader_is_told_once_a_day_for_each_teacher(lessons: Lessons) -> None:
    """S0-32."""
    earn(lessons, LEADER, "25")
    assert remind(lessons, MEMBER) == 1
    with pytest.raises(RuleViolation, match="今天已经提醒过"):
        remind(lessons, MEMBER)
    assert remind(lessons, MEMBER, OTHER, LEADER) == 1
    assert reminders(lessons) == [
        "“北语文教研组”有 1 名成员未达 25 学时，请跟进：兰。",
        "“北语文教研组”有 1 名成员未达 25 学时，请跟进：竹。",
    ]
    assert remind(lessons, MEMBER, OTHER, days=1) == 2
    assert reminders(lessons)[-1] == "“北语文教研组”有 2 名成员未达 25 学时，请跟进：兰、竹。"
    with acting_as(SYSTEM):
        kept = lessons.session.execute(select(FollowUp.teacher_id, FollowUp.account_id, FollowUp.reminded_at)).all()
    assert len(kept) == 4 and {row.account_id for row in kept} == {lessons.cast.account["平"]}
    assert deeds_of(lessons, MEMBER).reminded_at == TODAY + timedelta(days=1)


def test_refusals_of_a_reminder(lessons: Lessons) -> None:
    earn(lessons, MEMBER, "25")
    with pytest.raises(RuleViolation, match="已达到学时要求"):
        remind(lessons, MEMBER)
    with acting_as(SYSTEM):
        lessons.group.leader_id = None
        lessons.session.commit()
    with pytest.raises(RuleViolation, match="还没有组长"):
        remind(lessons, OTHER)
    with pytest.raises(OutOfReach):
        remind(lessons, OTHER, who="锐")
    for who in ("丹", "梅"):
        with pytest.raises(NotPermitted):
            remind(lessons, OTHER, who=who)
