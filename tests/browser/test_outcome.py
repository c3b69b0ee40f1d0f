"""The journey of the platform's first outcome, by the people who make it, in a real browser.

The county adds a school and issues its code; a registered person without rights binds it, lands in the school's workbench, imports the
school's teachers from Excel, certifies them, exports the list; the county sees the activation progress move.
"""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook, load_workbook
from playwright.sync_api import Page, Response, expect

from rules.id_numbers import make_resident_id

NAMES = ("丁一", "牛二", "张三", "李四", "=五")


def workbook(folder: Path) -> Path:
    """The school's own list, one name of which looks like a formula."""
    book = Workbook()
    sheet = book.active
    sheet.append(["姓名", "证件类型", "证件号码", "手机号码", "职称", "学段", "学科领域"])
    for n, name in enumerate(NAMES):
        number = make_resident_id("350203", datetime.date(1990, 2, 3), n)
        sheet.append([name, "居民身份证", number, f"1390000000{n}", "一级教师", "小学", "语文"])
        sheet.cell(n + 2, 1).data_type = "s"
    path = folder / "教师名单.xlsx"
    book.save(path)
    return path


def choose(page: Page, name: str, text: str) -> None:
    """Type into a remote select and take the first answer; what alone can be chosen is chosen already."""
    box = page.locator(f"select[name={name}] + .ts-wrapper")
    if box.locator(".item", has_text=text).count():
        return
    box.click()
    box.locator("input").fill(text)
    box.locator(".option", has_text=text).first.click()


def confirm(page: Page) -> None:
    """Answer the second confirmation."""
    page.locator("dialog[open] button.btn-primary, dialog[open] button.btn-danger, dialog[open] button.btn-success").first.click()


@pytest.mark.parametrize("width", [1280, 390])
def test_from_the_code_to_the_exported_list(person: Any, cast: Any, tmp_path: Path, width: int) -> None:
    county, lin = person(width), person(width)
    page = county.sign_in(cast.username["丹"], cast.password)
    county.look("01-county-workbench")
    page.goto("/school/add")
    page.fill("[name=code]", "3135009999")
    page.fill("[name=name]", "新实验小学")
    choose(page, "region", "思明区")
    county.look("02-add-school")
    page.click("text=保存 >> nth=0")
    expect(page.locator("h1")).to_contain_text("新实验小学")
    page.goto("/activation/")
    expect(page.locator("table")).to_contain_text("66.7%")
    page.goto("/permission_code/issue?q=新实验")
    page.check("text=新实验小学")
    county.look("03-issue-code")
    page.click("button:has-text('生成')")
    code = page.locator("[data-code]").inner_text()
    county.look("04-code-shown-once")

    page = lin.sign_in(cast.username["林"], cast.password)
    expect(page.locator("h1")).to_contain_text("还没有管理后台的权限")
    lin.look("05-no-rights-yet")
    page.click("text=绑定权限码")
    for name, value in {
        "code": code.lower().replace("-", " "),
        "name": "林",
        "unit": "新实验小学",
        "position": "教务主任",
        "phone": "13850000099",
    }.items():
        page.fill(f"[name={name}]", value)
    lin.look("06-bind")
    page.click("button:has-text('绑定')")
    expect(page.locator("body")).to_contain_text("绑定成功")
    lin.look("07-school-workbench")

    page.goto("/teacher/list/")
    page.select_option("select[name=area_type]", "urban", force=True)
    lin.look("08-area-type-first")
    page.click("button:has-text('保存')")
    page.goto("/teacher/import")
    lin.look("09-import")
    page.set_input_files("[name=file]", workbook(tmp_path))
    page.click("button:has-text('上传')")
    lin.look("10-columns")
    page.click("main button.btn-primary")
    page.wait_for_url("**/teacher/import/*")
    lin.look("11-dry-run")
    page.click("button:has-text('导入') >> nth=0")
    page.wait_for_load_state()
    lin.look("12-imported")
    page.goto("/teacher/list/")
    expect(page.locator("main")).to_contain_text(f"共 {len(NAMES)} 名教师")

    page.locator("[data-row]").first.check()
    page.check("[name=all]")
    page.click(".selection-bar button:has-text('直接认证')")
    confirm(page)
    page.wait_for_load_state()
    expect(page.locator("body")).to_contain_text(f"已完成 {len(NAMES)} 条")
    lin.look("13-certified")
    page.click("text=导出 Excel")
    lin.look("13-export")
    with page.expect_download() as download:
        page.click("dialog[open] button:has-text('导出')")
    rows = list(load_workbook(download.value.path().open("rb")).worksheets[0].iter_rows(values_only=True))
    assert sorted(row[1] for row in rows[1:]) == sorted(NAMES)
    county.page.goto("/activation/")
    expect(county.page.locator("table")).to_contain_text("100.0%")
    county.look("14-activation-moved")


def status_of(answer: Response | None) -> int:
    assert answer is not None
    return answer.status


@pytest.mark.parametrize("width", [1280, 390])
def test_every_page_of_every_role_is_whole(person: Any, cast: Any, width: int) -> None:
    """It answers, with no console error, no broken policy and nothing wider than the screen."""
    pages = {
        "运": (
            "/",
            "/teacher/list/",
            "/title/list/",
            "/job/list/",
            "/roles/list/",
            "/activation/",
            "/statistics/",
            "/statistics/views",
            "/swagger/v1",
        ),
        "福": ("/", "/region/list/", "/region/add", "/permission_code/list/", "/post/list/", "/account/list/"),
        "平": (
            "/teacher/list/",
            "/teacher/list/?only.rotating=1",
            "/teacher/add",
            f"/teacher/show/{cast.teacher['兰']}",
            f"/teacher/edit/{cast.teacher['竹']}",
            f"/teacher/delete/{cast.teacher['梅']}",
            "/school/list/",
            "/account/list/",
        ),
        "梅": ("/", "/me/", "/me/password", "/me/phone", "/me/school", "/teacher/list/", "/my-administrators/", "/nowhere"),
    }
    for name, addresses in pages.items():
        somebody = person(width)
        somebody.sign_in(cast.username[name], cast.password)
        for address in addresses:
            assert status_of(somebody.page.goto(address)) == (404 if address == "/nowhere" else 200), f"{name} at {address}"
            somebody.look(f"{cast.username[name][:12]}{address.replace('/', '_')}")
    stranger = person(width)
    for address in ("/login/", "/register/", "/register/request", "/register/student"):
        assert status_of(stranger.page.goto(address)) == 200, address
        stranger.look(f"stranger{address.replace('/', '_')}")
