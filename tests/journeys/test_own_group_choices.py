"""A form offers what one may write to, not all that one reads: who leads one group and looks at the others adds to their own (S0-115, S0-131)."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from sqlalchemy import select

from models.activities import Rubric, Topic, TopicState
from models.outcomes import Outcome
from models.research import ResearchGroup
from models.scoping import SYSTEM, acting_as
from models.session import make_session_factory
from rules.grants import GROUP_MEMBER, IT_TEAM
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
