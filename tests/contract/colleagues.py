"""Somebody for each role the cast has nobody for, with that post alone: what they may do is what the role grants.

The one thing a newcomer gets wrong: whoever leads a group or belongs to one is a teacher beside it; here 兰 and 竹 are none while they
are watched, or what a teacher may do would stand in their lines too.
"""

from __future__ import annotations

from sqlalchemy import Engine, select, update
from sqlalchemy.orm import Session

from models.access import Post
from models.org import Region, School
from models.research import ResearchGroup
from rules.grants import COURSE_PROVIDER, GROUP_LEADER, GROUP_MEMBER, IT_TEAM, TRAINING_EXPERT
from tests.cast import SCHOOLS, Cast, World, meet
from tests.research_cast import GROUP

NEW = {
    "供": ("TrainingAdmin1", COURSE_PROVIDER, "350000"),
    "研": ("350203197601010018", TRAINING_EXPERT, "350000"),
    "信": ("13850000098", IT_TEAM, "北"),
}
"""Name: account name, role, unit (a region's code or a school's key)."""
OTHERWISE_POSTED = {"兰": GROUP_LEADER, "竹": GROUP_MEMBER}


def engage(engine: Engine) -> Cast:
    """The cast with these among them."""
    with Session(engine) as session:
        world = World(session)
        world.units = {region.code: region for region in session.scalars(select(Region))}
        by_code = {school.code: school for school in session.scalars(select(School))}
        world.units |= {key: by_code[code] for key, (code, *_) in SCHOOLS.items()}
        for name, (username, role, unit) in NEW.items():
            world.accounts[name] = world._account(name, username, world._path(unit))
            world._post(name, role, unit)
        group = session.scalars(select(ResearchGroup).filter_by(name=GROUP)).one()
        for name, role in OTHERWISE_POSTED.items():
            here = {"role": role, "scope_path": group.scope_path, "unit_name": group.name}
            session.execute(update(Post).where(Post.account_id == meet(engine).account[name]).values(here))
        session.commit()
    return meet(engine)
