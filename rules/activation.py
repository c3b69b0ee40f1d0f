"""激活进度: how far the schools and regions below have got their administrators (S3-45…S3-57).

What the figures mean is decided in docs/decisions/0003-activation-figures.md. The one thing a newcomer gets wrong: a region
counts itself, so 包头市 with ten regions below it prints 11, and a school of the city's own covers the city, not its counties.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

from sqlalchemy.orm import Session

from models.activation import OwnCount, SchoolLine, administrator_counts, own_counts, school_count, school_lines
from models.scoping import ROOT, Identity, acting_as, ancestors
from rules.figures import EMPTY, rate
from rules.region_reach import region_path

DECIMALS = 1
DIRECT = "直属学校"
EVERYWHERE = "全部区域"
HEADER = ("区域", "学校激活进度", "学校总数", "学校激活数", "区域激活进度", "区域总数", "学校管理员覆盖区域数")

T = TypeVar("T")


class Page(NamedTuple, Generic[T]):
    """One page of a list, and how many the whole list has."""

    rows: list[T]
    total: int


class RegionLine(NamedTuple):
    """One region of a list of covered or not covered regions (S3-46); ``administrators`` are the region's own (S3-13, S3-17)."""

    region_id: int
    code: str
    name: str
    schools: int
    activated: int
    administrators: int


@dataclass(frozen=True)
class ActivationRow:
    """One printed row; ``regions`` and ``covered`` are None for 直属学校, ``region_id`` where there is nothing to drill into."""

    region_id: int | None
    name: str
    schools: int
    activated: int
    regions: int | None = None
    covered: int | None = None

    @property
    def school_rate(self) -> str:
        """学校激活进度 (S3-48)."""
        return rate(self.activated, self.schools, DECIMALS)

    @property
    def region_rate(self) -> str:
        """区域激活进度, ``--`` for 直属学校 (S3-51, S3-55)."""
        return EMPTY if self.regions is None else rate(self.covered, self.regions, DECIMALS)

    def texts(self) -> tuple[str, ...]:
        """The row as printed, in the order of ``HEADER``."""
        regions, covered = (EMPTY if n is None else str(n) for n in (self.regions, self.covered))
        return (self.name, self.school_rate, str(self.schools), str(self.activated), self.region_rate, regions, covered)


def activation_rows(session: Session, identity: Identity, region_id: int | None) -> list[ActivationRow]:
    """The region's own total, its 直属学校, then the regions of the next level, by code; None asks for the whole platform.

    Raises NotPermitted, and OutOfReach for a region that is not below one of the person's.
    """
    path = region_path(session, identity, "activation", region_id)
    return roll_up(_counts(session, identity, path), path)


def school_list(session: Session, identity: Identity, region_id: int | None, *, activated: bool, page: int, size: int) -> Page[SchoolLine]:
    """The schools at or below the region that have an administrator, or have none, by region and school (S3-46)."""
    path = region_path(session, identity, "activation", region_id)
    with acting_as(identity.serving()):
        lines = school_lines(session, path, activated=activated, offset=(page - 1) * size, limit=size)
        return Page(lines, school_count(session, path, activated=activated))


def region_list(session: Session, identity: Identity, region_id: int | None, *, activated: bool, page: int, size: int) -> Page[RegionLine]:
    """The regions at or below the region that are covered by a school's administrator, or are not (S3-46)."""
    path = region_path(session, identity, "activation", region_id)
    counts = _counts(session, identity, path)
    covered = _covered_paths(counts)
    found = [count for count in counts if (count.path in covered) is activated]
    shown = found[(page - 1) * size : page * size]
    with acting_as(identity.serving()):
        administrators = administrator_counts(session, [count.region_id for count in shown])
    return Page([_region_line(count, counts, administrators.get(count.region_id, 0)) for count in shown], len(found))


def roll_up(counts: Sequence[OwnCount], path: str) -> list[ActivationRow]:
    """The rows printed for ``path``, added up from its regions' own schools."""
    covered = _covered_paths(counts)
    level = len(ancestors(path)) + (path != ROOT)
    children: dict[str, list[OwnCount]] = {}
    for count in counts:
        if count.path != path:
            children.setdefault([*ancestors(count.path), count.path][level], []).append(count)
    own = next((count for count in counts if count.path == path), None)
    rows = [_row(own.name if own else EVERYWHERE, None, counts, covered)]
    if own and own.schools and children:
        rows.append(ActivationRow(None, DIRECT, own.schools, own.activated))
    return rows + [_row(child[0].name, child[0].region_id, child, covered) for child in children.values()]


def _row(name: str, region_id: int | None, counts: Sequence[OwnCount], covered: set[str]) -> ActivationRow:
    return ActivationRow(
        region_id=region_id,
        name=name,
        schools=sum(count.schools for count in counts),
        activated=sum(count.activated for count in counts),
        regions=len(counts),
        covered=sum(count.path in covered for count in counts),
    )


def _region_line(count: OwnCount, counts: Sequence[OwnCount], administrators: int) -> RegionLine:
    inside = [c for c in counts if c.path.startswith(count.path)]
    schools, activated = sum(c.schools for c in inside), sum(c.activated for c in inside)
    return RegionLine(count.region_id, count.code, count.name, schools, activated, administrators)


def _covered_paths(counts: Iterable[OwnCount]) -> set[str]:
    return {path for count in counts if count.activated for path in (*ancestors(count.path), count.path)}


def _counts(session: Session, identity: Identity, path: str) -> list[OwnCount]:
    with acting_as(identity.serving()):
        return own_counts(session, path)
