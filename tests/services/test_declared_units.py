"""A table that is declared to belong to a unit is protected with it: nobody registers it anywhere.

The table is declared in a process of its own, so that no other test finds it among the platform's.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.cast import Cast

BY_DECLARATION = """
import sys
sys.path.insert(0, {root!r})
from sqlalchemy.orm import Mapped
from models.base import Name, Record, Screen, field, link
from models.invariants import what_keeps
from models.org import Region, School
from models.scoping import SYSTEM, Scoped, acting_as
from models.session import make_engine, make_session_factory
from models.violation import Conflict
from rules import units
from tests.cast import TODAY, meet


class Room(Scoped, Record):
    __tablename__ = "room"
    __owner__ = "school"
    __screen__ = Screen("教室", list=("name",), unit="间教室")
    name: Mapped[Name] = field("名称")
    school_id: Mapped[int] = link(School, "学校", fixed=True)


class Desk(Scoped, Record):
    __tablename__ = "desk"
    __owner__ = "room"
    __screen__ = Screen("课桌", list=("name",), unit="张课桌")
    name: Mapped[Name] = field("名称")
    room_id: Mapped[int] = link(Room, "教室", fixed=True)


engine = make_engine({url!r})
Room.__table__.create(engine)
Desk.__table__.create(engine)
cast, new = meet(engine), make_session_factory(engine)
with acting_as(SYSTEM), new() as mine, new() as third, new() as others:
    north = mine.get_one(School, cast.school["北"])
    room = Room(name="101", school=north)
    for row in (room, Desk(name="一号", room=room)):
        mine.add(row)
        mine.commit()
    known = third.get_one(Room, room.id)
    there = cast.path["北"].replace(cast.path["思明区"], cast.path["湖里区"])

    units.move_school(others, SYSTEM, others.get_one(School, north.id), others.get_one(Region, cast.region["湖里区"]), now=TODAY)
    assert others.query(Room).one().scope_path == others.query(Desk).one().scope_path == there, "what belongs to the unit goes along"

    for session, late in ((mine, Room(name="102", school=north)), (third, Desk(name="二号", room=known))):
        session.add(late)
        try:
            session.commit()
        except Conflict as told:
            assert "刚刚被调整" in str(told)
        else:
            raise AssertionError(f"{{late}} was added where its unit no longer is")

    [why] = what_keeps(others, others.get_one(School, north.id))
    assert "1间教室" in why and "1张课桌" in why
for table in (Desk, Room):
    table.__table__.drop(engine)
engine.dispose()
"""


def test_it_goes_along_with_its_unit_keeps_it_and_is_not_added_where_the_unit_was(cast: Cast, database_url: str) -> None:
    script = BY_DECLARATION.format(root=str(Path(__file__).parents[2]), url=database_url)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
