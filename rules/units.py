"""Moving units, and which of them still owe a number: everything below a school or a region goes along, atomically (Z-06, S3-138).

The one thing a newcomer gets wrong: a unit's place is its path, and every row below it carries that path. Whoever moves a unit
rewrites them all in one transaction; whoever adds a row under a unit that is just moving is told by ``check_units_stayed``.
What holds of every unit is in ``rules.unit_invariants``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Table, exists, false, func, literal, or_, select, update
from sqlalchemy.orm import Session, aliased

from models.access import PermissionCode, Post
from models.history import note
from models.invariants import on_added
from models.org import Region, School, SchoolKind
from models.scoping import ROOT, Identity, Scoped, acting_as, below, in_reach, reached_classes, row_in_reach
from models.session import transaction
from models.violation import Conflict, NotPermitted, OutOfReach, Sentence
from rules.errors import RuleViolation
from rules.transfer_level import level_that_may_move, may_move
from rules.unit_invariants import Unit, check_parent

UNIT_LINKS = (("region_id", Region), ("school_id", School))
"""By what a post and a code say where they are; every other table says it by ``__owner__``."""
MANY = 5000


def move_school(session: Session, identity: Identity, school: School, region: Region, *, now: datetime) -> None:
    """Bring a school with all that is below it to another region: the lowest level above both may, or a higher one (Z-06).

    Both rows as the actor saw them. Raises NotPermitted, OutOfReach, RuleViolation, and Conflict when either changed meanwhile.
    """
    identity.require("move", "school", school.scope_path)
    if not row_in_reach(region, identity):
        raise OutOfReach("read on region")
    with acting_as(identity.serving()), transaction(session):
        if school.kind is SchoolKind.OTHER:
            raise RuleViolation("“其他”是系统为每个区域设置的，不能调动。")
        if school.region_id == region.id:
            raise RuleViolation("“{school}”已经属于“{region}”。", "region_id", school=school.name, region=region.name)
        if not may_move(identity.paths("move", "school"), school.scope_path, region.scope_path):
            raise _too_low(session, school.scope_path, region.scope_path)
        _move(session, school, "region", region, now)


def may_move_somewhere(session: Session, identity: Identity, school: School) -> bool:
    """Whether there is a region the person could bring the school to: not from the only one below them, nor a placeholder."""
    if school.kind is SchoolKind.OTHER:
        return False
    theirs = or_(
        false(), *(below(Region.scope_path, path) for path in identity.paths("move", "school") if school.scope_path.startswith(path))
    )
    with acting_as(identity):
        return bool(session.scalar(select(exists().where(theirs, Region.id != school.region_id))))


def move_region(session: Session, identity: Identity, region: Region, parent: Region, *, now: datetime) -> None:
    """Bring a region with all that is below it under another parent; the operator alone does so (S3-135)."""
    if ROOT not in identity.paths("edit", "region"):
        raise NotPermitted("move on region")
    with acting_as(identity.serving()), transaction(session):
        if region.parent_id == parent.id:
            raise RuleViolation("“{region}”的上级已经是“{parent}”。", "parent_id", region=region.name, parent=parent.name)
        check_parent(region, parent)
        _move(session, region, "parent", parent, now)


def rewrite_paths(session: Session, old: str, new: str) -> None:
    """Everything at or below ``old`` goes to ``new``, in every table that carries a path, history included.

    Owners come before what they own, and a table is asked until nothing is left: a row that somebody was adding while we
    waited for its owner is there by then. Versions go up, so whoever was editing a row that leaves their reach is told.
    """
    session.flush()
    for table in _tables_with_paths():
        path = table.c.scope_path
        values: dict[str, Any] = {"scope_path": literal(new) + func.substr(path, len(old) + 1)}
        if "version" in table.c:
            values["version"] = table.c.version + 1
        change = update(table).where(below(path, old)).values(values)
        while _rows_changed(session, change):
            continue
    session.expire_all()


def regions_without_teacher_count(session: Session, identity: Identity) -> list[Region]:
    """The regions whose 专任教师数 the actor may give and nobody has: until then their rates read 0.00% (Z-10, S3-137)."""
    theirs = in_reach(Region, identity, "edit")
    missing = select(Region).where(Region.teacher_count.is_(None)).order_by(Region.scope_path)
    with acting_as(identity):
        return list(session.scalars(missing if theirs is None else missing.where(theirs)))


@on_added(Scoped)
def check_units_stayed(session: Session, rows: Iterable[Any]) -> None:
    """The units of rows just added are where the rows' paths say, and stay there until the transaction ends."""
    paths: dict[type[Any], dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
    for row in rows:
        for link, model in _owner_links(row):
            if (key := getattr(row, link, None)) is not None:
                paths[model][key].add(row.scope_path)
    for model, expected in paths.items():
        ids = sorted(expected)
        for start in range(0, len(ids), MANY):
            held = select(model.id, model.scope_path).where(model.id.in_(ids[start : start + MANY])).order_by(model.id)
            for unit_id, path in session.execute(held.with_for_update(read=True)):
                if not all(taken.startswith(path) for taken in expected[unit_id]):
                    raise Conflict("所属单位刚刚被调整，请刷新后再试。")


def _owner_links(row: Any) -> list[tuple[str, type[Any]]]:
    if row.__owner__:
        return [(f"{row.__owner__}_id", _owner_class(type(row)))]
    return list(UNIT_LINKS) if isinstance(row, (Post, PermissionCode)) else []


def _too_low(session: Session, from_path: str, to_path: str) -> RuleViolation:
    level = level_that_may_move(from_path, to_path)
    name = session.scalar(select(Region.name).where(Region.scope_path == level))
    return RuleViolation(
        "这项调整须由{mover}操作，请与其联系。", "region_id", mover=Sentence("{name}管理员", name=name) if name else "平台运营"
    )


def _move(session: Session, unit: Unit, link: str, target: Region, now: datetime) -> None:
    origin: Region = getattr(unit, link)
    new_path = target.scope_path + unit.scope_path.removeprefix(origin.scope_path)
    _claim(session, unit, f"{link}_id", target, now)
    rewrite_paths(session, unit.scope_path, new_path)
    note(session, unit, "move", {f"{link}_id": [origin.id, target.id]}, f"{origin.name} → {target.name}")
    note(session, origin, "move", comment=f"调出：{unit.name} → {target.name}")
    note(session, target, "move", comment=f"调入：{unit.name} ← {origin.name}")


def _claim(session: Session, unit: Unit, link: str, target: Region, now: datetime) -> None:
    """Give the unit its new owner if both are still what the actor saw; of two movers one wins.

    The regions are held first and in one order, so that two moves never wait for each other in a ring.
    """
    regions = Region.id.in_([getattr(unit, link), target.id])
    session.execute(select(Region.id).where(regions).order_by(Region.id).with_for_update(read=True))
    table: Any = type(unit).__table__
    place = aliased(Region)
    unmoved = exists().where(place.id == target.id, place.scope_path == target.scope_path)
    as_seen = update(table).where(table.c.id == unit.id, table.c.version == unit.version, table.c.scope_path == unit.scope_path, unmoved)
    if _rows_changed(session, as_seen.values({link: target.id, "updated_at": now})) != 1:
        raise Conflict("“{unit}”或“{target}”刚刚被他人修改，请查看最新内容后再试。", unit=unit.name, target=target.name)


def _rows_changed(session: Session, change: Any) -> int:
    return int(session.execute(change).rowcount)  # type: ignore[attr-defined]


def _tables_with_paths() -> list[Table]:
    classes = [cls for cls in reached_classes() if "scope_path" in cls.__table__.c]
    return [cls.__table__ for cls in sorted(classes, key=lambda cls: (*_place_in_order(cls), cls.__table__.name))]


def _place_in_order(cls: type[Any]) -> tuple[bool, int]:
    """Units from the top down, then the rest."""
    owner = _owner_class(cls)
    above = 0 if owner in (None, cls) else 1 + _place_in_order(owner)[1]
    return not getattr(cls, "__segment__", ""), above


def _owner_class(cls: type[Any]) -> Any:
    owner = getattr(cls, "__owner__", "")
    return cls.__mapper__.relationships[owner].mapper.class_ if owner else None
