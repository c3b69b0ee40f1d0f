"""Who administers one module sees that module alone (S3-02, S3-03, S3-41…44; docs/decisions/0011)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask_appbuilder.security.sqla.models import Permission, PermissionView, Role, ViewMenu
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.access import Post
from models.base import declared, table_name, utcnow
from tests.cast import Cast
from tests.clients import Browser

Client = Callable[[str], Browser]
NOT_A_SPECIALS = ("/roles/list/", "/statistics/", "/console/", "/service_request/list/", "/appoint/")


@pytest.mark.parametrize("address", NOT_A_SPECIALS)
def test_roles_statistics_and_the_platform_are_not_a_special_administrators(client_of: Client, address: str) -> None:
    county = client_of("丹")
    assert f'href="{address}"' not in county.get("/").text
    assert county.get(address).status_code in (403, 404)


@pytest.fixture
def of_one_module(cast: Cast) -> str:
    """林 administers 研修项目 in 思明区, by a role that was made on the pages of roles and holds nothing else."""
    with Session(cast.engine) as session:
        found = select(PermissionView).join(Permission, PermissionView.permission_id == Permission.id)
        found = found.join(ViewMenu, PermissionView.view_menu_id == ViewMenu.id)
        wanted = found.where(ViewMenu.name == "programme", Permission.name.in_(("can_read", "can_edit")))
        session.add(Role(name="研修项目专员", permissions=list(session.scalars(wanted))))
        session.flush()
        county = {"region_id": cast.region["思明区"], "unit_name": "思明区", "scope_path": cast.path["思明区"]}
        session.add(Post(account_id=cast.account["林"], role="研修项目专员", since=utcnow(), contact_name="林", **county))
        session.commit()
    return "林"


def test_the_holder_of_one_modules_tables_finds_every_other_door_closed(client_of: Client, of_one_module: str, app: Any) -> None:
    lin = client_of(of_one_module)
    page = lin.get("/programme/list/")
    assert page.status_code == 200 and "能力提升工程2.0" in page.text
    lists = {f"/{table_name(model)}/list/" for model in declared()} - {"/programme/list/"}
    assert {address: lin.get(address).status_code for address in lists} == dict.fromkeys(lists, 403)
    menu = lin.get("/").text
    assert not [address for address in (*lists, *NOT_A_SPECIALS) if f'href="{address}"' in menu]
    assert 'href="/programme/list/"' in menu
