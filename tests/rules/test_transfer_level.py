"""Which level may move a school or a person (Z-06, S3-14, S3-18, S3-135, S3-138)."""

import pytest

from rules.transfer_level import level_that_may_move, may_move

PROVINCE = "/350000/"
CITY = "/350000/350200/"
COUNTY = "/350000/350200/350203/"
OTHER_COUNTY = "/350000/350200/350205/"
OTHER_CITY = "/350000/350300/"
OTHER_CITYS_COUNTY = "/350000/350300/350302/"
OTHER_PROVINCE = "/440000/440100/440106/"


@pytest.mark.parametrize(
    ("from_path", "to_path", "level"),
    [
        pytest.param(COUNTY + "s17/", COUNTY, COUNTY, id="within a county"),
        pytest.param(COUNTY + "s17/", COUNTY + "s17/", COUNTY, id="a school is never its own mover"),
        pytest.param(COUNTY + "s17/t42/", COUNTY + "s17/g5/", COUNTY, id="nor a teacher's school"),
        pytest.param(COUNTY + "s17/t42/", COUNTY + "s18/", COUNTY, id="a teacher to the next school"),
        pytest.param(COUNTY + "s17/", OTHER_COUNTY, CITY, id="across counties"),
        pytest.param(COUNTY + "s17/", OTHER_COUNTY + "s17/", CITY, id="across counties, both named by the school"),
        pytest.param(COUNTY + "s17/", CITY, CITY, id="up to 市直属"),
        pytest.param(CITY + "s9/", COUNTY, CITY, id="from 市直属 to a county"),
        pytest.param(CITY + "s9/", CITY + "s10/", CITY, id="within 市直属"),
        pytest.param(COUNTY + "s17/", OTHER_CITYS_COUNTY, PROVINCE, id="across cities"),
        pytest.param(CITY + "s9/", OTHER_CITY, PROVINCE, id="市直属 to another city"),
        pytest.param(PROVINCE + "s5/", COUNTY, PROVINCE, id="from 省直属 to a county"),
        pytest.param(COUNTY, OTHER_CITY, PROVINCE, id="a county to another city"),
        pytest.param(COUNTY + "s17/", OTHER_PROVINCE, "/", id="across provinces"),
        pytest.param(PROVINCE, "/440000/", "/", id="two provinces"),
        pytest.param("/", COUNTY, "/", id="from the top"),
        pytest.param("/350000/350200/35020/", "/350000/350200/350203/", CITY, id="a code that begins like another"),
    ],
)
def test_the_lowest_common_region_decides(from_path, to_path, level):
    assert level_that_may_move(from_path, to_path) == level
    assert level_that_may_move(to_path, from_path) == level


@pytest.mark.parametrize(
    ("actor_paths", "to_path", "allowed"),
    [
        ([COUNTY], COUNTY + "s18/", True),
        ([COUNTY], OTHER_COUNTY, False),
        ([COUNTY, OTHER_COUNTY], OTHER_COUNTY, False),
        ([CITY], OTHER_COUNTY, True),
        ([PROVINCE], OTHER_COUNTY, True),
        ([CITY], OTHER_CITYS_COUNTY, False),
        ([CITY, OTHER_CITY], OTHER_CITYS_COUNTY, False),
        ([PROVINCE], OTHER_CITYS_COUNTY, True),
        ([PROVINCE], OTHER_PROVINCE, False),
        ([PROVINCE, "/440000/"], OTHER_PROVINCE, False),
        (["/"], OTHER_PROVINCE, True),
        (["/"], COUNTY, True),
        ([OTHER_CITY], OTHER_COUNTY, False),
        ([COUNTY + "s17/"], COUNTY + "s18/", False),
        ([COUNTY + "s17/", CITY], COUNTY + "s18/", True),
        (["/350000/35020/"], OTHER_COUNTY, False),
        ([], COUNTY + "s18/", False),
    ],
)
def test_a_post_at_that_level_or_above_may_move(actor_paths, to_path, allowed):
    assert may_move(actor_paths, COUNTY + "s17/", to_path) is allowed


@pytest.mark.parametrize("broken", ["", "350000", "/350000", "350000/", "//", "/350000//350200/", " /", "/350000/\n"])
def test_a_broken_path_is_a_bug_and_grants_nothing(broken):
    with pytest.raises(ValueError, match="slash"):
        level_that_may_move(broken, COUNTY)
    with pytest.raises(ValueError, match="slash"):
        may_move([broken], COUNTY, OTHER_COUNTY)
