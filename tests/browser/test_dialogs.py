"""What is typed in a dialog outlives a mistake, and a job's page follows the job; both need scripts, so a real browser."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import expect
from sqlalchemy import update
from sqlalchemy.orm import Session

from models.jobs import Job, JobKind, JobState


def test_a_comment_survives_a_closed_dialog_and_a_refusal(person: Any, cast: Any) -> None:
    ping = person()
    page = ping.sign_in(cast.username["平"], cast.password)
    page.goto("/teacher/list/?f.certification=pending")
    button = page.locator("td.acts button", has_text="不通过")
    button.click()
    page.fill("#confirm-comment", "缺" * 501)
    page.keyboard.press("Escape")
    expect(button).to_be_focused()
    button.click()
    assert page.input_value("#confirm-comment") == "缺" * 501
    with page.expect_navigation():
        page.click("[data-confirm-ok]")
    expect(page.locator("#comment")).to_have_value("缺" * 501)
    expect(page.locator("#comment")).to_be_focused()
    expect(page.locator("#comment-error")).to_contain_text("最多 500 个字")
    ping.look("20-comment-refused")
    page.fill("#comment", "缺材料")
    with page.expect_navigation():
        page.click("main button.btn-danger")
    assert page.url.endswith("/teacher/list/?f.certification=pending"), "back where it began"


def test_every_button_shows_the_focus(person: Any, cast: Any) -> None:
    """Also those without a frame of their own, behind whose dots the rest of a row's acts are."""
    page = person().sign_in(cast.username["平"], cast.password)
    page.goto("/teacher/list/")
    seen = {}
    for _press in range(60):
        page.keyboard.press("Tab")
        name, style = page.evaluate("[document.activeElement.className, getComputedStyle(document.activeElement).outlineStyle]")
        seen.update({name: style} if "btn" in name.split() else {})
    assert any("btn-ghost-secondary" in name for name in seen)
    assert set(seen.values()) == {"solid"}, seen


def test_the_badge_of_a_job_follows_it(person: Any, cast: Any) -> None:
    with Session(cast.engine) as session:
        job = Job(title="教师导出", kind=JobKind.EXPORT, state=JobState.WAITING, total=10, account_id=cast.account["平"])
        session.add(job)
        session.commit()
        number = job.id
    page = person().sign_in(cast.username["平"], cast.password)
    page.goto(f"/job/show/{number}")
    badge = page.locator("[data-progress-state]")
    expect(badge).to_have_text("排队中")
    with Session(cast.engine) as session:
        session.execute(update(Job).where(Job.id == number).values(state=JobState.RUNNING, done=4))
        session.commit()
    expect(badge).to_have_text("进行中")
    expect(page.locator("[data-progress-count]")).to_have_text("4 / 10")
