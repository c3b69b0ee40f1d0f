"""The console's cells are changed in their place, and what they say then can be read out."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import expect


def test_a_yes_becomes_a_no_in_its_cell(person: Any, cast: Any) -> None:
    yun = person()
    page = yun.sign_in(cast.username["运"], cast.password)
    page.goto("/console/title/")
    cell = page.locator("td.col-is_active a").first
    expect(cell).to_have_text("是")
    expect(cell).to_have_role("link")
    cell.focus()
    page.keyboard.press("Enter")
    page.locator(".editable-input select").select_option(label="否")
    yun.look("63-console-cell")
    page.locator(".editable-submit").click()
    expect(cell).to_have_text("否")
    page.reload()
    expect(page.locator("td.col-is_active a").first).to_have_text("否")
    yun.narrow(390)
    yun.page.screenshot(path="tests/browser/screenshots/63-console-390.png")
