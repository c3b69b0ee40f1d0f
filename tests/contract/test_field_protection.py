"""A field declared restricted, or masked, is so behind every door, unless the viewer's role holds the act for the row (issue 2, Field protection)."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest
from flask_appbuilder.security.sqla.models import Permission, PermissionView, Role, ViewMenu
from sqlalchemy import select
from sqlalchemy.orm import Session

from models import fields
from models.access import Post
from models.history import Change
from models.people import Teacher
from tests.cast import TEACHERS, meet
from tests.clients import Browser
from tests.contract.doors import text_of
from tests.contract.test_panel import names
from tests.journeys.test_excel_doors import Importing, work_off

BAMBOO, SECRET = "竹", "13850000003"
EVERYBODY = ["梅", "兰", "竹"]


@pytest.fixture
def restricted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A teacher's phone is declared ``act="reveal"`` without a mask, and offered wherever a screen can offer a field."""
    known, screen = fields.fields_of(Teacher), Teacher.__screen__
    monkeypatch.setitem(fields._read, Teacher, {**known, "phone": replace(known["phone"], mask="")})
    more = {part: (*getattr(screen, part), "phone") for part in ("list", "search", "filters", "sort")}
    monkeypatch.setattr(Teacher, "__screen__", replace(screen, **more))


def permit(cast: Any, role: str, *acts: str, takes: str = "") -> None:
    """Give a role acts on teachers, or take one from it, as the pages of roles do."""
    with Session(cast.engine) as session:
        held = session.scalars(select(Role).filter_by(name=role)).one()
        held.permissions = [p for p in held.permissions if (p.permission.name, p.view_menu.name) != (f"can_{takes}", "teacher")]
        for act in acts:
            asked = (
                select(PermissionView).join(Permission).join(ViewMenu).where(Permission.name == f"can_{act}", ViewMenu.name == "teacher")
            )
            held.permissions.append(session.scalars(asked).one())
        session.commit()


@pytest.fixture
def shut(cast: Any, client_of: Any, restricted: None) -> Browser:
    """平, who may do everything to North's teachers but reveal."""
    permit(cast, "school_admin", takes="reveal")
    return client_of("平")  # type: ignore[no-any-return]


@pytest.fixture
def opened(client_of: Any, restricted: None) -> Browser:
    """运, who may reveal."""
    return client_of("运")  # type: ignore[no-any-return]


def phone_of(cast: Any, name: str) -> str | None:
    with Session(cast.engine) as session:
        return session.get_one(Teacher, cast.teacher[name]).phone


def reading(browser: Browser, cast: Any, name: str) -> dict[str, str]:
    """What every door that only reads tells of the teacher."""
    pk, school = cast.teacher[name], cast.school[TEACHERS[name][0]]
    browser.get("/teacher/list/")
    chosen = {"scope": "selection", "id": str(pk), "columns": "phone"}
    return {
        "list": browser.get("/teacher/list/").text,
        "record and history": browser.get(f"/teacher/show/{pk}").text,
        "form": browser.get(f"/teacher/edit/{pk}").text,
        "related list": browser.get(f"/school/show/{school}").text,
        "csv": text_of(browser.post("/teacher/export", format="csv", **chosen)),
        "xlsx": text_of(browser.post("/teacher/export", format="xlsx", **chosen)),
        "REST list": text_of(browser.api("get", "/api/v1/teacher/?size=100")),
        "REST": text_of(browser.api("get", f"/api/v1/teacher/{pk}")),
    }


SHOWING = {"list", "record and history", "form", "related list", "csv", "xlsx", "REST list", "REST"}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_restricted_field_is_told_nowhere_without_its_act(cast: Any, shut: Browser, opened: Browser) -> None:
    pk = cast.teacher[BAMBOO]
    note_phone(cast, BAMBOO)
    assert {door for door, text in reading(opened, cast, BAMBOO).items() if SECRET in text} == SHOWING
    told = reading(shut, cast, BAMBOO)
    assert {door for door, text in told.items() if SECRET in text} == set()
    assert "138****0003" not in "".join(told.values()), "no mask was declared"
    assert 'name="phone"' not in told["form"] + shut.get("/teacher/add").text
    assert "phone" not in shut.api("get", f"/api/v1/teacher/{pk}").json["result"]
    history = [browser.get(f"/teacher/show/{pk}").text.split("历史")[-1] for browser in (shut, opened)]
    assert ["手机号码" in text for text in history] == [False, True]
    assert [browser.post(f"/teacher/reveal/{pk}/phone").status_code for browser in (shut, opened)] == [403, 404]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_restricted_field_is_not_found_out_by_asking(cast: Any, shut: Browser, opened: Browser) -> None:
    """Filter, sort and search, on the list and by REST, for an export and for what a bulk act means."""

    def found(browser: Browser, query: str) -> list[str]:
        told = [one["name"] for one in browser.api("get", f"/api/v1/teacher/?{query}").json["result"]]
        browser.get("/teacher/list/")
        sheet = browser.post("/teacher/export", scope="all", format="csv", columns="name", query=query).text.split("\n")[1:-1]
        assert told == names(browser.get(f"/teacher/list/?{query}").text) == [line.strip('\r"') for line in sheet], query
        return told

    north = f"f.school={cast.school['北']}&"
    assert [found(opened, north + asked) for asked in (f"f.phone={SECRET}", f"q={SECRET}")] == [["竹"], ["竹"]]
    assert found(opened, north + "sort=-phone") == EVERYBODY[::-1]
    assert [found(shut, asked) for asked in (f"f.phone={SECRET}", "sort=-phone")] == [EVERYBODY, EVERYBODY]
    assert found(shut, f"q={SECRET}") == found(shut, f"q={SECRET}&anywhere=1") == []
    asked = {
        name: browser.post("/teacher/bulk", verb="leave", all="1", query=f"q={SECRET}")
        for name, browser in (("shut", shut), ("opened", opened))
    }
    assert "将对 0 名教师" in asked["shut"].text and "将对 1 名教师" in asked["opened"].text
    page = shut.get("/teacher/list/").text
    assert "sort=phone" not in page and 'name="f.phone' not in page and 'value="phone"' not in page, "nor is it offered"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_restricted_field_is_not_written_without_its_act(app: Any, cast: Any, shut: Browser, opened: Browser) -> None:
    pk, address = cast.teacher[BAMBOO], f"/teacher/edit/{cast.teacher[BAMBOO]}"
    form = {"name": "竹", "id_type": "1", "id_number": "350203198811230069", "phone": "13900000001"}
    shut.get("/me/")
    assert 'name="id_number"' not in shut.get(address).text, "what is masked is not written either"
    assert shut.post(address, **{**form, "name": "竹子", "_version": shut.version(address)}).status_code == 303
    assert shut.api("put", f"/api/v1/teacher/{pk}", json.dumps({"phone": "13900000001"})).status_code == 400
    assert phone_of(cast, BAMBOO) == SECRET
    header = [cell for cell in text_of(shut.get("/teacher/import/template")).split("\n") if "手机号码" in cell]
    assert header == []
    lines = (
        "证件类型,证件号码,姓名,手机号码",
        "居民身份证,350203198811230069,竹,13900000001",
        "居民身份证,350203199203040012,青,13900000002",
    )
    sheet = "\n".join(lines).encode()
    for browser, written in ((shut, (SECRET, None)), (opened, ("13900000001", "13900000002"))):
        person = Importing(browser)
        check, page = person.check(sheet, "教师.csv")
        work_off(app)
        assert SECRET not in page.text or browser is opened
        person.apply(check, "good")
        work_off(app)
        assert (phone_of(cast, BAMBOO), phone_of(meet(cast.engine), "青")) == written, "neither changed nor given to who is new"


def note_phone(cast: Any, name: str) -> None:
    """A line of history that tells the phone."""
    with Session(cast.engine) as session:
        row = session.get_one(Teacher, cast.teacher[name])
        line = Change(table_name="teacher", row_id=row.id, scope_path=row.scope_path, act="edit", changes={"phone": [None, row.phone]})
        line.account_id, line.post, line.at = cast.account["平"], "", cast.today
        session.add(line)
        session.commit()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_where_one_of_two_posts_holds_the_act_it_opens_the_rows_of_that_post_alone(cast: Any, client_of: Any, restricted: None) -> None:
    permit(cast, "group_leader", "read", "reveal", "export")
    permit(cast, "group_member", "read", "export")
    with Session(cast.engine) as session:
        for role, school in (("group_leader", "北"), ("group_member", "南")):
            session.add(Post(account_id=cast.account["林"], role=role, scope_path=cast.path[school], unit_name=school, since=cast.today))
        session.commit()
    lin = client_of("林")
    for name, phone, is_told in ((BAMBOO, SECRET, True), ("菊", "13850000004", False)):
        note_phone(cast, name)
        assert name in lin.get("/teacher/list/").text
        told = {door for door, text in reading(lin, cast, name).items() if phone in text}
        assert told == (SHOWING - {"form"} if is_told else set()), name


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_form_neither_shows_nor_writes_what_is_masked_for_who_may_not_reveal_it(cast: Any, client_of: Any) -> None:
    """A teacher edits their own record and does not hold reveal: what they read masked they do not write (S3-99, S3-119)."""
    mei, ping, pk = client_of("梅"), client_of("平"), cast.teacher["梅"]
    address, secrets = f"/teacher/edit/{pk}", ("350203198503120028", "13850000001")
    assert all(f'value="{secret}"' in ping.get(address).text for secret in secrets), "who may reveal finds them in the form"
    page = mei.get(address).text
    assert 'name="title"' in page and not any(secret in page for secret in secrets)
    assert not re.search(r'name="(phone|id_number)"', page)
    early, form = mei.version(address), {"name": "梅", "id_type": "1", "phone": "13900000001", "stage": "2", "subject": "2"}
    assert mei.post(address, **form, title="2", _version=early).status_code == 303
    assert phone_of(cast, "梅") == "13850000001"
    late = mei.post(address, **form, title="3", _version=early)
    assert late.status_code == 409 and "13850000001" not in late.text, "nor where two have changed it"
    assert mei.api("put", f"/api/v1/teacher/{pk}", json.dumps({"phone": "13900000001"})).status_code == 400
