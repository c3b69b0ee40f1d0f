"""What holds of every region and school, whatever door it comes through: levels, codes, who corrects what, what keeps it.

The one thing a newcomer gets wrong: these questions are asked while a service writes, so the identity reaches everything; who the
person is in their own right is read from the identity's grants. Work without a person (the system's) is nobody's to refuse.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

from sqlalchemy import ColumnElement, Connection, String, cast, delete, event, func, insert, inspect, literal, or_, select, update
from sqlalchemy.orm import Mapper, Session

from models.access import PermissionCode, Post, in_force
from models.base import declared
from models.invariants import holds, keeps, linked, on_added
from models.org import Region, RegionLevel, School, SchoolKind
from models.scoping import ROOT, Scoped, ancestors, below, current_identity
from models.violation import Sentence
from rules.errors import RuleViolation
from rules.grants import ROLES

Unit = Region | School
SCHOOLS: Any = School.__table__
POSTS: Any = Post.__table__
CODES: Any = PermissionCode.__table__

PLACEHOLDER = "其他"
PERSONAL_ROLES = [role.name for role in ROLES if not role.admin]
PARENT_LEVELS: dict[RegionLevel, tuple[RegionLevel, ...]] = {
    RegionLevel.PROVINCE: (),
    RegionLevel.CITY: (RegionLevel.PROVINCE,),
    # 直管县: some counties have no city above them.
    RegionLevel.COUNTY: (RegionLevel.CITY, RegionLevel.PROVINCE),
}
# A code is a segment of paths; beginning with a digit it is never taken for a school's s17 or a teacher's t42.
REGION_CODE = re.compile(r"[0-9][0-9A-Za-z]{1,11}")


# --- what holds -------------------------------------------------------------------------------------------------------


@holds(Region)
def check_region(session: Session, region: Region) -> None:
    """Code, level and count fit; a name is corrected by the province or the operator (S3-135), the count by the region (S3-22)."""
    if not REGION_CODE.fullmatch(region.code):
        raise RuleViolation("区划代码应为2至12位数字或字母，并以数字开头。", "code")
    parent = linked(session, region, "parent")
    check_parent(region, parent)
    if region.teacher_count is not None and region.teacher_count < 0:
        raise RuleViolation("专任教师数不能小于0。", "teacher_count")
    if _changed(region, "name", "level", "kind", "code") and not _names_regions(region, parent):
        raise RuleViolation("区域由省级管理员或平台运营新增和更正，请将正确名称上报省级管理员。", "name")


def check_parent(region: Region, parent: Region | None) -> None:
    """A county is below a city or (直管县) a province, a city below a province, a province below nothing."""
    allowed = PARENT_LEVELS[region.level]
    if parent is None and allowed:
        raise RuleViolation("请选择{level}区域的上级区域。", "parent_id", level=region.level.label)
    if parent is not None and parent.level not in allowed:
        raise RuleViolation("{level}区域的上级不能是{parent}区域。", "parent_id", level=region.level.label, parent=parent.level.label)


@holds(School)
def check_school(session: Session, school: School) -> None:
    """A school's name and kind are corrected by the region it belongs to or one above (S3-135); 其他 stays as it was made."""
    if not _changed(school, "name", "kind"):
        return
    if SchoolKind.OTHER in (school.kind, _before(school, "kind")):
        raise RuleViolation("“其他”是系统为每个区域设置的，不能新增或修改。", "kind")
    if not _is_of_region(session, school):
        region = linked(session, school, "region")
        raise RuleViolation("学校名称和类型由“{region}”的管理员更正，请与其联系。", "name", region=region.name)


@holds(School)
def check_area_type(session: Session, school: School) -> None:
    """A school's own administrator says what kind of place it lies in, and goes on saying it (S3-111…113); regions may leave it open."""
    is_its_own = _acts_at("school", {school.scope_path}) and not _is_of_region(session, school)
    if school.area_type is None and is_its_own:
        raise RuleViolation("请填写“{label}”。", "area_type", label=School.area_type.info["label"])


@holds(Region)
@holds(School)
def carry_name(session: Session, unit: Unit) -> None:
    """A corrected name is read at once where posts and codes keep it for their lists (S3-135)."""
    if unit.id is None or not _changed(unit, "name"):
        return
    for table in (POSTS, CODES):
        link = table.c.school_id if isinstance(unit, School) else table.c.region_id
        session.execute(update(table).where(link == unit.id).values(unit_name=unit.name))


def _names_regions(region: Region, parent: Region | None) -> bool:
    return _acts_at("region", set(ancestors(f"{parent.scope_path if parent else ROOT}{region.code}/")[:1]))


def _is_of_region(session: Session, school: School) -> bool:
    """Whether the person edits the school from its region or one above; also while it names no region yet."""
    region = linked(session, school, "region")
    return region is None or _acts_at("school", {region.scope_path, *ancestors(region.scope_path)})


def _acts_at(table: str, paths: Collection[str]) -> bool:
    """Whether the person, not the service, may edit rows of ``table`` from one of these units or as the operator."""
    identity = current_identity()
    own = {path for act, name, path in identity.grants if name == table and act == "edit"}
    return identity.account_id is None or not own.isdisjoint({ROOT, *paths})


def _changed(row: Unit, *names: str) -> bool:
    state: Any = inspect(row)
    return state.pending or any(state.attrs[name].history.has_changes() for name in names)


def _before(row: Unit, name: str) -> Any:
    state: Any = inspect(row)
    past = state.attrs[name].history
    return past.deleted[0] if past.deleted else None


# --- what comes with a region -----------------------------------------------------------------------------------------


@on_added(Region)
def add_placeholders_of_new(session: Session, regions: list[Region]) -> None:
    """Every region has the school “其他” for teachers whose own is not listed yet (S3-131)."""
    add_placeholders(session, [region.id for region in regions])


def add_placeholders(session: Session, region_ids: Collection[int]) -> None:
    """The placeholder school of each of these regions."""
    region, school = Region.__table__.c, SCHOOLS.c
    names = ["code", "name", "region_id", "kind", "scope_path"]
    kind = literal(SchoolKind.OTHER, school.kind.type)
    rows = select(region.code + "-QT", literal(PLACEHOLDER), region.id, kind, region.scope_path).where(region.id.in_(region_ids))
    session.execute(insert(SCHOOLS).from_select(names, rows))
    ours = school.region_id.in_(region_ids) & (school.kind == SchoolKind.OTHER)
    path = school.scope_path + "s" + cast(school.id, String) + "/"
    session.execute(update(SCHOOLS).where(ours).values(scope_path=path))


@event.listens_for(Region, "before_delete")
def remove_placeholder(mapper: Mapper[Any], connection: Connection, region: Region) -> None:
    """The placeholder goes with its region, wherever the region is deleted; anything in it has kept the region by then."""
    ours = (SCHOOLS.c.region_id == region.id) & (SCHOOLS.c.kind == SchoolKind.OTHER)
    connection.execute(delete(SCHOOLS).where(ours))


# --- what keeps a unit ------------------------------------------------------------------------------------------------


@keeps(Region)
def what_keeps_region(session: Session, region: Region) -> list[str]:
    """Regions are removed by who adds them, and only while nothing hangs on them."""
    if not _names_regions(region, linked(session, region, "parent")):
        return ["区域由省级管理员或平台运营删除。"]
    return _what_hangs_on(session, region)


@keeps(School)
def what_keeps_school(session: Session, school: School) -> list[str]:
    """A school is removed while nothing hangs on it; 其他 goes with its region."""
    if school.kind is SchoolKind.OTHER:
        return ["“其他”是系统为每个区域设置的，不能删除。"]
    return _what_hangs_on(session, school)


def _what_hangs_on(session: Session, unit: Unit) -> list[str]:
    """One sentence with the number of rows of every table below the unit or about it, empty where there are none."""
    tables: list[Any] = [cls for cls in declared() if issubclass(cls, Scoped) and cls.__keeps_owner__]
    admins = _counted(Post, below(Post.scope_path, unit.scope_path) & in_force() & Post.role.not_in(PERSONAL_ROLES))
    *numbers, active = session.execute(select(*(_counted(cls, _hangs_on(cls, unit)) for cls in tables), admins)).one()
    found = [
        Sentence("{number}{unit}", number=number, unit=cls.__screen__.unit) for cls, number in zip(tables, numbers, strict=True) if number
    ]
    if not found:
        return []
    what = Sentence.of(found, "、")
    if active:
        return [Sentence("“{name}”还有{what}，其中在任管理员{active}位，不能删除。", name=unit.name, what=what, active=active)]
    return [Sentence("“{name}”还有{what}，不能删除。", name=unit.name, what=what)]


def _counted(cls: type[Any], condition: ColumnElement[bool]) -> Any:
    return select(func.count()).select_from(cls).where(condition).scalar_subquery()


def _hangs_on(cls: type[Any], unit: Unit) -> ColumnElement[bool]:
    links = [column for column in cls.__table__.c if column.references(unit.__table__.c.id)]
    condition = or_(below(cls.scope_path, unit.scope_path), *(link == unit.id for link in links))
    if cls is type(unit):
        condition &= cls.id != unit.id
    return condition if cls is not School else condition & (School.kind != SchoolKind.OTHER)


# --- what a unit leaves behind ----------------------------------------------------------------------------------------


@event.listens_for(Region, "before_delete")
@event.listens_for(School, "before_delete")
def release_rows(mapper: Mapper[Any], connection: Connection, unit: Unit) -> None:
    """Rows that only speak of a unit that goes become the platform's: a database may give the unit's number to another one."""
    tables: list[Any] = [cls.__table__ for cls in declared() if issubclass(cls, Scoped) and not cls.__keeps_owner__]
    for table in tables:
        connection.execute(update(table).where(below(table.c.scope_path, unit.scope_path)).values(scope_path=ROOT))
