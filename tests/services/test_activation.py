"""激活进度 prints the manual's rows from leaf records, to who may see them and nobody else (S3-45…S3-57)."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count as numbers

import pytest
from sqlalchemy import event, insert, update

from models.access import Post
from models.activation import OwnCount
from models.org import Region, RegionKind, RegionLevel, School, SchoolKind
from models.scoping import ROOT, SYSTEM, acting_as
from models.violation import NotPermitted, OutOfReach
from rules.activation import HEADER, activation_rows, region_list, roll_up, school_list
from rules.grants import SCHOOL_ADMIN
from tests.cast import TODAY as NOW
from tests.services.published import ACTIVATION_AS_PUBLISHED

# code: (name, regions with itself, schools, activated). The six cities left out share what is left of the total.
CITIES = {
    "150100": ("呼和浩特市", 11, 717, 540),
    "150200": ("包头市", 11, 321, 321),
    "150300": ("乌海市", 4, 104, 104),
    "150400": ("赤峰市", 13, 717, 540),
    "150500": ("通辽市", 9, 716, 540),
    "150600": ("鄂尔多斯市", 11, 716, 540),
    "150700": ("呼伦贝尔市", 15, 690, 690),
    "150800": ("巴彦淖尔市", 8, 349, 349),
    "150900": ("乌兰察布市", 12, 716, 540),
    "152200": ("兴安盟", 7, 582, 582),
    "152500": ("锡林郭勒盟", 14, 211, 210),
    "152900": ("阿拉善盟", 4, 716, 540),
}


def counted(path: str, schools: int = 0, activated: int = 0) -> OwnCount:
    return OwnCount(len(path), path.strip("/").split("/")[-1], path, path, schools, activated)


def texts(rows) -> list[tuple[str, ...]]:
    return [row.texts() for row in rows]


# --- adding up, without a database -------------------------------------------------------------------------------------


def test_a_city_counts_itself_its_own_schools_and_its_counties():
    counts = [
        counted("/15/", 2, 1),
        counted("/15/01/", 1, 1),
        counted("/15/01/a/", 3, 0),
        counted("/15/01/b/", 4, 4),
        counted("/15/02/"),
        counted("/15/02/c/", 5, 0),
    ]
    assert texts(roll_up(counts, "/15/")) == [
        ("/15/", "40.0%", "15", "6", "50.0%", "6", "3"),
        ("直属学校", "50.0%", "2", "1", "--", "--", "--"),
        ("/15/01/", "62.5%", "8", "5", "66.7%", "3", "2"),
        ("/15/02/", "0.0%", "5", "0", "0.0%", "2", "0"),
    ]
    assert texts(roll_up(counts[1:4], "/15/01/")) == [
        ("/15/01/", "62.5%", "8", "5", "66.7%", "3", "2"),
        ("直属学校", "100.0%", "1", "1", "--", "--", "--"),
        ("/15/01/a/", "0.0%", "3", "0", "0.0%", "1", "0"),
        ("/15/01/b/", "100.0%", "4", "4", "100.0%", "1", "1"),
    ]


def test_a_county_has_its_total_only():
    assert texts(roll_up([counted("/15/01/b/", 4, 3)], "/15/01/b/")) == [("/15/01/b/", "75.0%", "4", "3", "100.0%", "1", "1")]


def test_own_schools_cover_their_region_and_none_below():
    rows = roll_up([counted("/15/", 1, 1), counted("/15/01/")], "/15/")
    assert [(row.regions, row.covered) for row in rows] == [(2, 1), (None, None), (1, 0)]


def test_a_region_without_schools_has_nothing_to_activate():
    assert texts(roll_up([counted("/15/"), counted("/15/01/")], "/15/")) == [
        ("/15/", "0.0%", "0", "0", "0.0%", "2", "0"),
        ("/15/01/", "0.0%", "0", "0", "0.0%", "1", "0"),
    ]


def test_the_whole_platform_is_its_provinces():
    rows = roll_up([counted("/15/", 1, 1), counted("/35/", 1, 0)], ROOT)
    assert texts(rows) == [
        ("全部区域", "50.0%", "2", "1", "50.0%", "2", "1"),
        ("/15/", "100.0%", "1", "1", "100.0%", "1", "1"),
        ("/35/", "0.0%", "1", "0", "0.0%", "1", "0"),
    ]


def test_below_the_total_the_rows_add_up_to_it():
    counts = [counted("/15/", 2, 1), counted("/15/01/", 1, 1), counted("/15/01/a/", 3, 0), counted("/15/02/", 7, 2)]
    total, *parts = roll_up(counts, "/15/")
    assert (total.schools, total.activated) == (sum(row.schools for row in parts), sum(row.activated for row in parts))
    assert total.regions == 1 + sum(row.regions or 0 for row in parts)


# --- the cast's world ----------------------------------------------------------------------------------------------------


@pytest.fixture
def asked(cast, factory):
    """``asked("丹", activation_rows, "思明区")``: what one of the cast is shown of a region."""

    def asked(who, question, region, **named):
        identity = cast.identity(who)
        with acting_as(identity), factory() as session:
            return question(session, identity, cast.region[region] if region else None, **named)

    return asked


def changed(factory, model, condition, **values):
    with acting_as(SYSTEM), factory() as session:
        session.execute(update(model).where(condition).values(**values))
        session.commit()


def test_each_level_drills_down_to_the_next(asked, cast):
    rows = asked("福", activation_rows, "福建省")
    assert texts(rows) == [
        ("福建省", "75.0%", "4", "3", "66.7%", "6", "4"),
        ("厦门市", "100.0%", "3", "3", "100.0%", "3", "3"),
        ("莆田市", "0.0%", "1", "0", "0.0%", "2", "0"),
    ]
    assert [row.region_id for row in rows] == [None, cast.region["厦门市"], cast.region["莆田市"]]
    assert [row.name for row in asked("福", activation_rows, "厦门市")] == ["厦门市", "思明区", "湖里区"]
    assert [row.name for row in asked("丹", activation_rows, "思明区")] == ["思明区"]
    assert asked("运", activation_rows, None)[0].texts() == ("全部区域", *rows[0].texts()[1:])


def test_an_ended_post_and_a_placeholder_do_not_count(asked, cast, factory):
    changed(factory, Post, Post.school_id == cast.school["北"], until=NOW)
    changed(factory, School, School.id == cast.school["湖"], kind=SchoolKind.OTHER)
    assert texts(asked("福", activation_rows, "厦门市"))[0] == ("厦门市", "50.0%", "2", "1", "66.7%", "3", "2")


def test_a_school_of_the_city_itself_is_a_row_of_its_own(asked, cast, factory):
    path = f"{cast.path['厦门市']}s{cast.school['城']}/"
    changed(factory, School, School.id == cast.school["城"], region_id=cast.region["厦门市"], scope_path=path)
    assert texts(asked("福", activation_rows, "厦门市"))[:2] == [
        ("厦门市", "75.0%", "4", "3", "100.0%", "3", "3"),
        ("直属学校", "0.0%", "1", "0", "--", "--", "--"),
    ]


def test_nobody_sees_the_progress_of_others(asked, cast, factory):
    named = {"activated": True, "page": 1, "size": 10}
    for question, more in ((activation_rows, {}), (school_list, named), (region_list, named)):
        for who, region in (("丹", "湖里区"), ("丹", "厦门市"), ("丹", "福建省"), ("远", "厦门市"), ("福", None)):
            with pytest.raises(OutOfReach):
                asked(who, question, region, **more)
        for who in ("平", "梅", "林"):
            with pytest.raises(NotPermitted):
                asked(who, question, "思明区", **more)
    dan = cast.identity("丹")
    with acting_as(dan), factory() as session, pytest.raises(OutOfReach):
        activation_rows(session, dan, 10**6)


def test_the_lists_name_who_has_and_who_lacks_an_administrator(asked):
    page = asked("福", school_list, "福建省", activated=True, page=1, size=2)
    assert page.total == 3
    assert [(line.name, line.region_name, line.administrator, line.since) for line in page.rows] == [
        ("北实验小学", "思明区", "平", NOW),
        ("南实验小学", "思明区", "锐", NOW),
    ]
    assert [line.name for line in asked("福", school_list, "福建省", activated=True, page=2, size=2).rows] == ["湖实验小学"]
    lacking = asked("远", school_list, "莆田市", activated=False, page=1, size=10)
    assert [(line.name, line.administrator, line.since) for line in lacking.rows] == [("城实验小学", None, None)]


def test_the_lists_of_regions_say_what_is_missing_where(asked):
    covered = asked("福", region_list, "福建省", activated=True, page=1, size=10)
    assert [(line.name, line.schools, line.activated, line.administrators) for line in covered.rows] == [
        ("福建省", 4, 3, 1),
        ("厦门市", 3, 3, 0),
        ("思明区", 2, 2, 1),
        ("湖里区", 1, 1, 1),
    ]
    lacking = asked("福", region_list, "福建省", activated=False, page=1, size=1)
    assert ([line.name for line in lacking.rows], lacking.total) == (["莆田市"], 2)
    assert [line.name for line in asked("福", region_list, "福建省", activated=False, page=2, size=1).rows] == ["城厢区"]


# --- 内蒙古 --------------------------------------------------------------------------------------------------------------


class InnerMongolia:
    """The rows of 120 regions and 6557 schools such that the page prints the manual's table."""

    def __init__(self, account: int) -> None:
        self.account = account
        self.regions: list[dict[str, object]] = []
        self.schools: list[dict[str, object]] = []
        self.posts: list[dict[str, object]] = []
        self.ids: Iterator[int] = numbers(1000)
        province = self.region("150000", "内蒙古自治区", RegionLevel.PROVINCE, None, ROOT)
        self.school_of(province, 2, 2)
        for code, (name, regions, schools, activated) in CITIES.items():
            city = self.region(code, name, RegionLevel.CITY, province["id"], province["scope_path"])
            self.city_of(city, regions - 1, schools, activated)

    def region(self, code, name, level, parent, above):
        row = {"id": next(self.ids), "code": code, "name": name, "level": level, "parent_id": parent, "scope_path": f"{above}{code}/"}
        self.regions.append(row | {"kind": RegionKind.ADMINISTRATIVE, "version": 1, "created_at": NOW, "updated_at": NOW})
        return row

    def city_of(self, city, counties, schools, activated):
        for n in range(counties):
            county = self.region(
                f"{city['code'][:4]}{n + 1:02}", f"{city['name']}{n + 1}区", RegionLevel.COUNTY, city["id"], city["scope_path"]
            )
            self.school_of(county, schools // counties + (n < schools % counties), activated // counties + (n < activated % counties))

    def school_of(self, region, schools, activated):
        for n in range(schools):
            key = next(self.ids)
            row = {"scope_path": f"{region['scope_path']}s{key}/", "version": 1, "created_at": NOW, "updated_at": NOW}
            self.schools.append(
                row | {"id": key, "code": f"315{key}", "name": f"学校{key}", "region_id": region["id"], "kind": SchoolKind.SCHOOL}
            )
            if n < activated:
                post = {
                    "account_id": self.account,
                    "role": SCHOOL_ADMIN,
                    "school_id": key,
                    "unit_name": f"学校{key}",
                    "since": NOW,
                    "source": "test",
                }
                self.posts.append(row | post)


def test_the_manuals_table_is_printed_digit_for_digit_from_6557_schools(engine, factory, cast):
    world = InnerMongolia(cast.account["林"])
    with engine.begin() as connection:
        for model, rows in ((Region, world.regions), (School, world.schools), (Post, world.posts)):
            connection.execute(insert(model.__table__), rows)
    assert (len(world.regions), len(world.schools), len(world.posts)) == (120, 6557, 5498)
    statements = []
    event.listen(engine, "before_cursor_execute", lambda *told: statements.append(told[2]))
    with acting_as(SYSTEM), factory() as session:
        rows = texts(activation_rows(session, SYSTEM, world.regions[0]["id"]))
        asked = len(statements)
        [leymus] = [row.region_id for row in activation_rows(session, SYSTEM, world.regions[0]["id"]) if row.name == "锡林郭勒盟"]
        open_schools = school_list(session, SYSTEM, leymus, activated=False, page=1, size=10)
    assert len(HEADER) == 7
    assert [row for row in rows if ",".join(row) in ACTIVATION_AS_PUBLISHED] == [
        tuple(line.split(",")) for line in ACTIVATION_AS_PUBLISHED.split()
    ]
    assert [row[0] for row in rows[2:]] == [name for name, *_ in CITIES.values()]
    assert asked == 3, "the region, its schools, its regions"
    assert open_schools.total == len(open_schools.rows) == 1
