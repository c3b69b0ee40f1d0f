"""A lesson is observed: the leader names who teaches, who talks of it instead of giving it stars; records of an activity (S0-38, S1-11, S1-12)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
from sqlalchemy import select, update

from models.access import Post
from models.activities import Activity, ActivityKind
from models.base import utcnow
from models.people import Teacher
from models.research import ResearchGroup, SchoolProgramme, SchoolState
from models.scoping import SYSTEM, acting_as
from models.session import make_session_factory
from rules.grants import GROUP_MEMBER
from tests import samples
from tests.cast import Cast
from tests.journeys.test_taking_part import School
from tests.services.lessons import LEADER, MEMBER, OTHER

OBSERVATION = ActivityKind.OBSERVATION
YES = {"confirmed": "1"}


@pytest.fixture
def north(cast: Cast, app: Any) -> Iterator[School]:
    with make_session_factory(cast.engine)() as session:
        yield School(cast, session)


def lesson(north: School, who: str) -> str:
    """An observed lesson that ``who`` teaches; the address of its page."""
    pk = north.publish(OBSERVATION, "公开课", teaching_teacher_id=north.cast.teacher[who])
    return f"/research/activities/{pk}"


def put(north: School, *statements: Any) -> None:
    with acting_as(SYSTEM):
        for statement in statements:
            north.session.execute(statement, execution_options={"synchronize_session": False})
        north.session.commit()
        north.session.expire_all()


def fresh(north: School, model: Any, pk: int) -> Any:
    with acting_as(SYSTEM):
        return north.session.get_one(model, pk, populate_existing=True)


def options_of(page: str, name: str) -> list[str]:
    [select_] = re.findall(rf'<select[^>]*name="{name}".*?</select>', page, re.DOTALL)
    return re.findall(r"<option[^>]*>([^<]*)</option>", select_)


def test_the_form_offers_the_groups_own_teachers(north: School, client_of: Any) -> None:
    """S1-11: by name, although the leader reads none of the school's teachers; nobody else can be sent."""
    leader = client_of(LEADER)
    assert options_of(leader.get("/activity/add").text, "teaching_teacher")[1:] == sorted((LEADER, MEMBER))
    found = leader.get("/activity/choices/teaching_teacher?act=add&q=" + MEMBER).json["results"]
    assert [one["text"] for one in found] == [MEMBER]
    now = utcnow()
    form = {
        "topic": str(north.lessons.topic.id),
        "kind": "observation",
        "title": "公开课",
        "starts_at": f"{now:%Y-%m-%dT%H:%M}",
        "ends_at": f"{now + timedelta(days=3):%Y-%m-%dT%H:%M}",
        "rubric": str(north.lessons.rubric.id),
    }
    refused = leader.post("/activity/add", **form, teaching_teacher=str(north.cast.teacher[OTHER]))
    assert refused.status_code == 422 and "所选记录不存在" in refused.text
    assert leader.post("/activity/add", **form, teaching_teacher=str(north.cast.teacher[MEMBER])).status_code == 303
    with acting_as(SYSTEM):
        [row] = north.session.scalars(select(Activity).filter_by(title="公开课"))
    assert row.teaching_teacher_id == north.cast.teacher[MEMBER]
    assert MEMBER in leader.get(f"/activity/show/{row.id}").text


def test_by_rest_it_is_the_same_choice(north: School, client_of: Any) -> None:
    leader, teacher = client_of(LEADER), north.cast.teacher
    pk = north.activity[OBSERVATION]
    assert leader.api("put", f"/api/v1/activity/{pk}", json.dumps({"teaching_teacher": teacher[OTHER]})).status_code == 422
    assert leader.api("put", f"/api/v1/activity/{pk}", json.dumps({"teaching_teacher": teacher[MEMBER]})).status_code == 200


def test_who_left_the_group_stays_named_while_something_else_is_changed(north: School, client_of: Any) -> None:
    leader, pk = client_of(LEADER), lesson(north, MEMBER).rpartition("/")[2]
    put(north, update(Post).where(Post.role == GROUP_MEMBER).values(until=utcnow()))
    page = leader.get(f"/activity/edit/{pk}").text
    assert re.search(rf'<option[^>]*selected[^>]*value="{north.cast.teacher[MEMBER]}"', page)
    values = dict(re.findall(r'name="(starts_at|ends_at|_version)"[^>]*value="([^"]*)"', page))
    form = {"title": "公开课（改）", "rubric": str(north.lessons.rubric.id), "teaching_teacher": str(north.cast.teacher[MEMBER]), **values}
    assert leader.post(f"/activity/edit/{pk}", **form).status_code == 303
    row = fresh(north, Activity, int(pk))
    assert (row.title, row.teaching_teacher_id) == ("公开课（改）", north.cast.teacher[MEMBER])


def test_a_leader_out_of_reach_leads_on_while_the_group_is_renamed(north: School, client_of: Any) -> None:
    """S1-43: who teaches elsewhere by now is not taken from the group by an edit of its name."""
    south = north.cast.path["南"]
    put(north, update(Teacher).where(Teacher.name == LEADER).values(school_id=north.cast.school["南"], scope_path=f"{south}t1/"))
    admin, group = client_of("平"), north.lessons.group.id
    page = admin.get(f"/research_group/edit/{group}").text
    version = re.findall(r'name="_version"[^>]*value="([^"]*)"', page)[0]
    form = {"name": "语文组", "leader": str(north.cast.teacher[LEADER]), "_version": version}
    assert LEADER in options_of(page, "leader") and admin.post(f"/research_group/edit/{group}", **form).status_code == 303
    row = fresh(north, ResearchGroup, group)
    assert (row.name, row.leader_id) == ("语文组", north.cast.teacher[LEADER])


def test_the_teaching_teacher_talks_of_the_lesson_and_the_others_read_it(north: School, client_of: Any) -> None:
    address, teaching, watching = lesson(north, MEMBER), client_of(MEMBER), client_of(LEADER)
    for client in (teaching, watching):
        client.post(f"{address}/join", **YES)
    page = teaching.get(address).text
    assert "您是执教教师" in page and "上传教学设计和教学反思" in page and 'name="stars.0"' not in page and 'name="summary"' not in page
    assert 'name="stars.0"' in watching.get(address).text and "您是执教教师" not in watching.get(address).text
    refused = teaching.post(f"{address}/evaluation", **{"stars.0": "5", "stars.1": "5", "summary": "很好"})
    assert refused.status_code == 422 and "不评自己的课" in refused.text
    empty = teaching.post(f"{address}/lesson", **{"files.lesson_reflection": ""})
    assert empty.status_code == 422 and "请至少上传一个文件" in empty.text
    file = (BytesIO(samples.pdf()), "教学设计和教学反思.pdf")
    sent = {"files.lesson_reflection": "", "upload.lesson_reflection": file}
    assert teaching.post(f"{address}/lesson", **sent).status_code == 303
    assert "已完成" in teaching.get(address).text
    assert "教学设计和教学反思.pdf" in watching.get(address).text
    watching.post(f"{address}/evaluation", **{"stars.0": "3", "stars.1": "4", "summary": "再想想"})
    assert "各项平均星级" in teaching.get(address).text, "whose lesson it is reads the stars"


def test_the_leader_keeps_record_and_summary_until_the_school_is_accepted(north: School, client_of: Any) -> None:
    """S0-38: also once people have joined and it is over; members and the school read it."""
    leader, pk = client_of(LEADER), north.activity[ActivityKind.DISCUSSION]
    assert 'name="minutes"' not in leader.get("/activity/add").text, "there is nothing to record yet"
    client_of(MEMBER).post(f"/research/activities/{pk}/join", **YES)
    past = utcnow().replace(second=0, microsecond=0) - timedelta(hours=1)
    put(north, update(Activity).where(Activity.id == pk).values(starts_at=past - timedelta(days=1), ends_at=past))
    page = leader.get(f"/activity/edit/{pk}").text
    values = dict(re.findall(r'name="(starts_at|ends_at|_version|title)"[^>]*value="([^"]*)"', page))
    written = {**values, "minutes": "十二人到会，讨论三个问题", "summary": "形成导入策略清单"}
    assert leader.post(f"/activity/edit/{pk}", **written).status_code == 303
    for who in (MEMBER, "平"):
        seen = client_of(who).get(f"/research/activities/{pk}").text
        assert "十二人到会" in seen and "形成导入策略清单" in seen
    put(north, update(SchoolProgramme).values(state=SchoolState.PASSED))
    now = {"_version": str(fresh(north, Activity, pk).version), "summary": "改"}
    refused = leader.post(f"/activity/edit/{pk}", **written | now)
    assert refused.status_code == 422 and "已通过整校验收" in refused.text
