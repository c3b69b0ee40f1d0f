"""The console edits reference data in the cell, under the same grants and rules as the screens."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.history import Change
from models.jobs import Job, JobKind
from models.people import Title
from models.scoping import SYSTEM, acting_as


def test_the_operator_edits_in_the_cell(client_of: Any, cast: Any) -> None:
    yun = client_of("运")
    assert yun.get("/console/title/").status_code == 200
    assert yun.post("/console/title/ajax/update/", list_form_pk="1", name="特级教师").status_code == 200
    with Session(cast.engine) as session:
        assert session.get_one(Title, 1).name == "特级教师"
        assert session.scalars(select(Change).filter_by(table_name="title", row_id=1)).one().account_id == cast.account["运"]


def test_a_rule_is_told_in_words(client_of: Any, cast: Any) -> None:
    yun = client_of("运")
    yun.get("/console/title/")
    twice = yun.post("/console/title/new/", code="senior", name="再来一个", rank="9")
    assert twice.status_code == 200 and "再来一个" in twice.text, "nothing typed is lost"
    assert "INSERT" not in twice.text and "UNIQUE" not in twice.text
    with Session(cast.engine) as session:
        assert session.scalars(select(Title).filter_by(name="再来一个")).first() is None


@pytest.mark.parametrize(
    ("form", "status", "sentence"),
    [
        ({}, 404, ""),
        ({"name": "越位"}, 404, ""),
        ({"list_form_pk": "x", "name": "越位"}, 404, ""),
        ({"list_form_pk": "9" * 25, "name": "越位"}, 404, ""),
        ({"list_form_pk": "99999", "name": "越位"}, 422, ""),
        ({"list_form_pk": "1", "name": ""}, 422, ""),
        ({"list_form_pk": "1", "name": "长" * 300}, 422, ""),
        ({"list_form_pk": "1", "rank": ""}, 422, ""),
        ({"list_form_pk": "1", "rank": "9" * 25}, 422, "“排序”的数字过大。"),
    ],
)
def test_a_cell_is_refused_in_words(client_of: Any, cast: Any, form: dict[str, str], status: int, sentence: str) -> None:
    yun = client_of("运")
    for table in ("title", "subject"):
        yun.get(f"/console/{table}/")
        answer = yun.post(f"/console/{table}/ajax/update/", **form)
        assert answer.status_code == status and sentence in answer.text and answer.text, (table, answer.text)


def test_a_number_no_column_holds_is_refused_in_words(client_of: Any) -> None:
    yun = client_of("运")
    yun.get("/console/title/")
    answer = yun.post("/console/title/new/", code="z9", name="新职称", rank="99999999999")
    assert answer.status_code == 200 and "“排序”的数字过大。" in answer.text


def test_its_own_scripts_may_run_and_nobody_elses(client_of: Any) -> None:
    policy = client_of("运").get("/console/title/").headers["Content-Security-Policy"]
    assert "script-src 'self' 'unsafe-inline'" in policy and "nonce" not in policy and "default-src 'self'" in policy


def test_nobody_else_gets_in(client_of: Any, cast: Any) -> None:
    for name in ("福", "丹", "平", "梅", "林"):
        person = client_of(name)
        assert person.get("/console/").status_code == 403, name
        assert person.get("/console/title/").status_code == 403, name
        assert person.post("/console/title/ajax/update/", list_form_pk="1", name="越权").status_code == 403, name
        assert person.post("/console/title/delete/", id="1").status_code == 403, name
    assert client_of("").get("/console/").status_code == 302


def test_unsafe_requests_need_the_form_token(client_of: Any, cast: Any) -> None:
    yun = client_of("运")
    assert yun.client.post("/console/title/ajax/update/", data={"list_form_pk": "1", "name": "无令牌"}).status_code == 400


def test_yes_and_no_are_words_in_the_cell(client_of: Any, cast: Any) -> None:
    """A screen reader has something to read, before the change and after it."""
    yun = client_of("运")
    page = yun.get("/console/title/").text
    cells = re.findall(r'<td class="col-is_active">\s*<a ([^>]*)>([^<]*)</a>', page)
    assert cells and all(text == "是" and "x-editable-boolean" not in attributes for attributes, text in cells)
    assert "fa-check-circle" not in page
    assert yun.post("/console/title/ajax/update/", list_form_pk="1", is_active="").status_code == 200
    assert re.search(r'<td class="col-is_active">\s*<a [^>]*>否</a>', yun.get("/console/title/").text)
    details = yun.get("/console/title/details/?id=1").text
    assert "否" in details and "is_active: false" not in details


def test_the_log_of_changes_is_read_and_filtered(client_of: Any, cast: Any) -> None:
    """What happened, to which record, by whom; what was written stays behind the record's own masks."""
    ping, yun = client_of("平"), client_of("运")
    teacher = cast.teacher["梅"]
    changed = ping.api(
        "put", f"/api/v1/teacher/{teacher}", json.dumps({"phone": "13911112222", "version": int(ping.version(f"/teacher/edit/{teacher}"))})
    )
    assert changed.status_code == 200, changed.text
    log = yun.get("/console/change/?flt0_1=teacher").text
    assert f'href="/teacher/show/{teacher}"' in log and "学校管理员" in log
    assert "教师管理（teacher）" in log and "修改" in log, "in the words of the screens"
    assert "13911112222" not in log
    assert yun.get("/console/change/details/?id=1").status_code == 302, "and its values are told nowhere here"
    assert f'href="/teacher/show/{teacher}"' not in yun.get("/console/change/?flt0_1=school").text
    assert f'href="/teacher/show/{teacher}"' not in yun.get(f"/console/change/?flt0_2={teacher + 1}").text
    assert f'href="/teacher/show/{teacher}"' in yun.get(f"/console/change/?flt0_2={teacher}").text
    past, now = "2020-01-01 00:00:00 to 2020-01-02 00:00:00", "2020-01-01 00:00:00 to 2099-01-01 00:00:00"
    assert f'href="/teacher/show/{teacher}"' not in yun.get(f"/console/change/?flt0_0={past}").text
    assert f'href="/teacher/show/{teacher}"' in yun.get(f"/console/change/?flt0_0={now}").text


@pytest.mark.parametrize("asked", ["1", "", "abc", "9" * 30, "done", "export", "0001-01-01 00:00:00 to 0001-01-02 00:00:00", "\x00"])
def test_no_filter_fails_on_what_it_is_asked(client_of: Any, asked: str) -> None:
    yun = client_of("运")
    for table in ("change", "decision", "job"):
        for number in range(6):
            told = yun.get(f"/console/{table}/", query_string={f"flt0_{number}": asked})
            assert told.status_code in (200, 400), (table, number, asked)


def test_everybody_s_long_work_is_seen_by_who_runs_the_platform(client_of: Any, cast: Any) -> None:
    with Session(cast.engine) as session, acting_as(SYSTEM):
        session.add(Job(account_id=cast.account["平"], title="教师名册导出", kind=JobKind.EXPORT))
        session.commit()
    assert "教师名册导出" in client_of("运").get("/console/job/").text
    assert "教师名册导出" not in client_of("运").get("/job/list/").text, "their own, and only their own"


def test_technical_tables_are_read_only_and_the_operator_s(client_of: Any) -> None:
    yun = client_of("运")
    for table in ("change", "decision", "job"):
        yun.get(f"/console/{table}/")
        for page in ("new/", "edit/?id=1"):
            assert yun.get(f"/console/{table}/{page}").status_code in (302, 403), (table, page)
        for page in ("delete/", "ajax/update/", "action/"):
            assert yun.post(f"/console/{table}/{page}", id="1", action="delete", rowid="1").status_code in (302, 403, 404), (table, page)
        for name in ("福", "丹", "平", "梅", "林"):
            assert client_of(name).get(f"/console/{table}/").status_code == 403, (name, table)
