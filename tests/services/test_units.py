"""Units: what may be where, who corrects a name, and what goes along when a unit moves (S3-14…24, S3-135, S3-138, Z-06, Z-10)."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import func, select

from models.access import Account, PermissionCode, Post
from models.history import Change
from models.invariants import what_keeps
from models.org import AreaType, Region, RegionKind, RegionLevel, School, SchoolKind
from models.people import Certification, IdType, Teacher
from models.scoping import ROOT, SYSTEM, Identity, acting_as, reached_classes
from models.violation import Conflict, NotPermitted, OutOfReach
from rules.errors import RuleViolation
from rules.id_numbers import make_resident_id
from rules.units import move_region, move_school, regions_without_teacher_count, rewrite_paths

NORTH = "北"


def at(path: str, *grants: str) -> Identity:
    """Somebody with these grants (``"edit region"``) at a path."""
    return Identity(account_id=1, grants=frozenset((*grant.split(), path) for grant in grants), label="试验")


def all_seeing(identity: Identity) -> Identity:
    """The same person, who reads every unit: what is then refused is the rule, not the reach."""
    return replace(identity, grants=identity.grants | at(ROOT, "read school", "read region").grants)


def operator() -> Identity:
    acts = ("read", "add", "edit", "delete")
    return at(ROOT, "move school", *(f"{act} {table}" for act in acts for table in ("region", "school", "teacher")))


def everything(factory, model):
    with acting_as(SYSTEM), factory() as session:
        return session.scalars(select(model)).all()


def paths_at(factory, start):
    """Table → number of rows that carry a path beginning with ``start``."""
    classes = [cls for cls in reached_classes() if "scope_path" in cls.__table__.c]
    with acting_as(SYSTEM), factory() as session:
        counts = {
            cls.__tablename__: session.scalar(
                select(func.count()).select_from(cls.__table__).where(cls.__table__.c.scope_path.startswith(start))
            )
            for cls in classes
        }
    return {name: count for name, count in counts.items() if count}


def seen(session, identity, cast, school=NORTH, region="湖里区"):
    with acting_as(identity):
        return session.get(School, cast.school[school]), session.get(Region, cast.region[region])


def edit(factory, identity, model, key, **values):
    with acting_as(identity), factory() as session:
        row = session.get(model, key)
        for name, value in values.items():
            setattr(row, name, value)
        session.commit()


def add(factory, identity, row):
    with acting_as(identity), factory() as session:
        session.add(row)
        session.commit()
        return row.id


def test_only_a_school_s_own_administrator_has_to_say_where_it_lies(cast, factory):
    """S3-111…113."""
    own, county = (at(cast.path[unit], "read school", "edit school") for unit in (NORTH, "思明区"))
    edit(factory, county, School, cast.school[NORTH], area_type=None)
    edit(factory, SYSTEM, School, cast.school[NORTH], address="环岛路1号")
    with pytest.raises(RuleViolation, match="请填写“学校所在地城乡类型”。"):
        edit(factory, own, School, cast.school[NORTH], address="环岛路2号")
    edit(factory, own, School, cast.school[NORTH], address="环岛路2号", area_type=AreaType.TOWN)
    with pytest.raises(RuleViolation, match="请填写“学校所在地城乡类型”。"):
        edit(factory, own, School, cast.school[NORTH], area_type=None)


# --- moving a school --------------------------------------------------------------------------------------------------


def test_the_city_moves_a_school_across_its_counties_with_everything_below(cast, factory):
    before = paths_at(factory, cast.path[NORTH])
    assert set(before) >= {"school", "teacher", "ab_user", "post", "certification", "change"}
    city = at(cast.path["厦门市"], "read school", "read region", "move school")
    with factory() as session:
        move_school(session, city, *seen(session, city, cast), now=cast.today)

    moved = f"{cast.path['湖里区']}s{cast.school[NORTH]}/"
    after = paths_at(factory, moved)
    # The move itself is one more line of the school's history.
    assert after == before | {"change": before["change"] + 1}
    assert paths_at(factory, cast.path[NORTH]) == {}
    with acting_as(SYSTEM), factory() as session:
        assert session.get(School, cast.school[NORTH]).region_id == cast.region["湖里区"]


def test_a_move_is_told_in_the_history_of_the_school_and_of_both_regions(cast, factory):
    city = at(cast.path["厦门市"], "read school", "read region", "move school")
    with factory() as session:
        move_school(session, city, *seen(session, city, cast), now=cast.today)
    told = {(line.table_name, line.row_id): line for line in everything(factory, Change) if line.act == "move"}
    assert told["school", cast.school[NORTH]].changes == {"region_id": [cast.region["思明区"], cast.region["湖里区"]]}
    assert told["region", cast.region["思明区"]].comment == "调出：北实验小学 → 湖里区"
    assert told["region", cast.region["湖里区"]].comment == "调入：北实验小学 ← 思明区"
    assert {line.account_id for line in told.values()} == {1}


def test_the_row_at_hand_knows_its_new_place(cast, factory):
    city = at(cast.path["厦门市"], "read school", "read region", "move school")
    with factory() as session:
        school, region = seen(session, city, cast)
        move_school(session, city, school, region, now=cast.today)
        with acting_as(city):
            assert school.scope_path == f"{region.scope_path}s{school.id}/"


@pytest.mark.parametrize(
    ("actor", "target", "mover"),
    [
        ("思明区", "湖里区", "厦门市管理员"),
        ("厦门市", "城厢区", "福建省管理员"),
        ("厦门市", "福建省", "福建省管理员"),
    ],
)
def test_a_level_too_low_is_told_who_may(cast, factory, actor, target, mover):
    identity = all_seeing(at(cast.path[actor], "move school"))
    with factory() as session, pytest.raises(RuleViolation, match=mover):
        move_school(session, identity, *seen(session, identity, cast, region=target), now=cast.today)
    assert paths_at(factory, cast.path[NORTH])["school"] == 1


def test_across_cities_the_province_moves_and_across_provinces_the_operator(cast, factory):
    province = at(cast.path["福建省"], "read school", "read region", "move school")
    with factory() as session:
        move_school(session, province, *seen(session, province, cast, region="莆田市"), now=cast.today)
    assert paths_at(factory, f"{cast.path['莆田市']}s{cast.school[NORTH]}/")["teacher"] == 3

    with acting_as(operator()), factory() as session:
        session.add(Region(code="440000", name="广东省", level=RegionLevel.PROVINCE))
        session.commit()
        other = session.scalars(select(Region).where(Region.code == "440000")).one()
        school = session.get(School, cast.school[NORTH])
        with pytest.raises(RuleViolation, match="平台运营"):
            move_school(session, all_seeing(province), school, other, now=cast.today)
        move_school(session, operator(), session.get(School, cast.school[NORTH]), other, now=cast.today)
    assert paths_at(factory, f"/440000/s{cast.school[NORTH]}/")["teacher"] == 3


def test_whoever_does_not_reach_the_school_or_the_region_finds_nothing(cast, factory):
    stranger = at(cast.path["莆田市"], "read school", "read region", "move school")
    with acting_as(SYSTEM), factory() as session:
        school, region = session.get(School, cast.school[NORTH]), session.get(Region, cast.region["湖里区"])
        with pytest.raises(OutOfReach):
            move_school(session, stranger, school, region, now=cast.today)
        with pytest.raises(NotPermitted):
            move_school(session, cast.identity("平"), school, region, now=cast.today)
        county = at(cast.path["思明区"], "read school", "read region", "move school")
        with pytest.raises(OutOfReach):
            move_school(session, county, school, region, now=cast.today)


def test_a_placeholder_stays_and_so_does_a_school_that_is_there_already(cast, factory):
    city = at(cast.path["厦门市"], "read school", "read region", "move school")
    with factory() as session, pytest.raises(RuleViolation, match="已经属于"):
        move_school(session, city, *seen(session, city, cast, region="思明区"), now=cast.today)
    new = add(factory, operator(), Region(code="350205", name="海沧区", level=RegionLevel.COUNTY, parent_id=cast.region["厦门市"]))
    with factory() as session, acting_as(city):
        other = session.scalars(select(School).where(School.region_id == new)).one()
        with pytest.raises(RuleViolation, match="其他"):
            move_school(session, city, other, session.get(Region, cast.region["湖里区"]), now=cast.today)


def test_a_school_changed_since_it_was_seen_is_not_moved(cast, factory):
    city = at(cast.path["厦门市"], "read school", "read region", "edit school", "move school")
    with factory() as session:
        school, region = seen(session, city, cast)
        edit(factory, city, School, school.id, address="新校区")
        with pytest.raises(Conflict):
            move_school(session, city, school, region, now=cast.today)
    assert paths_at(factory, cast.path[NORTH])["teacher"] == 3


def test_of_two_who_move_a_school_at_once_one_wins_and_the_other_is_told(cast, factory):
    province = at(cast.path["福建省"], "read school", "read region", "move school")
    start, outcomes = threading.Barrier(2), []

    def mover(target):
        with factory() as session:
            school, region = seen(session, province, cast, region=target)
            start.wait()
            try:
                move_school(session, province, school, region, now=cast.today)
                outcomes.append(target)
            except Conflict:
                outcomes.append("told")

    threads = [threading.Thread(target=mover, args=(target,)) for target in ("湖里区", "城厢区")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert "told" in outcomes and len(set(outcomes)) == 2
    winner = next(outcome for outcome in outcomes if outcome != "told")
    moved = f"{cast.path[winner]}s{cast.school[NORTH]}/"
    assert {t.scope_path.startswith(moved) for t in everything(factory, Teacher) if t.school_id == cast.school[NORTH]} == {True}


def test_teachers_added_while_their_school_moves_are_never_left_behind(cast, factory):
    province = at(cast.path["福建省"], "read school", "read region", "move school")
    kind = next(row.id for row in everything(factory, IdType) if row.code == "resident")
    start, told = threading.Barrier(3), []

    def newcomer(serial):
        with acting_as(SYSTEM), factory() as session:
            session.get(School, cast.school[NORTH])
            start.wait()
            try:
                number = make_resident_id("350203", date(1990, 1, 1), serial)
                session.add(Teacher(name="新", id_type_id=kind, id_number=number, school_id=cast.school[NORTH]))
                session.commit()
            except Conflict:
                told.append(serial)

    def mover():
        with factory() as session:
            school, region = seen(session, province, cast)
            start.wait()
            move_school(session, province, school, region, now=cast.today)

    threads = [threading.Thread(target=newcomer, args=(serial,)) for serial in (81, 82)] + [threading.Thread(target=mover)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    here = [teacher for teacher in everything(factory, Teacher) if teacher.school_id == cast.school[NORTH]]
    assert len(here) == 5 - len(told)
    assert all(teacher.scope_path.startswith(f"{cast.path['湖里区']}s{cast.school[NORTH]}/t") for teacher in here)


def test_an_edit_begun_before_the_move_is_told_and_not_obeyed(cast, factory):
    city = at(cast.path["厦门市"], "read school", "read region", "move school")
    with factory() as mine, factory() as session:
        with acting_as(SYSTEM):
            teacher = mine.get(Teacher, cast.teacher["梅"])
        move_school(session, city, *seen(session, city, cast), now=cast.today)
        with acting_as(SYSTEM), pytest.raises(Conflict):
            teacher.name = "梅花"
            mine.commit()


def test_a_post_written_with_a_path_its_school_has_left_is_refused(cast, factory):
    with acting_as(SYSTEM), factory() as session:
        post = Post(account_id=cast.account["林"], role="teacher", school_id=cast.school[NORTH], unit_name="北实验小学", since=cast.today)
        post.scope_path = cast.path["湖里区"]
        session.add(post)
        with pytest.raises(Conflict):
            session.commit()


def test_rewriting_leaves_neighbours_whose_paths_begin_alike(cast, factory):
    with acting_as(SYSTEM), factory() as session:
        near = f"{cast.path[NORTH][:-1]}0/"
        neighbour = {"code": "3135000099", "name": "邻校", "region_id": cast.region["思明区"], "kind": SchoolKind.SCHOOL}
        session.execute(School.__table__.insert().values(**neighbour, scope_path=near))
        rewrite_paths(session, cast.path[NORTH], "/990000/")
        session.commit()
    assert paths_at(factory, near) == {"school": 1}
    assert paths_at(factory, "/990000/")["teacher"] == 3


# --- moving a region --------------------------------------------------------------------------------------------------


def test_the_operator_moves_a_county_with_its_schools_and_teachers(cast, factory):
    before = paths_at(factory, cast.path["思明区"])
    with acting_as(operator()), factory() as session:
        county, city = session.get(Region, cast.region["思明区"]), session.get(Region, cast.region["莆田市"])
        move_region(session, operator(), county, city, now=cast.today)
    after = paths_at(factory, f"{cast.path['莆田市']}350203/")
    assert after == before | {"change": before.get("change", 0) + 1}
    assert paths_at(factory, cast.path["思明区"]) == {}


def test_nobody_else_moves_a_region_and_nowhere_else_than_a_level_above(cast, factory):
    with acting_as(operator()), factory() as session:
        county, city = session.get(Region, cast.region["思明区"]), session.get(Region, cast.region["厦门市"])
        for name in ("福", "丹"):
            with pytest.raises(NotPermitted):
                move_region(session, cast.identity(name), county, session.get(Region, cast.region["莆田市"]), now=cast.today)
        with pytest.raises(RuleViolation, match="上级已经是"):
            move_region(session, operator(), county, city, now=cast.today)
        with pytest.raises(RuleViolation, match="市级区域的上级不能是市级区域"):
            move_region(session, operator(), city, session.get(Region, cast.region["莆田市"]), now=cast.today)


# --- names, counts, levels --------------------------------------------------------------------------------------------


def test_the_county_corrects_a_schools_name_and_posts_and_codes_follow(cast, factory):
    edit(factory, cast.identity("丹"), School, cast.school["南"], name="南方实验小学")
    for model in (Post, PermissionCode):
        assert {row.unit_name for row in everything(factory, model) if row.school_id == cast.school["南"]} == {"南方实验小学"}


def test_a_school_administrator_completes_the_school_but_does_not_rename_it(cast, factory):
    edit(factory, cast.identity("平"), School, cast.school[NORTH], address="北路1号")
    for change in ({"name": "北大附小"}, {"kind": SchoolKind.RESEARCH}):
        with pytest.raises(RuleViolation, match="思明区"):
            edit(factory, cast.identity("平"), School, cast.school[NORTH], **change)


@pytest.mark.parametrize("name", ["丹", "远"])
def test_a_county_or_a_city_reports_its_teachers_but_does_not_rename_a_region(cast, factory, name):
    region = {"丹": "思明区", "远": "莆田市"}[name]
    edit(factory, cast.identity(name), Region, cast.region[region], teacher_count=5001)
    for change in ({"name": "新名"}, {"kind": RegionKind.SPECIAL}):
        with pytest.raises(RuleViolation, match="省级"):
            edit(factory, cast.identity(name), Region, cast.region[region], **change)


def test_a_city_does_not_rename_its_county_but_the_province_does(cast, factory):
    with pytest.raises(RuleViolation, match="省级"):
        edit(factory, cast.identity("远"), Region, cast.region["城厢区"], name="城厢新区")
    edit(factory, cast.identity("福"), Region, cast.region["城厢区"], name="城厢新区")
    with pytest.raises(RuleViolation, match="省级"):
        edit(factory, cast.identity("福"), Region, cast.region["福建省"], name="闽省")
    edit(factory, operator(), Region, cast.region["福建省"], name="闽省")
    assert {r.name for r in everything(factory, Region)} >= {"城厢新区", "闽省"}


def test_counties_are_added_by_the_province_not_by_the_city(cast, factory):
    def county():
        return Region(code="350303", name="涵江区", level=RegionLevel.COUNTY, parent_id=cast.region["莆田市"])

    with pytest.raises(RuleViolation, match="省级"):
        add(factory, cast.identity("远"), county())
    added = add(factory, cast.identity("福"), county())
    assert next(r.scope_path for r in everything(factory, Region) if r.id == added) == f"{cast.path['莆田市']}350303/"


def test_levels_fit_and_a_county_may_be_directly_below_its_province(cast, factory):
    province, city, county = (cast.region[name] for name in ("福建省", "厦门市", "思明区"))
    add(factory, SYSTEM, Region(code="359001", name="直管县", level=RegionLevel.COUNTY, parent_id=province))
    for level, parent, sentence in (
        (RegionLevel.COUNTY, county, "县级区域的上级不能是县级区域"),
        (RegionLevel.CITY, city, "市级区域的上级不能是市级区域"),
        (RegionLevel.CITY, None, "请选择市级区域的上级区域"),
        (RegionLevel.PROVINCE, province, "省级区域的上级不能是省级区域"),
    ):
        with pytest.raises(RuleViolation, match=sentence):
            add(factory, SYSTEM, Region(code="359002", name="某地", level=level, parent_id=parent))


@pytest.mark.parametrize("code", ["s17", "t4", "3502/3", "3502 03", "X"])
def test_a_code_that_would_break_a_path_is_refused(cast, factory, code):
    with pytest.raises(RuleViolation) as refused:
        add(factory, SYSTEM, Region(code=code, name="某地", level=RegionLevel.COUNTY, parent_id=cast.region["厦门市"]))
    assert refused.value.field == "code"


def test_a_count_of_teachers_is_not_negative(cast, factory):
    with pytest.raises(RuleViolation) as refused:
        edit(factory, cast.identity("丹"), Region, cast.region["思明区"], teacher_count=-1)
    assert refused.value.field == "teacher_count"


def test_the_worklist_names_the_regions_whose_count_the_reader_can_give(cast, factory):
    def missing(identity):
        with factory() as session:
            return [region.name for region in regions_without_teacher_count(session, identity)]

    assert missing(cast.identity("福")) == ["福建省", "城厢区"]
    assert missing(cast.identity("远")) == ["城厢区"]
    # The province lacks its count too, but that is not the county's to give.
    assert missing(cast.identity("丹")) == []
    assert missing(cast.identity("平")) == []
    assert missing(SYSTEM) == ["福建省", "城厢区"]


# --- placeholders and deleting ----------------------------------------------------------------------------------------


def test_a_new_region_has_its_placeholder_school_which_stays_as_it_is(cast, factory):
    new = add(factory, SYSTEM, Region(code="350205", name="海沧区", level=RegionLevel.COUNTY, parent_id=cast.region["厦门市"]))
    other = next(school for school in everything(factory, School) if school.region_id == new)
    assert (other.name, other.kind, other.scope_path) == ("其他", SchoolKind.OTHER, f"{cast.path['厦门市']}350205/s{other.id}/")
    for change in ({"name": "别的"}, {"kind": SchoolKind.SCHOOL}):
        with pytest.raises(RuleViolation, match="其他"):
            edit(factory, operator(), School, other.id, **change)
    with pytest.raises(RuleViolation, match="其他"):
        add(factory, cast.identity("福"), School(code="1", name="又一个", region_id=new, kind=SchoolKind.OTHER))


def test_an_empty_region_is_deleted_with_its_placeholder(cast, factory):
    new = add(factory, SYSTEM, Region(code="350205", name="海沧区", level=RegionLevel.COUNTY, parent_id=cast.region["厦门市"]))
    with acting_as(cast.identity("福")), factory() as session:
        session.delete(session.get(Region, new))
        session.commit()
    assert not [row for model in (Region, School) for row in everything(factory, model) if "350205" in row.code]


def test_what_hangs_on_a_unit_is_named_with_numbers_and_keeps_it(cast, factory):
    with acting_as(cast.identity("福")), factory() as session:
        [school] = what_keeps(session, session.get(School, cast.school["南"]))
        [region] = what_keeps(session, session.get(Region, cast.region["思明区"]))
        assert "还有" in school and "2名教师" in school and "1个权限码" in school and "其中在任管理员1位" in school
        assert "2所学校（机构）" in region and "5名教师" in region and "其中在任管理员3位" in region
        session.delete(session.get(School, cast.school["南"]))
        with pytest.raises(RuleViolation, match="不能删除"):
            session.commit()


def test_an_application_made_at_a_school_keeps_it_after_its_teacher_left(cast, factory):
    with acting_as(SYSTEM), factory() as session:
        new = School(code="3135000098", name="旧校", region_id=cast.region["思明区"])
        session.add(new)
        session.flush()
        session.add(Certification(teacher_id=cast.teacher["梅"], school_id=new.id, applied_at=cast.today))
        session.commit()
        assert what_keeps(session, new) == ["“旧校”还有1条申请，不能删除。"]


def test_a_city_does_not_delete_its_counties(cast, factory):
    new = add(factory, SYSTEM, Region(code="350303", name="涵江区", level=RegionLevel.COUNTY, parent_id=cast.region["莆田市"]))
    with acting_as(cast.identity("远")), factory() as session:
        session.delete(session.get(Region, new))
        with pytest.raises(RuleViolation, match="省级"):
            session.commit()


def test_a_school_with_nothing_on_it_is_deleted(cast, factory):
    new = add(factory, cast.identity("丹"), School(code="3135000097", name="误建", region_id=cast.region["思明区"]))
    with acting_as(cast.identity("丹")), factory() as session:
        session.delete(session.get(School, new))
        session.commit()
    assert new not in [school.id for school in everything(factory, School)]


def test_accounts_below_move_too(cast, factory):
    city = at(cast.path["厦门市"], "read school", "read region", "move school")
    with factory() as session:
        move_school(session, city, *seen(session, city, cast), now=cast.today)
    moved = {a.first_name for a in everything(factory, Account) if a.scope_path.startswith(cast.path["湖里区"])}
    assert {"梅", "兰", "竹", "平"} <= moved
