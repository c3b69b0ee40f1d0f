"""Whoever follows the manuals finds what they name, where they say it is."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from models.access import Post, SavedView
from models.org import School, SchoolKind
from models.people import Teacher, Title
from models.scoping import SYSTEM, acting_as
from tests.cast import TODAY, Cast
from tests.clients import Browser
from views.panel.doctor import why

Client = Callable[[str], Browser]


def menu_of(page: str) -> str:
    found = re.search(r"(?s)<aside.*?</aside>|<nav.*?</nav>", page)
    assert found
    return found[0]


def group_of(page: str, label: str) -> str:
    """The part of the menu between this group's heading and the next."""
    headings = ("基本管理", "人员管理", "系统管理", "基础数据")
    after = menu_of(page).split(label, 1)[1]
    return min((after.split(other, 1)[0] for other in headings if other != label and other in after), key=len, default=after)


# --- 基本管理 ---------------------------------------------------------------------------------------------------------


def test_a_school_finds_its_own_page_under_the_name_of_the_manual(client_of: Client, cast: Cast) -> None:
    """S3-111, S3-113: 【基本管理-学校（机构）信息】, a red star on what must be given."""
    school = client_of("平")
    assert "学校（机构）信息" in group_of(school.get("/").text, "基本管理")
    answer = school.get("/school/own")
    assert (answer.status_code, answer.location) == (302, f"/school/show/{cast.school['北']}")
    form = school.get(f"/school/edit/{cast.school['北']}").text
    assert "required-star" in form[form.index("学校所在地城乡类型") : form.index('name="area_type"')]
    refused = school.post(f"/school/edit/{cast.school['北']}", _version="1", area_type="")
    assert refused.status_code == 422


def test_a_school_is_not_offered_what_its_region_corrects(client_of: Client, cast: Cast) -> None:
    address = f"/school/edit/{cast.school['北']}"
    school, county = client_of("平"), client_of("丹").get(address).text
    for name in ("name", "kind"):
        assert f'name="{name}"' in county and f'name="{name}"' not in school.get(address).text
    assert school.post(address, _version=school.version(address), area_type="town", name="别名").status_code == 303
    assert "北实验小学" in school.get(f"/school/show/{cast.school['北']}").text


def test_a_county_keeps_the_list_of_schools(client_of: Client) -> None:
    assert "学校（机构）信息" not in menu_of(client_of("丹").get("/").text)
    assert client_of("丹").get("/school/own").status_code == 404


def test_the_list_of_roles_is_a_basic_module(client_of: Client) -> None:
    """S3-41."""
    assert "角色列表" in group_of(client_of("福").get("/").text, "基本管理")
    assert "角色列表" not in menu_of(client_of("丹").get("/").text)


def test_codes_are_offered_only_for_whom_they_may_be_given(client_of: Client) -> None:
    """S3-06: the same region and the next level, not the counties two levels below."""
    page = client_of("福").get("/permission_code/issue").text
    assert "厦门市" in page
    assert "思明区" not in page
    operator = client_of("运").get("/permission_code/issue").text
    assert "福建省" in operator
    assert "厦门市" not in operator


def test_to_look_for_more_units_keeps_those_chosen(client_of: Client, cast: Cast) -> None:
    """S3-24: a county ticks one school, looks for another, and gives both their codes."""
    province, far, city = client_of("福"), f"s{cast.school['城']}", f"r{cast.region['厦门市']}"
    with Session(cast.engine) as session:
        session.execute(update(Post).where(Post.school_id == cast.school["城"]).values(until=TODAY))
        session.commit()
    province.get("/permission_code/issue")
    found = province.post("/permission_code/issue", find="1", q="厦门", role="school_admin", days="7", units=[far, "sx", "s999999999999"])
    assert found.status_code == 200
    offered = dict(re.findall(r'name="units" value="(\w+)"( checked)?', found.text))
    assert offered == {city: "", far: " checked"}


def test_whoever_cannot_move_a_school_reads_who_can(client_of: Client, cast: Cast) -> None:
    """S3-138."""
    assert "跨县区由市级管理员办理，跨地市由省级管理员办理" in client_of("丹").get(f"/school/move/{cast.school['北']}").text


def test_the_superior_can_call_who_bound_a_code(client_of: Client, cast: Cast) -> None:
    """S3-35: the phone given for that purpose is shown to the superior, and that it was is noted; nobody else has it."""
    with Session(cast.engine) as session:
        post = session.scalars(select(Post).filter_by(account_id=cast.account["平"])).one()
        post.contact_name, post.contact_phone = "平", "13812345678"
        session.commit()
        number = post.id
    county = client_of("丹")
    page = county.get(f"/post/show/{number}").text
    assert "<title>平 · 北实验小学" in page
    assert "138****5678" in page
    assert (
        "13812345678"
        in county.client.post(f"/post/reveal/{number}/contact_phone", data={"csrf_token": county.token}, follow_redirects=True).text
    )
    assert "查看完整信息" in county.get(f"/post/show/{number}").text
    school = client_of("平")
    school.get(f"/post/show/{number}")
    assert school.post(f"/post/reveal/{number}/contact_phone").status_code == 403


# --- 个人中心 ---------------------------------------------------------------------------------------------------------


def test_who_signs_in_is_asked_to_complete_their_profile(client_of: Client, cast: Cast) -> None:
    """S2-13."""
    assert "您的信息还不完整" not in client_of("梅").get("/").text
    with Session(cast.engine) as session:
        session.get_one(Teacher, cast.teacher["梅"]).title_id = None
        session.commit()
    page = client_of("梅").get("/").text
    assert "您的信息还不完整，请补充：职称。" in page
    assert 'href="/me/"' in group_of(page, "基本管理")


def test_whose_next_school_is_not_listed_chooses_the_placeholder(client_of: Client, cast: Cast) -> None:
    """S3-131, S4-34: also after leaving a school, not only at registration."""
    with Session(cast.engine) as session, acting_as(SYSTEM):
        session.add(School(code="QT", name="其他", region_id=cast.region["湖里区"], kind=SchoolKind.OTHER, scope_path="/"))
        session.commit()
        other = session.scalars(select(School).filter_by(code="QT")).one().id
    teacher = client_of("竹")
    assert 'name="region"' in teacher.get("/me/school").text
    assert teacher.post("/me/school", school="", region="").status_code == 422
    assert teacher.post("/me/school", school="", region=str(cast.region["湖里区"])).status_code == 303
    with Session(cast.engine) as session:
        assert session.get_one(Teacher, cast.teacher["竹"]).school_id == other


def test_who_asks_for_an_account_is_told_of_nothing_that_is_not_there(client_of: Client) -> None:
    """S2-11: the request names a school, there is no region to choose."""
    assert "所在区域" not in client_of("").get("/register/request").text


# --- lists and records ------------------------------------------------------------------------------------------------


def test_a_saved_view_needs_a_name_of_its_own(client_of: Client, cast: Cast) -> None:
    school = client_of("平")
    school.get("/teacher/list/")
    for name in ("待审核的", "待审核的", "  "):
        school.post("/teacher/views", query="f.certification=pending", name=name)
    told = school.get("/teacher/list/").text
    assert "table_name" not in told
    assert told.count("同名的常用视图已存在，或名称为空。") == 2
    with Session(cast.engine) as session:
        names = [view.name for view in session.scalars(select(SavedView).filter_by(account_id=cast.account["平"]))]
    assert names.count("待审核的") == 1
    assert "" not in names


def test_an_address_beyond_the_last_page_leads_to_it(client_of: Client) -> None:
    answer = client_of("平").get("/teacher/list/?page=99&sort=name&f.school=1")
    assert answer.status_code == 302
    assert answer.location == "/teacher/list/?f.school=1&sort=name"
    assert client_of("平").get(answer.location).status_code == 200


def test_deleting_names_what_goes_along(client_of: Client, cast: Cast) -> None:
    page = client_of("锐").get(f"/teacher/delete/{cast.teacher['菊']}").text
    assert "将一并删除：1条申请。" in page
    assert "将保留，但不再与它关联：1个账号。" in page


def test_what_is_in_use_says_so_before_it_is_asked(client_of: Client, cast: Cast) -> None:
    with Session(cast.engine) as session:
        title = session.scalars(select(Title)).first()
        assert title is not None
        session.get_one(Teacher, cast.teacher["梅"]).title_id = title.id
        session.commit()
        number, name = title.id, title.name
    operator = client_of("运")
    page = operator.get(f"/title/delete/{number}").text
    assert f"“{name}”正被1名教师使用，不能删除。" in page
    assert "确定删除" not in page
    assert operator.post(f"/title/delete/{number}", confirmed="1").status_code == 409


def test_history_is_written_for_people(client_of: Client, cast: Cast) -> None:
    """Moments as everywhere else; a school by its name also after the teacher has left it."""
    teacher = client_of("兰")
    teacher.get(f"/teacher/show/{cast.teacher['兰']}")
    assert teacher.post(f"/teacher/do/leave/{cast.teacher['兰']}", confirmed="1").status_code == 303
    page = teacher.get(f"/teacher/show/{cast.teacher['兰']}").text
    past = page[page.index("变更历史") :]
    assert "北实验小学" in past
    assert not re.search(r"\d{4}-\d{2}-\d{2}T", past)
    assert f"#{cast.school['北']}<" not in past


# --- why --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("who", "act", "whom", "says"),
    [
        ("平", "pass", "兰", "rule (pass): yes"),
        ("平", "pass", "梅", "rule (pass): NO. 当前状态是“认证通过”，不能“通过”。"),
        ("平", "delete", "梅", "rule: NO. 该教师已认证通过，请先将其从学校移除。"),
        ("锐", "delete", "菊", "rule: yes"),
    ],
)
def test_why_answers_for_steps_and_deletes(app: Any, cast: Cast, who: str, act: str, whom: str, says: str) -> None:
    with Session(cast.engine) as session:
        lines = why(session, app.extensions["appbuilder"].baseviews, cast.username[who], act, "teacher", cast.teacher[whom])
    assert lines[-1].strip() == says
