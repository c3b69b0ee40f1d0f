"""The journey of school-based research by the eight people who make it, in a real browser: from a programme to registered hours.

The county makes a programme (锐's school takes part, hands in its plans, forms its IT team and opens), 丁岚 leads a group with 李明 and
王芳, the IT team (陈静, 赵强) reviews, the county accepts, and 平 of another school finds nothing of it. Only the teachers are prepared;
everything else is clicked (S0-43…51, S0-72…98, S0-112…125, S1-22…36, S1-49…52).
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy.orm import Session

import tests.cast
from models.base import utcnow
from models.org import School
from models.people import CertificationState
from rules.page_views import day_of
from tests import samples
from tests.browser.test_outcome import choose, confirm, status_of
from tests.cast import World

LEADER, ONE, TWO = "丁岚", "李明", "王芳"
CHEN, ZHAO = TEAM = "陈静", "赵强"
COUNTY, SCHOOL, OUTSIDER = "丹", "锐", "平"
PEOPLE = {
    name: ("南", f"3502031990010100{n}X", f"1386000000{n}", CertificationState.PASSED)
    for n, name in enumerate((LEADER, ONE, TWO, *TEAM), start=1)
}
PROGRAMME, GROUP, TOPIC, CASE = "能力提升工程整校推进2026", "南实小语文教研组", "单元整体教学", "一节阅读课"
DISCUSSION, HOMEWORK, OBSERVATION, PREPARING, SHARING = "导读研讨", "教学反思一篇", "同课异构", "集中备课一天", "线下教学研讨"
PDF, MP4 = samples.pdf(), samples.MP4
NARROW, WIDE = 390, 1280
BEGIN = "**/begin"


@pytest.fixture
def people(cast: Any, person: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Everybody at a browser, signed in; five certified teachers have come to South."""
    with Session(cast.engine) as session:
        world = World(session)
        world.units["南"] = session.get_one(School, cast.school["南"])
        for name, row in PEOPLE.items():
            monkeypatch.setitem(tests.cast.TEACHERS, name, row)
            world._teacher(name)
        session.commit()
    return {name: signed_in(cast, person(), name) for name in (COUNTY, SCHOOL, *PEOPLE, OUTSIDER)}


def signed_in(cast: Any, somebody: Any, name: str) -> Any:
    somebody.sign_in(PEOPLE[name][1] if name in PEOPLE else cast.username[name], cast.password)
    return somebody


def test_from_a_programme_to_registered_hours(people: Any) -> None:
    today = day_of(utcnow())
    a_programme_is_made(people[COUNTY], today)
    school = the_school_opens(people[SCHOOL])
    group = the_leader_prepares(people[LEADER])
    activities = a_topic_with_activities(people[LEADER], group, today)
    people[TWO].narrow(NARROW)
    for name in (ONE, TWO):
        a_member_takes_part(people[name], name)
    what_was_done_offline_is_credited(people[LEADER])
    hours_are_explained(people[ONE])
    own_work_is_handed_in(people)
    summaries_are_reviewed(people)
    case = a_teaching_case_is_published(people)
    the_school_is_accepted(people, school)
    outsiders_find_nothing(people[OUTSIDER], [school, group, case, *activities])
    everything_fits_a_phone(people, school, activities)


# --- the school opens (S0-43…51) --------------------------------------------------------------------------------------


def a_programme_is_made(county: Any, today: date) -> None:
    page = county.page
    page.goto("/programme/list/")
    page.click("main a:has-text('新增')")
    page.fill("[name=name]", PROGRAMME)
    page.fill("[name=year]", str(today.year))
    choose(page, "region", "思明区")
    page.fill("[name=starts_on]", str(today - timedelta(days=7)))
    page.fill("[name=ends_on]", str(today + timedelta(days=300)))
    see(county, "r01-programme-form")
    save(page)
    expect(page.locator("h1")).to_have_text(PROGRAMME)
    expect(page.locator("main")).to_contain_text("学时政策")
    see(county, "r02-programme")


def the_school_opens(school: Any) -> str:
    """From 校本首页 to 提交; the address of the school's home."""
    page = school.page
    page.goto("/research/")
    see(school, "r03-nothing-yet")
    page.click(f"text=参加“{PROGRAMME}”")
    expect(page.locator("select[name=school] + .ts-wrapper .item")).to_have_text("南实验小学")
    save(page, BEGIN)
    page.goto("/research/")
    expect(page.locator("[aria-current=step]")).to_contain_text("下一步")
    see(school, "r04-home-preparing")
    page.click("main a:has-text('开始')")
    page.click("main a:has-text('提交两案')")
    upload(page, "development_plan", "规划方案.pdf", PDF)
    upload(page, "assessment_plan", "考核方案.pdf", PDF)
    save(page, BEGIN)
    page.click("main a:has-text('组建信息化团队')")
    choose_members(page, *TEAM)
    expect(page.locator("main")).to_contain_text("已添加 2 名成员")
    see(school, "r05-team")
    page.click("main a:has-text('返回开启步骤')")
    page.click("main a:has-text('创建教研组')")
    page.fill("[name=name]", GROUP)
    choose(page, "leader", LEADER)
    see(school, "r06-group-form")
    save(page, BEGIN)
    see(school, "r07-begin")
    page.click("main button:has-text('提交')")
    confirm(page)
    expect(page.locator("main")).to_contain_text("本校已进入校本研修")
    page.click("main a:has-text('校本主题')")
    page.fill("[name=theme]", "读写融合")
    page.fill("[name=about]", "以单元整体教学推进读写融合。")
    save(page)
    page.click("main a:has-text('校本首页')")
    expect(page.locator("h1")).to_have_text("南实验小学")
    expect(page.locator("main")).to_contain_text("读写融合")
    see(school, "r08-home-open")
    return str(page.url)


# --- the group (S0-52…62, S0-72…79) -----------------------------------------------------------------------------------


def the_leader_prepares(leader: Any) -> str:
    """Members, the plan, a rubric; the address of the group."""
    page = leader.page
    page.goto("/research/mine/")
    page.click("main a:has-text('成员管理')")
    choose_members(page, ONE, TWO)
    expect(page.locator("main")).to_contain_text("共 3 名成员")
    see(leader, "r09-members")
    page.goto("/research/mine/")
    page.click(f"main a:has-text('{GROUP}')")
    expect(page.locator("h1")).to_have_text(GROUP)
    group = str(page.url)
    new_of(page, "研修计划")
    page.fill("[name=title]", "一年研修计划")
    page.fill("[name=content]", "每月一次集体备课，一次听课评课。")
    see(leader, "r10-plan-form")
    save(page)
    page.goto(group)
    new_of(page, "评课标准")
    expect(page.locator("[name=criteria]")).to_have_value(re.compile("教学目标明确"))
    save(page)
    page.goto(group)
    see(leader, "r10-group")
    return group


def a_topic_with_activities(leader: Any, group: str, today: date) -> list[str]:
    """A published topic and activities of all four kinds; their addresses."""
    page = leader.page
    new_of(page, "研修专题", "添加专题")
    page.fill("[name=title]", TOPIC)
    page.fill("[name=starts_on]", str(today - timedelta(days=1)))
    page.fill("[name=ends_on]", str(today + timedelta(days=100)))
    see(leader, "r11-topic-form")
    save(page)
    expect(page.locator("main")).to_contain_text("草稿")
    publish(page)
    see(leader, "r11-topic")
    topic, addresses = page.url, []
    for kind, title, more in (
        ("discussion", DISCUSSION, {}),
        ("homework", HOMEWORK, {"homework_kind": "reflection"}),
        ("observation", OBSERVATION, {"guest_teacher": "张老师", "rubric": "课堂教学评价表"}),
        ("offline", PREPARING, {"hours": "10", "offline_form": "preparation"}),
        ("offline", SHARING, {"hours": "10", "offline_form": "discussion"}),
    ):
        page.goto(topic)
        page.click("main a:has-text('添加活动')")
        page.select_option("[name=kind]", kind)
        page.fill("[name=title]", title)
        page.fill("[name=starts_at]", f"{today - timedelta(days=1)}T08:00")
        page.fill("[name=ends_at]", f"{today + timedelta(days=30)}T18:00")
        for name, value in more.items():
            fill_any(page, name, value)
        if title in (OBSERVATION, PREPARING):
            see(leader, f"r12-activity-form-{kind}")
        save(page)
        publish(page)
        page.click("main a:has-text('活动详情')")
        page.wait_for_url("**/research/activities/*")
        addresses.append(str(page.url))
    return addresses


# --- taking part (S0-81…91, S1-13…33) ---------------------------------------------------------------------------------


def a_member_takes_part(member: Any, name: str) -> None:
    """Comment, homework, stars: each joined with a question first; what is offline asks nothing of a member. 王芳 has but a telephone."""
    page = member.page
    page.goto("/research/activities/")
    member.look("r13-activities")
    join(page, DISCUSSION)
    page.get_by_label("评课记录", exact=True).fill(f"{name}：导入自然")
    page.get_by_role("button", name="发布").first.click()
    expect(page.locator(".comment")).to_contain_text([f"{name}：导入自然"])
    member.look("r14-comments")
    join(page, HOMEWORK)
    upload(page, "homework", f"{name}的反思.pdf", PDF)
    page.click("#homework button:has-text('保存')")
    expect(page.locator("main")).to_contain_text("已完成活动，获得 5 学时。")
    member.look("r15-homework")
    join(page, OBSERVATION)
    for criterion in range(5):
        page.locator(f"label:has([name='stars.{criterion}'][value='{5 - criterion % 2}'])").click()
    page.fill("[name=summary]", "目标明确，建议多留思考时间。")
    page.click("#evaluation button:has-text('保存')")
    expect(page.locator("main")).to_contain_text("已完成活动，获得 5 学时。")
    member.look("r16-evaluation")
    page.goto("/research/activities/")
    expect(page.locator("tr", has_text=PREPARING)).not_to_contain_text("参与：")
    expect(page.locator("tr", has_text=PREPARING).locator("button")).to_have_count(0)


def what_was_done_offline_is_credited(leader: Any) -> None:
    """李明 took part in both, 王芳 in none."""
    page = leader.page
    for title in (PREPARING, SHARING):
        page.goto("/research/activities/")
        page.click(f"main a:has-text('{title}')")
        page.check(f"label:has-text('{ONE}') >> input")
        upload(page, "evidence", "合影.png", samples.png(300, 200))
        if title == PREPARING:
            page.click("main button:has-text('指定')")
            expect(page.locator("main")).to_contain_text("已指定参与人员")
            expect(page.locator("#evidence")).to_contain_text("合影.png")
            see(leader, "r17-offline-evidence")
        page.click("main button:has-text('完成活动')")
        expect(page.locator("main")).to_contain_text(f"1 人将获得 10 学时：{ONE}")
        page.click("main button:has-text('完成活动')")
        expect(page.locator("main")).to_contain_text("参与人员的学时已记入")
    see(leader, "r18-offline-completed")


def hours_are_explained(member: Any) -> None:
    """2 + 5 + 5 + 10 + 10 hours, of which 25 count (Z-01)."""
    page = member.page
    page.goto("/research/mine/")
    expect(page.locator("main")).to_contain_text("已累计 32 · 计入 25 / 25 学时")
    see(member, "r19-mine")
    page.goto("/hours/")
    expect(page.locator("main")).to_contain_text("超出 25 学时上限，7 学时不计入")
    see(member, "r20-hours")


# --- reviews (S0-63…66, S0-93…98, S0-112…125) -------------------------------------------------------------------------


def own_work_is_handed_in(people: Any) -> None:
    """Both members and one of the IT team upload a plan and a summary."""
    for name in (ONE, TWO, CHEN):
        page = people[name].page
        page.goto("/research/plan/")
        upload(page, "plan", f"{name}的提升计划.docx", samples.docx())
        page.click("main button:has-text('保存')")
        expect(page.locator("main")).to_contain_text("个人提升计划已上传")
        page.goto("/research/summaries/")
        page.select_option("[name=ability_point]", index=1)
        upload(page, "summary", f"{name}的总结.pdf", PDF)
        page.click("main button:has-text('保存')")
        expect(page.locator("main")).to_contain_text("个人提升总结已上传")
    people[ONE].page.goto("/research/plan/")
    see(people[ONE], "r21-plan")
    see(people[TWO], "r22-summary")


def summaries_are_reviewed(people: Any) -> None:
    """By the team, and by nobody their own (S0-121)."""
    chen, zhao = people[CHEN], people[ZHAO]
    page = chen.page
    page.goto("/ability_summary/list/")
    see(chen, "r23-summaries")
    open_summary(page, CHEN)
    expect(page.locator(".closed")).to_contain_text("不能办理本人的事项")
    see(chen, "r24-own-summary-refused")
    for somebody, author in ((chen, ONE), (zhao, TWO), (zhao, CHEN)):
        page = somebody.page
        page.goto("/ability_summary/list/")
        open_summary(page, author)
        button = page.locator(".page-head").get_by_role("button", name="通过", exact=True)
        button.click()
        expect(button).to_have_count(0)
    see(zhao, "r25-summary-passed")


def open_summary(page: Page, author: str) -> None:
    """查看总结 in the author's row; the reviewer has a column of its own."""
    page.locator(f"tbody tr:has(td:nth-child(2):has-text('{author}')) a:has-text('查看总结')").click()
    page.wait_for_url("**/ability_summary/show/*")


def a_teaching_case_is_published(people: Any) -> str:
    """Complete with three parts, submitted by 保存, reviewed at the bottom of the page; its address."""
    leader, zhao = people[LEADER], people[ZHAO]
    page = leader.page
    page.goto("/outcome/list/")
    page.click("main a:has-text('上传成果')")
    expect(page.locator("select[name=group] + .ts-wrapper .item")).to_have_text(GROUP)
    page.select_option("[name=kind]", "teaching_case")
    page.fill("[name=title]", CASE)
    upload(page, "video", "课堂.mp4", MP4)
    upload(page, "design", "教学设计.docx", samples.docx())
    save(page)
    expect(page.locator("main")).to_contain_text("还缺：教学反思")
    address = str(page.url)
    page.click("main a:has-text('修改')")
    upload(page, "reflection", "教学反思.pdf", PDF)
    save(page)
    page.locator(".page-head button", has_text="提交").click()
    expect(page.locator("dialog[open] [data-confirm-ok]")).to_have_text("保存")
    see(leader, "r26-case-submit")
    confirm(page)
    expect(page.locator(".page-head")).to_contain_text("待评审")
    page = zhao.page
    page.goto("/outcome/list/")
    page.locator("tbody").get_by_role("link", name="评审", exact=True).click()
    page.fill("#opinion", "结构清晰，可以推广。")
    see(zhao, "r27-case-review")
    page.click("#review button:has-text('发布')")
    expect(page.locator(".page-head")).to_contain_text("已评审")
    see(zhao, "r28-case-reviewed")
    return address


# --- the end (S0-31, S1-49…52) ----------------------------------------------------------------------------------------


def the_school_is_accepted(people: Any, home: str) -> None:
    """The school looks at its hours and applies; the county accepts; the hours are registered."""
    school, county = people[SCHOOL], people[COUNTY]
    page = school.page
    page.goto(home)
    page.click("main a:has-text('学时进展')")
    see(school, "r29-progress")
    page.click("main .tab:has-text('未达标教师')")
    expect(page.locator("#persons >> xpath=ancestor::section")).to_contain_text(TWO)
    see(school, "r29-below")
    page.goto(home)
    page.click("main a:has-text('整校推进')")
    page.locator("main button", has_text="申请整校验收").click()
    expect(page.locator("main")).to_contain_text("还需完善：")
    page.locator("main").get_by_role("button", name="申请整校验收").click()
    expect(page.locator(".page-head")).to_contain_text("待验收")
    see(school, "r30-applied")
    page = county.page
    page.goto("/school_programme/list/?f.state=applied")
    page.click("main table a:has-text('南实验小学')")
    expect(page.locator("[data-late]")).to_contain_text("未达 25 学时")
    see(county, "r31-to-accept")
    button = page.locator(".page-head").get_by_role("button", name="验收通过", exact=True)
    button.click()
    expect(page.locator("main")).to_contain_text("未达 25 学时")
    page.locator("main").get_by_role("button", name="验收通过").click()
    expect(page.locator("main")).to_contain_text("学时已登记。")
    expect(button).to_have_count(0)
    see(county, "r32-accepted")
    for name, registered in ((ONE, "25"), (TWO, "12")):
        page = people[name].page
        page.goto("/hours/")
        expect(page.locator(".fact", has_text="已登记")).to_contain_text(registered)
        expect(page.locator("tbody tr").first).to_contain_text("已登记")
        see(people[name], f"r33-registered-{name}")


def outsiders_find_nothing(outsider: Any, addresses: list[str]) -> None:
    """404 for what belongs to another school."""
    for address in addresses:
        assert status_of(outsider.page.goto(address)) == 404, address
    see(outsider, "r34-outsider")


def everything_fits_a_phone(people: Any, home: str, activities: list[str]) -> None:
    """What is left to see, opened on one; ``look`` refuses what runs out of the screen."""
    lists = [f"/{table}/list/" for table in ("school_programme", "research_group", "topic", "activity", "improvement_plan", "outcome")]
    pages = {
        SCHOOL: (home, *lists, activities[0]),
        LEADER: ("/research/mine/", "/outcome/list/", activities[1], activities[2]),
        CHEN: ("/research/mine/", "/improvement_plan/list/"),
        COUNTY: ("/programme/list/", "/research/progress/"),
        ONE: (activities[3], "/hours/"),
    }
    for name, addresses in pages.items():
        somebody = people[name]
        somebody.narrow(NARROW)
        for n, address in enumerate(addresses):
            assert status_of(somebody.page.goto(address)) == 200, f"{name} at {address}"
            somebody.look(f"r40-{name}-{n}")
    reason = people[ONE].page.locator("td", has_text="7 学时不计入").bounding_box()
    assert reason["x"] + reason["width"] <= NARROW, "the reason stands on the screen, not beyond it"


# --- what people do ---------------------------------------------------------------------------------------------------


def see(somebody: Any, name: str) -> None:
    """Look at the page as it is, at a telephone and at a desk."""
    for width in (NARROW, WIDE):
        somebody.narrow(width)
        somebody.look(name)


def save(page: Page, leads_to: str = "**/show/*") -> None:
    """保存 at the foot of a form; the record's page is there afterwards, or the steps the form was opened from."""
    page.click("button.form-main")
    page.wait_for_url(leads_to)


def upload(page: Page, slot: str, name: str, content: bytes) -> None:
    """Choose a file and wait until it has gone up; the page's scripts must be there to take it."""
    page.wait_for_load_state()
    page.set_input_files(f"#upload-{slot}", {"name": name, "mimeType": "application/octet-stream", "buffer": content})
    expect(page.locator(f"#files-{slot} .file", has_text=name).locator("input[name^='files.']")).to_have_count(1)


def choose_members(page: Page, *names: str) -> None:
    for name in names:
        page.check(f"label:has-text('{name}') >> input")
    page.click("main button:has-text('添加')")


def new_of(page: Page, related: str, label: str = "新增") -> None:
    """The button of one of the sections of a record's page."""
    page.locator("section.card", has=page.locator("h2", has_text=related)).locator("a", has_text=label).click()


def publish(page: Page) -> None:
    button = page.locator(".page-head").get_by_role("button", name="发布", exact=True)
    button.click()
    expect(button).to_have_count(0)


def fill_any(page: Page, name: str, value: str) -> None:
    """Whatever control the field has."""
    if page.locator(f"select[name={name}] + .ts-wrapper").count():
        choose(page, name, value)
    elif page.locator(f"select[name={name}]").count():
        page.select_option(f"[name={name}]", value)
    else:
        page.fill(f"[name={name}]", value)


def join(page: Page, title: str) -> None:
    """参与 from the list, with its question; the activity's page is there afterwards."""
    page.goto("/research/activities/")
    page.locator("tr", has_text=title).get_by_role("button", name="参与").click()
    confirm(page)
    expect(page.locator("h1")).to_have_text(title)
