"""The generated list: what it counts, finds, sorts and remembers; all of it in the address (S3-105, S3-106, S3-115 … S3-119)."""

from __future__ import annotations

import re
import warnings
from html import unescape
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.access import Account
from models.fields import fields_of
from models.hours import HourPolicy
from models.org import School
from models.people import Teacher
from models.scoping import acting_as
from rules.approvals import WORKFLOWS
from rules.grants import ROLES
from tests.bench.measuring import counted
from views.commands import TRANSLATIONS
from views.panel import counting
from views.panel.doctor import english_of
from views.panel.forms import FIRST_OPTIONS, first_options
from views.panel.permissions import asked_permissions
from views.panel.roles import ACTS, PAGES


def names(text: str) -> list[str]:
    """The names in a teacher list, in order."""
    return re.findall(r'/teacher/show/\d+"[^>]*>([^<]+)<', text)


def test_a_list_shows_what_is_in_reach(client_of: Any) -> None:
    answer = client_of("平").get("/teacher/list/")
    assert sorted(names(answer.text)) == sorted(["梅", "兰", "竹"])
    assert "共 3 名教师" in answer.text and "当前第 1 页" in answer.text


def test_facets_count_under_every_other_filter(client_of: Any) -> None:
    ping = client_of("平")
    counts = ping.get("/teacher/facets?f.certification=pending").json
    assert counts["certification"] == {"": 3, "none": 1, "passed": 1, "pending": 1, "failed": 0}
    assert counts["stage"][""] == 1


def test_search_is_from_the_beginning_or_anywhere_on_request(client_of: Any) -> None:
    dan = client_of("丹")
    assert "北实验小学" not in dan.get("/school/list/?q=实验").text.split("<tbody>")[-1]
    assert "北实验小学" in dan.get("/school/list/?q=实验&anywhere=1").text
    assert "北实验小学" in dan.get("/school/list/?q=北").text
    assert "北实验小学" in dan.get("/school/list/?q=313500").text


def test_only_allowed_columns_sort(client_of: Any) -> None:
    ping = client_of("平")
    up, down = names(ping.get("/teacher/list/?sort=name").text), names(ping.get("/teacher/list/?sort=-name").text)
    assert up == sorted(up) and down == up[::-1]
    assert names(ping.get("/teacher/list/?sort=id_number").text) == names(ping.get("/teacher/list/").text)


@pytest.mark.parametrize("table", ["teacher", "account", "post", "school", "permission_code", "activity"])
def test_nothing_that_is_not_offered_sorts_a_list(app: Any, cast: Any, client_of: Any, table: str) -> None:
    """By whatever name somebody asks: another field, its column, a column no screen knows, a field of another table."""
    view, yun = app.extensions["panel"][table], client_of("运")
    known = {name for field in fields_of(view.model).values() for name in (field.name, field.key)}
    asked = sorted((known | {"scope_path", "password", "version", "school.name", "region.name"}) - set(view.screen.sort))

    def order(query: str) -> list[str]:
        with counted(app.extensions["engine"]) as sent:
            assert yun.get(f"/{table}/list/?{query}").status_code == 200
        return [one for one in sent if " LIMIT " in one and "ORDER BY" in one]

    usual = order("")
    assert usual and all(order(f"sort={sign}{name}") == usual for name in asked for sign in ("", "-"))
    assert all(order(f"sort=-{name}") != order(f"sort={name}") for name in view.screen.sort)


def test_a_page_has_ten_twenty_five_fifty_or_a_hundred_rows(cast: Any, client_of: Any) -> None:
    """S3-105: what the address asks besides is ten, on the list, by REST and for the page an export takes."""
    with Session(cast.engine) as session:
        bamboo = session.get_one(Teacher, cast.teacher["竹"])
        for n in range(120):
            more = Teacher(
                name=f"多{n}", id_type_id=bamboo.id_type_id, id_number=f"M{n:07}", account_name=f"m{n}", school_id=bamboo.school_id
            )
            more.scope_path = bamboo.scope_path
            session.add(more)
        session.commit()
    ping = client_of("平")
    for asked, rows in (("10", 10), ("25", 25), ("50", 50), ("100", 100), *((odd, 10) for odd in ("", "0", "1", "11", "1000", "-25", "x"))):
        page = ping.get(f"/teacher/list/?size={asked}").text
        assert len(names(page)) == rows, asked
        assert re.findall(r'class="pop-item" href="[^"]*"[^>]*>(\d+) 条/页<', page) == ["10", "25", "50", "100"]
        assert len(ping.api("get", f"/api/v1/teacher/?size={asked}").json["result"]) == rows
        assert ping.post("/teacher/export", scope="page", size=asked, format="csv").text.count("\n") == rows + 1


def test_a_masked_value_is_no_oracle(client_of: Any, cast: Any) -> None:
    """Neither filter nor search nor sort finds out an ID number for who may not reveal it."""
    dan = client_of("丹")
    everything = dan.get("/teacher/list/").text
    for query in ("f.id_number=350203198503120028", "f.phone=13850000001", "sort=id_number", "sort=phone"):
        assert names(dan.get(f"/teacher/list/?{query}").text) == names(everything)
    assert names(dan.get("/teacher/list/?q=350203198503120028").text) == []


def test_revealing_is_an_act_and_noted(client_of: Any, cast: Any) -> None:
    orchid = cast.teacher["兰"]
    assert client_of("丹").post(f"/teacher/reveal/{orchid}/id_number").status_code == 403
    ping = client_of("平")
    assert "35020319900501004X" not in ping.get(f"/teacher/show/{orchid}").text
    ping.post(f"/teacher/reveal/{orchid}/id_number")
    page = ping.get(f"/teacher/show/{orchid}").text
    assert "35020319900501004X" in page, "told once"
    assert "查看完整信息" in page
    assert "35020319900501004X" not in ping.get(f"/teacher/show/{orchid}").text


def test_a_saved_view_is_a_name_for_an_address(client_of: Any) -> None:
    ping = client_of("平")
    ping.get("/teacher/list/")
    assert ping.post("/teacher/views", name="小学待审核", query="f.certification=pending&nonsense=1").status_code == 303
    page = ping.get("/teacher/list/").text
    assert "小学待审核" in page and "f.certification=pending" in page and "nonsense" not in page
    assert "小学待审核" not in client_of("锐").get("/teacher/list/").text


def test_bulk_on_all_that_match_tells_what_it_did_not_do(client_of: Any, cast: Any) -> None:
    ping = client_of("平")
    ping.get("/teacher/list/")
    asked = ping.post("/teacher/bulk", verb="pass", all="1", query="")
    assert "将对 3 名教师执行" in asked.text, "a confirmation names the number"
    done = ping.post("/teacher/bulk", verb="pass", all="1", query="", confirmed="1")
    page = ping.get(done.headers["Location"]).text
    assert "已完成 1 条" in page and "有 2 条未办理" in page


def test_a_refused_step_keeps_its_comment_and_the_way_back(client_of: Any, cast: Any) -> None:
    ping, long = client_of("平"), "缺" * 501
    ping.get("/teacher/list/")
    step, back = f"/teacher/do/fail/{cast.teacher['兰']}", "/teacher/list/?f.certification=pending"
    refused = ping.post(step, confirmed="1", comment=long, back=back)
    assert refused.status_code == 422 and f"{long}</textarea>" in refused.text
    assert re.search(r'id="comment-error"[^>]*>.*最多 500 个字', refused.text)
    assert f'name="back" value="{back}"' in refused.text and f'href="{back}"' in refused.text
    assert ping.post(step, confirmed="1", comment="缺材料", back=back).headers["Location"] == back
    too_late = ping.post(step, confirmed="1", comment="又缺材料")
    assert too_late.status_code == 422 and "又缺材料</textarea>" in too_late.text and "不能“不通过”" in too_late.text


def test_a_refused_bulk_act_keeps_its_comment(client_of: Any, cast: Any) -> None:
    ping, long = client_of("平"), "缺" * 501
    ping.get("/teacher/list/")
    chosen = {"verb": "fail", "id": cast.teacher["兰"], "confirmed": "1"}
    refused = ping.post("/teacher/bulk", **chosen, comment=long)
    assert refused.status_code == 422 and f"{long}</textarea>" in refused.text and "最多 500 个字" in refused.text
    assert "请填写审核意见" in ping.post("/teacher/bulk", **chosen, comment=" ").text
    asked = ping.post("/teacher/bulk", verb="fail", all="1", query="", count="99", confirmed="1", comment="缺材料")
    assert "从 99 条变成了 3 条" in asked.text and "缺材料</textarea>" in asked.text
    none_done = ping.post("/teacher/bulk", verb="fail", id=cast.teacher["梅"], confirmed="1", comment="缺材料")
    assert none_done.status_code == 422 and "缺材料</textarea>" in none_done.text and "不能“不通过”" in none_done.text
    assert ping.post("/teacher/bulk", **chosen, comment="缺材料").status_code == 303


def test_somebody_elses_change_is_shown_not_overwritten(client_of: Any, cast: Any) -> None:
    bamboo = f"/teacher/edit/{cast.teacher['竹']}"
    here, there = client_of("平"), client_of("平")
    form = {
        "name": "竹",
        "id_type": "1",
        "id_number": "350203198811230069",
        "phone": "13850000003",
        "title": "3",
        "stage": "2",
        "subject": "1",
    }
    early, late = here.version(bamboo), there.version(bamboo)
    assert here.post(bamboo, **{**form, "_version": early, "phone": "13900000001"}).status_code == 303
    told = there.post(bamboo, **{**form, "_version": late, "phone": "13900000002"})
    assert told.status_code == 409
    assert "13900000001" in told.text and "13900000002" in told.text, "theirs and yours"
    again = there.post(bamboo, **{**form, "_version": there.version(bamboo), "phone": "13900000002"})
    assert again.status_code == 303


def test_somebody_elses_choice_is_not_overwritten_either(client_of: Any, cast: Any) -> None:
    """Where the two forms differ in nothing but what a link leads to."""
    bamboo, ping = f"/teacher/edit/{cast.teacher['竹']}", client_of("平")
    form = {"name": "竹", "id_type": "1", "id_number": "350203198811230069", "phone": "13850000003", "stage": "2", "subject": "1"}
    early = ping.version(bamboo)
    assert ping.post(bamboo, **form, title="2", _version=early).status_code == 303
    told = ping.post(bamboo, **form, title="5", _version=early)
    assert told.status_code == 409 and "高级教师" in told.text and "三级教师" in told.text
    assert ping.post(bamboo, **form, title="2", _version=early).status_code == 303, "who wants what is there already is told nothing"


def test_bad_input_keeps_what_was_typed(client_of: Any, cast: Any) -> None:
    answer = client_of("平").post(
        "/teacher/add", name="新人", id_type="1", id_number="350203198811230061", phone="12345", school=str(cast.school["北"])
    )
    assert answer.status_code == 422
    assert 'value="新人"' in answer.text and 'value="350203198811230061"' in answer.text
    assert "校验码" in answer.text


def test_a_deletion_says_what_keeps_the_record(client_of: Any, cast: Any) -> None:
    dan, north = client_of("丹"), cast.school["北"]
    page = dan.get(f"/school/delete/{north}")
    assert "名教师" in page.text and "删除" in page.text
    assert dan.post(f"/school/delete/{north}", confirmed="1").status_code == 409
    assert dan.get(f"/school/show/{north}").status_code == 200


def test_a_pager_reaches_every_page(client_of: Any) -> None:
    from views.panel.list_page import pager
    from views.panel.listing import ListState

    found = pager(ListState(page=5), 146_999)
    assert (found.pages, [number for number, _address in found.links]) == (14_700, [1, None, 3, 4, 5, 6, 7, None, 14_700])
    assert pager(ListState(), 0).pages == 1


def test_an_empty_list_says_what_fits_the_reader(client_of: Any) -> None:
    """Who has narrowed the list is told so, also by a facet; nobody is sent to a button they do not have."""
    dan, ping = client_of("丹"), client_of("平")
    for query in ("q=zzz", "f.title=999999", "f.certification=failed&q=zzz"):
        page = ping.get(f"/teacher/list/?{query}").text
        assert "没有符合条件的记录" in page and "清除筛选" in page and "逐个添加" not in page, query
    assert "逐个添加" not in dan.get("/teacher/list/?only.own_administrators=1").text


def test_every_record_has_a_name_and_a_way_to_its_page(client_of: Any, cast: Any) -> None:
    ping, dan = client_of("平"), client_of("丹")
    applications = ping.get("/certification/list/").text
    [address] = re.findall(r'href="(/certification/show/\d+)">[\d.]+ [\d:]+<', applications)[:1]
    assert re.search(r"<h1[^>]*>(梅|兰)</h1>", ping.get(address).text)
    assert re.search(r'/school/show/\d+">北实验小学<', dan.get("/school/list/").text), "its name, not its code"
    post = re.search(r"/post/show/\d+", dan.get("/post/list/").text)
    assert post and re.search(r"<h1[^>]*>\S+ · \S+</h1>", dan.get(post[0]).text)


def test_a_row_keeps_room_for_its_state(client_of: Any, cast: Any) -> None:
    """Deciding stands in the row; withdrawing somebody's application is behind the dots."""
    page = client_of("运").get("/teacher/list/?f.certification=pending").text
    row = page.split(f"/teacher/show/{cast.teacher['兰']}", 1)[1].split("</tr>", 1)[0]
    inline, menu = row.split("<details", 1)
    assert "通过" in inline and "撤回申请" not in inline and "撤回申请" in menu


def test_a_question_names_its_record(client_of: Any, cast: Any) -> None:
    page = client_of("平").get("/teacher/list/").text
    assert re.search(r'data-confirm="不通过：兰\n请填写审核意见', page)


def test_nothing_is_offered_that_is_refused(client_of: Any, cast: Any) -> None:
    assert "/job/list/" not in client_of("林").get("/").text, "nobody without rights has work to find again"
    dan = client_of("丹")
    assert "/school/add?region=" in dan.get(f"/region/show/{cast.region['思明区']}").text
    assert "/school/add?region=" not in dan.get(f"/region/show/{cast.region['福建省']}").text


def test_every_act_and_screen_a_role_can_hold_has_words(app: Any) -> None:
    asked = asked_permissions(app.extensions["appbuilder"].baseviews)
    shipped = {(f"can_{act}", table) for role in ROLES for table, acts in role.grants.items() for act in acts.split()}
    steps = {(f"can_{step.act}", workflow.table) for workflow in WORKFLOWS for step in workflow.steps}
    acts = {permission.removeprefix("can_") for permission, _view in asked | shipped | steps}
    assert sorted(acts - set(ACTS)) == [], "add what it is called to views/panel/roles.py"
    screens = {view for _permission, view in asked | shipped} - set(app.extensions["panel"])
    assert sorted(screens - set(PAGES)) == []
    english = english_of(TRANSLATIONS)
    assert [word for word in (*ACTS.values(), *PAGES.values()) if word not in english] == []


def test_roles_are_told_in_words(client_of: Any) -> None:
    fu = client_of("福")
    roles = fu.get("/roles/list/").text
    assert ">学校管理员</a>" in roles and "can read on" not in roles
    [address] = re.findall(r'href="(/roles/show/\d+)">学校管理员<', roles)
    assert re.search(r"教师管理：[^\n]*查看", fu.get(address).text)
    form = client_of("运").get(address.replace("show", "edit")).text
    assert ">教师管理：查看</option>" in form and "can read on" not in form


def test_a_link_to_what_has_no_name_offers_it_whatever_is_typed(app: Any, cast: Any) -> None:
    """A policy is searched by nothing: typing narrows nothing, and asks the database nothing it is about to refuse."""
    with warnings.catch_warnings(), app.test_request_context(), acting_as(cast.identity("丹")):
        warnings.simplefilter("error")
        assert len(first_options(app.extensions["db"](), HourPolicy, "2")) == 2


def test_a_choice_is_no_oracle(app: Any, cast: Any, client_of: Any) -> None:
    """Nobody finds out a number they may not reveal by typing its beginning; and only links of forms and filters are chosen."""
    with app.test_request_context():
        for name, found in (("丹", 0), ("平", 1)):
            with acting_as(cast.identity(name)):
                assert len(first_options(app.extensions["db"](), Account, "350203198503120028")) == found, name
    assert client_of("丹").get("/post/choices/account?q=3502").status_code == 404


def test_a_form_never_brings_more_than_its_first_options(cast: Any, client_of: Any) -> None:
    """fab-traps 3.2: a link to a large table is found while typing; the form itself reads a few rows, however many there are."""
    with Session(cast.engine) as session:
        school = session.get_one(School, cast.school["北"])
        kind = session.scalars(select(Teacher.id_type_id)).first()
        more = [
            Teacher(name=f"很多{n}", id_number=f"N{n:07}", account_name=f"n{n}", id_type_id=kind, school_id=school.id) for n in range(70)
        ]
        for one in more:
            one.scope_path = school.scope_path
        session.add_all(more)
        session.commit()
    form = client_of("平").get("/research_group/add").text
    leader = form.split('name="leader"')[1].split("</select>")[0]
    assert 1 < leader.count("<option") <= FIRST_OPTIONS + 1
    found = client_of("平").get("/research_group/choices/leader?q=很多").json["results"]
    assert len(found) <= FIRST_OPTIONS


def test_of_many_rows_the_facets_are_counted_after_the_page(client_of: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over MANY rows in reach the page comes first, without a number on any facet; the numbers come exact from their own address."""
    monkeypatch.setattr(counting, "MANY", 1)
    counting.forget()
    dan = client_of("丹")
    page = dan.get("/teacher/list/").text
    [address] = re.findall(r'data-facets-url="([^"]+)"', page)
    counts = dan.get(unescape(address)).json["certification"]
    assert counts[""] == sum(number for value, number in counts.items() if value) > 1
    monkeypatch.undo()
    counting.forget()
    assert "data-facets-url" not in dan.get("/teacher/list/").text
