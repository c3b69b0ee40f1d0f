"""Rates and averages reproduce every printed row of the manuals, digit for digit (S3-48, S3-50…57, S3-67…70)."""

from decimal import Decimal

import pytest

from rules.figures import EMPTY, average, rate

# 激活进度 of 内蒙古: region, school rate, schools, activated, region rate, regions, covered.
ACTIVATION = """
内蒙古自治区 83.8% 6557 5498 100.0% 120 120
直属学校 100.0% 2 2 -- -- --
包头市 100.0% 321 321 100.0% 11 11
乌海市 100.0% 104 104 100.0% 4 4
呼伦贝尔市 100.0% 690 690 100.0% 15 15
巴彦淖尔市 100.0% 349 349 100.0% 8 8
兴安盟 100.0% 582 582 100.0% 7 7
锡林郭勒盟 99.5% 211 210 100.0% 14 14
"""

# 教师培训统计: region, enrolled, its rate, learners, its rate, hours per learner, completed, its rate, open, its rate.
TRAINING = """
福建省 146999 33.03% 145792 99.18% 7.5 80496 54.76% 66503 45.24%
福州市 20859 26.81% 20650 99.00% 7.4 11527 55.26% 9332 44.74%
泉州市 20025 21.58% 19769 98.72% 6.3 7539 37.65% 12486 62.35%
宁德市 19197 33.72% 19088 99.43% 7.1 11413 59.45% 7784 40.55%
漳州市 17110 29.94% 17019 99.47% 8.0 10313 60.27% 6797 39.73%
三明市 13041 42.41% 12968 99.44% 7.5 6826 52.34% 6215 47.66%
龙岩市 11646 32.75% 11561 99.27% 7.0 5340 45.85% 6306 54.15%
厦门市 8687 18.19% 8622 99.25% 7.9 4927 56.72% 3760 43.28%
南平市 7003 22.99% 6894 98.44% 6.8 3120 44.55% 3883 55.45%
平潭综合实验区 3117 65.52% 3106 99.65% 8.9 2313 74.21% 804 25.79%
莆田市 24605 66.44% 24475 99.47% 8.4 16754 68.09% 7851 31.91%
仙游县 7821 70.33% 7780 99.48% 8.9 5915 75.63% 1906 24.37%
秀屿区 4267 62.22% 4231 99.16% 8.2 3223 75.53% 1044 24.47%
城厢区 3674 58.68% 3660 99.62% 8.5 2504 68.15% 1170 31.85%
涵江区 3078 60.22% 3060 99.42% 8.5 2144 69.66% 934 30.34%
荔城区 2836 37.35% 2809 99.05% 6.4 1083 38.19% 1753 61.81%
湄洲岛 1075 0.00% 1072 99.72% 8.3 655 60.93% 420 39.07%
直属学校 1068 0.00% 1062 99.44% 7.7 606 56.74% 462 43.26%
北岸经济开发区 786 0.00% 783 99.62% 9.2 624 79.39% 162 20.61%
"""


def rows(table):
    return [line.split() for line in table.strip().splitlines()]


@pytest.mark.parametrize("row", rows(ACTIVATION), ids=lambda row: row[0])
def test_activation_rows(row):
    _, school_rate, schools, activated, region_rate, regions, covered = row
    assert rate(int(activated), int(schools), 1) == school_rate
    if regions == EMPTY:
        assert region_rate == covered == EMPTY
    else:
        assert rate(int(covered), int(regions), 1) == region_rate


@pytest.mark.parametrize("row", rows(TRAINING), ids=lambda row: row[0])
def test_training_rows(row):
    enrolled, learners, completed, still_open = (int(row[column]) for column in (1, 3, 6, 8))
    assert rate(learners, enrolled, 2) == row[4]
    assert rate(completed, enrolled, 2) == row[7]
    assert rate(still_open, enrolled, 2) == row[9]
    assert enrolled - completed == still_open


@pytest.mark.parametrize("row", rows(TRAINING), ids=lambda row: row[0])
def test_training_rates_over_reported_teachers(row):
    """The reported counts are not printed: one that prints the row's rate exists, none at all prints 0.00%."""
    enrolled, printed = int(row[1]), Decimal(row[2].rstrip("%"))
    reported = round(enrolled * 100 / printed) if printed else None
    assert rate(enrolled, reported, 2) == row[2]


@pytest.mark.parametrize("row", rows(TRAINING), ids=lambda row: row[0])
def test_training_averages_turn_at_the_half(row):
    """The hours are not printed: the fewest that print the row's average are the half below it, no less."""
    learners, printed = int(row[3]), Decimal(row[5])
    fewest = learners * (printed - Decimal("0.05"))
    assert average(printed * learners, learners, 1) == row[5]
    assert average(fewest, learners, 1) == row[5]
    assert average(fewest - Decimal("0.01"), learners, 1) == str(printed - Decimal("0.1"))


def test_putian_from_leaf_records_differs_in_one_pair_of_cells():
    children = rows(TRAINING)[11:]
    enrolled, learners, completed = (sum(int(row[column]) for row in children) for column in (1, 3, 6))
    assert (enrolled, learners, completed) == (24605, 24457, 16754)
    assert rate(learners, enrolled, 2) == "99.40%"


def test_the_province_is_its_ten_cities_and_the_schools_of_its_own():
    cities = rows(TRAINING)[1:11]
    assert sum(int(row[1]) for row in cities) + 1709 == 146999
    assert sum(int(row[6]) for row in cities) + 424 == 80496
    assert sum(int(row[3]) for row in cities) - 24475 + 24457 + 1658 == 145792


@pytest.mark.parametrize(
    ("part", "whole", "decimals", "printed"),
    [
        (5498, 6557, 1, "83.8%"),
        (1, 8, 1, "12.5%"),
        (1, 8, 0, "13%"),
        (1, 16, 1, "6.3%"),
        (1, 32, 2, "3.13%"),
        (201, 20000, 2, "1.01%"),
        (2, 3, 2, "66.67%"),
        (0, 7, 1, "0.0%"),
        (7, 7, 2, "100.00%"),
        (8, 7, 2, "114.29%"),
        (5, 0, 2, "0.00%"),
        (5, None, 2, "0.00%"),
        (None, 5, 1, "0.0%"),
        (None, None, 0, "0%"),
        (99999999999, 100000000000, 2, "100.00%"),
        (Decimal("12.5"), 25, 1, "50.0%"),
    ],
)
def test_rates(part, whole, decimals, printed):
    assert rate(part, whole, decimals) == printed


@pytest.mark.parametrize(
    ("total", "count", "decimals", "printed"),
    [
        (Decimal("7.45"), 1, 1, "7.5"),
        (Decimal("2.25"), 1, 1, "2.3"),
        (Decimal("2.35"), 1, 1, "2.4"),
        (100, 3, 2, "33.33"),
        (5, 2, 0, "3"),
        (0, 9, 1, "0.0"),
        (9, 0, 1, "0.0"),
        (9, None, 2, "0.00"),
        (None, 9, 1, "0.0"),
    ],
)
def test_averages(total, count, decimals, printed):
    assert average(total, count, decimals) == printed
