"""A member takes part by keyboard alone, and a leader's form shows what its kind asks for, in a real browser (S0-77…90)."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from models.activities import ActivityKind, Comment, Evaluation, Participation
from models.session import make_session_factory
from tests.journeys.test_taking_part import School
from tests.services.lessons import LEADER, MEMBER

DISCUSSION, HOMEWORK, OBSERVATION, OFFLINE = ActivityKind


@pytest.fixture
def north(cast: Any, app: Any) -> Any:
    with make_session_factory(cast.engine)() as session:
        yield School(cast, session)


@pytest.mark.parametrize("width", [1280, 390])
def test_stars_are_given_by_keyboard(north: School, cast: Any, person: Any, width: int) -> None:
    """S0-81, S0-88: the question, then arrow keys."""
    member = person(width)
    page = member.sign_in(cast.username[MEMBER], cast.password)
    page.goto(north.url(OBSERVATION))
    page.get_by_role("button", name="参与", exact=True).press("Enter")
    page.locator("dialog[open]").get_by_role("button", name="取消").press("Enter")
    assert north.rows(Participation, OBSERVATION) == []
    page.get_by_role("button", name="参与", exact=True).press("Enter")
    page.locator("dialog[open] [data-confirm-ok]").press("Enter")
    page.wait_for_selector("[name=summary]")
    for criterion, steps in ((0, 4), (1, 2)):
        page.locator(f"[name='stars.{criterion}']").first.focus()
        page.keyboard.press("Space")
        for _step in range(steps):
            page.keyboard.press("ArrowRight")
    expect(page.locator(".criterion").first.locator(".star-on:visible")).to_have_count(5)
    expect(page.locator(".criterion").last.locator(".star-on:visible")).to_have_count(3)
    page.fill("[name=summary]", "目标明确，建议多留思考时间。")
    member.look("part-evaluation")
    page.get_by_role("button", name="保存").press("Enter")
    expect(page.locator("body")).to_contain_text("已完成活动，获得 5 学时。")
    [evaluation] = north.rows(Evaluation, OBSERVATION)
    assert evaluation.stars == [5, 3]


def test_a_comment_is_posted_and_answered(north: School, cast: Any, person: Any) -> None:
    """S0-86, S0-109."""
    member = person()
    page = member.sign_in(cast.username[MEMBER], cast.password)
    page.goto("/research/activities/?f.kind=discussion")
    page.get_by_role("button", name="参与").first.click()
    page.locator("dialog[open] [data-confirm-ok]").click()
    page.get_by_label("评课记录", exact=True).fill("导入自然")
    page.get_by_role("button", name="发布").first.click()
    expect(page.locator(".comment")).to_have_count(1)
    page.locator(".comment summary").first.click()
    page.locator(".comment textarea").first.fill("补充一点")
    page.locator(".comment .say button").first.click()
    expect(page.locator(".answers .comment")).to_have_count(1)
    member.look("part-comments")
    assert len(north.rows(Comment, DISCUSSION)) == 2


def test_the_form_of_an_activity_shows_what_its_kind_asks_for(north: School, cast: Any, person: Any) -> None:
    """S0-79: what another kind alone has is neither shown nor sent."""
    page = person().sign_in(cast.username[LEADER], cast.password)
    page.goto("/activity/add")
    hours, lecturer = page.locator("[name=hours]"), page.locator("[name=guest_teacher]")
    expect(hours).to_be_hidden()
    page.select_option("[name=kind]", "observation")
    expect(lecturer).to_be_visible()
    expect(page.locator("#files-lesson_video")).to_be_visible()
    lecturer.fill("张老师")
    page.select_option("[name=kind]", "offline")
    expect(hours).to_be_visible()
    expect(lecturer).to_be_hidden()
    expect(lecturer).to_be_disabled()
    expect(page.locator("#files-lesson_video")).to_be_hidden()
