"""Topics follow the group's plan, and the leader is told while there is none (S0-33, S1-38, S1-39, S1-53)."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import delete, update

from models.research import GroupPlan, SchoolProgramme, SchoolState
from models.scoping import SYSTEM, acting_as
from models.session import make_session_factory
from tests.services.lessons import LEADER, MEMBER, Lessons

MISSING = "本教研组还没有研修计划"


@pytest.fixture
def lessons(cast: Any, engine: Any, app: Any) -> Any:
    with make_session_factory(engine)() as session:
        yield Lessons(cast, session)


def put(lessons: Lessons, statement: Any) -> None:
    with acting_as(SYSTEM):
        lessons.session.execute(statement, execution_options={"synchronize_session": False})
        lessons.session.commit()


def test_the_leader_is_told_that_the_plan_is_missing_and_led_to_it(lessons: Lessons, client_of: Any) -> None:
    """It is no reason to refuse: the plan need not be on the platform. Nobody else can write it, so nobody else is told."""
    leader, topic, group = client_of(LEADER), lessons.topic.id, lessons.group.id
    assert MISSING not in leader.get(f"/topic/show/{topic}").text
    put(lessons, delete(GroupPlan))
    page = leader.get(f"/topic/show/{topic}").text
    assert MISSING in page and f'href="/group_plan/add?group={group}"' in page and "添加活动" in page
    for who in (MEMBER, "平"):
        assert MISSING not in client_of(who).get(f"/topic/show/{topic}").text
    dates = {"starts_on": str(lessons.topic.starts_on), "ends_on": str(lessons.topic.ends_on)}
    added = leader.post("/topic/add", group=str(group), title="又一专题", **dates)
    assert added.status_code == 303 and MISSING in leader.get(added.headers["Location"]).text
    put(lessons, update(SchoolProgramme).values(state=SchoolState.PASSED))
    assert MISSING not in leader.get(f"/topic/show/{topic}").text, "an accepted school writes no plan any more"
