"""角色: what a shipped role may do is changed on its page; its name, by which posts hold it, is not."""

from __future__ import annotations

import re
from collections.abc import Callable

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.access import Role
from rules.grants import SCHOOL_ADMIN
from tests.cast import Cast
from tests.clients import Browser

REFUSED = "平台自带的角色不能改名或删除"


def role_id(cast: Cast, name: str) -> int | None:
    with Session(cast.engine) as session:
        return session.scalar(select(Role.id).where(Role.name == name))


def test_a_shipped_role_keeps_its_name(client_of: Callable[[str], Browser], cast: Cast) -> None:
    operator, number = client_of("运"), role_id(cast, SCHOOL_ADMIN)
    form = operator.get(f"/roles/edit/{number}").text
    chosen = re.findall(r'<option selected value="(\d+)"', form)
    assert chosen
    told = operator.post(f"/roles/edit/{number}", name="校长", permissions=chosen[1:]).text
    assert REFUSED in told and told.count("<option selected") == len(chosen) - 1, "nothing that was chosen is lost"
    assert role_id(cast, SCHOOL_ADMIN) == number and role_id(cast, "校长") is None
    operator.post(f"/roles/edit/{number}", name=SCHOOL_ADMIN, permissions=chosen[1:])
    assert operator.get(f"/roles/edit/{number}").text.count("<option selected") == len(chosen) - 1
    operator.post(f"/roles/delete/{number}")
    assert REFUSED in operator.get("/notices/").text
    assert role_id(cast, SCHOOL_ADMIN) == number


def test_a_role_of_one_s_own_is_named_and_deleted(client_of: Callable[[str], Browser], cast: Cast) -> None:
    operator = client_of("运")
    operator.get("/roles/add")
    assert operator.post("/roles/add", name="督学").headers["Location"].endswith("/roles/list/")
    number = role_id(cast, "督学")
    assert number is not None
    operator.post(f"/roles/edit/{number}", name="责任督学")
    assert role_id(cast, "责任督学") == number
    operator.post(f"/roles/delete/{number}")
    assert role_id(cast, "责任督学") is None
