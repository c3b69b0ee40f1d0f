"""The school deletes a group's topic, asked first, while there is no activity in it (S0-59, S0-61)."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from sqlalchemy.orm import Session

from models.activities import Topic, TopicState
from models.scoping import SYSTEM, acting_as
from models.session import make_session_factory
from tests.services.lessons import MEMBER, Lessons


@pytest.fixture
def lessons(cast: Any, engine: Any, app: Any) -> Any:
    with make_session_factory(engine)() as session:
        yield Lessons(cast, session)


@pytest.fixture
def empty(lessons: Lessons) -> int:
    """A published topic without activities."""
    with acting_as(SYSTEM):
        topic = Topic(group_id=lessons.group.id, title="空专题", starts_on=date(2026, 11, 1), ends_on=date(2027, 1, 1))
        lessons.session.add(topic)
        lessons.session.commit()
        topic.state = TopicState.PUBLISHED
        lessons.session.commit()
        return topic.id


def is_there(lessons: Lessons, topic: int) -> bool:
    with Session(lessons.cast.engine) as session:
        return session.get(Topic, topic) is not None


def test_a_school_admin_deletes_an_empty_topic_after_the_question(lessons: Lessons, empty: int, client_of: Any) -> None:
    ping, address = client_of("平"), f"/topic/delete/{empty}"
    assert f'href="{address}"' in ping.get(f"/topic/show/{empty}").text
    question = "删除后不能恢复，历史记录会保留。确定删除“空专题”吗？"
    for asked in (ping.get(address), ping.post(address)):
        assert asked.status_code == 200 and question in asked.text and 'name="confirmed" value="1"' in asked.text
        assert '<button class="btn btn-danger">确认</button>' in asked.text, "as the manual calls it"
    assert is_there(lessons, empty), "nothing goes before the answer"
    gone = ping.post(address, confirmed="1")
    assert gone.status_code == 303 and gone.headers["Location"] == "/topic/list/"
    assert "已删除“空专题”。" in ping.get("/topic/list/").text and not is_there(lessons, empty)
    assert ping.get(f"/topic/show/{empty}").status_code == 404


def test_a_topic_with_activities_stays_and_says_why(lessons: Lessons, client_of: Any) -> None:
    ping, topic = client_of("平"), lessons.topic.id
    page = ping.get(f"/topic/delete/{topic}").text
    assert "请先由教研组组长删除没有人参与的活动" in page and 'name="confirmed"' not in page
    ping.get("/topic/list/")
    assert ping.post(f"/topic/delete/{topic}", confirmed="1").status_code == 409 and is_there(lessons, topic)


def test_nobody_else_deletes_it(lessons: Lessons, empty: int, client_of: Any) -> None:
    for who, statuses in ((MEMBER, (302, 403)), ("丹", (302, 403)), ("锐", (404,))):
        browser = client_of(who)
        browser.get("/notices/")
        assert browser.post(f"/topic/delete/{empty}", confirmed="1").status_code in statuses, who
    assert is_there(lessons, empty)
