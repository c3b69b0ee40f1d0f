"""Row scope in the session: every form of a read stays in reach, every form of a write is judged (fab-traps 4.2, 4.3)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import delete, exists, func, select, update
from sqlalchemy.orm import Session, aliased, joinedload, selectinload

from models.access import Account, Post
from models.history import Change
from models.org import Region, RegionLevel, School
from models.people import Certification, CertificationState, IdType, Teacher
from models.scoping import NOBODY, SYSTEM, Identity, _within, acting_as
from models.violation import NotPermitted, OutOfReach, RuleViolation
from tests.bench.measuring import counted
from tests.cast import TODAY, Cast


@pytest.fixture
def ping(cast: Cast, factory: Any) -> Iterator[Session]:
    """A session of 平, who administers North."""
    with acting_as(cast.identity("平")), factory() as session:
        yield session


NORTH = {"梅", "兰", "竹"}
READS: dict[str, Callable[[Session], set[str]]] = {
    "select": lambda s: {t.name for t in s.scalars(select(Teacher))},
    "column": lambda s: set(s.scalars(select(Teacher.name))),
    "aliased": lambda s: {t.name for t in s.scalars(select(aliased(Teacher)))},
    "subquery": lambda s: set(s.scalars(select(Teacher.name).where(Teacher.id.in_(select(Teacher.id))))),
    "query": lambda s: {t.name for t in s.query(Teacher)},
    "join from a shared table": lambda s: set(
        s.scalars(select(Teacher.name).select_from(IdType).join(Teacher, Teacher.id_type_id == IdType.id))
    ),
    "through applications": lambda s: {c.teacher.name for c in s.scalars(select(Certification))} | {"竹"},
    "joined": lambda s: {c.teacher.name for c in s.scalars(select(Certification).options(joinedload(Certification.teacher)))} | {"竹"},
    "selectin": lambda s: {c.teacher.name for c in s.scalars(select(Certification).options(selectinload(Certification.teacher)))} | {"竹"},
}


@pytest.mark.parametrize("form", READS)
def test_every_form_of_a_read_stays_in_reach(ping: Session, form: str) -> None:
    assert READS[form](ping) == NORTH


def test_counts_and_existence_tell_nothing(ping: Session, cast: Cast) -> None:
    assert ping.scalar(select(func.count()).select_from(Teacher)) == 3
    assert ping.scalar(select(exists().where(Teacher.id == cast.teacher["菊"]))) is False
    assert ping.scalars(select(School.name).where(exists().where(Teacher.school_id == cast.school["南"]))).all() == []


def test_get_answers_nothing_even_about_a_row_loaded_before(ping: Session, cast: Cast) -> None:
    with acting_as(SYSTEM):
        assert ping.get(Teacher, cast.teacher["菊"]) is not None
    assert ping.get(Teacher, cast.teacher["菊"]) is None


def test_units_above_are_read_and_not_written(ping: Session, cast: Cast) -> None:
    assert set(ping.scalars(select(Region.name))) == {"福建省", "厦门市", "思明区"}
    ping.get_one(Region, cast.region["思明区"]).name = "越界区"
    with pytest.raises(NotPermitted):
        ping.commit()


def test_without_an_identity_there_are_no_rows(factory: Any, cast: Cast) -> None:
    with acting_as(NOBODY), factory() as session:
        for model in (Teacher, School, Region, Certification, Post, Account, Change):
            assert session.scalars(select(model)).all() == [], model


@pytest.mark.parametrize("act", ["update", "delete"])
def test_bulk_writes_belong_to_services(ping: Session, act: str) -> None:
    statement = update(Teacher).values(name="越界") if act == "update" else delete(Teacher)
    with pytest.raises(NotPermitted):
        ping.execute(statement)


def test_nothing_is_added_moved_or_deleted_out_of_reach(ping: Session, cast: Cast) -> None:
    with acting_as(SYSTEM):
        south, chrysanthemum = ping.get_one(School, cast.school["南"]), ping.get_one(Teacher, cast.teacher["菊"])
    ping.add(Teacher(name="越界", id_type_id=1, id_number="35020319850312001X", school=south))
    with pytest.raises((OutOfReach, RuleViolation)):
        ping.commit()
    chrysanthemum.name = "越界"
    with pytest.raises(OutOfReach):
        ping.commit()
    ping.delete(chrysanthemum)
    with pytest.raises(OutOfReach):
        ping.commit()
    assert not (ping.new or ping.dirty or ping.deleted)


def set_state(teacher: Teacher, cast: Cast, session: Session) -> None:
    teacher.certification = CertificationState.PASSED


def set_path(teacher: Teacher, cast: Cast, session: Session) -> None:
    teacher.scope_path = cast.path["南"]


def set_owner_key(teacher: Teacher, cast: Cast, session: Session) -> None:
    teacher.school_id = cast.school["南"]


def set_owner(teacher: Teacher, cast: Cast, session: Session) -> None:
    with acting_as(SYSTEM), session.no_autoflush:
        teacher.school = session.get_one(School, cast.school["南"])


def drop_owner(teacher: Teacher, cast: Cast, session: Session) -> None:
    teacher.school = None


@pytest.mark.parametrize("change", [set_state, set_path, set_owner_key, set_owner, drop_owner])
def test_states_paths_and_owners_are_written_by_services_alone(ping: Session, cast: Cast, change: Any) -> None:
    teacher = ping.get_one(Teacher, cast.teacher["兰"])
    change(teacher, cast, ping)
    with pytest.raises(RuleViolation):
        ping.commit()
    ping.add(teacher)
    ping.refresh(teacher)
    assert (teacher.certification, teacher.school_id, teacher.scope_path) == (
        CertificationState.PENDING,
        cast.school["北"],
        cast.path["兰"],
    )


def test_a_refused_change_is_not_left_for_a_later_commit(ping: Session, cast: Cast) -> None:
    teacher = ping.get_one(Teacher, cast.teacher["竹"])
    teacher.name = ""
    with pytest.raises(RuleViolation):
        ping.commit()
    ping.commit()
    with acting_as(SYSTEM):
        assert ping.scalar(select(Teacher.name).where(Teacher.id == teacher.id)) == "竹"
        assert ping.scalars(select(Change).where(Change.row_id == teacher.id, Change.act == "edit")).all() == []


def test_a_person_with_several_grants_reaches_each_at_its_own_place() -> None:
    """The leader of g5 who is a member of g6 edits one and sees both (architecture: act and row are one set of facts)."""
    both = Identity(grants=frozenset({("read", "t", "/1/s1/g5/"), ("edit", "t", "/1/s1/g5/"), ("read", "t", "/1/s1/g6/")}))
    assert both.reaches("edit", "t", "/1/s1/g5/a/") and not both.reaches("edit", "t", "/1/s1/g6/a/")
    assert both.reaches("read", "t", "/1/s1/g6/a/") and not both.reaches("read", "t", "/1/s1/g55/")
    assert not both.reaches("read", "t", "/1/s1/")


def test_an_entry_made_twice_is_told_in_words(ping: Session, cast: Cast) -> None:
    """S0-21, S0-22: a transferred teacher is moved, not entered again."""
    with acting_as(SYSTEM):
        number = ping.scalar(select(Teacher.id_number).where(Teacher.id == cast.teacher["菊"]))
    ping.add(Teacher(name="菊", id_type_id=1, id_number=number, school_id=cast.school["北"]))
    with pytest.raises(RuleViolation, match="已在平台登记") as told:
        ping.commit()
    assert told.value.field == "id_number"


def new_family(cast: Cast, session: Session) -> list[Any]:
    """A county, a school in it, two teachers there and an application: everything below a city that is there."""
    county = Region(code="350299", name="新区", level=RegionLevel.COUNTY, parent=session.get_one(Region, cast.region["厦门市"]))
    school = School(code="3135000099", name="新学校", region=county)
    asters = [Teacher(name=name, id_type_id=1, id_number=number, school=school) for name, number in NEWCOMERS.items()]
    return [county, school, *asters, Certification(teacher=asters[0], school=school, applied_at=TODAY)]


NEWCOMERS = {"紫": "350203198503120044", "菀": "350203198503120060"}


@pytest.mark.parametrize("order", [list, reversed], ids=["owners first", "owners last"])
def test_owners_and_what_they_own_are_added_together(factory: Any, cast: Cast, order: Any) -> None:
    """Each knows its place in the same flush, for one more statement for a table, however many rows there are."""
    with acting_as(SYSTEM), factory() as session:
        county, school, aster, other, applied = family = new_family(cast, session)
        session.add_all(order(family))
        with counted(cast.engine) as sent:
            session.commit()
        written = [text.split(" WHERE ")[0] for text in sent if "scope_path=" in text]
        assert [sum(f"UPDATE {row.__tablename__} " in text for text in written) for row in (county, aster, applied)] == [1, 1, 1]
        assert county.scope_path == f"{cast.path['厦门市']}350299/"
        assert school.scope_path == f"{county.scope_path}s{school.id}/"
        assert [aster.scope_path, other.scope_path] == [f"{school.scope_path}t{one.id}/" for one in (aster, other)]
        assert applied.scope_path == aster.scope_path
        known = [row.scope_path for row in family]
        session.expire_all()
        assert [row.scope_path for row in family] == known, "in the database as in the session"
        told = set(session.scalars(select(Change.scope_path).where(Change.act == "add")))
        assert told == set(known)


def test_what_is_added_with_its_owner_is_judged_where_the_owner_belongs(ping: Session, cast: Cast) -> None:
    """Bringing the owner along reaches no further: applications may be added at South here, and not at North."""
    grants = frozenset(
        {("read", "school", cast.path["北"]), ("add", "teacher", cast.path["北"]), ("add", "certification", cast.path["南"])}
    )
    aster = Teacher(name="紫", id_type_id=1, id_number=NEWCOMERS["紫"], school_id=cast.school["北"])
    with acting_as(Identity(account_id=cast.account["平"], grants=grants)):
        ping.add(Certification(teacher=aster, school_id=cast.school["北"]))
        with pytest.raises(OutOfReach):
            ping.commit()


# --- the one option that carries every condition ----------------------------------------------------------------------


def _described(*identities: Identity) -> Any:
    statement = select(Teacher)
    for identity in identities:
        statement = statement.options(_within(identity))
    return statement._generate_cache_key()


def test_the_conditions_of_two_people_share_a_statement_and_not_their_values(cast: Cast) -> None:
    north, south = _described(cast.identity("平")), _described(cast.identity("锐"))
    assert north.key == south.key
    assert [bound.value for bound in north.bindparams] != [bound.value for bound in south.bindparams]
    assert _described(cast.identity("丹")).key == _described(cast.identity("丹")).key


def test_other_grants_make_another_statement(cast: Cast) -> None:
    one, two = (
        Identity(account_id=9, grants=frozenset(("read", "teacher", path) for path in paths)) for paths in (["/1/"], ["/1/", "/2/"])
    )
    assert _described(one).key != _described(two).key


def test_a_row_passed_on_to_another_person_is_judged_by_both(cast: Cast) -> None:
    """Options travel with rows to what is loaded later; conditions of the same form must not be taken for each other's."""
    ping, rui = cast.identity("平"), cast.identity("锐")
    twice, both = _described(ping, ping), _described(ping, rui)
    assert twice.key != both.key
    assert len(both.bindparams) == 2 * len(twice.bindparams)


@pytest.mark.parametrize("order", [("平", "锐", "平"), ("锐", "平", "锐")])
def test_one_statement_serves_people_in_turn_and_each_sees_their_own(factory: Any, cast: Cast, order: tuple[str, ...]) -> None:
    expected = {"平": NORTH, "锐": None}
    asked = select(Certification).options(joinedload(Certification.teacher))
    for name in order:
        with acting_as(cast.identity(name)), factory() as session:
            names = {t.name for t in session.scalars(select(Teacher))}
            shown = {c.teacher.name for c in session.scalars(asked)}
        assert names == (expected[name] or names) and shown <= names
        assert name == "平" or not names & NORTH
