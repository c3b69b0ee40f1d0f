"""A code that is shown once is copied with a button, also where the page may not write to the clipboard."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import Page, expect

SELECTED = "getSelection().toString().trim()"


def issue(page: Page, *units: str) -> None:
    page.goto("/permission_code/issue")
    page.get_by_label("区域超级管理员").check()
    for unit in units:
        page.get_by_label(unit, exact=True).check()
    page.get_by_role("button", name="生成").click()


def test_codes_are_copied_one_by_one_and_together(person: Any, cast: Any) -> None:
    fu = person()
    fu.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = fu.sign_in(cast.username["福"], cast.password)
    issue(page, "厦门市（市级）", "莆田市（市级）")
    codes = page.locator("[data-code]").all_inner_texts()
    assert len(codes) == 2
    first = page.get_by_role("button", name=re.compile("^复制.*厦门市的权限码$"))
    first.press("Enter")
    said = page.get_by_role("status").filter(has_text="已复制")
    expect(said).to_have_count(1)
    assert page.evaluate("navigator.clipboard.readText()") == codes[0]
    fu.look("60-codes")
    page.get_by_role("button", name="全部复制").click()
    expect(said).to_have_count(2)
    lines = page.evaluate("navigator.clipboard.readText()").split("\n")
    assert [line.split("\t")[:3] for line in lines] == [["厦门市", "区域超级管理员", codes[0]], ["莆田市", "区域超级管理员", codes[1]]]
    fu.narrow(390)
    page.wait_for_timeout(400)
    fu.look("60-codes")


def test_without_a_clipboard_the_code_stays_selected_and_it_says_so(person: Any, cast: Any) -> None:
    fu = person(390)
    page = fu.sign_in(cast.username["福"], cast.password)
    page.goto(f"/account/show/{cast.account['丹']}")
    page.get_by_role("button", name="重置密码").click()
    page.locator("[data-confirm-ok]").click()
    password = page.locator("#password").inner_text()
    page.evaluate("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
    button, said = page.get_by_role("button", name=re.compile("^复制.*密码$")), page.get_by_role("status").filter(has_text="已")
    button.click()
    expect(said).to_have_text("已复制")
    page.evaluate("document.execCommand = () => false")
    button.click()
    expect(said).to_have_text("已选中，请按 Ctrl+C 复制")
    assert page.evaluate(SELECTED) == password
    fu.look("61-password-once")


def test_a_key_is_copied(person: Any, cast: Any) -> None:
    ping = person(390)
    ping.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = ping.sign_in(cast.username["平"], cast.password)
    page.goto("/me/keys")
    page.fill("[name=name]", "校务系统")
    page.get_by_role("button", name="生成密钥").click()
    page.get_by_role("button", name=re.compile("^复制.*接口密钥$")).click()
    expect(page.get_by_role("status").filter(has_text="已复制")).to_have_count(1)
    assert page.evaluate("navigator.clipboard.readText()") == page.locator("[data-key]").inner_text()
    ping.look("62-key")
