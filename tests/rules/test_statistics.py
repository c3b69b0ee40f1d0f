"""数据统计 as printed, from counts (S3-42)."""

from datetime import date

import pytest

from models.scoping import ROOT
from models.statistics import ViewDay
from rules.account_counts import add_up
from rules.figures import growth
from rules.page_views import region_of
from rules.periods import Period, Step
from rules.statistics import Part, daily_views, new_accounts, split

PARTS = [Part(1, "东", "/35/01/"), Part(2, "西", "/35/02/")]


def test_what_belongs_to_no_region_below_is_a_line_of_its_own():
    numbers = {"/35/": (10, 4), "/35/01/": (6, 1)}
    assert split("/35/", PARTS, numbers, 2) == [
        ("合计", None, (10, 4)),
        ("本级及直属学校", None, (4, 3)),
        ("东", 1, (6, 1)),
        ("西", 2, (0, 0)),
    ]


def test_that_line_is_left_out_where_there_is_nothing_in_it():
    assert [name for name, *_ in split("/35/", PARTS, {"/35/": (6,), "/35/01/": (6,)}, 1)] == ["合计", "东", "西"]
    assert split("/35/01/", [], {"/35/01/": (6,)}, 1) == [("合计", None, (6,))]
    assert split("/35/01/", [], {}, 1) == [("合计", None, (0,))]


def test_each_day_stands_beside_its_day_of_the_period_before():
    period = Period(date(2026, 11, 3), date(2026, 11, 4))
    days = [ViewDay(date(2026, 11, 1), 5, 2, 2), ViewDay(date(2026, 11, 4), 9, 3, 3)]
    table = daily_views(days, period)
    assert [(line.name, *line.texts) for line in table.lines] == [("2026.11.04", "9", "3", "0", "0"), ("2026.11.03", "0", "0", "5", "2")]
    assert [(one.name, one.values) for one in table.series] == [("浏览次数", [0, 9]), ("上一周期浏览次数", [5, 0]), ("访客数", [0, 3])]
    assert table.labels == ("2026.11.03", "2026.11.04")


def test_new_accounts_are_added_up_by_week_and_identity():
    period = Period(date(2026, 11, 6), date(2026, 11, 10))
    days = [(date(2026, 11, 6), "teacher", 2), (date(2026, 11, 8), "student", 1), (date(2026, 11, 9), "", 4)]
    table = new_accounts(days, period, Step.WEEK)
    assert table.header == ("时间", "新增账号", "教师", "学生", "家长", "管理员及其他")
    assert [(line.name, *line.texts) for line in table.lines] == [
        ("合计", "7", "2", "1", "0", "4"),
        ("2026.11.09", "4", "0", "0", "0", "4"),
        ("2026.11.02", "3", "2", "1", "0", "0"),
    ]


@pytest.mark.parametrize(("now", "before", "text"), [(30, 24, "+25.0%"), (0, 8, "-100.0%"), (8, 8, "0.0%"), (8, 0, "--"), (2, 3, "-33.3%")])
def test_growth_is_told_with_its_sign(now, before, text):
    assert growth(now, before, 1) == text


@pytest.mark.parametrize(
    ("unit", "region"),
    [("/350000/350203/s17/t42/", "/350000/350203/"), ("/350000/", "/350000/"), ("/350000/t42/", "/350000/"), (ROOT, ROOT), ("/t42/", ROOT)],
)
def test_the_region_of_a_unit_is_the_part_of_its_path_that_begins_with_digits(unit, region):
    assert region_of(unit) == region


def test_accounts_count_in_every_region_above_them():
    day = date(2026, 11, 1)
    counts = add_up([("/35/01/", day, "teacher", 3, 1), ("/35/", day, "teacher", 2, 2), ("/", day, "teacher", 1, 0)])
    assert counts == {("/", day, "teacher"): (6, 3), ("/35/", day, "teacher"): (5, 3), ("/35/01/", day, "teacher"): (3, 1)}
