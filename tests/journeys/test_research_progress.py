"""Progress, reminders, removals and the archive over HTTP: pages, workbooks, statements, and who is refused (S0-31, S0-32, S1-43…45)."""

from __future__ import annotations

import io
import re
import zipfile
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from openpyxl import load_workbook
from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from models.access import Account, Post
from models.activities import Activity, ActivityKind, Evaluation, Participation, ParticipationState, Rubric
from models.history import Decision
from models.hours import HourEntry
from models.jobs import Job, JobKind, JobState
from models.outcomes import Outcome, OutcomeState
from models.people import CertificationState, Teacher
from models.research import RemovalRequest, RemovalState, SchoolProgramme, SchoolState
from models.scoping import SYSTEM, acting_as
from models.session import make_session_factory
from rules.grants import GROUP_MEMBER, IT_TEAM
from rules.opening import PLANS
from tests.bench.measuring import counted
from tests.cast import TODAY
from tests.research_cast import GROUP
from tests.services.endings import attach
from tests.services.lessons import LEADER, MEMBER, OTHER, Lessons
from views.panel.excel.archive import plain_name
from views.worker import run_job

PAGE, RECORD = 6, 10


@pytest.fixture
def lessons(cast: Any, engine: Any) -> Any:
    with make_session_factory(engine)() as session:
        lessons = Lessons(cast, session)
        lessons.appoint(OTHER, GROUP_MEMBER, lessons.group.scope_path)
        with acting_as(SYSTEM):
            session.execute(update(RemovalRequest).values(state=RemovalState.WITHDRAWN))
            session.commit()
        yield lessons


def test_progress_is_seen_by_who_answers_for_it(lessons: Lessons, client_of: Any) -> None:
    """S0-31, S0-37: the school, those above, the leader for the own group; a member and a stranger are refused."""
    pk = lessons.school.id
    ping = client_of("平")
    assert ping.get("/research/progress/").headers["Location"] == f"/research/progress/{pk}"
    figures, page = ping.get(f"/research/progress/{pk}").text, ping.get(f"/research/progress/{pk}/persons").text
    assert "data-chart" in figures and f"/research/progress/{pk}/persons?f.group={lessons.group.id}" in figures
    assert "提醒全部组长跟进" in page and all(name in page for name in (LEADER, MEMBER, OTHER))
    everybody = ping.get(f"/research/progress/{pk}/persons?only.everybody=1&f.group={lessons.group.id}&q={MEMBER}").text
    assert f"/hours/{lessons.cast.teacher[MEMBER]}" in everybody and f"/hours/{lessons.cast.teacher[OTHER]}" not in everybody
    figures, leader = (client_of(LEADER).get(f"/research/progress/{pk}{more}").text for more in ("", "/persons"))
    assert OTHER in leader and "提醒组长跟进" not in leader and "活动记录" in figures and "成员学时" not in figures
    assert f"/hours/{lessons.cast.teacher[OTHER]}" not in leader, "their hours are read by the school"
    assert "实时 · 更新于" in figures, "S3-136: what an administrator reads here is not of the night before"
    assert client_of("林").get("/research/progress/").status_code == 403
    for name, status in ((MEMBER, 403), ("锐", 404), ("丹", 200), ("岚", 404)):
        for more in ("", "/persons"):
            assert client_of(name).get(f"/research/progress/{pk}{more}").status_code == status


def test_who_is_in_no_group_is_seen_by_the_school(lessons: Lessons, client_of: Any) -> None:
    """S0-31, S0-32: certified, of this school, and in no group now; their hours are theirs all the same."""
    pk, ping = lessons.school.id, client_of("平")
    address = f"/research/progress/{pk}/ungrouped"
    assert "没有符合条件的教师" in ping.get(address).text
    with Session(lessons.cast.engine) as session:
        session.execute(update(Post).where(Post.role == GROUP_MEMBER).values(until=TODAY))
        session.execute(update(Teacher).where(Teacher.name == MEMBER).values(certification=CertificationState.NONE))
        session.commit()
    assert f'href="{address}"' in ping.get(f"/research/progress/{pk}").text
    page = ping.get(address).text
    listed = re.findall(r'<th scope="row" class="lead-cell"><a href="/hours/(\d+)">', page)
    assert [int(one) for one in listed] == [lessons.cast.teacher[OTHER]], "neither who leads, nor who is not certified"
    assert re.search(r'<td class="num" data-label="已累计">5</td>', page), "what 竹 earned while in the group"
    assert "没有符合条件的教师" in ping.get(f"/research/progress/{pk}/ungrouped?q=无").text
    leader = client_of(LEADER)
    assert leader.get(f"/research/progress/{pk}/ungrouped").status_code == 404, "a leader answers for the own group"
    assert "未加入教研组" not in leader.get(f"/research/progress/{pk}").text


def test_a_region_with_several_schools_sees_them_in_a_table(lessons: Lessons, client_of: Any) -> None:
    with Session(lessons.cast.engine) as session:
        north = session.scalars(select(SchoolProgramme)).one()
        other = SchoolProgramme(programme_id=north.programme_id, school_id=lessons.cast.school["南"], name="南实验小学 · 整校推进2026")
        other.scope_path = lessons.cast.path["南"]
        session.add(other)
        session.commit()
    page = client_of("丹").get("/research/progress/").text
    assert "南实验小学" in page and "北实验小学" in page and "各校达标情况" in page
    assert "各校达标情况" not in client_of("平").get("/research/progress/", follow_redirects=True).text


def test_pages_ask_the_database_a_fixed_number_of_times(lessons: Lessons, app: Any, client_of: Any) -> None:
    ping, dan, pk = client_of("平"), client_of("丹"), lessons.school.id
    with Session(lessons.cast.engine) as session:
        request = session.scalars(select(RemovalRequest.id)).first()
    for browser, address, most in (
        (ping, f"/research/progress/{pk}", PAGE),
        (ping, f"/research/progress/{pk}/persons", PAGE),
        (ping, f"/research/progress/{pk}/ungrouped", PAGE),
        (dan, "/research/progress/", PAGE),
        (ping, "/research/", RECORD),
        (ping, f"/research/{pk}/begin", RECORD),
        (ping, f"/research/{pk}/team", RECORD),
        (ping, f"/research/removing/{pk}", PAGE),
        (ping, f"/research/removing/{pk}/{lessons.cast.teacher[MEMBER]}", RECORD),
        (ping, f"/school_programme/show/{pk}", RECORD),
        (dan, f"/removal_request/show/{request}", RECORD),
        (ping, "/removal_request/list/", PAGE + 1),
    ):
        browser.get(address)
        with counted(app.extensions["engine"]) as sent:
            browser.get(address)
        assert len(sent) <= most, "\n".join([f"{address} asks {len(sent)} times, {most} are allowed", *sent])


def test_abbreviations_of_the_manuals_are_explained_on_the_first_page(lessons: Lessons, client_of: Any) -> None:
    """S1-01, S1-02: also to a school that has not begun."""
    for who in ("平", MEMBER, "锐"):
        page = client_of(who).get("/research/").text
        assert all(f"<dt>{term}</dt>" in page for term in ("能力提升工程2.0", "省工程办", "省公服平台", "两案")), who


def test_a_reminder_is_pressed(lessons: Lessons, client_of: Any) -> None:
    """S0-32."""
    ping, pk = client_of("平"), lessons.school.id
    ping.get(f"/research/progress/{pk}")
    pressed = ping.post(f"/research/progress/{pk}/remind", teacher=str(lessons.cast.teacher[MEMBER]))
    assert "已提醒组长跟进 1 名教师" in ping.get(pressed.headers["Location"]).text
    asked = ping.post(f"/research/progress/{pk}/remind", all="1", **{"f.group": str(lessons.group.id)})
    assert asked.status_code == 200 and "确定提醒吗？" in asked.text and f'name="f.group" value="{lessons.group.id}"' in asked.text
    ping.post(f"/research/progress/{pk}/remind", all="1", confirmed="1")
    page = ping.get(f"/research/progress/{pk}").text
    assert "已提醒组长跟进 2 名教师" in page
    ping.post(f"/research/progress/{pk}/remind", all="1", confirmed="1")
    assert "今天已经提醒过组长" in ping.get(f"/research/progress/{pk}/persons").text
    assert "请跟进" in client_of(LEADER).get("/notices/").text
    for name, status in (("丹", 403), ("锐", 403), (LEADER, 403)):
        browser = client_of(name)
        browser.get("/notices/")
        assert browser.post(f"/research/progress/{pk}/remind", all="1").status_code in (status, 404)


def test_workbooks_of_hours_activities_and_evidence(lessons: Lessons, client_of: Any) -> None:
    with acting_as(SYSTEM):
        activity = lessons.session.scalars(select(Activity)).one()
    attach(lessons.session, activity, "evidence", "合影.pdf")
    ping, pk = client_of("平"), lessons.school.id
    ping.get(f"/research/progress/{pk}")
    for what, word in (("hours", "北语文教研组"), ("activities", "如何导读"), ("evidence", "合影.pdf")):
        answer = ping.post(f"/research/progress/{pk}/export/{what}")
        assert answer.status_code == 200, answer.text
        with zipfile.ZipFile(io.BytesIO(answer.data)) as book:
            assert word in book.read("xl/worksheets/sheet1.xml").decode()
    assert ping.post(f"/research/progress/{pk}/export/nothing").status_code == 404
    leader = client_of(LEADER)
    leader.get("/notices/")
    assert leader.post(f"/research/progress/{pk}/export/hours").status_code == 403
    assert leader.post(f"/research/progress/{pk}/export/evidence").status_code == 200


def test_a_removal_is_asked_for_and_decided(lessons: Lessons, client_of: Any) -> None:
    """S1-44, S1-45: the warning first; the reason is kept when it is refused."""
    ping, pk, teacher = client_of("平"), lessons.school.id, lessons.cast.teacher[OTHER]
    assert f"/research/removing/{pk}" in ping.get("/removal_request/list/").text
    assert OTHER in ping.get(f"/research/removing/{pk}").text
    page = ping.get(f"/research/removing/{pk}/{teacher}").text
    assert "未登记的 5 学时作废" in page and "1 个教研组岗位结束" in page and "1 份个人提升计划" in page
    refused = ping.post(f"/research/removing/{pk}/{teacher}", reason="长" * 501)
    assert refused.status_code == 422 and "最多 500 个字" in refused.text and "长" * 400 in refused.text
    asked = ping.post(f"/research/removing/{pk}/{teacher}", reason="调往他校")
    assert asked.status_code == 303
    again = ping.post(f"/research/removing/{pk}/{teacher}", reason="调往他校")
    assert again.status_code == 422 and "已有一份待审批" in again.text
    dan = client_of("丹")
    assert "同意后将失去" in (shown := dan.get(asked.headers["Location"]).text) and "未登记的 5 学时作废" in shown
    number, called = asked.headers["Location"].rsplit("/", 1)[1], f"{OTHER} · {lessons.school.name}"
    assert f"#{number}" not in shown and called in shown and called in dan.get("/removal_request/list/").text
    question = dan.post(f"/removal_request/do/approve/{number}").text
    assert f"同意移除：{called}" in question and "未登记的 5 学时作废" in question, "what it takes is told once more"
    assert "data-confirm" not in shown[shown.index("do/approve") :].partition(">")[0], "a page asks, which knows"
    assert dan.post(f"/removal_request/do/approve/{number}", confirmed="1").status_code == 303
    assert "已移除" in client_of(OTHER).get(asked.headers["Location"]).text
    for name, status in ((MEMBER, 403), ("丹", 403), ("锐", 404)):
        assert client_of(name).get(f"/research/removing/{pk}").status_code == status


def test_what_is_missing_is_told_before_a_school_is_accepted_and_what_was_registered_after(lessons: Lessons, client_of: Any) -> None:
    """The question itself names it, to who applies and to who accepts; the record page does not wait for the sum."""
    ping, dan, pk = client_of("平"), client_of("丹"), lessons.school.id
    for plan in PLANS:
        attach(lessons.session, lessons.school, plan, "方案.pdf")
    lessons.appoint(OTHER, IT_TEAM, lessons.cast.path["北"])
    with Session(lessons.cast.engine) as session:
        session.execute(update(SchoolProgramme).where(SchoolProgramme.id == pk).values(state=SchoolState.OPEN))
        session.commit()
    for browser, step in ((ping, "apply"), (dan, "accept")):
        page = browser.get(f"/school_programme/show/{pk}").text
        assert "名未达 25 学时" not in page and "data-confirm" not in page[page.index(f"do/{step}") :].partition(">")[0]
        assert re.search(r"还需完善：\d+ 名成员中有 \d+ 名未达 25 学时", browser.post(f"/school_programme/do/{step}/{pk}").text), step
        done = browser.post(f"/school_programme/do/{step}/{pk}", confirmed="1")
    assert re.search(r"验收已通过，\d+ 名教师的 5 学时已登记。", dan.get(done.location).text)


def test_nobody_is_named_who_neither_takes_part_nor_was_asked_about(lessons: Lessons, client_of: Any) -> None:
    """Counting numbers tells a school no teacher of another, nor of its own who is in no group."""
    ping, pk, cast = client_of("平"), lessons.school.id, lessons.cast
    strangers = [number for name, number in cast.teacher.items() if name not in (LEADER, MEMBER, OTHER)]
    with Session(cast.engine) as session:
        names = {one.id: one.name for one in session.scalars(select(Teacher).where(Teacher.id.in_(strangers)))}
    ping.get("/removal_request/list/")
    assert names
    for number in (*names, 99_999, 2**31, 10**25):
        for answer in (ping.get(f"/research/removing/{pk}/{number}"), ping.post(f"/research/removing/{pk}/{number}", reason="调往他校")):
            assert answer.status_code == 404 and names.get(number, "无") not in answer.text, number
    with Session(cast.engine) as session:
        session.add(
            RemovalRequest(school_programme_id=pk, teacher_id=strangers[0], reason="调往他校", scope_path=lessons.school.scope_path)
        )
        session.commit()
    shown = ping.get(f"/research/removing/{pk}/{strangers[0]}")
    assert shown.status_code == 200 and names[strangers[0]] in shown.text, "whom the school has asked about it knows"


# --- the archive ------------------------------------------------------------------------------------------------------


def archived(app: Any, cast: Any, browser: Any, pk: int) -> Job:
    """Ask for it, let a worker do it; the job as it ended."""
    browser.get(f"/school_programme/show/{pk}")
    asked = browser.post(f"/school_programme/do/archive/{pk}", confirmed="1")
    assert asked.status_code == 303, asked.text
    with Session(cast.engine) as session:
        job = session.scalars(select(Job.id).filter_by(kind=JobKind.ARCHIVE, state=JobState.WAITING)).one()
    run_job(app, job)
    with Session(cast.engine, expire_on_commit=False) as session:
        return session.get_one(Job, job)


def test_an_archive_holds_every_record_and_file(lessons: Lessons, app: Any, client_of: Any, tmp_path: Any) -> None:
    """One workbook a table, files under clean names, Chinese kept; found under 导出管理."""
    source = tmp_path / "plan"
    source.write_bytes(b"the plan")
    key = app.extensions["files"].put(source, area="files", now=TODAY)
    attach(lessons.session, lessons.school, "development_plan", "../../规划:方案.pdf", key)
    attach(lessons.session, lessons.group, "nothing", "别处.pdf", key)
    attach(lessons.session, lessons.topic, "materials", "丢失.pdf")
    for name in ("平", "丹"):
        browser = client_of(name)
        job = archived(app, lessons.cast, browser, lessons.school.id)
        assert job.state is JobState.DONE and "1 个文件在存储中找不到" in job.message, job.message
        answer = browser.get(f"/job/{job.id}/file")
        assert answer.status_code == 200 and job.file_name.endswith("_归档.zip")
        with zipfile.ZipFile(io.BytesIO(answer.data)) as pack:
            names = pack.namelist()
            assert pack.testzip() is None
            [plan] = [one for one in names if one.startswith("文件/")]
            assert plan.startswith("文件/整校推进/") and plan.endswith("规划_方案.pdf") and ".." not in plan.split("/")
            assert pack.read(plan) == b"the plan"
            assert len([one for one in names if one.startswith("记录/")]) == 17
            assert any("如何导读" in row for row in sheet_of(pack, "学时台账"))
    assert "下载文件" in browser.get("/job/list/").text


def sheet_of(pack: zipfile.ZipFile, label: str) -> list[list[Any]]:
    """The rows of the workbook with this name."""
    [name] = [one for one in pack.namelist() if one.startswith("记录/") and label in one]
    book = load_workbook(io.BytesIO(pack.read(name)))
    return [[cell.value for cell in row] for row in book.worksheets[0].iter_rows()]


def test_an_archive_tells_who_belonged_what_was_decided_and_every_criterions_stars(lessons: Lessons, app: Any, client_of: Any) -> None:
    """Members and team with those who left, opinions on what is in it, stars by criterion; a draft and its decisions stay out of it."""
    lessons.appoint(OTHER, IT_TEAM, lessons.school.scope_path)
    teacher, lesson = lessons.cast.teacher, lessons.activity(LEADER, ActivityKind.OBSERVATION)
    with acting_as(SYSTEM):
        lessons.session.execute(update(Rubric).where(Rubric.id == lessons.rubric.id).values(criteria="目标清晰\n互动充分"))
        left = select(Account.id).filter_by(teacher_id=teacher[MEMBER]).scalar_subquery()
        gone = update(Post).where(Post.account_id == left, Post.role == GROUP_MEMBER).values(until=TODAY + timedelta(days=9))
        lessons.session.execute(gone, execution_options={"synchronize_session": False})
        path = lessons.group.scope_path
        given = {"average": Decimal("4.5"), "summary": "节奏稳", "scope_path": path, "created_at": TODAY, "updated_at": TODAY, "version": 1}
        lessons.session.execute(insert(Evaluation).values(activity_id=lesson.id, teacher_id=teacher[MEMBER], stars=[5, 4], **given))
        draft, outcome = (Outcome(group_id=lessons.group.id, title=title) for title in ("草稿成果", "送审成果"))
        part = Participation(activity_id=lesson.id, teacher_id=teacher[MEMBER], state=ParticipationState.JOINED, joined_at=TODAY)
        part.scope_path = path
        lessons.session.add_all([draft, outcome, part])
        lessons.session.flush()
        lessons.session.execute(update(Outcome).where(Outcome.id == outcome.id).values(state=OutcomeState.REVIEWED))
        for row, name, step, source, target, said in (
            (lessons.school, "school_programme", "验收不通过", "applied", "failed", "缺少总结"),
            (draft, "outcome", "退回", "submitted", "saved", "不该看到"),
            (outcome, "outcome", "发布", "submitted", "reviewed", "很好"),
            (part, "participation", "退回", "completed", "joined", "评价太短"),
            (part, "participation", "完成活动", "joined", "completed", None),
        ):
            told = Decision(table_name=name, row_id=row.id, step="x", label=step, source=source, target=target, comment=said)
            told.account_id, told.post = lessons.cast.account["丹"], "区域管理员"
            lessons.session.add(told)
        lessons.session.commit()
    browser = client_of("平")
    job = archived(app, lessons.cast, browser, lessons.school.id)
    assert job.state is JobState.DONE, job.message
    with zipfile.ZipFile(io.BytesIO(browser.get(f"/job/{job.id}/file").data)) as pack:
        people = [row[:4] for row in sheet_of(pack, "成员与信息化团队")]
        assert [GROUP, "教研组组长", LEADER, "否"] in people and [GROUP, "教研组成员", MEMBER, "否"] in people
        assert any(row[1:3] == ["信息化团队", OTHER] for row in people), people
        assert next(row for row in sheet_of(pack, "成员与信息化团队") if row[2] == MEMBER)[5] is not None, "who left, and when"
        decided = sheet_of(pack, "评审与审批意见")
        assert any(row[2:7] == ["验收不通过", "待验收", "验收不通过", "缺少总结", "丹"] and row[7] == "区域管理员" for row in decided), (
            decided
        )
        assert any(row[:7] == ["研修成果", "送审成果", "发布", "待评审", "已评审", "很好", "丹"] for row in decided), decided
        assert not any("不该看到" in row for row in decided)
        returned = [row for row in decided if row[2] in ("退回", "完成活动")]
        assert [row[5] for row in returned] == ["评价太短"] and returned[0][1] == f"{MEMBER} · 听课评课", returned
        assert [row[2] for row in sheet_of(pack, "研修成果")][-1] == "送审成果" and "草稿成果" not in str(sheet_of(pack, "研修成果"))
        assert any(row[-1] == "目标清晰：5\n互动充分：4" for row in sheet_of(pack, "评课表")), sheet_of(pack, "评课表")


def test_nobody_else_archives_a_school(lessons: Lessons, app: Any, client_of: Any) -> None:
    for name, status in (("锐", 404), (OTHER, 403), (LEADER, 403)):
        browser = client_of(name)
        browser.get("/notices/")
        assert browser.post(f"/school_programme/do/archive/{lessons.school.id}", confirmed="1").status_code == status


def test_a_right_that_is_gone_archives_nothing(lessons: Lessons, app: Any, client_of: Any) -> None:
    """The job's post is asked again when the worker begins; it fails visibly."""
    ping = client_of("平")
    ping.get(f"/school_programme/show/{lessons.school.id}")
    ping.post(f"/school_programme/do/archive/{lessons.school.id}", confirmed="1")
    with Session(lessons.cast.engine) as session:
        job = session.scalars(select(Job).filter_by(kind=JobKind.ARCHIVE)).one()
        session.execute(update(Post).where(Post.account_id == lessons.cast.account["平"]).values(until=TODAY))
        session.commit()
        number = job.id
    run_job(app, number)
    with Session(lessons.cast.engine) as session:
        job = session.get_one(Job, number)
        assert job.state is JobState.FAILED and job.file_key is None and job.message
        session.execute(update(Post).where(Post.account_id == lessons.cast.account["平"]).values(until=None))
        session.commit()
    assert ping.post(f"/job/do/retry/{number}", confirmed="1").status_code == 303
    with Session(lessons.cast.engine) as session:
        assert session.get_one(Job, number).state is JobState.WAITING, "nobody waits for an archive in their request"


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("研修计划", "研修计划"),
        ("a/b\\c", "a_b_c"),
        ("..", "_"),
        ("CON", "_CON"),
        ("con.txt", "_con.txt"),
        ("x\u202ecod", "x_cod"),
        (" 空 ", "空"),
        ("长" * 200, "长" * 80),
    ],
)
def test_names_in_a_zip_can_be_unpacked_anywhere(name: str, plain: str) -> None:
    assert plain_name(name) == plain


def test_who_has_earned_nothing_yet_reads_what_is_missing_and_whom_to_ask(lessons: Lessons, client_of: Any) -> None:
    """S0-41: a leader and a member with no hour read the same as everybody else: 0 of 25, and their contact."""
    with Session(lessons.cast.engine) as session:
        session.execute(delete(HourEntry))
        session.commit()
    for name, contact in ((MEMBER, f"{LEADER} · 教研组组长"), (LEADER, "平 · 学校管理员")):
        page = client_of(name).get("/hours/").text
        assert "计入 0 / 25 学时" in page and "学时未达标时，请联系" in page and contact in page, name
        assert "还没有学时" in page, "and that there is nothing to list"
    outsider = client_of("双").get("/hours/").text
    assert "计入" not in outsider and "还没有学时" in outsider, "who takes part in nothing lacks nothing"
