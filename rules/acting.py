"""As which post one acts, and on which unit: what the verbs about posts and codes share.

The one thing a newcomer gets wrong: the identity of a request may be minutes old, and its post ended since.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import update
from sqlalchemy.orm import Session

from models.access import PermissionCode, Post
from models.base import utcnow
from models.org import Region, RegionLevel, School
from models.scoping import Identity, acting_as
from models.violation import NotPermitted

Unit = Region | School


def acting_post(session: Session, identity: Identity) -> Post:
    """The post the person works as, if it has not been ended meanwhile; raises NotPermitted otherwise."""
    with acting_as(identity.serving()):
        post = session.get(Post, identity.post_id, populate_existing=True) if identity.post_id is not None else None
    if post is None or not post.is_in_force(utcnow()):
        raise NotPermitted("no active post to act as")
    return post


def level_of(unit: Unit) -> RegionLevel | None:
    """The level of a region; None for a school."""
    return unit.level if isinstance(unit, Region) else None


def unit_of(session: Session, held: Post | PermissionCode) -> Unit:
    """The region or school that a post or a code is for, as it stands now."""
    if held.school_id is not None:
        return session.get_one(School, held.school_id)
    return session.get_one(Region, held.region_id)


def take_turn(session: Session, units: Iterable[Unit]) -> None:
    """From here on nobody else appoints for these units until this transaction ends.

    An update that changes nothing locks the rows on PostgreSQL; SQLite, which has no row locks, makes us its one writer.
    """
    waiting = list(units)
    for kind in (Region, School):
        if ids := sorted(unit.id for unit in waiting if isinstance(unit, kind)):
            session.execute(
                update(kind).where(kind.id.in_(ids)).values(version=kind.version, updated_at=kind.updated_at),
                execution_options={"synchronize_session": False},
            )
