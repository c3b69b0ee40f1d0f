"""From the signed-out form to the changed phone in a real browser, and the evidence of an application (S4-39…41, S3-09)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests import samples

NEW = "13700000077"
ITEMS = {"name": "梅", "id_number": "350203198503120028", "old_phone": "13850000001", "phone": NEW}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What 梅 has on their telephone."""
    for name, content in {"手持身份证.png": samples.png(300, 200), "照片.png": samples.PROGRAM, "聘书.pdf": samples.pdf()}.items():
        (tmp_path / name).write_bytes(content)
    return tmp_path


def fill(page: Page, **items: str) -> None:
    for name, text in {**ITEMS, **items}.items():
        page.fill(f"#{name}", text)


def press(page: Page, label: str, comment: str) -> None:
    """A button of the record, and the answer to its question."""
    page.locator(".page-buttons button", has_text=label).click()
    page.fill("#confirm-comment", comment)
    page.click("#confirm [data-confirm-ok]")


def test_from_the_signed_out_form_to_the_changed_phone(person: Any, cast: Any, folder: Path) -> None:
    mei, desk = person(), person()
    page = mei.page
    page.goto("/service/")
    page.click("text=申请更换手机号码")
    mei.look("phone-form")
    fill(page, old_phone="1385")
    page.set_input_files("#photo", folder / "照片.png")
    page.click("text=提交申请")
    expect(page.locator("#old_phone-error")).to_contain_text("手机号码应为11位数字")
    assert page.evaluate("document.querySelector('#photo').files[0].name") == "照片.png", "the choice is kept with what was typed"
    fill(page)
    page.click("text=提交申请")
    expect(page.locator("#photo-error")).to_contain_text("“照片.png”的内容与名称的“.png”不符")
    assert page.input_value("#id_number") == ITEMS["id_number"]
    mei.look("phone-form-refused")
    page.set_input_files("#photo", folder / "手持身份证.png")
    page.click("text=提交申请")
    page.wait_for_url("**/service/sent")
    number = page.inner_text("#number")

    work = desk.sign_in(cast.username["运"], cast.password)
    work.goto("/service_request/list/?f.state=waiting")
    work.locator("tbody tr", has_text="更换手机号码").locator("a").first.click()
    expect(work.locator("body")).not_to_contain_text(NEW)
    desk.look("phone-request")
    line = work.locator(".file", has_text="手持身份证")
    line.hover()
    line.locator("a", has_text="预览").click()
    expect(work.frame_locator("dialog.dialog-preview iframe").locator(".preview-body > img")).to_be_visible()
    desk.look("phone-photo")
    work.keyboard.press("Escape")
    press(work, "登记回访", "14:05 拨打新号码，本人接听，报出学校和任教学科，核实无误。")
    expect(work.locator(".badge", has_text="已回访").first).to_be_visible()
    desk.look("phone-called")
    desk.narrow(390)
    work.reload()
    desk.look("phone-called")
    desk.narrow(1280)
    press(work, "更换绑定手机", "")
    expect(work.locator(".alert-success")).to_contain_text("已绑定手机 137****0077")
    expect(work.locator(".record-history")).to_contain_text("查看完整信息")
    desk.look("phone-changed")

    page.goto("/service/status")
    page.fill("#number", number)
    page.fill("#phone", NEW)
    page.press("#phone", "Enter")
    expect(page.locator("[role=status]")).to_contain_text("已改为绑定新手机号码")
    mei.sign_in(cast.username["梅"], cast.password).goto("/me/")
    expect(page.locator("body")).to_contain_text("137****0077")


def test_the_form_on_a_telephone(person: Any, folder: Path) -> None:
    mei = person(390)
    mei.page.goto("/service/phone")
    fill(mei.page, phone="")
    mei.page.set_input_files("#photo", folder / "手持身份证.png")
    mei.look("phone-form")
    mei.page.click("text=提交申请")
    expect(mei.page.locator("#phone-error")).to_be_visible()
    mei.look("phone-form-refused")
    mei.page.fill("#phone", NEW)
    mei.page.click("text=提交申请")
    mei.page.wait_for_url("**/service/sent")
    mei.look("phone-sent")


def test_a_cut_connection_loses_nothing(person: Any, folder: Path) -> None:
    mei = person()
    mei.page.goto("/service/phone")
    fill(mei.page)
    mei.page.set_input_files("#photo", folder / "手持身份证.png")
    mei.page.route("**/service/phone", lambda route: route.abort())
    mei.page.click("text=提交申请")
    expect(mei.page.locator("[data-broken]")).to_contain_text("网络中断")
    mei.page.unroute("**/service/phone")
    mei.page.click("text=提交申请")
    mei.page.wait_for_url("**/service/sent")


def test_without_scripts_the_form_goes_whole(chrome: Any, site: str, cast: Any, folder: Path) -> None:
    context = chrome.new_context(base_url=site, java_script_enabled=False)
    page = context.new_page()
    page.goto("/service/phone")
    fill(page, old_phone="1385")
    page.set_input_files("#photo", folder / "手持身份证.png")
    page.click("text=提交申请")
    expect(page.locator("body")).to_contain_text("照片没有保留，请重新选择")
    page.fill("#old_phone", ITEMS["old_phone"])
    page.set_input_files("#photo", folder / "手持身份证.png")
    page.click("text=提交申请")
    expect(page.locator("#number")).to_be_visible()
    context.close()


@pytest.mark.parametrize("width", [1280, 390])
def test_a_teacher_attaches_evidence_and_the_school_looks_at_it(person: Any, cast: Any, folder: Path, width: int) -> None:
    zhu, ping = person(width), person(width)
    page = zhu.sign_in(cast.username["竹"], cast.password)
    page.goto("/me/")
    page.click("main a:has-text('申请认证')")
    page.set_input_files("#upload-evidence", folder / "聘书.pdf")
    expect(page.locator("#files-evidence input[name='files.evidence'][value]:not([value=''])")).to_have_count(1)
    zhu.look("evidence-form")
    page.click("button:has-text('申请认证')")
    page.wait_for_url("**/me/")
    zhu.look("evidence-me")
    work = ping.sign_in(cast.username["平"], cast.password)
    work.goto(f"/teacher/show/{cast.teacher['竹']}")
    expect(work.locator(".file-name", has_text="聘书.pdf")).to_be_visible()
    ping.look("evidence-teacher")
    work.locator(".file", has_text="聘书").hover()
    work.locator(".file", has_text="聘书").locator("a", has_text="预览").click()
    expect(work.frame_locator("dialog.dialog-preview iframe").locator("canvas[data-drawn]")).to_have_count(1)
