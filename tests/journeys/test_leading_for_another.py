"""Naming who leads the group for its leader, and what they then reach: their own group, at every door, and no other."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from models.access import Post
from models.activities import Activity
from models.base import ZONE, utcnow
from models.research import ResearchGroup
from models.scoping import SYSTEM, acting_as
from models.session import make_session_factory
from rules.grants import GROUP_LEADER, GROUP_MEMBER
from tests.cast import Cast
from tests.journeys.test_taking_part import DISCUSSION, OFFLINE, YES, School
from tests.services.lessons import LEADER, MEMBER, OTHER

SOON = (utcnow() + timedelta(days=7)).astimezone(ZONE).date()


@pytest.fixture
def north(cast: Cast, app: Any) -> Any:
    with make_session_factory(cast.engine)() as session:
        yield School(cast, session)


def leading(north: School) -> int:
    with acting_as(SYSTEM):
        held = select(Post.id).where(Post.scope_path == north.lessons.group.scope_path, Post.role == GROUP_LEADER)
        return north.session.scalars(held.where(Post.delegate_of_id.is_(None))).one()


@pytest.mark.parametrize("who", [LEADER, "平"])
def test_the_leader_or_the_school_names_one_among_the_members(north: School, client_of: Any, cast: Cast, who: str) -> None:
    """兰 and 竹 are members; nobody's number stands on the page."""
    north.lessons.appoint(OTHER, GROUP_MEMBER, north.lessons.group.scope_path)
    browser, members = client_of(who), f"/research_group/members/{north.lessons.group.id}"
    [address] = re.findall(rf'href="(/posts/{leading(north)}/delegate[^"]*)"', browser.get(members).text)
    form = browser.get(address)
    assert cast.username[MEMBER] not in form.text and MEMBER in form.text and OTHER in form.text and "锐" not in form.text
    empty = browser.post(address, username="", last_day=SOON.isoformat())
    assert empty.status_code == 422 and "请选择代理人。" in empty.text
    foreign = browser.post(address, username=str(cast.account["锐"]), last_day=SOON.isoformat())
    assert foreign.status_code == 422
    named = browser.post(address, username=str(cast.account[MEMBER]), last_day=SOON.isoformat())
    assert named.status_code == 303 and named.location.endswith(members)
    page = browser.get(members).text
    assert "由兰代理，至" in page and "收回代理" in page and "由兰代理" in client_of(OTHER).get(members).text
    assert "收回代理" not in client_of(OTHER).get(members).text and "委托代理" not in client_of(OTHER).get(members).text
    [withdrawing] = re.findall(r'formaction="(/posts/\d+/withdraw)"', page)
    assert client_of(OTHER).post(withdrawing).status_code == 404
    back = browser.post(withdrawing, **{"from": "group"})
    assert back.status_code == 303 and back.location.endswith(members) and "由兰代理" not in browser.get(members).text


@pytest.mark.parametrize("who", [MEMBER, OTHER, "锐", "丹"])
def test_nobody_else_finds_the_way(north: School, client_of: Any, who: str) -> None:
    assert client_of(who).get(f"/posts/{leading(north)}/delegate").status_code == 404


def test_what_a_substitute_does_and_where(north: School, client_of: Any, cast: Cast) -> None:
    with acting_as(SYSTEM):
        other = ResearchGroup(school_programme_id=north.lessons.school.id, name="北数学教研组")
        north.session.add(other)
        north.session.commit()
    mei, lan = client_of(LEADER), client_of(MEMBER)
    mei.get("/posts/")
    assert mei.post(f"/posts/{leading(north)}/delegate", username=str(cast.account[MEMBER]), last_day=SOON.isoformat()).status_code == 303
    assert "教研组组长" in lan.get("/posts/").text and "我代理他人" in lan.get("/posts/").text
    topic, group, offline = north.lessons.topic.id, north.lessons.group.id, north.url(OFFLINE)
    # their own group: topics, activities, what was done offline, remarks, outcomes
    new = {"group": str(group), "title": "代拟专题", "starts_on": "2026-11-01", "ends_on": "2027-01-01"}
    lan.get("/topic/add")
    assert lan.post("/topic/add", **new).status_code == 303
    now = utcnow().astimezone(ZONE)
    activity = {"topic": str(topic), "kind": "discussion", "title": "代办活动", "starts_at": now.strftime("%Y-%m-%dT%H:%M")}
    activity["ends_at"] = (now + timedelta(days=2)).strftime("%Y-%m-%dT%H:%M")
    assert lan.post("/activity/add", **activity).status_code == 303
    lan.get(offline)
    assert lan.post(f"{offline}/participants", teacher=str(cast.teacher[LEADER])).status_code == 303
    assert "移出" in lan.get(offline).text
    mei.post(f"{north.url(DISCUSSION)}/join", **YES)
    mei.get(north.url(DISCUSSION))
    mei.post(f"{north.url(DISCUSSION)}/comments", body="离题")
    page = lan.get(north.url(DISCUSSION)).text
    assert "隐藏" in page and re.search(r'disabled title="代理期间不能办理被代理人本人的事项[^"]*"', page)
    lan.get("/outcome/add")
    assert lan.post("/outcome/add", group=str(group), kind="outcome", title="代传成果").status_code == 303
    with acting_as(SYSTEM), make_session_factory(cast.engine)() as session:
        added = session.scalars(select(Activity.id).filter_by(title="代办活动")).one()
    history = lan.get(f"/activity/show/{added}").text
    assert f"教研组组长 · 北语文教研组（代 {LEADER}）" in history
    # another group: at no door
    for table in ("topic", "outcome", "rubric", "group_plan"):
        form = {"group": str(other.id), "title": "x", "name": "x", "criteria": "x", "content": "x", "kind": "outcome"}
        refused = lan.post(f"/{table}/add", **form, starts_on="2026-11-01", ends_on="2027-01-01")
        assert refused.status_code == 422 and "不在您的管理范围内" in refused.text, table
        sent = lan.api("POST", f"/api/v1/{table}/", json.dumps({"group": other.id, ("name" if table == "rubric" else "title"): "x"}))
        assert sent.status_code == 422 and "group" in sent.json["errors"], table
    for address in (f"/research_group/show/{other.id}", f"/research_group/members/{other.id}"):
        assert lan.get(address).status_code == 404
    assert lan.post(f"/research_group/members/{other.id}", teacher=str(cast.teacher[OTHER])).status_code == 404
    # and once it has ended: nothing of it
    assert "停止代理" in lan.get("/posts/").text
    [stop] = re.findall(r'action="(/posts/\d+/withdraw)"', lan.get("/posts/").text)
    assert lan.post(stop).status_code == 303
    assert lan.post("/topic/add", **new).status_code == 403 and lan.post(f"{offline}/participants", teacher="1").status_code == 403
