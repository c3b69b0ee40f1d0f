"""What a link is changed to is what the rules judge, whichever door it is changed by (S0-29, S0-53, S0-87)."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from models.access import Account, Post, in_office
from models.activities import Activity, ActivityKind, Rubric
from models.people import CertificationState, Teacher
from models.research import ResearchGroup
from rules.grants import GROUP_LEADER
from tests.cast import Cast
from tests.clients import Browser

Clients = Callable[[str], Browser]


@pytest.fixture
def bamboo(cast: Cast) -> int:
    """One more certified teacher of North; 梅 is the other."""
    with Session(cast.engine) as session:
        session.execute(update(Teacher).filter_by(id=cast.teacher["竹"]).values(certification=CertificationState.PASSED))
        session.commit()
    return cast.teacher["竹"]


def leaders(cast: Cast) -> list[int]:
    with Session(cast.engine) as session:
        held = select(Account.teacher_id).join(Post, Post.account_id == Account.id).where(Post.role == GROUP_LEADER, in_office())
        return list(session.scalars(held))


def group_of(cast: Cast) -> ResearchGroup:
    with Session(cast.engine) as session:
        return session.scalars(select(ResearchGroup)).one()


def on_screen(browser: Browser, group: ResearchGroup, leader: int | str) -> Any:
    address = f"/research_group/edit/{group.id}"
    return browser.post(address, _version=browser.version(address), name=group.name, leader=str(leader))


def by_rest(browser: Browser, group: ResearchGroup, leader: int | None) -> Any:
    return browser.api("put", f"/api/v1/research_group/{group.id}", json.dumps({"leader": leader}))


def test_the_post_follows_the_leader_chosen_on_screen_and_by_rest(client_of: Clients, cast: Cast, bamboo: int) -> None:
    ping, group, plum = client_of("平"), group_of(cast), cast.teacher["梅"]
    assert on_screen(ping, group, plum).status_code == 303 and leaders(cast) == [plum]
    assert on_screen(ping, group, bamboo).status_code == 303 and leaders(cast) == [bamboo]
    assert by_rest(ping, group, plum).status_code == 200 and leaders(cast) == [plum]
    assert on_screen(ping, group, "").status_code == 303 and leaders(cast) == []


def test_nobody_leads_uncertified_by_either_door(client_of: Clients, cast: Cast, bamboo: int) -> None:
    ping, group = client_of("平"), group_of(cast)
    on_screen(ping, group, bamboo)
    page = on_screen(ping, group, cast.teacher["兰"])
    assert page.status_code == 422 and "组长须为本校已通过认证的教师" in page.text
    refused = by_rest(ping, group, cast.teacher["兰"])
    assert refused.status_code == 422 and "组长须为本校已通过认证的教师" in refused.json["errors"]["leader"][0]
    assert leaders(cast) == [bamboo] and group_of(cast).leader_id == bamboo


def test_the_criteria_of_an_activity_stay_once_somebody_has_joined(client_of: Clients, cast: Cast, bamboo: int) -> None:
    """Decision 0007: an activity is a promise to whoever has joined it."""
    group = group_of(cast)
    on_screen(client_of("平"), group, bamboo)
    with Session(cast.engine) as session:
        activity = session.scalars(select(Activity)).one()
        other = Rubric(group_id=group.id, name="另一份", criteria="一条", scope_path=group.scope_path)
        session.add(other)
        session.commit()
        changed, number, kept = other.id, activity.id, activity.rubric_id
    for rubric in (changed, None):
        refused = client_of("竹").api("put", f"/api/v1/activity/{number}", json.dumps({"rubric": rubric}))
        assert refused.status_code == 422 and "已有教师参与" in refused.json["errors"]["rubric"][0]
    with Session(cast.engine) as session:
        assert session.get_one(Activity, number).rubric_id == kept


def test_criteria_are_for_observations_alone(client_of: Clients, cast: Cast, bamboo: int) -> None:
    group = group_of(cast)
    on_screen(client_of("平"), group, bamboo)
    with Session(cast.engine) as session:
        seen = session.scalars(select(Activity)).one()
        given = {"topic": seen.topic_id, "kind": ActivityKind.HOMEWORK.value, "title": "反思", "rubric": seen.rubric_id}
        times = {"starts_at": "2026-11-23T08:00", "ends_at": "2026-11-30T08:00"}
    refused = client_of("竹").api("post", "/api/v1/activity/", json.dumps(given | times | {"homework_kind": "reflection"}))
    assert refused.status_code == 422 and "只用于“听课评课”" in refused.json["errors"]["rubric"][0]
