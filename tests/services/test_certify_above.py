"""A school's administrator who teaches there is certified by the region above, and nobody else is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy.orm import Session, sessionmaker

from models.access import Account, Post
from models.people import CertificationState, Teacher
from models.violation import NotPermitted, OutOfReach, RuleViolation
from rules.approvals import WORKFLOWS
from rules.grants import SCHOOL_ADMIN
from rules.workflow_waiting import waiting
from tests.cast import Cast
from tests.services.desk import Desk

PENDING, PASSED, FAILED = CertificationState.PENDING, CertificationState.PASSED, CertificationState.FAILED


@pytest.fixture
def desk(cast: Cast, factory: sessionmaker[Any]) -> Iterator[Desk]:
    """双, who administers 湖 and teaches there, has applied; so has 荷, a colleague."""
    with factory() as session:
        desk = Desk(cast, session)
        desk.put(Teacher, cast.teacher["双"], certification=PENDING)
        yield desk


def waits_for(desk: Desk, who: str) -> int:
    return waiting(desk.session, desk.cast.identity(who), WORKFLOWS).get("teacher", 0)


def test_the_region_passes_the_administrator(desk: Desk) -> None:
    assert waits_for(desk, "岚") == 1, "荷 waits for the school, not for the region"
    desk.take("岚", "pass_above", "双")
    assert desk.teacher("双").certification is PASSED and waits_for(desk, "岚") == 0


def test_or_fails_them_with_a_reason(desk: Desk) -> None:
    with pytest.raises(RuleViolation, match="审核意见"):
        desk.take("岚", "fail_above", "双")
    desk.take("岚", "fail_above", "双", "证件号码与本人不符")
    assert desk.teacher("双").certification is FAILED


def test_any_region_above_may_the_nearest_is_asked(desk: Desk) -> None:
    assert (waits_for(desk, "福"), waits_for(desk, "丹"), waits_for(desk, "远")) == (0, 0, 0)
    desk.take("福", "pass_above", "双")
    assert desk.teacher("双").certification is PASSED


def test_nobody_elses_certification_is_the_regions(desk: Desk) -> None:
    for step, name in (("pass_above", "荷"), ("fail_above", "荷")):
        with pytest.raises(RuleViolation, match="其他教师由所在学校的管理员审核"):
            desk.take("岚", step, name, "说明")
    with pytest.raises(OutOfReach):
        desk.take("丹", "pass_above", "双")
    for who in ("平", "双", "荷"):
        with pytest.raises(NotPermitted):
            desk.take(who, "pass_above", "双")
    with pytest.raises(RuleViolation, match="不能办理本人的事项"):
        desk.take("双", "pass", "双")


def test_whose_post_has_ended_or_is_elsewhere_is_a_teacher_like_any(desk: Desk, cast: Cast) -> None:
    [post] = desk.rows(Post, Post.account_id == cast.account["双"], Post.role == SCHOOL_ADMIN)
    for change in ({"school_id": cast.school["城"]}, {"school_id": cast.school["湖"], "until": cast.today}):
        desk.put(Post, post.id, **change)
        assert waits_for(desk, "岚") == 0
        with pytest.raises(RuleViolation, match="其他教师由所在学校的管理员审核"):
            desk.take("岚", "pass_above", "双")


@pytest.mark.parametrize("known_by", ["id_number", "phone"])
def test_a_second_account_is_the_same_person(desk: Desk, cast: Cast, known_by: str) -> None:
    """平 administers 北 by an account of its own; it is known to be 兰, who teaches there, by number or phone alone."""
    number = {"id_number": "35020319900501004X", "phone": "13850000002"}[known_by]
    for name in ("兰", "平"):
        desk.put(Account, cast.account[name], **{known_by: number if name == "平" else None})
    assert waits_for(desk, "丹") == 1
    desk.take("丹", "pass_above", "兰")
    assert desk.teacher("兰").certification is PASSED


def test_over_http_the_region_finds_them_and_decides(client_of: Any, cast: Cast, desk: Desk) -> None:
    lan = client_of("岚")
    assert "待上级审核的学校管理员" in lan.get("/teacher/list/").text
    shown = lan.get("/teacher/list/?only.own_administrators=1").text
    assert f'/teacher/show/{cast.teacher["双"]}"' in shown and f'/teacher/show/{cast.teacher["荷"]}"' not in shown
    assert "上级只审核在本校任教的学校管理员" in lan.get(f"/teacher/show/{cast.teacher['荷']}").text
    for name, state in (("荷", PENDING), ("双", PASSED)):
        lan.post(f"/teacher/do/pass_above/{cast.teacher[name]}")
        with Session(cast.engine) as session:
            assert session.get_one(Teacher, cast.teacher[name]).certification is state
    assert client_of("丹").post(f"/teacher/do/pass_above/{cast.teacher['双']}").status_code == 404
    assert client_of("双").post(f"/teacher/do/pass_above/{cast.teacher['荷']}").status_code == 403
