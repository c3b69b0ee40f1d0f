"""Views are added up exactly, whoever writes at the same time, and a visitor of a period is one however often they came (S3-42)."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session, sessionmaker

from models.access import Account, AccountState
from models.scoping import ROOT, SYSTEM, acting_as
from models.statistics import NEVER, AccountCount, PageViewCount, PageVisit, Recount, Views, area_views, region_views, view_days
from rules.account_counts import recount_accounts
from rules.page_views import KEPT_DAYS, Seen, day_of, forget_views, record
from rules.periods import LONGEST_VIEW_DAYS
from tests.cast import TODAY, Cast

DAY = date(2026, 11, 23)
COUNTY, CITY, PROVINCE = "/350000/350200/350203/", "/350000/350200/", "/350000/"
SCHOOL = f"{COUNTY}s1/"
NEXT_DOOR = "/350000/350200/350206/s3/"


def days_ago(count: int) -> date:
    return DAY - timedelta(days=count)


@pytest.fixture
def session(factory: sessionmaker[Any]) -> Iterator[Session]:
    with acting_as(SYSTEM), factory() as session:
        yield session


def see(session: Session, *visits: tuple[date, int, str, str, int]) -> None:
    for day, account, path, area, views in visits:
        record(session, {Seen(day, account, path, area): views})


def seen_in(session: Session, path: str, since: date, until: date = DAY) -> tuple[int, int]:
    """Views and visitors of a region."""
    found = region_views(session, [path], since, until)
    return (found[0].views, found[0].visitors) if found else (0, 0)


def test_a_view_counts_in_the_region_and_all_above_it_and_nowhere_else(session: Session) -> None:
    see(session, (DAY, 7, SCHOOL, "teacher", 3))
    for path in (COUNTY, CITY, PROVINCE, ROOT):
        assert seen_in(session, path, DAY) == (3, 1), path
    assert seen_in(session, "/350000/350200/350206/", DAY) == (0, 0)
    assert set(session.scalars(select(PageViewCount.scope_path))) == {COUNTY, CITY, PROVINCE, ROOT}


def test_who_comes_on_many_days_is_one_visitor_of_any_period_they_came_in(session: Session) -> None:
    see(session, (days_ago(9), 7, SCHOOL, "teacher", 1), (days_ago(3), 7, SCHOOL, "teacher", 2), (DAY, 7, SCHOOL, "teacher", 4))
    see(session, (DAY, 8, SCHOOL, "teacher", 1))
    assert seen_in(session, CITY, days_ago(9)) == (8, 2)
    assert seen_in(session, CITY, days_ago(4)) == (7, 2)
    assert seen_in(session, CITY, days_ago(9), days_ago(1)) == (3, 1)
    assert seen_in(session, CITY, days_ago(2), days_ago(1)) == (0, 0)


def test_who_visits_several_areas_is_a_visitor_of_each_and_one_of_all(session: Session) -> None:
    record(session, {Seen(DAY, 7, SCHOOL, "teacher"): 2, Seen(DAY, 7, SCHOOL, "school"): 1, Seen(DAY, 8, SCHOOL, "school"): 5})
    assert sorted(area_views(session, COUNTY, ["teacher", "school", "region"], DAY, DAY)) == [Views("school", 6, 2), Views("teacher", 2, 1)]
    assert seen_in(session, COUNTY, DAY) == (8, 2)


def test_who_works_in_two_counties_is_a_visitor_of_each_and_the_city_is_their_sum(session: Session) -> None:
    see(session, (DAY, 7, SCHOOL, "teacher", 1), (DAY, 7, NEXT_DOOR, "teacher", 1))
    assert [seen_in(session, path, DAY) for path in (COUNTY, "/350000/350200/350206/", CITY)] == [(1, 1), (1, 1), (2, 2)]


def test_the_same_day_again_adds_views_and_no_visitor(session: Session) -> None:
    see(session, (DAY, 7, SCHOOL, "teacher", 1), (DAY, 7, SCHOOL, "teacher", 1), (DAY, 7, SCHOOL, "teacher", 2))
    assert seen_in(session, COUNTY, DAY) == (4, 1)
    [visit] = session.scalars(select(PageVisit).where(PageVisit.area == "teacher")).all()
    assert (visit.day, visit.before, visit.views) == (DAY, NEVER, 4)


def test_views_of_yesterday_that_arrive_after_midnight_are_yesterdays(session: Session) -> None:
    see(session, (DAY, 7, SCHOOL, "teacher", 1), (days_ago(1), 7, SCHOOL, "teacher", 5))
    assert seen_in(session, COUNTY, days_ago(1), days_ago(1)) == (5, 0)
    see(session, (DAY, 7, SCHOOL, "teacher", 1))
    assert seen_in(session, COUNTY, DAY) == (2, 1)


def test_a_batch_may_reach_over_midnight(session: Session) -> None:
    record(session, {Seen(DAY, 7, SCHOOL, "teacher"): 1, Seen(days_ago(1), 7, SCHOOL, "teacher"): 1})
    assert seen_in(session, COUNTY, days_ago(1)) == (2, 1)


def test_each_day_says_who_was_not_seen_before_in_its_period(session: Session) -> None:
    see(session, *((days_ago(n), 7, SCHOOL, "teacher", 1) for n in (5, 4, 1, 0)))
    found = view_days(session, CITY, days_ago(5), days_ago(2), DAY)
    assert [(day.day, day.visitors, day.first) for day in found] == [
        (days_ago(5), 1, 1),
        (days_ago(4), 1, 0),
        (days_ago(1), 1, 1),
        (DAY, 1, 0),
    ]


def test_how_long_ago_somebody_came_makes_no_difference_beyond_the_longest_period(session: Session) -> None:
    see(session, *((days_ago(n), 7, SCHOOL, "teacher", 1) for n in (2 * LONGEST_VIEW_DAYS + 1, LONGEST_VIEW_DAYS, 0)))
    assert [seen_in(session, CITY, days_ago(n)) for n in (LONGEST_VIEW_DAYS, LONGEST_VIEW_DAYS - 1, 0)] == [(2, 1), (1, 1), (1, 1)]
    found = select(PageViewCount.day, PageViewCount.before).where(PageViewCount.scope_path == CITY, PageViewCount.area == "teacher")
    befores = {day: before for day, before in session.execute(found)}
    assert (befores[DAY], befores[days_ago(LONGEST_VIEW_DAYS)]) == (days_ago(LONGEST_VIEW_DAYS), NEVER)


def test_many_processes_that_write_the_same_rows_at_once_lose_nothing(factory: sessionmaker[Any], session: Session) -> None:
    together, failed = threading.Barrier(6), []

    def write(number: int) -> None:
        batch = {
            Seen(DAY, account, path, area): 1 for account in range(20) for path in (SCHOOL, NEXT_DOOR) for area in ("teacher", "school")
        }
        mixed = dict(sorted(batch.items(), reverse=number % 2 == 0))
        together.wait()
        try:
            for _ in range(5):
                with factory() as mine:
                    record(mine, mixed)
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert seen_in(session, COUNTY, DAY) == (6 * 5 * 20 * 2, 20)
    assert seen_in(session, CITY, DAY) == (6 * 5 * 20 * 4, 40)


def test_what_nobody_asks_for_any_more_is_forgotten(session: Session) -> None:
    see(session, (days_ago(KEPT_DAYS + 1), 7, SCHOOL, "teacher", 1), (days_ago(KEPT_DAYS), 8, SCHOOL, "teacher", 1))
    assert forget_views(session, today=DAY) > 0
    assert set(session.scalars(select(PageViewCount.day))) == {days_ago(KEPT_DAYS)}
    assert set(session.scalars(select(PageVisit.account_id))) == {8}
    assert forget_views(session, today=DAY) == 0


# --- accounts ---------------------------------------------------------------------------------------------------------


def counts(session: Session, path: str) -> tuple[int, int]:
    session.expire_all()
    found = select(func.sum(AccountCount.accounts), func.sum(AccountCount.activated)).where(AccountCount.scope_path == path)
    return tuple(number or 0 for number in session.execute(found).one())  # type: ignore[return-value]


def change(session: Session, cast: Cast, name: str, **values: Any) -> None:
    session.execute(update(Account.__table__).where(Account.__table__.c.id == cast.account[name]).values(values))  # type: ignore[arg-type]
    session.commit()


def test_accounts_are_counted_where_they_are_looked_after_and_above(session: Session, cast: Cast) -> None:
    assert recount_accounts(session, now=TODAY) > 0
    assert counts(session, cast.path["湖里区"]) == (3, 0), "荷, 双 and 岚"
    assert counts(session, cast.path["思明区"]) == (8, 0), "five teachers, two school administrators and 丹"
    assert counts(session, cast.path["厦门市"]) == (11, 0)
    assert counts(session, ROOT)[0] == session.scalar(select(func.count()).select_from(Account))
    assert session.scalars(select(Recount.at)).one() == TODAY


def test_only_differences_are_written(session: Session, cast: Cast) -> None:
    recount_accounts(session, now=TODAY)
    assert recount_accounts(session, now=TODAY + timedelta(minutes=10)) == 0
    assert session.scalars(select(Recount.at)).one() == TODAY + timedelta(minutes=10)
    change(session, cast, "荷", last_login=TODAY)
    assert recount_accounts(session, now=TODAY) == 4, "the county, the city, the province and the whole"
    assert counts(session, cast.path["湖里区"]) == (3, 1)


def test_who_was_refused_or_still_waits_has_no_account_and_who_was_disabled_has(session: Session, cast: Cast) -> None:
    recount_accounts(session, now=TODAY)
    change(session, cast, "荷", state=AccountState.REQUESTED)
    change(session, cast, "双", state=AccountState.DISABLED)
    recount_accounts(session, now=TODAY)
    assert counts(session, cast.path["湖里区"]) == (2, 0)


def test_a_moved_account_leaves_no_count_behind(session: Session, cast: Cast) -> None:
    change(session, cast, "榕", scope_path=cast.path["梅"])
    change(session, cast, "远", scope_path=ROOT)
    recount_accounts(session, now=TODAY)
    assert counts(session, cast.path["莆田市"]) == (0, 0)
    assert counts(session, cast.path["思明区"]) == (9, 0)


def test_the_day_is_shanghais(session: Session, cast: Cast) -> None:
    late = TODAY.replace(hour=15, minute=59, tzinfo=None)
    change(session, cast, "荷", created_on=late)
    change(session, cast, "双", created_on=late + timedelta(minutes=1))
    change(session, cast, "岚", created_on=TODAY.replace(year=2020, tzinfo=None))
    recount_accounts(session, now=TODAY)
    found = select(AccountCount.day, AccountCount.kind).where(AccountCount.scope_path == cast.path["湖里区"])
    assert {tuple(row) for row in session.execute(found)} == {(DAY, "teacher"), (DAY + timedelta(days=1), "teacher"), (NEVER, "")}
    assert day_of(TODAY.replace(hour=16)) == DAY + timedelta(days=1)
