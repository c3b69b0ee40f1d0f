"""Plans, summaries and outcomes over HTTP: handed in by their authors, looked at, reviewed, and closed where they have to be."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from models.outcomes import AbilityPoint, AbilitySummary, ImprovementPlan, Outcome, OutcomeState, SummaryState
from models.research import ResearchGroup
from models.scoping import SYSTEM, acting_as
from models.session import make_session_factory
from rules.grants import IT_TEAM
from tests import samples
from tests.bench.measuring import counted
from tests.cast import Cast
from tests.clients import Browser
from tests.services.lessons import LEADER, MEMBER, OTHER, Lessons
from views.reviews import mine_reviews

PAGE, RECORD = 6, 10


class Desk:
    """The cast with a group and an IT team (竹, 兰), each at a browser."""

    def __init__(self, cast: Cast, client_of: Callable[[str], Browser]) -> None:
        self.cast = cast
        with make_session_factory(cast.engine)() as session:
            lessons = Lessons(cast, session)
            for name in (OTHER, MEMBER):
                lessons.appoint(name, IT_TEAM, cast.path["北"])
            self.school, self.group = lessons.school.id, lessons.group.id
            with acting_as(SYSTEM):
                self.points = {point.code: point.id for point in session.scalars(select(AbilityPoint))}
        self.at = {name: client_of(name) for name in (LEADER, MEMBER, OTHER, "平", "锐", "菊")}

    def row(self, model: type[Any], **wanted: Any) -> Any:
        with acting_as(SYSTEM), make_session_factory(self.cast.engine)() as session:
            return session.scalars(select(model).filter_by(**wanted).order_by(model.id.desc())).first()

    def upload_plan(self, who: str, name: str = "计划.docx", content: bytes = b"") -> Any:
        self.at[who].get("/research/plan/")
        return self.at[who].post("/research/plan/", **{"files.plan": "", "upload.plan": (BytesIO(content or samples.docx()), name)})

    def upload_summary(self, who: str, code: str, name: str = "总结.pdf", **more: Any) -> Any:
        self.at[who].get("/research/summaries/")
        form = {"ability_point": str(self.points[code]), "files.summary": "", "upload.summary": (BytesIO(samples.pdf(name)), name), **more}
        return self.at[who].post("/research/summaries/", **form)

    def summary(self, who: str, code: str) -> AbilitySummary:
        found = self.row(AbilitySummary, teacher_id=self.cast.teacher[who], ability_point_id=self.points[code])
        assert isinstance(found, AbilitySummary)
        return found

    def upload_outcome(self, **form: Any) -> Any:
        self.at[LEADER].get("/outcome/add")
        return self.at[LEADER].post("/outcome/add", **{"group": str(self.group), "kind": "outcome", "title": "校本课程", **form})


@pytest.fixture
def desk(cast: Cast, app: Flask, client_of: Callable[[str], Browser]) -> Desk:
    return Desk(cast, client_of)


# --- 个人提升计划 -----------------------------------------------------------------------------------------------------


def test_a_teacher_downloads_the_template_uploads_the_plan_and_replaces_it(desk: Desk) -> None:
    """S0-39, S0-65, S0-75, S0-76, S0-103, S0-116."""
    ping, mei = desk.at["平"], desk.at[LEADER]
    version = ping.version(f"/school_programme/edit/{desk.school}")
    template = {"files.plan_template": "", "upload.plan_template": (BytesIO(samples.docx()), "计划模板.docx")}
    assert ping.post(f"/school_programme/edit/{desk.school}", _version=version, **template).status_code == 303
    page = mei.get("/research/plan/").text
    assert "计划模板.docx" in page
    assert mei.get(re.search(r'href="(/files/\d+/[^"]+)" download', page)[1]).status_code == 200  # type: ignore[index]
    assert desk.upload_plan(LEADER).status_code == 303
    assert "计划.docx" in mei.get("/research/plan/").text
    assert desk.upload_plan(LEADER, "新计划.docx").status_code == 303
    page = mei.get("/research/plan/").text
    assert "新计划.docx" in page and ">计划.docx<" not in page
    plan = desk.row(ImprovementPlan, teacher_id=desk.cast.teacher[LEADER])
    assert "新计划.docx" in ping.get(f"/improvement_plan/show/{plan.id}").text
    assert "新计划.docx" in desk.at[OTHER].get(f"/improvement_plan/show/{plan.id}").text, "the team guides (S0-26)"
    for outsider in (MEMBER, "锐"):
        desk.at[outsider].get("/")
    assert desk.at["锐"].get(f"/improvement_plan/show/{plan.id}").status_code == 404


def test_without_a_file_or_with_a_wrong_one_the_plan_is_told_beside_its_box(desk: Desk) -> None:
    mei = desk.at[LEADER]
    mei.get("/research/plan/")
    empty = mei.post("/research/plan/", **{"files.plan": ""})
    assert empty.status_code == 422 and "请上传“个人提升计划”。" in empty.text
    wrong = desk.upload_plan(LEADER, "计划.exe", samples.PROGRAM)
    assert wrong.status_code == 422 and 'href="#files-plan"' in wrong.text
    assert desk.row(ImprovementPlan, teacher_id=desk.cast.teacher[LEADER]) is None


def test_the_school_locks_plans_one_by_one_and_all_at_once(desk: Desk) -> None:
    desk.upload_plan(LEADER)
    ping, plan = desk.at["平"], desk.row(ImprovementPlan, teacher_id=desk.cast.teacher[LEADER])
    listed = ping.get("/improvement_plan/list/").text
    assert "全部锁定" in listed
    assert "全部锁定" not in desk.at[OTHER].get("/improvement_plan/list/").text
    assert ping.post(f"/improvement_plan/do/lock/{plan.id}", confirmed="1").status_code == 303
    refused = desk.upload_plan(LEADER)
    assert refused.status_code == 422 and "已由学校锁定" in refused.text
    assert "upload.plan" not in desk.at[LEADER].get("/research/plan/").text
    assert ping.post(f"/improvement_plan/do/unlock/{plan.id}").status_code == 303
    assert ping.post("/improvement_plan/lock-all").status_code == 200, "it asks first"
    assert "已锁定 2 份" in _followed(ping, ping.post("/improvement_plan/lock-all", confirmed="1"))
    assert desk.at[OTHER].post("/improvement_plan/lock-all", confirmed="1").status_code in (302, 403)


# --- 研修考核 ---------------------------------------------------------------------------------------------------------


def test_a_summary_is_handed_in_failed_with_a_reason_handed_in_again_and_passed(desk: Desk) -> None:
    """S0-42, S0-63…66, S0-92, S0-112, S0-119, S0-120, S0-122, S0-129."""
    mei, zhu, ping = desk.at[LEADER], desk.at[OTHER], desk.at["平"]
    assert desk.upload_summary(LEADER, "A1").status_code == 303
    summary = desk.summary(LEADER, "A1")
    listed = zhu.get("/ability_summary/list/").text
    assert "指派评审人" in listed, "whom it was given to; others may decide"
    assert (
        "查看总结" in listed and f"/ability_summary/do/pass/{summary.id}" in listed and f"/ability_summary/do/fail/{summary.id}" in listed
    )
    shown = zhu.get(f"/ability_summary/show/{summary.id}").text
    file = re.search(r'href="/files/(\d+)/preview"', shown)
    assert file and "总结.pdf" in shown
    assert zhu.get(f"/files/{file[1]}/preview").status_code == 200
    assert desk.at["锐"].get(f"/files/{file[1]}/preview").status_code == 404
    refused = zhu.post(f"/ability_summary/do/fail/{summary.id}", confirmed="1", comment="")
    assert refused.status_code == 422 and "请填写“评审意见”" in refused.text
    assert zhu.post(f"/ability_summary/do/fail/{summary.id}", confirmed="1", comment="请补充课例").status_code == 303
    page = mei.get("/research/summaries/").text
    assert "不通过" in page and "请补充课例" in page and "重新上传" in page
    again = mei.get(f"/research/summaries/?school={desk.school}&ability_point={desk.points['A1']}").text
    assert "保留" in again and "总结.pdf" in again
    assert desk.upload_summary(LEADER, "A1", "再交.pdf").status_code == 303
    assert desk.summary(LEADER, "A1").state is SummaryState.SUBMITTED
    assert ping.post(f"/ability_summary/do/pass/{summary.id}").status_code == 303
    assert desk.summary(LEADER, "A1").state is SummaryState.PASSED
    late = desk.upload_summary(LEADER, "A1")
    assert late.status_code == 422 and "已通过评审" in late.text


def test_what_was_chosen_is_kept_when_a_summary_is_refused(desk: Desk) -> None:
    answer = desk.upload_summary(LEADER, "A1", **{"upload.summary": (BytesIO(b""), "")})
    assert answer.status_code == 422 and "请上传“提升总结”。" in answer.text
    assert f'<option value="{desk.points["A1"]}" selected>' in answer.text
    nothing = desk.upload_summary(LEADER, "A1", ability_point="")
    assert nothing.status_code == 422 and "请选择一个启用的能力点" in nothing.text and "总结.pdf" in nothing.text


def test_nobody_decides_on_what_they_have_not_seen(desk: Desk) -> None:
    """The author has replaced the file since the reviewer's page was made: the reviewer is told, and looks again."""
    desk.upload_summary(LEADER, "A1")
    zhu, summary = desk.at[OTHER], desk.summary(LEADER, "A1")
    seen = re.search(rf'do/pass/{summary.id}" name="seen" value="(\d+)"', zhu.get("/ability_summary/list/").text)
    assert seen
    desk.upload_summary(LEADER, "A1", "换过.pdf")
    assert "刚刚已由他人处理" in _followed(zhu, zhu.post(f"/ability_summary/do/pass/{summary.id}", seen=seen[1]))
    asked = zhu.post(f"/ability_summary/do/fail/{summary.id}", seen=seen[1]).text
    assert f'name="seen" value="{seen[1]}"' in asked, "the question without scripts carries it along"
    assert desk.summary(LEADER, "A1").state is SummaryState.SUBMITTED
    fresh = re.search(rf'do/pass/{summary.id}" name="seen" value="(\d+)"', zhu.get("/ability_summary/list/").text)
    assert fresh and zhu.post(f"/ability_summary/do/pass/{summary.id}", seen=fresh[1]).status_code == 303
    assert desk.summary(LEADER, "A1").state is SummaryState.PASSED


def test_the_doors_of_a_review(desk: Desk) -> None:
    """The author is told why not, another school's team and administrator find nothing, a teacher without the right is refused."""
    desk.upload_summary(OTHER, "A2")
    summary = desk.summary(OTHER, "A2")
    own = desk.at[OTHER].get(f"/ability_summary/show/{summary.id}").text
    assert "不能办理本人的事项" in own
    assert "不能办理本人的事项" in _followed(desk.at[OTHER], desk.at[OTHER].post(f"/ability_summary/do/pass/{summary.id}"))
    for outsider in ("锐", "菊"):
        assert desk.at[outsider].get(f"/ability_summary/show/{summary.id}").status_code == 404
        assert desk.at[outsider].post(f"/ability_summary/do/pass/{summary.id}").status_code == 404
    assert desk.at[LEADER].get(f"/ability_summary/show/{summary.id}").status_code == 404
    assert desk.at[MEMBER].post(f"/ability_summary/do/pass/{summary.id}").status_code == 303, "the other one of the team"


def test_who_reviews_reads_whose_it_is_and_no_more_of_them(desk: Desk) -> None:
    """The team reaches no teacher's record; the name stands without a link, also in the question and the history."""
    desk.upload_summary(LEADER, "A1")
    zhu, summary, mei = desk.at[OTHER], desk.summary(LEADER, "A1"), desk.cast.teacher[LEADER]
    for address in ("/ability_summary/list/", f"/ability_summary/show/{summary.id}"):
        page = zhu.get(address).text
        assert f"{LEADER} · A1" in page and f'href="/teacher/show/{mei}"' not in page
    assert f'lead-cell">{LEADER}</td>' in zhu.get("/ability_summary/list/").text, "on a phone the author heads the card, not a date"
    assert f'<ins><span class="visually-hidden">新值 </span>{LEADER}</ins>' in zhu.get(f"/ability_summary/show/{summary.id}").text
    assert f'href="/teacher/show/{mei}"' in desk.at["平"].get("/ability_summary/list/").text
    assert zhu.get(f"/teacher/show/{mei}").status_code == 404


def test_given_to_me_or_all_and_given_out_anew(desk: Desk) -> None:
    for code in ("A1", "A2", "A3", "B1"):
        desk.upload_summary(LEADER, code)
    zhu = desk.at[OTHER]
    assert "指派给我的" in zhu.get("/ability_summary/list/").text
    mine = zhu.get("/ability_summary/list/?only.mine=1").text
    mine_count = re.search(r"共 (\d+) 份总结", mine)
    assert mine_count and mine_count[1] == "2" and "下面是指派给您评审的总结" in mine
    assert "指派给我的" not in desk.at["平"].get("/ability_summary/list/").text
    assert desk.at["平"].get("/ability_summary/reassign").status_code == 200
    assert "已重新分配" in _followed(desk.at["平"], desk.at["平"].post("/ability_summary/reassign", confirmed="1"))
    assert desk.at[LEADER].post("/ability_summary/reassign", confirmed="1").status_code in (302, 403)


# --- 研修成果 ---------------------------------------------------------------------------------------------------------


def test_an_outcome_from_the_upload_to_the_published_opinion(desk: Desk) -> None:
    """S0-93…98, S0-123…125, S0-130, S0-133."""
    mei, zhu, ping, lan = (desk.at[name] for name in (LEADER, OTHER, "平", MEMBER))
    assert "上传成果" in mei.get("/outcome/list/").text and "上传成果" not in ping.get("/outcome/list/").text
    empty = desk.upload_outcome(title="")
    assert empty.status_code == 422 and "请填写此项。" in empty.text
    assert desk.upload_outcome().status_code == 303
    outcome = desk.row(Outcome, title="校本课程")
    page = f"/outcome/show/{outcome.id}"
    assert "还缺：成果文件。上传后才能提交。" in mei.get(page).text
    version = mei.version(f"/outcome/edit/{outcome.id}")
    changed = {"title": "校本课程集", "files.others": "", "upload.others": (BytesIO(samples.pdf()), "课程.pdf"), "_version": version}
    assert mei.post(f"/outcome/edit/{outcome.id}", **changed).status_code == 303
    shown = mei.get(page).text
    assert re.search(rf'do/submit/{outcome.id}"[^>]*data-label="保存"', shown), "the button of the confirmation is 保存 (S0-97)"
    assert re.search(rf'href="/outcome/edit/{outcome.id}">.*修改</a>', shown) and "编辑" not in shown, "S0-96"
    assert f"<title>修改：{outcome}" in mei.get(f"/outcome/edit/{outcome.id}").text
    asked = mei.get(f"/outcome/do/submit/{outcome.id}").text
    assert re.search(r'btn-primary">保存</button>', asked)
    assert mei.post(f"/outcome/do/submit/{outcome.id}", confirmed="1").status_code == 303
    assert f"/outcome/edit/{outcome.id}" not in mei.get(page).text and f"/outcome/delete/{outcome.id}" not in mei.get(page).text
    late = mei.post(f"/outcome/edit/{outcome.id}", title="再改", _version=mei.version(f"/outcome/edit/{outcome.id}"))
    assert late.status_code == 422 and "成果已提交，不能再修改" in late.text and "再改" in late.text
    by_rest = mei.api("put", f"/api/v1/outcome/{outcome.id}", json.dumps({"title": "再改"}))
    assert by_rest.status_code == 422 and "成果已提交，不能再修改" in str(by_rest.json)
    assert mei.api("delete", f"/api/v1/outcome/{outcome.id}").status_code >= 400
    assert 'id="opinion"' not in ping.get(page).text and ping.post(f"/outcome/do/review/{outcome.id}").status_code in (302, 403)
    assert f'href="{page}#review"' in zhu.get("/outcome/list/").text
    box = zhu.get(page).text
    assert box.index('id="opinion"') > box.index("基本信息") and "发布" in box and "退回修改" in box
    nothing = zhu.post(f"/outcome/do/review/{outcome.id}", confirmed="1", comment=" ")
    assert nothing.status_code == 422 and "请填写“评审意见”" in nothing.text
    assert zhu.post(f"/outcome/do/review/{outcome.id}", confirmed="1", comment="结构清晰").status_code == 303
    assert desk.row(Outcome, id=outcome.id).state is OutcomeState.REVIEWED
    for reader in (mei, ping, lan):
        told = reader.get(page).text
        assert "结构清晰" in told and "已评审" in told


def test_a_teaching_case_says_which_part_is_missing(desk: Desk) -> None:
    """S0-35, S0-36, S1-36."""
    mei = desk.at[LEADER]
    video = {"files.video": "", "upload.video": (BytesIO(samples.MP4), "课堂.mp4")}
    assert desk.upload_outcome(kind="teaching_case", title="一节好课", **video).status_code == 303
    case = desk.row(Outcome, title="一节好课")
    assert "还缺：教学设计、教学反思。" in mei.get(f"/outcome/show/{case.id}").text
    refused = mei.post(f"/outcome/do/submit/{case.id}", confirmed="1")
    assert "请先上传：教学设计、教学反思。" in _followed(mei, refused)
    second = desk.upload_outcome(kind="teaching_case", title="又一节课")
    assert second.status_code == 422 and "本教研组已有教学案例“一节好课”，每组一份。" in second.text and "又一节课" in second.text


def test_the_team_sees_every_outcome_of_the_school_and_may_keep_to_its_own_groups(desk: Desk) -> None:
    """S0-113, S0-123."""
    desk.upload_outcome(**{"files.others": "", "upload.others": (BytesIO(samples.pdf()), "课程.pdf")})
    desk.at[LEADER].post(f"/outcome/do/submit/{desk.row(Outcome, title='校本课程').id}", confirmed="1")
    assert "校本课程" in desk.at[OTHER].get("/outcome/list/").text
    assert "本组成果" not in desk.at[OTHER].get("/outcome/list/").text, "竹 is in no group"
    assert "我的教研组" not in desk.at[OTHER].get("/research_group/list/").text
    lan = desk.at[MEMBER].get("/outcome/list/").text
    assert "本组成果" in lan and "校本课程" in desk.at[MEMBER].get("/outcome/list/?only.mine=1").text
    outcome = desk.row(Outcome, title="校本课程")
    for outsider in ("锐", "菊"):
        assert desk.at[outsider].get(f"/outcome/show/{outcome.id}").status_code in (302, 403, 404)
    assert desk.at["锐"].get(f"/outcome/show/{outcome.id}").status_code == 404


def test_a_member_of_the_team_finds_the_own_groups_under_mine(desk: Desk) -> None:
    """S0-56: 我的 on the list of groups leads to the group; whoever reads no others needs no such list."""
    lan, ping = desk.at[MEMBER], desk.at["平"]
    add = ping.get("/research_group/list/").text
    assert re.search(r'href="/research_group/add">.*创建教研组</a>', add) and "我的教研组" not in add
    form = ping.get("/research_group/add").text
    assert "<title>创建教研组 ·" in form, "S0-54"
    assert ping.post("/research_group/add", school_programme=str(desk.school), name="音乐教研组").status_code == 303
    new, ours = desk.row(ResearchGroup, name="音乐教研组"), f'href="/research_group/show/{desk.group}"'
    assert '<button class="btn btn-danger">确认</button>' in ping.get(f"/research_group/delete/{new.id}").text, "S0-57"
    whole = lan.get("/research_group/list/").text
    assert "音乐教研组" in whole and ours in whole and 'href="/research_group/list/?only.mine=1"' in whole
    mine = lan.get("/research_group/list/?only.mine=1").text
    assert ours in mine and "音乐教研组" not in mine and "全部教研组" in mine
    assert "我的教研组" not in desk.at[LEADER].get("/research_group/list/").text


def test_a_leader_adds_a_topic_where_the_manual_says(desk: Desk) -> None:
    """S0-77: 专题管理 → 添加专题; on the group's page as well."""
    mei = desk.at[LEADER]
    assert "添加专题</a>" in mei.get(f"/topic/list/?f.group={desk.group}").text
    assert re.search(rf'href="/topic/add\?group={desk.group}">.*添加专题</a>', mei.get(f"/research_group/show/{desk.group}").text)
    assert "<title>添加专题 ·" in mei.get("/topic/add").text


# --- what all of it costs, and the blocks of 我的校本 -----------------------------------------------------------------


def test_the_pages_ask_the_database_rarely_however_much_there_is(desk: Desk, app: Flask) -> None:
    """On PostgreSQL and SQLite: six statements, ten for a record."""
    for code in ("A1", "A2", "A3", "B1"):
        desk.upload_summary(LEADER, code)
    desk.upload_plan(LEADER)
    desk.upload_outcome(**{"files.others": "", "upload.others": (BytesIO(samples.pdf()), "课程.pdf")})
    outcome, summary = desk.row(Outcome, title="校本课程"), desk.summary(LEADER, "A1")
    desk.at[OTHER].post(f"/ability_summary/do/fail/{summary.id}", confirmed="1", comment="请改")
    desk.at[LEADER].post(f"/outcome/do/submit/{outcome.id}", confirmed="1")
    asked = (
        (LEADER, "/research/plan/", PAGE),
        (LEADER, "/research/summaries/", PAGE),
        (OTHER, "/ability_summary/list/", PAGE + 1),
        (OTHER, f"/ability_summary/show/{summary.id}", RECORD),
        ("平", "/improvement_plan/list/", PAGE),
        ("平", "/ability_summary/list/", PAGE + 1),
        ("平", f"/ability_summary/show/{desk.summary(LEADER, 'A2').id}", RECORD),
        (LEADER, f"/ability_summary/show/{summary.id}", RECORD),
        ("平", f"/outcome/show/{outcome.id}", RECORD),
        (OTHER, f"/outcome/show/{outcome.id}", RECORD),
        (LEADER, f"/outcome/show/{outcome.id}", RECORD),
        (OTHER, "/outcome/list/", PAGE + 1),
    )
    over = []
    for who, address, most in asked:
        with counted(app.extensions["engine"]) as sent:
            assert desk.at[who].get(address).status_code == 200, address
        if len(sent) > most:
            over.append("\n  ".join([f"{address}: {len(sent)} > {most}", *sent]))
    assert not over, "\n\n".join(over)


def test_the_blocks_of_my_research_tell_plan_and_summaries(desk: Desk, app: Flask) -> None:
    """S0-115: what the page 我的校本 includes."""
    desk.upload_summary(LEADER, "A1")
    with make_session_factory(desk.cast.engine)() as session:
        mei = desk.cast.identity(LEADER)
        for identity, plan in ((mei, "还没有上传"), (desk.cast.identity("平"), None)):
            with acting_as(identity), app.test_request_context():
                reviews = mine_reviews(session, identity)
                page = app.jinja_env.get_template("research/_mine_reviews.html").render(reviews=reviews)
            assert (plan is None and reviews is None and not page.strip()) or (
                plan in page and "待评审" in page and "/research/plan/" in page
            )


def test_who_hands_in_nothing_finds_no_such_page(desk: Desk) -> None:
    for address in ("/research/plan/", "/research/summaries/"):
        assert desk.at["平"].get(address).status_code == 403
        assert desk.at["菊"].get(address).status_code == 200, "a teacher whose school takes no part is told so"
        assert "还没有可以提交的研修项目" in desk.at["菊"].get(address).text
        assert desk.at["菊"].get(f"{address}?school={desk.school}").status_code == 404
        assert desk.at["菊"].post(f"{address}?school={desk.school}").status_code in (400, 404)


def _followed(browser: Browser, answer: Any) -> str:
    """The page a redirect leads to."""
    assert answer.status_code == 303, answer.status_code
    return browser.get(answer.headers["Location"]).text
