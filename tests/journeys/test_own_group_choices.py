"""A form offers what one may write to, not all that one reads: who leads one group and looks at the others adds to their own (S0-115, S0-131)."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from sqlalchemy import select

from models.access import Account, Post
from models.activities import Rubric, Topic, TopicState
from models.outcomes import Outcome
from models.people import CertificationState, Teacher
from models.research import ResearchGroup
from models.scoping import SYSTEM, acting_as
from models.session import make_session_factory
from rules.grants import GROUP_LEADER, GROUP_MEMBER, IT_TEAM
from tests.cast import Cast
from tests.services.lessons import LEADER, Lessons

FOREIGN = {"group": "北数学教研组", "topic": "北数学专题", "rubric": "北数学评课表"}


class Both:
    """梅 leads 北语文教研组, and as one of the IT team and a member of 北数学教研组 reads that as well."""

    def __init__(self, cast: Cast) -> None:
        with make_session_factory(cast.engine)() as session, acting_as(SYSTEM):
            lessons = Lessons(cast, session)
            other = ResearchGroup(school_programme_id=lessons.school.id, name=FOREIGN["group"])
            session.add(other)
            session.commit()
            topic = Topic(group_id=other.id, title=FOREIGN["topic"], starts_on=lessons.topic.starts_on, ends_on=lessons.topic.ends_on)
            topic.state = TopicState.PUBLISHED
            rubric = Rubric(group_id=other.id, name=FOREIGN["rubric"], criteria="目标")
            session.add_all([topic, rubric])
            session.commit()
            lessons.appoint(LEADER, IT_TEAM, cast.path["北"])
            lessons.appoint(LEADER, GROUP_MEMBER, other.scope_path)
            self.own = {"group": lessons.group.id, "topic": lessons.topic.id, "rubric": lessons.rubric.id}
            self.foreign = {"group": other.id, "topic": topic.id, "rubric": rubric.id}


@pytest.fixture
def both(cast: Cast, app: Any) -> Both:
    return Both(cast)


@pytest.mark.parametrize(
    ("table", "link"),
    [("outcome", "group"), ("topic", "group"), ("rubric", "group"), ("group_plan", "group"), ("activity", "topic"), ("activity", "rubric")],
)
def test_ones_own_alone_is_offered(both: Both, client_of: Any, table: str, link: str) -> None:
    mei = client_of(LEADER)
    page = mei.get(f"/{table}/add").text
    [select_] = re.findall(rf'<select[^>]*name="{link}".*?</select>', page, re.DOTALL)
    assert FOREIGN[link] not in select_ and f'value="{both.own[link]}"' in select_
    [address] = re.findall(r'data-remote="([^"]+)"', select_)
    offered = mei.get(address.replace("&amp;", "&")).json["results"]
    assert [one["id"] for one in offered] == [both.own[link]]
    read = {one["id"] for one in mei.get(f"/{table}/choices/{link}").json["results"]}
    assert {both.own[link], both.foreign[link]} <= read, "a list is filtered by all that one reads"


def test_what_is_not_offered_is_refused_in_words(both: Both, client_of: Any, cast: Cast) -> None:
    mei = client_of(LEADER)
    assert f'value="{both.foreign["group"]}"' not in mei.get(f"/outcome/add?group={both.foreign['group']}").text
    form = {"group": str(both.foreign["group"]), "kind": "outcome", "title": "别组的成果"}
    refused = mei.post("/outcome/add", **form)
    assert refused.status_code == 422 and "不在您的管理范围内" in refused.text and "别组的成果" in refused.text
    sent = mei.api("POST", "/api/v1/outcome/", json.dumps({**form, "group": both.foreign["group"]}))
    assert sent.status_code == 422 and "group" in sent.json["errors"]
    with make_session_factory(cast.engine)() as session, acting_as(SYSTEM):
        assert session.scalars(select(Outcome.title).filter_by(title="别组的成果")).all() == []


def test_activities_are_added_to_a_topic_in_progress(both: Both, client_of: Any, cast: Cast) -> None:
    """S0-78: a draft is not offered, and named all the same it is refused with the rule's own sentence."""
    with make_session_factory(cast.engine)() as session, acting_as(SYSTEM):
        session.get_one(Topic, both.own["topic"]).state = TopicState.DRAFT
        session.commit()
    mei = client_of(LEADER)
    assert mei.get("/activity/choices/topic?act=add").json["results"] == []
    refused = mei.post("/activity/add", topic=str(both.own["topic"]), kind="discussion", title="议课", starts_at="", ends_at="")
    assert refused.status_code == 422 and "只能在已发布且进行中的研修专题下添加活动。" in refused.text and "议课" in refused.text


def test_who_may_lead_is_offered(both: Both, client_of: Any, cast: Cast) -> None:
    """S0-53: certified teachers of one's own school; whoever else is named is refused with the rule's own sentence."""
    ping, passed = client_of("平"), CertificationState.PASSED
    with make_session_factory(cast.engine)() as session, acting_as(SYSTEM):
        session.get_one(Teacher, cast.teacher["兰"]).certification = CertificationState.PENDING
        session.commit()
        states = {t.id: t.certification for t in session.scalars(select(Teacher).filter_by(school_id=cast.school["北"]))}
        school = session.scalars(select(ResearchGroup.school_programme_id).filter_by(id=both.own["group"])).one()
    assert {passed} < set(states.values()), "some of the school are not certified"
    offered = {one["id"] for one in ping.get("/research_group/choices/leader?act=add").json["results"]}
    assert offered == {pk for pk, state in states.items() if state is passed}
    ping.get("/research_group/add")
    for pk in (next(pk for pk, state in states.items() if state is not passed), cast.teacher["菊"]):
        refused = ping.post("/research_group/add", school_programme=str(school), name="新组", leader=str(pk))
        assert refused.status_code == 422 and "组长须为本校已通过认证的教师。" in refused.text


def test_a_member_is_made_the_leader(both: Both, client_of: Any, cast: Cast) -> None:
    """S0-29: on the members' page, by who writes groups; whoever led stays a member."""
    ping, group, other = client_of("平"), both.own["group"], both.foreign["group"]
    address = f"/research_group/members/{group}"
    with make_session_factory(cast.engine)() as session, acting_as(SYSTEM):
        first = session.get_one(ResearchGroup, group).leader_id
    member = next(pk for pk in cast.teacher.values() if f'name="lead" value="{pk}"' in ping.get(address).text)
    assert 'name="lead"' not in client_of(LEADER).get(address).text
    assert client_of(LEADER).post(address, lead=str(member)).status_code == 403
    assert ping.post(address, lead=str(cast.teacher["菊"])).status_code == 404, "no member"
    assert ping.post(address, lead=str(member)).status_code == 303
    with make_session_factory(cast.engine)() as session, acting_as(SYSTEM):
        assert session.get_one(ResearchGroup, group).leader_id == member != first
        path = session.get_one(ResearchGroup, group).scope_path
        held = select(Account.teacher_id, Post.role).join(Post, Post.account_id == Account.id)
        roles = {teacher: role for teacher, role in session.execute(held.where(Post.scope_path == path, Post.until.is_(None)))}
    assert roles[member] == GROUP_LEADER and roles[first] == GROUP_MEMBER
    assert f'name="lead" value="{first}"' in ping.get(address).text
    assert ping.get(f"/research_group/members/{other}").status_code == 200
