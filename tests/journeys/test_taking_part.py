"""A member joins, says, evaluates and hands in; the leader looks after them; others look on, or find nothing (S0-62, S0-70…92, S0-99…119)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from io import BytesIO
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from models.activities import (
    Activity,
    ActivityKind,
    ActivityState,
    Comment,
    Evaluation,
    OfflineForm,
    Participation,
    ParticipationState,
    Topic,
)
from models.base import utcnow
from models.hours import HourCategory, HourEntry, HourState, Programme
from models.research import RemovalRequest, RemovalState, ResearchGroup, SchoolProgramme, SchoolState
from models.scoping import SYSTEM, acting_as
from models.session import make_session_factory
from rules.grants import GROUP_MEMBER, IT_TEAM
from rules.hour_ledger import Earned, credit
from tests import samples
from tests.bench.measuring import counted
from tests.cast import Cast
from tests.services.lessons import LEADER, MEMBER, OTHER, Lessons

DISCUSSION, HOMEWORK, OBSERVATION, OFFLINE = ActivityKind
PAGE, RECORD = 6, 10
YES = {"confirmed": "1"}


class School:
    """North, with a published activity of each kind under way."""

    def __init__(self, cast: Cast, session: Session) -> None:
        self.cast, self.session = cast, session
        self.lessons = Lessons(cast, session)
        with acting_as(SYSTEM):
            for model in (Programme, Topic):
                session.execute(update(model).values(ends_on=date(2099, 1, 1)), execution_options={"synchronize_session": False})
            session.commit()
            session.expire_all()
        self.activity = {kind: self.publish(kind, f"活动{kind.label}") for kind in ActivityKind}

    def publish(self, kind: ActivityKind, title: str, **given: Any) -> int:
        now = utcnow()
        values: dict[str, Any] = {"starts_at": now - timedelta(days=1), "ends_at": now + timedelta(days=1), "hours": Decimal(2), **given}
        group = self.lessons.group
        with acting_as(SYSTEM):
            seed = self.session.scalars(select(Activity)).first()
            assert seed is not None
            row = Activity(topic_id=self.lessons.topic.id, group_id=group.id, kind=kind, title=title, policy_id=seed.policy_id, **values)
            row.rubric_id = self.lessons.rubric.id if kind is OBSERVATION else None
            row.offline_form = OfflineForm.PREPARATION if kind is OFFLINE else None
            row.hours = {DISCUSSION: Decimal(2)}.get(kind, Decimal(5))
            self.session.add(row)
            self.session.commit()
            row.state = ActivityState.PUBLISHED
            self.session.commit()
        return row.id

    def url(self, kind: ActivityKind, *rest: str) -> str:
        return "/".join(["/research/activities", str(self.activity[kind]), *rest])

    def rows(self, model: Any, kind: ActivityKind) -> list[Any]:
        with acting_as(SYSTEM), make_session_factory(self.cast.engine)() as session:
            return list(session.scalars(select(model).filter_by(activity_id=self.activity[kind]).order_by(model.id)))

    def hours(self, kind: ActivityKind) -> list[tuple[Decimal, HourState]]:
        parts = [f"participation/{row.id}/" for row in self.rows(Participation, kind)]
        with acting_as(SYSTEM), make_session_factory(self.cast.engine)() as session:
            entries = session.scalars(select(HourEntry).order_by(HourEntry.id)).all()
        return [(e.hours, e.state) for e in entries if any(part in e.evidence for part in parts)]


@pytest.fixture
def north(cast: Cast, app: Any) -> Iterator[School]:
    with make_session_factory(cast.engine)() as session:
        yield School(cast, session)


def test_a_member_finds_what_is_to_be_done(north: School, client_of: Any) -> None:
    """S0-70, S0-101: four blocks, and no management."""
    member, leader = client_of(MEMBER).get("/research/mine/").text, client_of(LEADER).get("/research/mine/").text
    for block in ("研修任务", "我的教研组", "我的研修专题", "计入 0 / 25 学时"):
        assert block in member, block
    assert "活动教学研讨" in member and "活动线下活动" not in member, "who is not named has nothing to do offline"
    assert "查看成员" in member and "成员管理" not in member and "查看专题" in member and "专题管理" not in member
    assert "成员管理" in leader and "专题管理" in leader
    assert client_of("平").get("/research/mine/").status_code == 404
    home = client_of(MEMBER).get("/").text
    assert "研修任务" in home and "活动教学研讨" in home, "and where they arrive"
    assert "研修任务" not in client_of("平").get("/").text + client_of("菊").get("/").text


def test_who_cannot_reach_the_target_any_more_reads_it_on_the_page(north: School, client_of: Any) -> None:
    """S0-41: the page says so as long as what is still on offer does not suffice, to its teacher and to who answers for them."""
    teacher, path, now = north.cast.teacher[MEMBER], north.cast.path["北"], utcnow()
    with acting_as(SYSTEM):
        seed = north.session.scalars(select(Activity).order_by(Activity.id)).first()
        assert seed is not None
        programme, policy = north.lessons.school.programme_id, seed.policy_id
        over = update(Activity).where(Activity.id == seed.id).values(ends_at=now - timedelta(hours=1))
        north.session.execute(over, execution_options={"synchronize_session": False})
        credit(
            north.session,
            [Earned(teacher, programme, policy, HourCategory.HOMEWORK, "旧作业", Decimal(5), now, "participation/old", path)],
            now=now,
        )
        north.session.commit()
    member, ping = client_of(MEMBER), client_of("平")
    for offered in ("12", "17"):
        warning = f"还差 20 学时，而目前的活动最多还能获得 {offered} 学时，按现有安排不能达到 25 学时。"
        for page in (member.get("/hours/").text, ping.get(f"/hours/{teacher}").text):
            assert "计入 5 / 25 学时" in page and warning in page
        north.publish(HOMEWORK, "补充作业")
    for page in (member.get("/hours/").text, ping.get(f"/hours/{teacher}").text):
        assert "计入 5 / 25 学时" in page and "按现有安排" not in page, "22 hours are on offer"


def test_an_accepted_school_leaves_nothing_to_be_done(north: School, client_of: Any) -> None:
    """What nobody can join any more is no task (S0-70, S1-49)."""
    member = client_of(MEMBER)
    assert "活动教学研讨" in member.get("/research/mine/").text
    with acting_as(SYSTEM):
        north.session.execute(update(SchoolProgramme).values(state=SchoolState.PASSED))
        north.session.commit()
    page = member.get("/research/mine/").text
    assert "活动教学研讨" not in page and "没有待完成的研修活动" in page


def test_what_is_overdue_says_so_in_words(north: School, client_of: Any) -> None:
    now = utcnow()
    north.publish(HOMEWORK, "迟了", starts_at=now - timedelta(days=9), ends_at=now - timedelta(days=2))
    page = client_of(MEMBER).get("/research/mine/").text
    assert "迟了" in page and "已逾期" in page
    listed = client_of(MEMBER).get("/research/activities/").text
    assert "已逾期" in listed


def test_the_list_has_all_activities_of_ones_own_groups_and_joins_after_a_question(north: School, client_of: Any) -> None:
    """S0-81, S0-82, S0-105, S0-106."""
    member, address = client_of(MEMBER), north.url(DISCUSSION)
    page = member.get("/research/activities/")
    assert all(f"活动{kind.label}" in page.text for kind in ActivityKind) and "共 5 个研修活动" in page.text
    assert 'data-label="确定"' in page.text
    asked = member.post(f"{address}/join")
    assert '<button class="btn btn-primary">确定</button>' in asked.text, "确定/取消 (S0-118)"
    assert asked.status_code == 200 and "参与：活动教学研讨" in asked.text and north.rows(Participation, DISCUSSION) == []
    assert member.post(f"{address}/join", **YES).status_code == 303
    [part] = north.rows(Participation, DISCUSSION)
    assert (part.teacher_id, part.state) == (north.cast.teacher[MEMBER], ParticipationState.JOINED)
    assert "进入研修" in member.get("/research/activities/").text
    again = member.post(f"{address}/join", **YES)
    assert "已参与这个活动。" in member.get(again.location).text
    assert member.post(f"{address}/leave", **YES).status_code == 303 and north.rows(Participation, DISCUSSION) == []


def test_the_list_is_filtered_by_kind_and_state_and_paged(north: School, client_of: Any) -> None:
    member = client_of(MEMBER)
    page = member.get("/research/activities/?f.kind=homework").text
    assert "活动研修作业" in page and "活动教学研讨" not in page
    member.post(f"{north.url(DISCUSSION)}/join", **YES)
    page = member.get("/research/activities/?f.state=joined").text
    assert "活动教学研讨" in page and "活动研修作业" not in page and "共 1 个研修活动" in page
    for number in range(12):
        north.publish(DISCUSSION, f"更多{number}")
    assert "更多0" not in member.get("/research/activities/").text, "the newest first"
    assert member.get("/research/activities/?page=9").location.endswith("?page=2")
    for nonsense in ("?f.kind=x&f.state=y&page=z&size=9", "?only.whole=1"):
        assert member.get(f"/research/activities/{nonsense}").status_code == 200


def test_a_discussion_is_completed_by_its_first_comment(north: School, client_of: Any) -> None:
    """S0-86, S0-109, S1-25, S1-55."""
    member, address = client_of(MEMBER), north.url(DISCUSSION)
    member.post(f"{address}/join", **YES)
    page = member.get(address).text
    assert re.search(r'<label[^>]*for="say"[^>]*>评课记录</label>', page) and ">发布</button>" in page
    empty = member.post(f"{address}/comments", body=" ")
    assert empty.status_code == 422 and "请填写“评课记录”。" in empty.text
    long = member.post(f"{address}/comments", body="长" * 2001)
    assert long.status_code == 422 and "长" * 2001 in long.text, "nothing typed is lost"
    assert north.hours(DISCUSSION) == []
    assert member.post(f"{address}/comments", body="<b>导读</b>很好").status_code == 303
    assert north.hours(DISCUSSION) == [(Decimal(2), HourState.ACCRUED)]
    [comment] = north.rows(Comment, DISCUSSION)
    assert member.post(f"{address}/comments", body="补充", answers=str(comment.id)).status_code == 303
    assert member.post(f"{address}/comments/{comment.id}", body="改好了").status_code == 303
    page = member.get(address).text
    assert "改好了" in page and "（已修改）" in page and "补充" in page and "<b>导读" not in page
    assert "计入 2 / 25 学时" in member.get("/research/mine/").text


def test_the_leader_hides_a_comment_and_gives_a_completion_back(north: School, client_of: Any) -> None:
    member, leader, address = client_of(MEMBER), client_of(LEADER), north.url(DISCUSSION)
    member.post(f"{address}/join", **YES)
    member.post(f"{address}/comments", body="离题万里")
    [comment], [part] = north.rows(Comment, DISCUSSION), north.rows(Participation, DISCUSSION)
    assert "退回" in leader.get(address).text
    asked = leader.post(f"{address}/comments/{comment.id}/hide")
    assert asked.status_code == 200 and "隐藏原因" in asked.text
    assert leader.post(f"{address}/comments/{comment.id}/hide", **YES, comment="").status_code == 422
    assert leader.post(f"{address}/comments/{comment.id}/hide", **YES, comment="与主题无关").status_code == 303
    assert "与主题无关" in member.get(address).text and "离题万里" in member.get(address).text, "its author is told why"
    assert "离题万里" not in client_of("平").get(address).text
    assert leader.post(f"{address}/return", **YES, participation=str(part.id), comment="").status_code == 422
    assert leader.post(f"{address}/return", **YES, participation=str(part.id), comment="请重新发言").status_code == 303
    assert [state for _hours, state in north.hours(DISCUSSION)] == [HourState.VOID, HourState.VOID]
    assert "已退回" in leader.get(address).text
    for rest, values in (
        (f"comments/{comment.id}/hide", {"comment": "我也要"}),
        ("return", {"participation": str(part.id), "comment": "我也要"}),
    ):
        assert member.post(f"{address}/{rest}", **YES, **values).status_code == 403


def test_an_observation_is_completed_by_stars_and_a_summary(north: School, client_of: Any) -> None:
    """S0-87…90, S0-110: radio buttons, so by keyboard and without scripts."""
    member, address = client_of(MEMBER), north.url(OBSERVATION)
    member.post(f"{address}/join", **YES)
    page = member.get(address).text
    assert len(re.findall(r'type="radio" name="stars\.[01]" value="[1-5]"', page)) == 10 and "评价总结及建议" in page
    assert "各项平均星级" not in page, "nobody copies"
    refused = member.post(f"{address}/evaluation", **{"stars.0": "5", "summary": "导入有趣"})
    assert refused.status_code == 422 and "1 至 5 星" in refused.text and "导入有趣" in refused.text
    assert re.search(r'name="stars\.0" value="5" checked', refused.text), "nor are the stars lost"
    refused = member.post(f"{address}/evaluation", **{"stars.0": "5", "stars.1": "4", "summary": ""})
    assert refused.status_code == 422 and "请填写“评价总结及建议”。" in refused.text
    assert member.post(f"{address}/evaluation", **{"stars.0": "5", "stars.1": "4", "summary": "导入有趣"}).status_code == 303
    page = member.get(address).text
    assert "各项平均星级" in page and "5.00" in page and "导入有趣" in page
    assert member.post(f"{address}/evaluation", **{"stars.0": "3", "stars.1": "4", "summary": "再想想"}).status_code == 303
    [evaluation] = north.rows(Evaluation, OBSERVATION)
    assert (evaluation.stars, evaluation.average) == ([3, 4], Decimal("3.50"))
    assert north.hours(OBSERVATION) == [(Decimal(5), HourState.ACCRUED)]


def test_homework_is_handed_in_replaced_and_read_by_the_leader(north: School, client_of: Any) -> None:
    """S0-91, S0-111."""
    member, address = client_of(MEMBER), north.url(HOMEWORK)
    member.post(f"{address}/join", **YES)
    nothing = member.post(f"{address}/homework", **{"files.homework": ""})
    assert nothing.status_code == 422 and "请至少上传一个文件。" in nothing.text
    page = {"files.homework": "", "upload.homework": (BytesIO(b"MZ\x90\x00"), "反思.exe")}
    assert member.post(f"{address}/homework", **page).status_code == 422 and north.hours(HOMEWORK) == []
    page = {"files.homework": "", "upload.homework": (BytesIO(samples.pdf()), "教学反思.pdf")}
    assert member.post(f"{address}/homework", **page).status_code == 303
    assert north.hours(HOMEWORK) == [(Decimal(5), HourState.ACCRUED)]
    shown = client_of(LEADER).get(address).text
    download = re.search(r'href="(/files/\d+/[^"]+)" download', shown)
    assert download and "教学反思.pdf" in shown
    assert client_of(LEADER).get(download[1]).status_code == 200
    north.lessons.appoint(OTHER, GROUP_MEMBER, north.lessons.group.scope_path)
    assert client_of(OTHER).get(download[1]).status_code == 404 and "教学反思.pdf" not in client_of(OTHER).get(address).text


def test_the_leader_names_and_completes_what_was_done_offline(north: School, client_of: Any) -> None:
    """S1-14…16, S1-32, S1-33: members look on."""
    leader, member, address = client_of(LEADER), client_of(MEMBER), north.url(OFFLINE)
    teacher = north.cast.teacher
    assert "不需要在线上操作" in member.get(address).text
    assert member.post(f"{address}/participants", teacher=str(teacher[MEMBER])).status_code == 403
    assert member.post(f"{address}/join", **YES).status_code == 303 and north.rows(Participation, OFFLINE) == []
    for form, words in (
        (OfflineForm.OBSERVATION, "听课视频、听课记录、评课表"),
        (OfflineForm.DISCUSSION, "研讨报告、研讨记录"),
        (OfflineForm.PREPARATION, "教学设计、备课表"),
    ):
        with Session(north.cast.engine) as session:
            session.execute(update(Activity).where(Activity.id == north.activity[OFFLINE]).values(offline_form=form))
            session.commit()
        assert words in leader.get(address).text, "S1-18…20"
    photo = {"files.evidence": "", "upload.evidence": (BytesIO(samples.pdf()), "签到表.pdf")}
    early = leader.post(f"{address}/evidence", **photo)
    assert early.status_code == 422 and "请先指定参与的组员。" in early.text and "签到表.pdf" in early.text
    assert leader.post(f"{address}/participants", teacher=[str(teacher[MEMBER]), str(teacher[LEADER])]).status_code == 303
    assert leader.post(f"{address}/participants", remove=str(teacher[LEADER])).status_code == 303
    stranger = leader.post(f"{address}/participants", teacher=str(teacher[OTHER]))
    assert stranger.status_code == 422 and "不是本教研组成员" in stranger.text
    assert "活动线下活动" in member.get("/research/mine/").text
    photo = {"files.evidence": "", "upload.evidence": (BytesIO(samples.pdf()), "签到表.pdf")}
    assert leader.post(f"{address}/evidence", **photo, **YES).status_code == 303
    assert north.hours(OFFLINE) == [(Decimal(5), HourState.ACCRUED)]
    page = member.get(address).text
    assert "签到表.pdf" in page and MEMBER in page and "重新开放" not in page
    assert leader.post(f"{address}/reopen", **YES, comment="").status_code == 422
    assert leader.post(f"{address}/reopen", **YES, comment="照片有误").status_code == 303
    assert sum(hours for hours, _state in north.hours(OFFLINE)) == 0


def test_whoever_is_ticked_when_the_activity_is_completed_is_credited(north: School, client_of: Any) -> None:
    """The ticks count without 指定; it says who is credited first, and neither 取消 nor a refusal forgets ticks or files."""
    leader, address, teacher = client_of(LEADER), north.url(OFFLINE), north.cast.teacher
    ticks = [str(teacher[MEMBER]), str(teacher[LEADER])]

    def is_kept(page: str, file: str = "签到表.pdf") -> bool:
        return file in page and all(re.search(f'name="teacher" value="{tick}" checked', page) for tick in ticks)

    assert is_kept(leader.post(f"{address}/evidence", **{"files.evidence": "", "teacher": ticks}).text, "请至少上传一份佐证材料。")
    photo = {"files.evidence": "", "upload.evidence": (BytesIO(samples.pdf()), "签到表.pdf"), "teacher": [*ticks, str(teacher[OTHER])]}
    refused = leader.post(f"{address}/evidence", **photo)
    assert refused.status_code == 422 and "不是本教研组成员" in refused.text and is_kept(refused.text)
    files = {"files.evidence": re.findall(r'name="files.evidence" value="(\d+)"', refused.text)}
    named = leader.post(f"{address}/participants", **files, teacher=ticks[1:])
    assert named.status_code == 200 and "已指定参与人员" in named.text and "签到表.pdf" in named.text
    asked = leader.post(f"{address}/evidence", **files, teacher=ticks[:1]).text
    assert "2 人将获得 5 学时：" in asked and "确定完成活动吗？" in asked and north.hours(OFFLINE) == []
    sent = {
        "files.evidence": re.findall(r'name="files.evidence" value="(\d*)"', asked),
        "teacher": re.findall(r'name="teacher" value="(\d+)"', asked),
    }
    ticks = ticks[:1]
    assert is_kept(leader.post(f"{address}/evidence", **sent, **YES, revise="1").text) and north.hours(OFFLINE) == []
    assert leader.post(f"{address}/evidence", **sent, **YES).status_code == 303
    assert north.hours(OFFLINE) == [(Decimal(5), HourState.ACCRUED)] * 2


def test_what_is_wrong_is_summed_up_on_top_with_links(north: School, client_of: Any) -> None:
    """Whoever sends a form sees, and hears, what is wrong with it wherever the page begins."""
    member = client_of(MEMBER)
    for kind in (DISCUSSION, HOMEWORK, OBSERVATION):
        member.post(north.url(kind, "join"), **YES)
    stars = {f"stars.{n}": "5" for n in range(len(north.lessons.rubric.items))}
    wrong: list[tuple[ActivityKind, str, dict[str, Any], str, str]] = [
        (DISCUSSION, "comments", {"body": " "}, "say", "请填写“评课记录”。"),
        (OBSERVATION, "evaluation", {"summary": "好"}, "stars", "请给每一条评价内容评 1 至 5 星。"),
        (OBSERVATION, "evaluation", {**stars, "summary": ""}, "summary", "请填写“评价总结及建议”。"),
        (HOMEWORK, "homework", {"files.homework": ""}, "files-homework", "请至少上传一个文件。"),
    ]
    for kind, form, sent, place, sentence in wrong:
        answer = member.post(north.url(kind, form), **sent)
        top = answer.text.partition("data-focus-first")[2]
        assert answer.status_code == 422 and f'href="#{place}">{sentence}' in top and f'id="{place}"' in top, place
    evidence = client_of(LEADER).post(north.url(OFFLINE, "evidence"), **{"files.evidence": ""}).text
    assert 'href="#files-evidence">请至少上传一份佐证材料。' in evidence.partition("data-focus-first")[2]


def test_what_completes_an_activity_says_so_with_its_hours(north: School, client_of: Any) -> None:
    """Once; what is said, changed or replaced afterwards is answered as such."""
    member = client_of(MEMBER)
    stars = {f"stars.{n}": "5" for n in range(len(north.lessons.rubric.items))}
    for kind, form, sent, hours, after in (
        (DISCUSSION, "comments", {"body": "导入自然"}, 2, "已发布。"),
        (OBSERVATION, "evaluation", {**stars, "summary": "好"}, 5, "评课表已保存。"),
        (HOMEWORK, "homework", {"files.homework": ""}, 5, "作业已上传。"),
    ):
        member.post(north.url(kind, "join"), **YES)
        for said in (f"已完成活动，获得 {hours} 学时。", after):
            file = {"upload.homework": (BytesIO(samples.pdf()), "反思.pdf")} if kind is HOMEWORK else {}
            assert member.post(north.url(kind, form), **sent, **file).status_code == 303
            assert said in member.get(north.url(kind)).text, kind


def test_the_record_tells_of_an_activity_what_its_kind_has(north: School, client_of: Any) -> None:
    leader = client_of(LEADER)
    own = {
        DISCUSSION: (),
        HOMEWORK: ("作业内容",),
        OBSERVATION: ("执教教师", "评课标准", "课堂视频", "教学设计和教学反思"),
        OFFLINE: ("线下形式", "佐证材料"),
    }
    labels = {label for theirs in own.values() for label in theirs}
    for kind, theirs in own.items():
        page = leader.get(f"/activity/show/{north.activity[kind]}").text.partition("<main")[2]
        shown = {label for label in labels if re.search(f">\\s*{label}\\s*<", page)}
        assert shown == set(theirs) and "学时" in page and "活动材料" in page, kind


def test_who_publishes_an_offline_activity_is_led_on(north: School, client_of: Any) -> None:
    leader = client_of(LEADER)
    for kind, said in ((OFFLINE, "请在“活动详情”中指定参与人员"), (DISCUSSION, "已办理。")):
        with Session(north.cast.engine) as session:
            session.execute(update(Activity).where(Activity.id == north.activity[kind]).values(state=ActivityState.DRAFT))
            session.commit()
        done = leader.post(f"/activity/do/publish/{north.activity[kind]}", **YES)
        assert said in leader.get(done.location).text, kind


def test_the_language_is_changed_on_what_answers_a_form(north: School, client_of: Any) -> None:
    """Its address takes a POST alone; the links lead to a page that can be got, and never to another site."""
    member, page = client_of(MEMBER), north.url(OBSERVATION)
    member.post(f"{page}/join", **YES)
    for came_from, back in (
        (page, page),
        (f"{page}?page=1", f"{page}%3Fpage%3D1"),
        (f"{page}/evaluation", page),
        ("//evil.example/", page),
    ):
        form = {"csrf_token": member.token, "summary": ""}
        answer = member.client.post(f"{page}/evaluation", data=form, headers={"Referer": came_from}).text
        links = re.findall(r'href="(/lang/[^"]+)"', answer)
        assert links and all(link.endswith(f"?next={back}") for link in links), (came_from, links)
        assert member.get(links[0], follow_redirects=True).status_code == 200


@pytest.mark.parametrize(
    ("who", "status"), [("平", 200), ("丹", 200), (LEADER, 200), (MEMBER, 200), (OTHER, 403), ("锐", 404), ("岚", 404), ("林", 403)]
)
def test_who_looks_at_an_activity(north: School, client_of: Any, who: str, status: int) -> None:
    """S0-62, S0-105: the school looks on, another school finds nothing."""
    for kind in ActivityKind:
        assert client_of(who).get(north.url(kind)).status_code == status, kind


def test_a_member_of_another_group_finds_nothing(north: School, client_of: Any) -> None:
    with acting_as(SYSTEM):
        other = ResearchGroup(school_programme_id=north.lessons.school.id, name="北数学教研组")
        north.session.add(other)
        north.session.commit()
    north.lessons.appoint(OTHER, GROUP_MEMBER, other.scope_path)
    outsider = client_of(OTHER)
    assert "活动教学研讨" not in outsider.get("/research/activities/").text
    for kind in ActivityKind:
        assert outsider.get(north.url(kind)).status_code == 404
        for rest in ("join", "leave", "comments", "evaluation", "homework", "participants", "evidence", "reopen", "return"):
            assert outsider.post(north.url(kind, rest), **YES).status_code == 404, rest
    assert all(north.rows(Participation, kind) == [] for kind in ActivityKind)


def test_the_school_looks_on_and_does_nothing(north: School, client_of: Any) -> None:
    """S0-62."""
    school = client_of("平")
    listed = school.get("/research/activities/").text
    assert "这里只能查看" in listed and ">参与<" not in listed
    for kind in ActivityKind:
        page = school.get(north.url(kind)).text
        assert not re.search(r"<(?:input|textarea|button)[^>]+name=\"(?:body|summary|teacher|stars)", page)
        for rest in ("join", "leave", "comments", "evaluation", "homework", "participants", "evidence", "reopen", "return"):
            assert school.post(north.url(kind, rest), **YES, body="好", summary="好").status_code in (403, 404), rest
    assert all(north.rows(Participation, kind) == [] for kind in ActivityKind)


def test_the_it_team_looks_at_the_whole_school(north: School, client_of: Any) -> None:
    """S0-115: they learn in their own groups, and look on elsewhere."""
    north.lessons.appoint(OTHER, IT_TEAM, north.cast.path["北"])
    team = client_of(OTHER)
    assert 'href="/research/mine/"' in team.get("/").text and team.get("/research/mine/").status_code == 200
    assert 'href="/research/mine/"' not in client_of("平").get("/").text
    assert "活动教学研讨" in team.get("/research/activities/").text and team.get(north.url(DISCUSSION)).status_code == 200
    assert team.post(north.url(DISCUSSION, "join"), **YES).status_code == 403
    north.lessons.appoint(MEMBER, IT_TEAM, north.cast.path["北"])
    both = client_of(MEMBER)
    assert "本校全部活动" in both.get("/research/activities/").text
    assert both.post(north.url(DISCUSSION, "join"), **YES).status_code == 303


def test_nonsense_finds_nothing(north: School, client_of: Any) -> None:
    member, address = client_of(MEMBER), north.url(DISCUSSION)
    for nonsense in ("0", "x", "999999", "1'--"):
        assert member.get(f"/research/activities/{nonsense}").status_code == 404
        assert member.post(f"{address}/comments/{nonsense}", body="x").status_code == 404
        assert client_of(LEADER).post(f"{address}/return", participation=nonsense, **YES).status_code == 404
    assert member.get(f"{address}?page=99").status_code == 200


def test_the_pages_ask_the_database_rarely(north: School, client_of: Any, app: Any) -> None:
    for number in range(12):
        north.publish(DISCUSSION, f"更多{number}")
    clients = {who: client_of(who) for who in (LEADER, MEMBER, "平")}
    for kind in (DISCUSSION, HOMEWORK, OBSERVATION):
        clients[MEMBER].post(north.url(kind, "join"), **YES)
    clients[MEMBER].post(north.url(DISCUSSION, "comments"), body="一")
    clients[MEMBER].post(north.url(HOMEWORK, "homework"), **{"files.homework": "", "upload.homework": (BytesIO(samples.pdf()), "a.pdf")})
    addresses = [
        ("/", PAGE),
        ("/research/activities/", PAGE),
        ("/research/activities/?page=2&f.kind=discussion", PAGE),
        ("/research/mine/", RECORD),
    ]
    addresses += [(north.url(kind), RECORD) for kind in ActivityKind]
    over = []
    for who, client in clients.items():
        for address, most in addresses:
            with counted(app.extensions["engine"]) as sent:
                client.get(address)
            if len(sent) > most:
                over.append("\n  ".join([f"{who} {address}: {len(sent)}", *(one[:160] for one in sent)]))
    assert not over, "\n".join(over)


# --- the generated screens --------------------------------------------------------------------------------------------


def test_a_topic_says_where_it_is_and_takes_activities_only_in_progress(north: School, client_of: Any) -> None:
    """S0-78, S0-127."""
    leader, address = client_of(LEADER), f"/topic/show/{north.lessons.topic.id}"
    open_now = leader.get(address).text
    assert "进行中" in open_now and f"/activity/add?topic={north.lessons.topic.id}" in open_now
    with acting_as(SYSTEM):
        dates = {"starts_on": date(2025, 1, 1), "ends_on": date(2025, 12, 31)}
        north.session.execute(update(Topic).values(dates), execution_options={"synchronize_session": False})
        north.session.commit()
    closed = leader.get(address).text
    assert "目前是“已结束”" in closed and "已结束" in leader.get("/topic/list/").text
    assert "添加活动" not in client_of(MEMBER).get(address).text


def test_the_form_of_an_activity_has_what_its_kind_asks_for(north: School, client_of: Any) -> None:
    leader = client_of(LEADER)
    added = leader.get(f"/activity/add?topic={north.lessons.topic.id}").text
    for name, kind in (("hours", "offline"), ("homework_kind", "homework"), ("rubric", "observation"), ("offline_form", "offline")):
        assert re.search(rf'<(?:input|select)[^>]*data-shown-with="kind={kind}"[^>]*name="{name}"', added), name
    assert re.search(r"id=\"files-lesson_video\"[^>]*data-shown-with=\"kind=observation\"", added)
    for kind, has, lacks in ((OFFLINE, "offline_form", "rubric"), (OBSERVATION, "rubric", "hours"), (DISCUSSION, "title", "homework_kind")):
        form = leader.get(f"/activity/edit/{north.activity[kind]}").text
        assert f'name="{has}"' in form and f'name="{lacks}"' not in form, kind


def test_the_stars_of_who_was_removed_no_longer_count(north: School, client_of: Any) -> None:
    """S1-45."""
    address = re.search(r"/research/activities/\d+", client_of("平").get("/evaluation/show/1").text)
    assert address
    for state, told, stars in ((RemovalState.PENDING, 1, True), (RemovalState.APPROVED, 0, False)):
        with acting_as(SYSTEM):
            north.session.execute(update(RemovalRequest).values(state=state), execution_options={"synchronize_session": False})
            north.session.commit()
        page = client_of("平").get(address[0]).text
        assert f"已有 {told} 人填写评课表" in page and ("各项平均星级" in page) == stars


def test_records_lead_to_the_activitys_page_and_crash_for_nobody(north: School, client_of: Any) -> None:
    leader, member, address = client_of(LEADER), client_of(MEMBER), north.url(DISCUSSION)
    member.post(f"{address}/join", **YES)
    member.post(f"{address}/comments", body="离题")
    [comment], [part] = north.rows(Comment, DISCUSSION), north.rows(Participation, DISCUSSION)
    for record in (f"/activity/show/{north.activity[DISCUSSION]}", f"/comment/show/{comment.id}", f"/participation/show/{part.id}"):
        page = leader.get(record)
        assert page.status_code == 200 and f'href="{address}"' in page.text, record
    assert leader.post(f"/comment/do/hide/{comment.id}", **YES, comment="与主题无关").status_code == 303
    assert north.rows(Comment, DISCUSSION)[0].hidden_reason == "与主题无关"
    seeded = client_of("平").get("/evaluation/show/1").text
    assert "教学目标" in seeded and "5 星" in seeded


def test_names_are_read_by_whoever_reads_the_row(north: School, client_of: Any) -> None:
    """A leader reads who said it, a member who leads them, though the teachers' own records are the school's."""
    leader, member = client_of(LEADER), client_of(MEMBER)
    member.post(f"{north.url(DISCUSSION)}/join", **YES)
    member.post(f"{north.url(DISCUSSION)}/comments", body="离题")
    [comment], group = north.rows(Comment, DISCUSSION), north.lessons.group.id
    for address in ("/comment/list/", f"/comment/show/{comment.id}", "/participation/list/", "/evaluation/list/"):
        assert re.search(rf">\s*(?:<span>)?{MEMBER}\b|>{OTHER}<", leader.get(address).text), address
    for address in ("/research_group/list/", f"/research_group/show/{group}"):
        page = member.get(address).text
        assert re.search(rf">\s*(?:<span>)?{LEADER}\b", page) and "/teacher/show/" not in page, address


def test_a_new_rubric_begins_with_usual_criteria(north: School, client_of: Any) -> None:
    form = client_of(LEADER).get("/rubric/add").text
    assert "教学目标明确" in form and 'value="课堂教学评价表"' in form


def test_a_page_below_one_of_the_menu_keeps_its_place_in_the_menu(north: School, client_of: Any) -> None:
    """The menu says where one is also on pages that stand in no menu themselves."""
    member, ping, school = client_of(MEMBER), client_of("平"), north.lessons.school.id
    for browser, address, entry in (
        (member, "/research/activities/", "/research/activities/"),
        (member, north.url(DISCUSSION), "/research/activities/"),
        (member, f"/research/{school}/", "/research/"),
        (ping, f"/research/{school}/team", "/research/"),
        (ping, f"/research/progress/{school}", "/research/progress/"),
        (ping, f"/research/removing/{school}", "/removal_request/list/"),
        (ping, "/teacher/list/", "/teacher/list/"),
    ):
        current = re.findall(r'<a class="menu-link" href="([^"]+)" aria-current="page">', browser.get(address).text)
        assert current == [entry], address
