"""What a browser brings to a form: its own control for a day, a warning before unsaved changes are lost, a page to go to."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Dialog, Page, expect
from sqlalchemy.orm import Session

from models.people import Teacher


@pytest.fixture
def form(person: Any, cast: Any) -> Page:
    """The form of 竹, before 平."""
    page: Page = person().sign_in(cast.username["平"], cast.password)
    page.goto(f"/teacher/edit/{cast.teacher['竹']}")
    return page


def test_a_day_is_typed_into_the_browsers_own_control(form: Page, cast: Any) -> None:
    day = form.locator("[name=rotation_until]")
    expect(day).to_have_attribute("type", "date")
    form.fill("[name=rotation_unit]", "南实验小学")
    day.focus()
    form.keyboard.type("1")
    form.click("button.form-main")
    assert form.evaluate("document.querySelector('[name=rotation_until]').validity.badInput"), "half a date is none"
    assert "/teacher/edit/" in form.url, "and is not sent as nothing"
    day.fill("2027-06-30")
    form.click("button.form-main")
    form.wait_for_url("**/teacher/show/*")
    expect(form.locator(".fact", has_text="轮岗至")).to_contain_text("2027.06.30")
    with Session(cast.engine) as session:
        assert str(session.get_one(Teacher, cast.teacher["竹"]).rotation_until) == "2027-06-30"


def test_who_leaves_unsaved_changes_is_asked(form: Page) -> None:
    asked: list[str] = []
    stays = True

    def answer(dialog: Dialog) -> None:
        asked.append(dialog.type)
        (dialog.dismiss if stays else dialog.accept)()

    form.on("dialog", answer)
    away = form.locator(".menu a", has_text="教师管理")
    away.click()
    form.wait_for_url("**/teacher/list/")
    form.go_back()
    assert asked == [], "nothing was changed"
    form.locator("[name=rotation_unit]").press_sequentially("南实验")
    away.click(no_wait_after=True)
    expect(form.locator("[name=rotation_unit]")).to_have_value("南实验")
    assert (asked, "/teacher/edit/" in form.url) == (["beforeunload"], True)
    stays = False
    away.click()
    form.wait_for_url("**/teacher/list/")
    assert asked == ["beforeunload"] * 2


def test_saving_is_not_leaving(form: Page) -> None:
    asked: list[str] = []
    form.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    form.locator("[name=phone]").fill("123")
    form.click("button.form-main")
    expect(form.locator("#phone-error")).to_be_visible()
    assert asked == []
    form.locator(".menu a", has_text="教师管理").click()
    form.wait_for_url("**/teacher/list/")
    assert asked == ["beforeunload"], "what was refused is still unsaved"


@pytest.mark.parametrize("width", [1280, 390])
def test_a_page_is_gone_to_by_its_number(person: Any, cast: Any, width: int) -> None:
    """跳至 keeps the order of the list (S3-106)."""
    operator = person(width)
    page = operator.sign_in(cast.username["运"], cast.password)
    page.goto("/account/list/?sort=-username")
    jump = page.locator(".pager-jump [name=page]")
    jump.fill("99")
    jump.press("Enter")
    assert jump.evaluate("input => input.validity.rangeOverflow") and "page=" not in page.url, "there are not so many"
    jump.fill("2")
    jump.press("Enter")
    page.wait_for_url("**page=2*")
    assert "sort=-username" in page.url
    expect(page.locator(".pager-words")).to_contain_text("当前第 2 页")
    expect(page.locator(".page-item.active")).to_have_text("2")
    operator.look("page-gone-to")
