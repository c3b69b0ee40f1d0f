"""Who moved to another school goes on in the old group and reads what that takes; who was let go keeps their own, and is led nowhere (S1-43…45, Z-13)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import pytest
from sqlalchemy import select, update

from models.access import Post
from models.base import utcnow
from models.org import School as Institution
from models.outcomes import ImprovementPlan
from models.people import CertificationState, Teacher
from models.scoping import SYSTEM, acting_as
from models.session import make_session_factory
from rules.grants import GROUP_MEMBER
from rules.groups import release_member
from rules.people import join_school, leave_school
from tests import samples
from tests.cast import Cast, grants_of
from tests.clients import Browser
from tests.journeys.test_taking_part import DISCUSSION, HOMEWORK, YES, School
from tests.services.lessons import MEMBER

LINKS = re.compile(r'(?:href|action)="(/(?!static|logout|lang|swagger)[^"#]+)"')


@pytest.fixture
def north(cast: Cast, app: Any, client_of: Any) -> Iterator[School]:
    """North has a template; 兰 has handed in a plan and said something, before she goes to South."""
    with make_session_factory(cast.engine)() as session:
        north = School(cast, session)
        ping, lan, school = client_of("平"), client_of(MEMBER), north.lessons.school.id
        version = ping.version(f"/school_programme/edit/{school}")
        template = {"files.plan_template": "", "upload.plan_template": (BytesIO(samples.docx()), "计划模板.docx")}
        assert ping.post(f"/school_programme/edit/{school}", _version=version, **template).status_code == 303
        lan.get("/research/plan/")
        plan = {"files.plan": "", "upload.plan": (BytesIO(samples.docx()), "兰的计划.docx")}
        assert lan.post("/research/plan/", **plan).status_code == 303
        lan.post(f"{north.url(DISCUSSION)}/join", **YES)
        lan.get(north.url(DISCUSSION))
        assert lan.post(f"{north.url(DISCUSSION)}/comments", body="导读很好").status_code == 303
        yield north


def move(north: School) -> None:
    session, identity = north.session, north.cast.identity(MEMBER)
    with acting_as(identity):
        leave_school(session, identity, session.get_one(Teacher, north.cast.teacher[MEMBER]), now=utcnow())
    with acting_as(SYSTEM):
        session.expire_all()
        post = session.scalars(select(Post).filter_by(account_id=north.cast.account[MEMBER], role="teacher")).one()
        south = session.get_one(Institution, north.cast.school["南"])
        teacher = session.get_one(Teacher, north.cast.teacher[MEMBER])
    gone = type(identity)(account_id=identity.account_id, post_id=post.id, grants=frozenset(grants_of(post)), person=identity.person)
    with acting_as(gone):
        join_school(session, gone, teacher, south, now=utcnow())


def walk(browser: Browser, *pages: str) -> list[str]:
    """What these pages offer and what is not there."""
    offered = {address.replace("&amp;", "&") for page in pages for address in LINKS.findall(browser.get(page).text)}
    return sorted(address for address in offered if browser.get(address).status_code in (403, 404))


OWN = ("/research/mine/", "/research/plan/", "/research/summaries/", "/hours/", "/participation/list/", "/improvement_plan/list/", "/")


def test_who_goes_on_in_the_old_group_reads_its_template(north: School, client_of: Any) -> None:
    move(north)
    lan = client_of(MEMBER)
    page = lan.get(f"/research/plan/?school={north.lessons.school.id}").text
    files = re.findall(r'href="(/files/\d+/[^"]+)" download', page)
    assert len(files) == 2, "the template, and what she handed in"
    assert [lan.get(file).status_code for file in files] == [200, 200]
    assert lan.get(f"/research/{north.lessons.school.id}/").status_code == 200
    assert walk(lan, *OWN, north.url(DISCUSSION), f"/research/{north.lessons.school.id}/") == []
    assert lan.get(f"/school_programme/edit/{north.lessons.school.id}").status_code == 403


def test_who_goes_on_is_offered_what_they_may_join(north: School, client_of: Any) -> None:
    """S1-43: new activities too, although the new school has not certified them yet."""
    move(north)
    lan, address = client_of(MEMBER), north.url(HOMEWORK)
    assert f'action="{address}/join"' in lan.get("/research/activities/?f.kind=homework").text
    lan.post(f"{address}/join", **YES)
    assert "已参与" in lan.get(address).text


def test_a_member_of_the_school_who_is_not_certified_is_offered_nothing_new(north: School, client_of: Any) -> None:
    """S0-53, S0-126: what they joined they complete."""
    with acting_as(SYSTEM):
        certified = update(Teacher).where(Teacher.name == MEMBER).values(certification=CertificationState.NONE)
        north.session.execute(certified, execution_options={"synchronize_session": False})
        north.session.commit()
    lan, address = client_of(MEMBER), north.url(HOMEWORK)
    assert f"{address}/join" not in lan.get("/research/activities/?f.kind=homework").text
    page = lan.get(address).text
    assert "您尚未通过认证" in page and f"{address}/join" not in page
    assert "您尚未通过认证" not in lan.get(north.url(DISCUSSION)).text
    assert lan.post(f"{north.url(DISCUSSION)}/comments", body="再补充一点").status_code == 303
    lan.post(f"{address}/join", **YES)
    assert "您尚未通过认证" in lan.get(address).text and "已参与" not in lan.get(address).text


def test_who_was_let_go_keeps_their_own_and_no_more(north: School, client_of: Any) -> None:
    move(north)
    with acting_as(SYSTEM):
        held = north.session.scalars(select(Post).filter_by(account_id=north.cast.account[MEMBER], role=GROUP_MEMBER)).one()
        plan = north.session.scalars(select(ImprovementPlan).filter_by(teacher_id=north.cast.teacher[MEMBER])).one()
        release_member(north.session, north.cast.identity("平"), north.lessons.group, held.id, now=utcnow())
    lan = client_of(MEMBER)
    own = lan.get(f"/improvement_plan/show/{plan.id}").text
    assert north.lessons.school.name in own, "it says whose programme it was"
    [file] = re.findall(r'href="(/files/\d+/[^"]+)" download', own)
    assert lan.get(file).status_code == 200
    assert "导读很好" not in lan.get("/").text and lan.get(north.url(DISCUSSION)).status_code in (403, 404)
    assert lan.get(f"/research/plan/?school={north.lessons.school.id}").status_code == 404, "nothing more is handed in there"
    assert walk(lan, *OWN, f"/improvement_plan/show/{plan.id}") == []
