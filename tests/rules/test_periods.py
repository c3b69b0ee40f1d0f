"""Which days a statistic looks at, and in which steps (S3-42)."""

from datetime import date

import pytest

from rules.errors import RuleViolation
from rules.periods import LONGEST_DAYS, LONGEST_VIEW_DAYS, Period, Step, last_days, read_period, read_step

TODAY = date(2026, 11, 23)


def test_without_dates_it_is_the_last_thirty_days():
    assert read_period("", " ", TODAY) == Period(date(2026, 10, 25), TODAY) == last_days(30, TODAY)


def test_the_period_before_is_as_long_and_ends_where_this_one_begins():
    period = read_period("2026-11-10", "2026-11-16", TODAY)
    assert (period.length, period.previous) == (7, Period(date(2026, 11, 3), date(2026, 11, 9)))
    assert read_period("2026-11-23", "2026-11-23", TODAY).previous == Period(date(2026, 11, 22), date(2026, 11, 22))


@pytest.mark.parametrize(
    ("since", "until", "field"),
    [
        ("2026-11-12", "2026-11-11", "from"),
        ("2026-11-12", "2026-11-24", "to"),
        ("2025-11-21", "2026-11-22", "from"),
        ("", "2026-11-12", "from"),
        ("2026-11-12", "", "to"),
        ("2026-02-30", "2026-03-01", "from"),
        ("0001-01-01", "0001-01-02", "from"),
        ("yesterday", "2026-03-01", "from"),
    ],
)
def test_what_is_no_period_is_told_beside_its_date(since, until, field):
    with pytest.raises(RuleViolation) as refusal:
        read_period(since, until, TODAY)
    assert refusal.value.field == field


def test_a_leap_year_fits():
    assert read_period("2024-01-01", "2024-12-31", TODAY).length == LONGEST_DAYS


def test_weeks_begin_on_monday_and_months_on_the_first():
    period = Period(date(2026, 10, 30), date(2026, 11, 10))
    assert period.steps(Step.WEEK) == [date(2026, 10, 26), date(2026, 11, 2), date(2026, 11, 9)]
    assert [Step.MONTH.name_of(begin) for begin in period.steps(Step.MONTH)] == ["2026.10", "2026.11"]
    assert len(period.steps(Step.DAY)) == 12


@pytest.mark.parametrize(("days", "step"), [(31, Step.DAY), (90, Step.WEEK), (366, Step.MONTH)])
def test_long_periods_go_in_long_steps_unless_asked_otherwise(days, step):
    assert read_step("", last_days(days, TODAY)) is read_step("century", last_days(days, TODAY)) is step
    assert read_step("week", last_days(days, TODAY)) is Step.WEEK


def test_views_are_asked_for_a_quarter_at_most():
    assert read_period("2026-08-24", "2026-11-23", TODAY, LONGEST_VIEW_DAYS).length == LONGEST_VIEW_DAYS
    with pytest.raises(RuleViolation, match="92"):
        read_period("2026-08-23", "2026-11-23", TODAY, LONGEST_VIEW_DAYS)
