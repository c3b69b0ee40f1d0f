"""An accepted school is kept as it is, and no page offers what its rules refuse; nor after an activity, a topic, or one's leaving (S1-45, S1-49)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from models.access import Post
from models.activities import Activity, Comment, Participation, Topic
from models.base import utcnow
from models.outcomes import Outcome, OutcomeState
from models.research import GroupPlan, RemovalRequest, ScaleScore, SchoolProgramme, SchoolState
from models.scoping import SYSTEM, acting_as
from models.session import make_session_factory
from rules.closing import ACCEPTED
from rules.grants import GROUP_MEMBER, IT_TEAM
from rules.groups import release_member
from tests.cast import Cast
from tests.journeys.test_taking_part import DISCUSSION, HOMEWORK, OFFLINE, YES, School
from tests.services.lessons import LEADER, MEMBER, OTHER

CLOSED = rf'<button type="button" class="[^"]*" disabled title="{ACCEPTED}">(?:<i [^>]*></i>)?'


@pytest.fixture
def north(cast: Cast, app: Any) -> Iterator[School]:
    with make_session_factory(cast.engine)() as session:
        yield School(cast, session)


def write(north: School, *statements: Any) -> None:
    with acting_as(SYSTEM):
        for statement in statements:
            north.session.execute(statement, execution_options={"synchronize_session": False})
        north.session.commit()
        north.session.expire_all()


def accept(north: School) -> None:
    write(north, update(SchoolProgramme).values(state=SchoolState.PASSED))


def only(north: School, model: Any) -> Any:
    with acting_as(SYSTEM):
        return north.session.scalars(select(model).order_by(model.id.desc())).first()


def add(north: School, row: Any) -> Any:
    with acting_as(SYSTEM):
        north.session.add(row)
        north.session.commit()
    return row


def is_closed(label: str, page: str) -> bool:
    """Whether the page shows this button disabled, with the sentence."""
    return re.search(CLOSED + label, page) is not None


@pytest.fixture
def comment(north: School, client_of: Any) -> Comment:
    """兰 has said something in the discussion, a moment ago, and joined the homework."""
    member = client_of(MEMBER)
    for kind in (DISCUSSION, HOMEWORK):
        member.post(f"{north.url(kind)}/join", **YES)
    member.get(north.url(DISCUSSION))
    member.post(f"{north.url(DISCUSSION)}/comments", body="导读很好")
    return north.rows(Comment, DISCUSSION)[0]


def test_members_find_nothing_left_to_do(north: School, comment: Comment, client_of: Any) -> None:
    member, discussion, homework = client_of(MEMBER), north.url(DISCUSSION), north.url(HOMEWORK)
    before = member.get(discussion).text
    assert "修改评课记录" in before and "退出活动" in member.get(homework).text and "还剩" in member.get("/research/activities/").text
    assert all(word in member.get("/research/mine/").text for word in ("下载模板并上传", "上传总结"))
    accept(north)
    listed = member.get("/research/activities/").text
    assert "还剩" not in listed and "已逾期" not in listed and "已结束" in listed
    assert "修改评课记录" not in member.get(discussion).text and ACCEPTED in member.get(discussion).text
    assert "退出活动" not in member.get(homework).text
    assert not any(word in member.get("/research/mine/").text for word in ("下载模板并上传", "上传总结"))
    plan = member.get("/research/plan/").text
    assert ACCEPTED in plan and "2. 填写后上传" not in plan and "可以直接上传" not in plan
    edited = member.post(f"{discussion}/comments/{comment.id}", body="改了")
    assert edited.status_code == 422 and ACCEPTED in edited.text and north.rows(Comment, DISCUSSION)[0].body == "导读很好"
    left = member.post(f"{homework}/leave", **YES)
    assert ACCEPTED in member.get(left.location).text and len(north.rows(Participation, HOMEWORK)) == 1


def test_the_leader_is_told_why(north: School, comment: Comment, client_of: Any) -> None:
    leader, teacher = client_of(LEADER), north.cast.teacher
    leader.get(north.url(OFFLINE))
    leader.post(f"{north.url(OFFLINE)}/participants", teacher=str(teacher[MEMBER]))
    saved = add(north, Outcome(group_id=north.lessons.group.id, title="校本课程"))
    page = leader.get(north.url(OFFLINE)).text
    assert "移出" in page and "上传佐证材料" in page and not is_closed("退回", leader.get(north.url(DISCUSSION)).text)
    accept(north)
    page = leader.get(north.url(OFFLINE)).text
    assert ACCEPTED in page and "移出" not in page and "勾选参加" not in page and 'id="evidence"' not in page
    back = leader.post(f"{north.url(OFFLINE)}/participants", remove=str(teacher[MEMBER]))
    assert back.status_code == 422 and ACCEPTED in back.text and len(north.rows(Participation, OFFLINE)) == 1
    assert is_closed("退回", leader.get(north.url(DISCUSSION)).text)
    assert "隐藏" in leader.get(north.url(DISCUSSION)).text, "what is unfit is still taken out of sight"
    activity, topic, group = north.activity[HOMEWORK], north.lessons.topic.id, north.lessons.group.id
    for address, labels in (
        (f"/topic/show/{topic}", ("添加活动", "编辑", "删除")),
        (f"/activity/show/{activity}", ("编辑", "删除")),
        (f"/outcome/show/{saved.id}", ("修改", "删除", "提交")),
        (f"/rubric/show/{north.lessons.rubric.id}", ("编辑", "删除")),
        (f"/group_plan/show/{only(north, GroupPlan).id}", ("编辑",)),
        ("/topic/list/", ("添加专题",)),
        ("/activity/list/", ("新增研修活动",)),
        ("/outcome/list/", ("上传成果",)),
        ("/rubric/list/", ("新增评课标准",)),
    ):
        shown = leader.get(address).text
        assert [label for label in labels if not is_closed(label, shown)] == [], address
    assert not re.search(r'name="verb" value="(?:delete|publish|withdraw)"', leader.get("/topic/list/").text)
    for browser, address in ((client_of("平"), "/topic/list/"), (leader, "/participation/list/")):
        assert not re.search(r'name="verb" value="(?:delete|return)"', browser.get(address).text), address
    for address in (f"/research_group/show/{group}", f"/topic/show/{topic}", "/topic/list/", "/activity/list/", "/outcome/list/"):
        shown = leader.get(address).text
        assert not re.search(r'href="/(?:topic|activity|outcome|rubric|group_plan)/(?:add|edit|delete)', shown), address
    assert re.search(rf"撤回发布</b>{ACCEPTED}", leader.get(f"/topic/show/{topic}").text), "beside what kept it already"
    assert "上传后才能提交" not in leader.get(f"/outcome/show/{saved.id}").text


def test_no_door_changes_what_a_school_was_accepted_with(north: School, client_of: Any) -> None:
    accept(north)
    leader, topic = client_of(LEADER), north.lessons.topic
    address = f"/topic/edit/{topic.id}"
    form = {"title": "改名", "starts_on": "2026-09-01", "ends_on": "2098-01-01", "_version": leader.version(address)}
    refused = leader.post(address, **form)
    assert refused.status_code == 422 and ACCEPTED in refused.text and "改名" in refused.text
    leader.get("/outcome/add")
    added = leader.post("/outcome/add", group=str(north.lessons.group.id), kind="outcome", title="迟了")
    assert added.status_code == 422 and ACCEPTED in added.text
    sent = leader.api("PUT", f"/api/v1/topic/{topic.id}", '{"title": "改名"}')
    assert sent.status_code == 422 and sent.json["errors"]["_"] == [ACCEPTED]
    gone = leader.api("DELETE", f"/api/v1/rubric/{north.lessons.rubric.id}")
    assert gone.status_code == 409 and ACCEPTED in gone.json["message"]


def test_the_school_and_its_team_are_told_why(north: School, client_of: Any) -> None:
    north.lessons.appoint(OTHER, IT_TEAM, north.cast.path["北"])
    waits = add(north, Outcome(group_id=north.lessons.group.id, title="待评审的成果"))
    write(north, update(Outcome).where(Outcome.id == waits.id).values(state=OutcomeState.SUBMITTED))
    ping, team, pk = client_of("平"), client_of(OTHER), north.lessons.school.id
    assert f"/school_programme/edit/{pk}" in ping.get(f"/research/{pk}/").text
    assert "提醒全部组长跟进" in ping.get(f"/research/progress/{pk}/persons").text
    accept(north)
    assert f"/school_programme/edit/{pk}" not in ping.get(f"/research/{pk}/").text
    for browser, address, label in (
        (ping, "/research_group/list/", "创建教研组"),
        (ping, f"/research/{pk}/begin", "创建教研组"),
        (ping, f"/school_programme/show/{pk}", "编辑"),
        (ping, "/removal_request/list/", "申请移除教师"),
        (team, "/scale_score/list/", "新增绩效考核评分"),
        (team, f"/scale_score/show/{only(north, ScaleScore).id}", "编辑"),
        (team, f"/outcome/show/{waits.id}", "退回修改"),
        (client_of("丹"), f"/removal_request/show/{only(north, RemovalRequest).id}", "同意移除"),
    ):
        assert is_closed(label, browser.get(address).text), address
    assert "提醒全部组长跟进" not in ping.get(f"/research/progress/{pk}/persons").text
    asked = ping.post(f"/research/progress/{pk}/remind", all="1", confirmed="1")
    assert ACCEPTED in ping.get(asked.location).text
    assert "发布" in team.get(f"/outcome/show/{waits.id}").text, "what waits is still reviewed"
    assert f"/school_programme/add?programme={north.lessons.school.programme_id}" not in ping.get("/school_programme/list/").text
    assert not is_closed("新增整校推进", ping.get("/school_programme/list/").text), "another programme may come"


def test_before_acceptance_everything_is_offered(north: School, client_of: Any) -> None:
    leader = client_of(LEADER)
    for address in ("/topic/list/", f"/topic/show/{north.lessons.topic.id}", f"/activity/show/{north.activity[HOMEWORK]}"):
        assert ACCEPTED not in leader.get(address).text
    group = leader.get(f"/research_group/show/{north.lessons.group.id}").text
    assert "/topic/add?group=" in group and "/group_plan/add?group=" not in group, "there is one plan, and it is there"
    listed = leader.get("/group_plan/list/").text
    assert "<b>新增研修计划</b>每个教研组只有一份研修计划。" in listed and "/group_plan/add" not in listed, (
        "all of the leader's groups have theirs"
    )


def test_once_an_activity_is_over_nothing_said_there_changes(north: School, comment: Comment, client_of: Any) -> None:
    member, address = client_of(MEMBER), north.url(DISCUSSION)
    over = {"starts_at": utcnow() - timedelta(days=2), "ends_at": utcnow() - timedelta(minutes=1)}
    write(north, update(Activity).where(Activity.id == north.activity[DISCUSSION]).values(over))
    assert "修改评课记录" not in member.get(address).text
    refused = member.post(f"{address}/comments/{comment.id}", body="改了")
    assert refused.status_code == 422 and "结束" in refused.text and north.rows(Comment, DISCUSSION)[0].body == "导读很好"


def test_a_topic_that_is_over_offers_no_new_activity(north: School, client_of: Any) -> None:
    leader, address = client_of(LEADER), f"/topic/show/{north.lessons.topic.id}"
    assert leader.get(address).text.count("/activity/add?topic=") == 2
    write(north, update(Topic).values({"starts_on": date(2025, 1, 1), "ends_on": date(2025, 12, 31)}))
    assert "/activity/add?topic=" not in leader.get(address).text


def test_evidence_is_asked_for_once_the_activity_has_begun(north: School, client_of: Any) -> None:
    leader = client_of(LEADER)
    later = {"starts_at": utcnow() + timedelta(hours=2)}
    write(north, update(Activity).where(Activity.id == north.activity[OFFLINE]).values(later))
    page = leader.get(north.url(OFFLINE)).text
    assert 'id="evidence"' not in page and "活动尚未开始" in page and "指定参与人员" in page


def test_who_was_let_go_reads_their_own_and_is_led_nowhere_else(north: School, comment: Comment, client_of: Any) -> None:
    """Leaving takes nothing away, and offers nothing that is not there for them."""
    part = north.rows(Participation, DISCUSSION)[0]
    with acting_as(SYSTEM):
        held = north.session.scalars(select(Post).filter_by(account_id=north.cast.account[MEMBER], role=GROUP_MEMBER)).one()
        release_member(north.session, north.cast.identity("平"), north.lessons.group, held.id, now=utcnow())
    member = client_of(MEMBER)
    own, mine = member.get(f"/participation/show/{part.id}"), member.get("/research/mine/").text
    assert own.status_code == 200 and "活动教学研讨" in own.text, "what one took part in has its name"
    for page in (own.text, member.get("/participation/list/").text, mine):
        for address in set(re.findall(r'href="(/(?:research|activity|topic|participation|files)[^"#]*)"', page)):
            assert member.get(address).status_code in (200, 302, 303), address
    assert "/research/activities/" not in mine
