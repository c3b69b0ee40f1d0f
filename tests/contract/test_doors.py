"""Nobody reads, chooses, changes, adds, moves, deletes, exports or reveals what is out of their reach, at any door of any table."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.access import Account, PermissionCode, Post, SavedView
from models.base import declared, table_name
from models.jobs import Job
from models.org import Region, School
from models.people import Certification, Teacher
from models.scoping import Own, Scoped, Shared
from tests.contract.doors import DOORS, Visit, snapshot, text_of

OUTSIDERS = ("锐", "岚", "远", "林")
"""Another school, another county, another city, and no post at all."""
TABLES = [table_name(model) for model in declared()]


def target(session: Session, cast: Any, table: str) -> tuple[Any, dict[str, int], list[str]]:
    """A row of ``table`` that belongs to North, its owner by link, and the words that must never reach an outsider."""
    north = cast.school["北"]
    orchid = session.get(Teacher, cast.teacher["兰"])
    targets: dict[str, Any] = {
        "teacher": orchid,
        "certification": session.scalars(select(Certification).filter_by(teacher_id=orchid.id)).first(),
        "school": session.get(School, north),
        "region": session.get(Region, cast.region["350203"]),
        "account": session.get(Account, cast.account["兰"]),
        "post": session.scalars(select(Post).filter_by(account_id=cast.account["平"])).one(),
        "permission_code": session.scalars(select(PermissionCode).filter_by(school_id=cast.school["南"])).one(),
        "job": session.scalars(select(Job).filter_by(account_id=cast.account["平"])).one(),
    }
    owner = {"teacher": {"school": north}, "certification": {"teacher": orchid.id}, "school": {"region": cast.region["350203"]}}.get(
        table, {}
    )
    secret = {
        "teacher": [orchid.id_number, orchid.phone, "35*****004X"],
        "school": ["北实验小学"],
        "account": [orchid.id_number, "35*****004X"],
        "post": ["北实验小学"],
        "service_request": ["北的管理员忘记了密码", "139****0072"],
        "hour_entry": ["单元整体教学研讨"],
    }
    model = next(m for m in declared() if table_name(m) == table)
    row = targets[table] if table in targets else session.scalars(select(model)).first()
    return row, owner, secret.get(table, [])


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("outsider", OUTSIDERS)
def test_no_door_gives_way(app: Any, cast: Any, client_of: Any, outsider: str, table: str) -> None:
    view = app.extensions["panel"][table]
    with Session(cast.engine) as session:
        row, owner, secrets = target(session, cast, table)
        row_id, path = row.id, getattr(row, "scope_path", None)
    if table == "permission_code" and outsider == "锐":
        pytest.skip("the code is for South; its administrator has no act on codes, which the access table shows")
    before = snapshot(cast.engine)
    may_read = issubclass(view.model, Shared) or (table in ("region", "programme", "hour_policy") and path_is_shared(cast, outsider, path))
    visit = Visit(client_of(outsider), view, row_id, owner)
    for door in DOORS:
        for answer in door(visit):
            request = f"{door.__name__}: {answer.request.method} {answer.request.path}"
            assert answer.status_code < 500, request
            if not may_read:
                check_silent(request, text_of(answer), view, row_id, secrets)
            if f"/{row_id}" in answer.request.path and answer.request.method == "GET" and not may_read:
                assert answer.status_code in (302, 401, 403, 404, 405), f"{request} {answer.status_code}"
    assert snapshot(cast.engine) == before


def path_is_shared(cast: Any, outsider: str, path: str | None) -> bool:
    """A published unit above the visitor's own is theirs to read."""
    identity = cast.identity(outsider)
    return any(own.startswith(path or "-") for own in identity.paths("read", "region"))


def check_silent(request: str, text: str, view: Any, row_id: int, secrets: list[str]) -> None:
    assert f'/{view.table}/show/{row_id}"' not in text, request
    for secret in secrets:
        assert secret not in text, f"{request} gave away {secret}"


def test_every_table_says_how_it_is_reached() -> None:
    kinds = {table_name(model): [k.__name__ for k in (Scoped, Shared, Own) if issubclass(model, k)] for model in declared()}
    assert all(len(kind) == 1 for kind in kinds.values()), kinds


def test_own_things_are_nobody_elses(cast: Any, client_of: Any) -> None:
    """Saved views have no screen of their own; another person's is not there to be forgotten."""
    with Session(cast.engine) as session:
        view = session.scalars(select(SavedView).filter_by(account_id=cast.account["平"])).one()
    assert client_of("锐").post(f"/teacher/views/{view.id}/forget").status_code == 404
    with Session(cast.engine) as session:
        assert session.get(SavedView, view.id) is not None
