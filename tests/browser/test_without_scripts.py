"""The journeys everybody makes, in a browser that runs no scripts: what an old one does as well (S0-25)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from models.base import utcnow
from models.scoping import acting_as
from models.session import make_session_factory
from rules.grants import SCHOOL_ADMIN
from rules.permission_codes import Target, issue_codes


@pytest.fixture
def plain(chrome: Any, site: str, cast: Any) -> Iterator[Any]:
    """``plain("平")``: somebody signed in whose browser runs no scripts, at a screen of this width."""
    contexts = []

    def arrive(name: str, width: int = 1280) -> Page:
        size = {"width": width, "height": 900}
        contexts.append(chrome.new_context(base_url=site, java_script_enabled=False, viewport=size, locale="zh-CN"))
        page: Page = contexts[-1].new_page()
        page.goto("/teacher/list/")
        page.fill("[name=username]", cast.username[name])
        page.fill("[name=password]", cast.password)
        page.click("button:has-text('登录')")
        page.wait_for_url(lambda address: "/login/" not in address)
        return page

    yield arrive
    for context in contexts:
        context.close()


@pytest.mark.parametrize("width", [1280, 390])
def test_a_list_is_narrowed_and_saved_as_a_view(plain: Any, width: int) -> None:
    page = plain("平", width)
    page.click(".facet a:has-text('未审核')")
    expect(page.locator("tbody tr")).to_have_count(1)
    page.click("summary:has-text('更多筛选')")
    page.fill("[name='f.applied_at.from']", "2030-01-01")
    page.click("button:has-text('应用筛选')")
    expect(page.locator("body")).to_contain_text("没有符合条件的记录")
    page.click("main a:has-text('清除筛选')")
    page.fill("[name=q]", "梅")
    page.click("button:has-text('查询')")
    expect(page.locator("tbody tr")).to_have_count(1)
    page.click("text=保存为常用视图")
    page.fill("#save-view [name=name]", "梅老师")
    page.click("#save-view button:has-text('保存')")
    expect(page.locator(".alert-success")).to_contain_text("已保存常用视图")


def test_a_form_keeps_what_was_typed_and_saves(plain: Any, cast: Any) -> None:
    page = plain("平")
    page.goto(f"/teacher/edit/{cast.teacher['竹']}")
    page.fill("#phone", "123")
    page.fill("#rotation_unit", "南实验小学")
    page.click("main button:has-text('保存')")
    expect(page.locator("#phone-error")).to_contain_text("手机号码应为11位数字")
    assert page.input_value("#rotation_unit") == "南实验小学"
    page.fill("#phone", "13850000033")
    page.click("main button:has-text('保存')")
    expect(page.locator(".alert-success")).to_contain_text("已保存")
    expect(page.locator("main")).to_contain_text("正在“南实验小学”轮岗")


@pytest.mark.parametrize("width", [1280, 390])
def test_a_step_asks_for_its_reason_on_a_page_and_leads_back(plain: Any, width: int) -> None:
    page = plain("平", width)
    page.goto("/teacher/list/?f.certification=pending")
    page.click("td.acts button:has-text('不通过')")
    expect(page.locator("h1")).to_have_text("不通过：兰")
    page.fill("#comment", "缺少聘任证明")
    page.click("main button.btn-danger")
    page.wait_for_url("**/teacher/list/*")
    expect(page.locator(".alert-success")).to_contain_text("已办理")
    page.click(".facet a:has-text('未通过')")
    expect(page.locator("tbody tr")).to_contain_text(["兰"])


def test_what_is_chosen_is_done_in_bulk(plain: Any) -> None:
    page = plain("平")
    page.check("tbody tr:has-text('竹') input[type=checkbox]")
    page.click(".selection-bar button:has-text('从学校移除')")
    expect(page.locator("main")).to_contain_text("将对 1 名教师执行“从学校移除”")
    page.click("main button.btn-danger")
    expect(page.locator(".alert-success")).to_contain_text("“从学校移除”已完成 1 条")
    expect(page.locator("tbody")).not_to_contain_text("竹")


def test_a_code_is_bound_and_opens_the_workbench(plain: Any, cast: Any, app: Any) -> None:
    key = app.extensions["settings"].secret_key.encode()
    with make_session_factory(cast.engine)() as session, acting_as(identity := cast.identity("远")):
        target = Target(SCHOOL_ADMIN, school_id=cast.school["城"])
        [issued] = issue_codes(session, identity, key, [target], now=utcnow(), days=7, daily_cap=9)
    page = plain("林")
    page.goto("/")
    page.click("main a:has-text('绑定权限码')")
    for name, text in {
        "code": issued.code_text.lower(),
        "name": "林",
        "unit": "城实验小学",
        "position": "主任",
        "phone": "13850000099",
    }.items():
        page.fill(f"[name={name}]", text)
    page.click("main button:has-text('绑定')")
    expect(page.locator(".alert-success")).to_contain_text("绑定成功，已进入“城实验小学”的工作台。")
