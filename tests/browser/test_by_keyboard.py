"""The platform's first outcome by keyboard alone: a code, its binding, an import, an export, and the progress the county sees."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook
from playwright.sync_api import expect

from tests.browser.keyboard import Keyboard
from tests.browser.test_outcome import NAMES, workbook

SCHOOL = "新实验小学"


def test_the_outcome_needs_no_mouse(person: Any, cast: Any, tmp_path: Path) -> None:
    """Tab, Shift+Tab, Enter, Space, arrows and typing."""
    county, lin = Keyboard(person()), Keyboard(person())
    county.sign_in(cast.username["丹"], cast.password)
    code = a_code_is_issued(county)
    lin.sign_in(cast.username["林"], cast.password)
    the_code_is_bound(lin, code)
    the_list_is_imported(lin, workbook(tmp_path))
    everybody_is_certified(lin)
    names = the_list_is_exported(lin)
    assert names == sorted(NAMES)
    county.menu("基本管理", "激活进度")
    expect(county.page.locator("main table")).to_contain_text("100.0%")
    with county.page.expect_download():
        county.to(county.page.get_by_role("button", name="导出")).keys.press("Enter")


def a_code_is_issued(county: Keyboard) -> str:
    """For a school that is added first; the code as it stands on the page."""
    page = county.page
    county.menu("基本管理", "学校管理").press("新增学校")
    county.into_content().fill(code="3135009999", name=SCHOOL)
    county.choose("region", "思明区")
    county.press("保存")
    expect(page.locator("h1")).to_contain_text(SCHOOL)
    county.menu("基本管理", "激活进度")
    expect(page.locator("main table")).to_contain_text("66.7%")
    county.menu("基本管理", "激活码管理").press("生成权限码")
    county.into_content().fill(q=SCHOOL).go("Enter")
    county.into_content().to(page.get_by_label(SCHOOL)).keys.press("Space")
    county.press("生成")
    code = page.locator("[data-code]").inner_text()
    county.into_content().press("我已记下，返回")
    return code


def the_code_is_bound(lin: Keyboard, code: str) -> None:
    lin.into_content().press("绑定权限码")
    lin.into_content().fill(code=code, name="林", unit=SCHOOL, position="教务主任", phone="13850000099")
    lin.go("Enter")
    expect(lin.page.locator("body")).to_contain_text("绑定成功")


def the_list_is_imported(lin: Keyboard, file: Path) -> None:
    page = lin.page
    lin.menu("人员管理", "教师管理").to(page.locator("select[name=area_type]"))
    lin.keys.press("ArrowDown")
    expect(page.locator("select[name=area_type]")).to_have_value("urban")
    lin.press("保存")
    lin.menu("人员管理", "教师管理").press("批量导入")
    lin.into_content().to(page.locator("#file")).hand_over(file)
    lin.press("上传")
    lin.into_content().press("试运行")
    page.wait_for_url("**/teacher/import/*")
    lin.into_content().to(page.locator("main button", has_text="导入").first).go()
    lin.menu("人员管理", "教师管理")
    expect(page.locator("main")).to_contain_text(f"共 {len(NAMES)} 名教师")


def everybody_is_certified(lin: Keyboard) -> None:
    """Chosen by Space, asked in a dialog that keeps the focus and gives it back."""
    page = lin.page
    lin.to(page.locator("[data-row]").first).keys.press("Space")
    lin.to(page.locator("input[name=all]")).keys.press("Space")
    button = page.locator(".selection-bar button", has_text="直接认证")
    lin.to(button).keys.press("Enter")
    lin.stays_inside(page.locator("#confirm"))
    lin.keys.press("Escape")
    expect(button).to_be_focused()
    lin.keys.press("Enter")
    lin.to(page.locator("dialog[open] [data-confirm-ok]")).go("Space")
    expect(page.locator("body")).to_contain_text(f"已完成 {len(NAMES)} 条")


def the_list_is_exported(lin: Keyboard) -> list[str]:
    page = lin.page
    opener = page.locator("main a", has_text="导出 Excel")
    lin.into_content().to(opener).keys.press("Enter")
    lin.stays_inside(page.locator("#export"))
    lin.to(page.locator("dialog[open] a", has_text="取消")).keys.press("Enter")
    expect(opener).to_be_focused()
    lin.keys.press("Enter")
    lin.to(page.locator("dialog[open] input[value=all]")).keys.press("ArrowUp")
    expect(page.locator("dialog[open] input[value=page]")).to_be_checked()
    with page.expect_download() as download:
        lin.to(page.locator("dialog[open] button", has_text="导出")).keys.press("Enter")
    rows = list(load_workbook(download.value.path().open("rb")).worksheets[0].iter_rows(values_only=True))
    return sorted(row[1] for row in rows[1:])


def test_an_application_is_passed_and_its_row_s_menu_opened(person: Any, cast: Any) -> None:
    ping = Keyboard(person())
    page = ping.page
    ping.sign_in(cast.username["平"], cast.password)
    page.goto("/teacher/list/?f.certification=pending")
    dots = page.locator("td.acts summary").first
    ping.into_content().to(dots).keys.press("Enter")
    ping.to(page.locator("td.acts .pop-item").first).keys.press("Escape")
    expect(dots).to_be_focused()
    ping.to(page.get_by_role("button", name="通过", exact=True), "Shift+Tab").go("Enter")
    page.goto(f"/teacher/show/{cast.teacher['兰']}")
    expect(page.locator("body")).to_contain_text("认证通过")


def test_the_menu_of_a_phone_opens_by_keyboard(person: Any, cast: Any) -> None:
    ping = Keyboard(person(width=390))
    page = ping.page
    ping.sign_in(cast.username["平"], cast.password)
    page.goto("/teacher/list/")
    ping.to(page.locator("#sidebar-open")).keys.press("Space")
    expect(page.locator(".sidebar")).to_be_visible()
    ping.keys.press("Escape")
    expect(page.locator(".sidebar")).to_be_hidden()
    ping.keys.press("Space")
    expect(page.locator(".sidebar .brand")).to_be_in_viewport(ratio=1)
    ping.menu("人员管理", "账号管理")
    expect(page.locator("h1")).to_have_text("账号管理")


@pytest.mark.parametrize(("name", "address"), [("运", "/account/list/"), ("平", "/school/edit/{北}")])
def test_the_focus_is_seen_all_the_way_through_a_page(person: Any, cast: Any, name: str, address: str) -> None:
    """There and back on a low screen: nothing that stays in its place lies over what has the focus."""
    somebody = Keyboard(person())
    page = somebody.page
    page.set_viewport_size({"width": 1280, "height": 500})
    somebody.sign_in(cast.username[name], cast.password)
    page.goto(address.format(**cast.school))
    if page.locator("[data-row]").count():
        somebody.to(page.locator("[data-row]").first).keys.press("Space")
        expect(page.locator("[data-selection]")).to_be_visible()
    somebody.to(page.locator(".frame-footer a").last)
    somebody.to(page.locator(".skip-link"), "Shift+Tab")
