"""Drafts are their leader's alone and what was hidden its author's and the moderators', behind every door (S0-34, S0-86, S0-104, S0-113)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import update

from models.activities import Activity, ActivityState, Comment, Topic, TopicState
from models.outcomes import Outcome, OutcomeState
from models.scoping import SYSTEM, acting_as
from models.session import make_session_factory
from rules.grants import GROUP_MEMBER, IT_TEAM
from tests.cast import Cast
from tests.journeys.test_taking_part import DISCUSSION, YES, School
from tests.services.lessons import LEADER, MEMBER, OTHER


@pytest.fixture
def north(cast: Cast, app: Any) -> Iterator[School]:
    with make_session_factory(cast.engine)() as session:
        yield School(cast, session)


def reads(browser: Any, table: str, row: int, text: str) -> set[str]:
    """The doors at which this person finds the row, or the text in one of their pages."""
    pages = {"list": f"/{table}/list/", "record": f"/{table}/show/{row}"}
    doors = {name: text in browser.get(address).text for name, address in pages.items()}
    doors["REST"] = text in json.dumps(browser.api("GET", f"/api/v1/{table}/").json, ensure_ascii=False)
    doors["REST record"] = browser.api("GET", f"/api/v1/{table}/{row}").status_code == 200
    exported = browser.post(f"/{table}/export", scope="all", format="csv")
    doors["export"] = text in exported.get_data().decode("utf-8", "replace")
    return {name for name, there in doors.items() if there}


def test_a_hidden_comment_is_its_authors_and_the_moderators_at_every_door(north: School, client_of: Any) -> None:
    north.lessons.appoint(OTHER, GROUP_MEMBER, north.lessons.group.scope_path)
    author, leader, address = client_of(MEMBER), client_of(LEADER), north.url(DISCUSSION)
    author.post(f"{address}/join", **YES)
    author.post(f"{address}/comments", body="离题万里")
    [comment] = north.rows(Comment, DISCUSSION)
    everywhere = {"list", "record", "REST", "REST record"}
    others = {who: client_of(who) for who in (OTHER, "平")}
    assert all(everywhere <= reads(browser, "comment", comment.id, "离题万里") for browser in others.values())
    assert "export" in reads(others["平"], "comment", comment.id, "离题万里")
    assert leader.post(f"{address}/comments/{comment.id}/hide", **YES, comment="与主题无关").status_code == 303
    for text in ("离题万里", "与主题无关"):
        assert {who: reads(browser, "comment", comment.id, text) for who, browser in others.items()} == {OTHER: set(), "平": set()}
    for browser in (author, leader):
        assert everywhere <= reads(browser, "comment", comment.id, "离题万里")


DRAFTS = [(Topic, TopicState.DRAFT, TopicState.PUBLISHED), (Activity, ActivityState.DRAFT, ActivityState.PUBLISHED)]


@pytest.mark.parametrize(("model", "draft", "told"), [*DRAFTS, (Outcome, OutcomeState.SAVED, OutcomeState.SUBMITTED)])
def test_a_draft_is_its_leaders_until_it_is_published(north: School, client_of: Any, model: Any, draft: Any, told: Any) -> None:
    """S0-34, S0-59, S0-62, S0-104, S0-105, S0-113: a topic's draft is read by the school as well, which may delete it."""
    table, title, group = model.__tablename__, "还在写的内容", north.lessons.group
    north.lessons.appoint(OTHER, IT_TEAM, north.cast.path["北"])
    if model is Activity:
        row = north.activity[DISCUSSION]
    else:
        with acting_as(SYSTEM):
            made = model(group_id=group.id, title=title)
            if model is Topic:
                made.starts_on, made.ends_on = north.lessons.topic.starts_on, north.lessons.topic.ends_on
            north.session.add(made)
            north.session.commit()
            row = made.id

    def put(state: Any) -> None:
        with acting_as(SYSTEM):
            written = update(model).where(model.id == row).values(state=state, title=title)
            north.session.execute(written, execution_options={"synchronize_session": False})
            north.session.commit()

    browsers = {who: client_of(who) for who in (LEADER, MEMBER, OTHER, "平", "丹")}
    everywhere = {"list", "record", "REST", "REST record"}
    put(draft)
    seen = {who: reads(browser, table, row, title) for who, browser in browsers.items()}
    school = everywhere | {"export"} if model is Topic else set()
    assert seen == {LEADER: everywhere, MEMBER: set(), OTHER: set(), "平": school, "丹": set()}
    if model is Activity:
        statuses = {who: browser.get(north.url(DISCUSSION)).status_code for who, browser in browsers.items()}
        assert statuses == {LEADER: 200, MEMBER: 404, OTHER: 404, "平": 404, "丹": 404}
        offered = {
            who: row in [one["id"] for one in browsers[who].get("/comment/choices/activity").json["results"]] for who in (LEADER, MEMBER)
        }
        assert offered == {LEADER: True, MEMBER: False}
    put(told)
    assert all(everywhere <= reads(browser, table, row, title) for browser in browsers.values())
