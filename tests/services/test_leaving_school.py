"""Teachers leave a school and join another; certification, account and posts follow (S0-22, S3-131, S4-34, S4-36, S4-47…49)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import sessionmaker

from models.access import Account, Post
from models.history import Change
from models.org import School, SchoolKind
from models.people import Certification, CertificationOutcome, CertificationState, Teacher
from models.scoping import SYSTEM, Identity, acting_as
from models.violation import Conflict, NotPermitted, OutOfReach, RuleViolation
from rules.grants import IT_TEAM, SCHOOL_ADMIN, TEACHER
from rules.people import join_school, leave_school
from tests.cast import TODAY
from tests.services.desk import Desk

NONE, PENDING, PASSED, FAILED = CertificationState


def leave(desk: Desk, who: str | Identity, name: str) -> None:
    identity = desk.cast.identity(who) if isinstance(who, str) else who
    with acting_as(identity):
        leave_school(desk.session, identity, desk.teacher(name), now=TODAY)


def join(desk: Desk, who: str | Identity, name: str, school: School) -> None:
    identity = desk.cast.identity(who) if isinstance(who, str) else who
    with acting_as(identity):
        join_school(desk.session, identity, desk.teacher(name), school, now=TODAY)


@pytest.mark.parametrize("who", ["梅", "平"])
def test_who_leaves_a_school_is_certified_no_more_and_belongs_to_the_region(desk: Desk, who: str) -> None:
    mei = desk.teacher("梅")
    with acting_as(SYSTEM):
        assert mei.school.name == "北实验小学"
    leave(desk, who, "梅")
    path = f"{desk.cast.path['思明区']}t{desk.cast.teacher['梅']}/"
    assert (mei.certification, mei.applied_at, mei.school_id, mei.scope_path) == (NONE, None, None, path)
    with acting_as(SYSTEM):
        assert mei.school is None
    [post] = desk.rows(Post, Post.account_id == desk.cast.account["梅"])
    assert desk.account("梅").scope_path == post.scope_path == path
    assert (post.school_id, post.region_id, post.unit_name, post.until) == (None, desk.cast.region["思明区"], "思明区", None)
    [decision] = desk.decisions()
    assert (decision.step, decision.source, decision.target, decision.comment) == ("drop", "passed", "none", "从学校移除")
    assert decision.account_id == desk.cast.account[who]
    edits = desk.rows(Change, Change.table_name == "teacher", Change.act == "edit")
    assert [line.changes["school_id"] for line in edits if "school_id" in line.changes] == [[desk.cast.school["北"], None]]


def test_the_applications_stay_with_the_school_and_the_teacher_goes_on_seeing_them(desk: Desk) -> None:
    leave(desk, "梅", "梅")
    teacher_id = desk.cast.teacher["梅"]
    seen = {}
    for who in ("梅", "平", "锐", "丹", "岚"):
        with acting_as(desk.moved("梅") if who == "梅" else desk.cast.identity(who)):
            applications = desk.session.scalars(select(Certification).where(Certification.teacher_id == teacher_id)).all()
            teachers = desk.session.scalars(select(Teacher).where(Teacher.id == teacher_id)).all()
            seen[who] = (len(applications), len(teachers))
    assert seen == {"梅": (1, 1), "平": (1, 0), "锐": (0, 0), "丹": (1, 1), "岚": (0, 0)}
    assert desk.applications("梅") == [(CertificationOutcome.PASSED, None)]


def test_an_application_that_waits_is_withdrawn_by_leaving(desk: Desk) -> None:
    leave(desk, "平", "兰")
    assert desk.applications("兰") == [(CertificationOutcome.WITHDRAWN, "从学校移除")]


def test_leaving_ends_the_personal_posts_in_the_school_and_no_others(desk: Desk) -> None:
    lake, south, long_ago = desk.cast.path["湖"], desk.cast.path["南"], TODAY - timedelta(days=9)
    held = [(IT_TEAM, lake, None), (IT_TEAM, lake + "g5/", None), (IT_TEAM, lake, long_ago), (TEACHER, south, None)]
    with acting_as(SYSTEM):
        for role, path, until in held:
            desk.session.add(Post(account_id=desk.cast.account["双"], role=role, scope_path=path, since=long_ago, until=until))
        desk.session.commit()
    leave(desk, desk.cast.identity("双", TEACHER), "双")
    posts = {(post.role, post.scope_path, post.until) for post in desk.rows(Post, Post.account_id == desk.cast.account["双"])}
    assert posts == {
        (TEACHER, f"{desk.cast.path['湖里区']}t{desk.cast.teacher['双']}/", None),
        (SCHOOL_ADMIN, lake, None),
        (IT_TEAM, lake, TODAY),
        (IT_TEAM, lake + "g5/", TODAY),
        (IT_TEAM, lake, long_ago),
        (TEACHER, south, None),
    }


def test_an_account_that_is_looked_after_elsewhere_stays_there(desk: Desk) -> None:
    county = desk.cast.path["思明区"]
    desk.put(Account, desk.cast.account["梅"], scope_path=county)
    leave(desk, "梅", "梅")
    assert desk.account("梅").scope_path == county
    join(desk, desk.moved("梅"), "梅", desk.school("南"))
    assert desk.account("梅").scope_path == county


@pytest.mark.parametrize(
    ("who", "refusal"),
    [
        pytest.param("林", NotPermitted, id="an account without a post"),
        pytest.param("丹", NotPermitted, id="the county"),
        pytest.param("锐", OutOfReach, id="another school"),
        pytest.param("竹", OutOfReach, id="a colleague"),
    ],
)
def test_nobody_else_makes_a_teacher_leave(desk: Desk, who: str, refusal: type[Exception]) -> None:
    with pytest.raises(refusal):
        leave(desk, who, "梅")
    assert (desk.teacher("梅").certification, desk.teacher("梅").school_id) == (PASSED, desk.cast.school["北"])


def test_one_leaves_only_once(desk: Desk) -> None:
    leave(desk, "平", "梅")
    with pytest.raises(RuleViolation, match="目前没有任教的学校"):
        leave(desk, desk.moved("梅"), "梅")


def test_who_leaves_has_seen_how_they_stand(desk: Desk, factory: sessionmaker[Any]) -> None:
    seen = desk.teacher("兰")
    assert seen.certification is PENDING
    with factory() as other:
        Desk(desk.cast, other).take("平", "pass", "兰")
    with pytest.raises(Conflict, match="刚刚被他人修改"):
        leave(desk, "兰", "兰")
    assert (desk.teacher("兰").certification, desk.teacher("兰").school_id) == (PASSED, desk.cast.school["北"])


def test_what_the_caller_has_typed_goes_along(desk: Desk) -> None:
    mei = desk.teacher("梅")
    mei.phone = "139 0000 0000"
    leave(desk, "梅", "梅")
    desk.session.expire_all()
    assert (desk.teacher("梅").phone, desk.teacher("梅").school_id) == ("13900000000", None)


def test_leaving_writes_nothing_the_caller_was_not_allowed_to(desk: Desk) -> None:
    desk.teacher("梅").account_name = "admin"
    with pytest.raises(RuleViolation, match="“账号”不能在这里修改。"):
        leave(desk, "梅", "梅")
    assert (desk.teacher("梅").account_name, desk.teacher("梅").certification) == (desk.cast.username["梅"], PASSED)


def test_who_left_joins_another_school_and_is_certified_there(desk: Desk) -> None:
    leave(desk, "梅", "梅")
    south = desk.school("南")
    join(desk, desk.moved("梅"), "梅", south)
    path = f"{desk.cast.path['南']}t{desk.cast.teacher['梅']}/"
    assert (desk.teacher("梅").school_id, desk.teacher("梅").scope_path, desk.teacher("梅").certification) == (south.id, path, NONE)
    [post] = desk.rows(Post, Post.account_id == desk.cast.account["梅"])
    assert desk.account("梅").scope_path == post.scope_path == path
    assert (post.school_id, post.region_id, post.unit_name) == (south.id, None, "南实验小学")
    desk.take(desk.moved("梅"), "apply", "梅")
    desk.take("锐", "pass", "梅")
    assert desk.teacher("梅").certification is PASSED
    paths = [row.scope_path for row in desk.rows(Certification, Certification.teacher_id == desk.cast.teacher["梅"])]
    assert paths == [desk.cast.path["梅"], path]


def test_the_placeholder_keeps_a_teacher_until_their_school_is_there_but_certifies_nobody(desk: Desk) -> None:
    desk.put(School, desk.cast.school["南"], kind=SchoolKind.OTHER)
    join(desk, "竹", "竹", desk.school("南"))
    assert desk.teacher("竹").scope_path == f"{desk.cast.path['南']}t{desk.cast.teacher['竹']}/"
    with pytest.raises(RuleViolation, match="当前学校是“其他”"):
        desk.take(desk.moved("竹"), "apply", "竹")
    join(desk, desk.moved("竹"), "竹", desk.school("北"))
    assert desk.teacher("竹").scope_path == desk.cast.path["竹"]
    desk.take("竹", "apply", "竹")


@pytest.mark.parametrize(("name", "dropped"), [("竹", False), ("兰", True), ("松", True)])
def test_who_is_not_certified_changes_school_and_starts_anew(desk: Desk, name: str, dropped: bool) -> None:
    join(desk, name, name, desk.school("湖"))
    assert (desk.teacher(name).school_id, desk.teacher(name).certification) == (desk.cast.school["湖"], NONE)
    assert [row.comment for row in desk.decisions()] == ["改选任教学校"] * dropped


def test_who_is_certified_leaves_first(desk: Desk) -> None:
    with pytest.raises(RuleViolation, match="请先从学校移除"):
        join(desk, "梅", "梅", desk.school("南"))
    assert (desk.teacher("梅").school_id, desk.teacher("梅").scope_path) == (desk.cast.school["北"], desk.cast.path["梅"])


@pytest.mark.parametrize(("who", "refusal"), [("平", NotPermitted), ("锐", NotPermitted), ("兰", OutOfReach)])
def test_joining_is_the_teachers_own_act(desk: Desk, who: str, refusal: type[Exception]) -> None:
    with pytest.raises(refusal):
        join(desk, who, "竹", desk.school("南"))


def test_one_does_not_join_ones_own_school(desk: Desk) -> None:
    with pytest.raises(RuleViolation, match="您已在“北实验小学”任教"):
        join(desk, "竹", "竹", desk.school("北"))
