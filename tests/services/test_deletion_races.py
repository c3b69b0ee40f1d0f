"""Somebody deletes what another hangs something on in the same instant: one of them has done it, the other is told (S0-58, Z-02)."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from threading import Event
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from models.access import Post
from models.activities import Topic
from models.research import GroupPlan, ResearchGroup
from models.scoping import SYSTEM, acting_as
from models.violation import Conflict, RuleViolation
from rules.groups import add_members
from tests.cast import TODAY, Cast
from tests.services.lessons import OTHER, Lessons

Act = Callable[[Session, Lessons, int], object]


@pytest.fixture
def lessons(cast: Cast, session: Session) -> Lessons:
    return Lessons(cast, session)


def add_plan(session: Session, lessons: Lessons, group_id: int) -> None:
    session.add(GroupPlan(group_id=group_id, title="新学年计划", content="先听后评"))
    session.flush()


def add_topic(session: Session, lessons: Lessons, group_id: int) -> None:
    session.add(Topic(group_id=group_id, title="新专题", starts_on=date(2026, 11, 1), ends_on=date(2026, 12, 1)))
    session.flush()


def delete(session: Session, lessons: Lessons, group_id: int) -> None:
    session.delete(session.get_one(ResearchGroup, group_id))
    session.flush()


def empty_group(lessons: Lessons) -> int:
    with acting_as(lessons.cast.identity("平")):
        group = ResearchGroup(school_programme_id=lessons.school.id, name="北音乐教研组")
        lessons.session.add(group)
        lessons.session.commit()
        return group.id


def one_behind_the_other(factory: sessionmaker[Any], lessons: Lessons, first: Act, second: Act, group_id: int) -> list[Exception | None]:
    """The second begins while the first has written and not yet committed; what each was refused with."""
    written, identity = Event(), lessons.cast.identity("平")

    def run(act: Act, before: Callable[[], object], after: Callable[[], object]) -> Exception | None:
        with acting_as(SYSTEM if act is not delete else identity), factory() as session:
            before()
            try:
                act(session, lessons, group_id)
                after()
                session.commit()
            except (RuleViolation, Conflict) as refusal:
                return refusal
            return None

    with ThreadPoolExecutor(2) as threads:
        one = threads.submit(run, first, lambda: None, lambda: (written.set(), Event().wait(0.7)))
        two = threads.submit(run, second, lambda: written.wait(30), lambda: None)
        return [one.result(60), two.result(60)]


@pytest.mark.parametrize(("add", "model"), [(add_plan, GroupPlan), (add_topic, Topic)])
@pytest.mark.parametrize("is_deleted_first", [True, False])
def test_a_group_is_deleted_while_something_is_hung_on_it(
    factory: sessionmaker[Any], lessons: Lessons, add: Act, model: Any, is_deleted_first: bool
) -> None:
    group_id = empty_group(lessons)
    order = (delete, add) if is_deleted_first else (add, delete)
    won, lost = one_behind_the_other(factory, lessons, *order, group_id)
    assert won is None and isinstance(lost, RuleViolation), (won, lost)
    with acting_as(SYSTEM), factory() as session:
        group, hung = session.get(ResearchGroup, group_id), session.scalars(select(model).filter_by(group_id=group_id)).all()
    assert (group is None) == is_deleted_first and len(hung) == (0 if is_deleted_first else 1), "never one without the other"
    if not is_deleted_first:
        assert "北音乐教研组" not in str(lost) and hung[0].title in str(lost), "the list of what blocks (Z-02)"
    else:
        assert "编号" not in str(lost), "named by what was chosen, never by the row's own number"


@pytest.mark.parametrize("is_deleted_first", [True, False])
def test_nobody_is_left_in_a_group_that_is_gone(factory: sessionmaker[Any], lessons: Lessons, is_deleted_first: bool) -> None:
    group_id, leader = empty_group(lessons), lessons.cast.identity("平")

    def come_in(session: Session, lessons: Lessons, group_id: int) -> None:
        group = stale[0]
        add_members(session, leader, group, [lessons.cast.teacher[OTHER]], now=TODAY)

    with acting_as(SYSTEM), factory() as session:
        stale = [session.get_one(ResearchGroup, group_id)]
    path = stale[0].scope_path
    order: tuple[Act, Act] = (delete, come_in) if is_deleted_first else (come_in, delete)
    one_behind_the_other(factory, lessons, *order, group_id)
    with acting_as(SYSTEM), factory() as session:
        gone = session.get(ResearchGroup, group_id) is None
        posts = session.scalars(select(Post).where(Post.scope_path == path, Post.until.is_(None))).all()
    assert not (gone and posts), "a post at no unit"
