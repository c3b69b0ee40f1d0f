"""The console edits reference data in the cell, under the same grants and rules as the screens."""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.history import Change
from models.people import Title


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
