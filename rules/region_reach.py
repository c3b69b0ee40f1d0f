"""Whether somebody may see figures about a region: the first two questions of every page that drills down the regions."""

from __future__ import annotations

from sqlalchemy.orm import Session

from models.org import Region
from models.scoping import ROOT, Identity, acting_as
from models.violation import OutOfReach


def region_path(session: Session, identity: Identity, subject: str, region_id: int | None) -> str:
    """The path of the region, for who may read ``subject`` there; None is the whole platform.

    Raises NotPermitted, and OutOfReach for a region that is not below one of the person's.
    """
    identity.require("read", subject)
    if region_id is None:
        path = ROOT
    else:
        with acting_as(identity):
            region: Region | None = session.get(Region, region_id)
        if region is None:
            raise OutOfReach(f"{subject} of region {region_id}")
        path = region.scope_path
    identity.require("read", subject, path)
    return path
