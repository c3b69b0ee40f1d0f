"""激活进度, counted: which schools have an administrator, region by region (S3-45…S3-57).

Each statement counts leaf records as they are now, under the caller's identity; ``rules.activation`` says who may ask and
adds them up. The one thing a newcomer gets wrong: the role is written into the SQL, not bound, because only then does the
database use the index of active school administrators.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, ScalarSelect, and_, bindparam, func, select
from sqlalchemy.orm import Session

from models.access import Post, in_office
from models.org import Region, School, SchoolKind
from models.scoping import below


class OwnCount(NamedTuple):
    """One region with the schools attached to itself, the placeholder “其他” not counted."""

    region_id: int
    code: str
    name: str
    path: str
    schools: int
    activated: int


class SchoolLine(NamedTuple):
    """One school of a list of activated or not activated schools (S3-46)."""

    school_id: int
    code: str
    name: str
    region_name: str
    administrator: str | None
    since: datetime | None


def own_counts(session: Session, path: str) -> list[OwnCount]:
    """Every region at or below ``path``, in the order of their codes, each with its own schools: two statements, however many."""
    grouped = select(School.region_id, func.count(), func.count(_administrator())).where(_counted(path)).group_by(School.region_id)
    schools = {region_id: (whole, activated) for region_id, whole, activated in session.execute(grouped)}
    regions = select(Region.id, Region.code, Region.name, Region.scope_path).where(below(Region.scope_path, path))
    return [OwnCount(*region, *schools.get(region.id, (0, 0))) for region in session.execute(regions.order_by(Region.scope_path))]


def school_lines(session: Session, path: str, *, activated: bool, offset: int, limit: int) -> list[SchoolLine]:
    """One page of the schools at or below ``path`` that have an administrator, or have none; names are looked up for the page only."""
    found = select(School.id, _administrator().label("post_id")).where(_counted(path), _is_activated(activated))
    page = found.order_by(School.scope_path).offset(offset).limit(limit).subquery()
    lines = (
        select(School.id, School.code, School.name, Region.name, Post.contact_name, Post.since)
        .join(page, page.c.id == School.id)
        .join(Region, School.region_id == Region.id)
        .outerjoin(Post, Post.id == page.c.post_id)
        .order_by(School.scope_path)
    )
    return [SchoolLine(*row) for row in session.execute(lines)]


def school_count(session: Session, path: str, *, activated: bool) -> int:
    """How many schools that list has."""
    return session.scalar(select(func.count()).select_from(School).where(_counted(path), _is_activated(activated))) or 0


def administrator_counts(session: Session, region_ids: Collection[int]) -> dict[int, int]:
    """How many active administrators each of these regions has itself (S3-13, S3-17)."""
    held = select(Post.region_id, func.count()).where(Post.region_id.in_(region_ids), in_office()).group_by(Post.region_id)
    return {region_id: count for region_id, count in session.execute(held) if region_id is not None}


def _administrator() -> ScalarSelect[int]:
    """The post of a school's administrator, looked up school by school.

    As a join, PostgreSQL without statistics compares every school with every post: 10 s in the first minute after a large load.
    """
    role: ColumnElement[str] = bindparam("administrator", "school_admin", literal_execute=True)
    held = select(Post.id).where(Post.school_id == School.id, Post.role == role, in_office())
    return held.correlate(School).scalar_subquery()


def _is_activated(activated: bool) -> ColumnElement[bool]:
    return _administrator().is_not(None) if activated else _administrator().is_(None)


def _counted(path: str) -> ColumnElement[bool]:
    return and_(below(School.scope_path, path), School.kind != SchoolKind.OTHER)
