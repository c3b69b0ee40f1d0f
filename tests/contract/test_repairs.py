"""What Flask-AppBuilder breaks stays mended (fab-traps), and the internals the panel leans on are still there."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask import g
from flask_appbuilder import ModelView
from flask_appbuilder.api import ModelRestApi
from flask_appbuilder.baseviews import BaseModelView
from flask_appbuilder.models.sqla.interface import SQLAInterface
from flask_appbuilder.security.sqla.manager import SecurityManager
from sqlalchemy.orm import Session

from models.org import School
from models.people import Title
from tests.bench.measuring import counted
from tests.contract.doors import snapshot


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (BaseModelView, "_init_forms"),
        (BaseModelView, "_filters"),
        (SecurityManager, "_has_view_access"),
        (SecurityManager, "_get_user_permission_view_menus"),
        (SecurityManager, "auth_user_db"),
        (SecurityManager, "load_user"),
        (SecurityManager, "register_views"),
        (ModelRestApi, "model2schemaconverter"),
        (ModelView, "base_permissions"),
    ],
)
def test_the_internals_relied_on_are_still_there(owner: type[Any], name: str) -> None:
    assert hasattr(owner, name)


def test_each_request_has_its_own_copy_of_a_views_filters(app: Any) -> None:
    """Upstream #2366: one set for all threads showed other people's filters on most pages."""
    view = app.extensions["appbuilder"].sm.rolemodelview
    roles = next(v for v in app.extensions["appbuilder"].baseviews if isinstance(v, view))
    seen = []
    for _person in range(2):
        with app.test_request_context("/roles/list/"):
            filters = roles._filters
            assert filters is roles._filters, "the same set all through one request"
            seen.append(filters)
            g.pop("_view_filters")
    assert seen[0] is not seen[1]


def test_a_rest_schema_keeps_foreign_keys(app: Any) -> None:
    """marshmallow-sqlalchemy drops them, and marshmallow 4 then raises KeyError."""
    with app.test_request_context():
        converter = ModelRestApi.model2schemaconverter(SQLAInterface(School), {})
        assert "region_id" in converter.convert(["name", "region_id"], nested=False).fields


def test_a_boolean_can_be_saved_as_false(client_of: Any, cast: Any) -> None:
    yun = client_of("运")
    address = "/title/edit/1"
    assert yun.post(address, _version=yun.version(address), name="正高级教师", rank="1").status_code == 303
    with Session(cast.engine) as session:
        assert session.get_one(Title, 1).is_active is False


def test_a_page_has_at_most_a_hundred_rows(client_of: Any) -> None:
    page = client_of("运").get("/teacher/list/?size=100000").text
    assert "10 条/页" in page


def test_a_get_changes_nothing(app: Any, cast: Any, client_of: Any) -> None:
    """Stock views delete and act on GET when there is no CSRF extension."""
    ping, before = client_of("平"), snapshot(cast.engine, cast.account["平"])
    bamboo, orchid = cast.teacher["竹"], cast.teacher["兰"]
    for address in (f"/teacher/delete/{bamboo}", f"/teacher/do/pass/{orchid}", f"/teacher/do/leave/{bamboo}", "/account/reset-all"):
        assert ping.get(address).status_code in (200, 405)
    for address in (f"/teacher/action/pass/{orchid}", "/logout/", "/teacher/bulk", "/teacher/views"):
        assert ping.get(address).status_code in (404, 405)
    assert snapshot(cast.engine, cast.account["平"]) == before


def test_pages_do_not_shuffle(app: Any, client_of: Any) -> None:
    """Every list has an order that ends in the id, whatever it is sorted by: else a database may show a row on two pages."""
    yun = client_of("运")
    for name, view in app.extensions["panel"].items():
        table = view.model.__table__.name
        for sort in ("", *view.screen.sort, *(f"-{field}" for field in view.screen.sort)):
            with counted(app.extensions["engine"]) as sent:
                assert yun.get(f"/{name}/list/?sort={sort}").status_code == 200
            pages = [
                one.partition(" LIMIT ")[0] for one in sent if re.search(rf"JOIN \(SELECT {table}\.id AS id FROM {table}\b.* LIMIT ", one)
            ]
            assert pages and all(re.search(rf"ORDER BY .*\b{table}\.id( DESC)?$", page) for page in pages), (table, sort, sent)


@pytest.mark.parametrize("name", ["运", "福"])
def test_the_pages_of_roles_fail_on_no_address_and_sort_by_nothing_of_another_table(client_of: Any, name: str) -> None:
    browser = client_of(name)
    odd = ("x", "-1", "9" * 23, str(2**63 - 1))
    for query in (*(f"{part}_RoleModelView={value}" for part in ("page", "psize") for value in odd), "psize_RoleModelView=0"):
        assert browser.get(f"/roles/list/?{query}").status_code == 200, query
        assert browser.get(f"/roles/show/1?{query}").status_code == 200
    for address in ("/roles/download/x", "/roles/show/x", f"/roles/show/{'9' * 25}"):
        assert browser.get(address).status_code == 404
    with_stranger, plain = (browser.get(f"/roles/list/?{query}") for query in ("_oc_RoleModelView=id&_od_RoleModelView=desc", ""))
    assert re.findall(r"/roles/show/\d+", with_stranger.text) == re.findall(r"/roles/show/\d+", plain.text) != []


def test_the_forms_of_a_role_ignore_filters_there_are_not(client_of: Any) -> None:
    yun = client_of("运")
    for query in ("_flt_1_permissions=1", "_flt_9_name=x", "_flt_0_nothing=x"):
        for address in ("/roles/add", "/roles/edit/1", "/roles/list/"):
            assert yun.get(f"{address}?{query}").status_code == 200, (address, query)


def test_roles_are_copied_and_nothing_else_is_done_with_several(client_of: Any) -> None:
    yun = client_of("运")
    yun.get("/roles/list/")
    for form in (
        {"action": "copy_role", "rowid": "1"},
        {"action": "9" * 25},
        {},
        *({"action": "copyrole", "rowid": r} for r in ("x", "99999")),
    ):
        assert yun.post("/roles/action_post", **form).status_code == 404, form
    for address in ("/roles/action/copyrole/1", "/roles/action/nothing/1"):
        assert yun.post(address).status_code == 404, address
    assert " copy" not in yun.get("/roles/list/?psize_RoleModelView=100").text
    assert yun.post("/roles/action_post", action="copyrole", rowid="1").status_code == 302
    assert " copy" in yun.get("/roles/list/?psize_RoleModelView=100").text
