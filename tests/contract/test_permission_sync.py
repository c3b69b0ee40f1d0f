"""Permissions and reference data: brought in line by ``setup`` alone, by any number of processes at once, and never by a web process."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask_appbuilder.security.sqla.models import Permission, PermissionView, Role, ViewMenu, assoc_permissionview_role
from sqlalchemy import Engine, create_engine, event, func, inspect, make_url, select
from sqlalchemy.orm import Session

from app import create_app
from config import Settings
from models.session import make_engine
from rules.grants import BY_NAME, ROLES
from rules.reference_data import REFERENCE_ROWS
from tests.clients import Browser
from tests.databases import PostgresqlDatabases, SqliteFiles
from views.panel.permissions import asked_permissions, sync_permissions

GONE = {("can_dance", "teacher"), ("can_read", "ballroom")}
"""An act no view asks any more, and a table there is no more."""


def held(session: Session, role: str) -> set[tuple[str, str]]:
    """What a role grants."""
    found = session.scalars(select(Role).filter_by(name=role)).one()
    return {(row.permission.name, row.view_menu.name) for row in found.permissions}


def known(session: Session) -> set[tuple[str, str]]:
    pairs = select(Permission.name, ViewMenu.name).select_from(PermissionView).join(Permission).join(ViewMenu)
    return {(permission, view) for permission, view in session.execute(pairs)}


def sync(app: Flask) -> tuple[int, int]:
    """As ``setup`` does."""
    with Session(app.extensions["engine"]) as session:
        return sync_permissions(session, app.extensions["appbuilder"].baseviews)


# --- one process after the other --------------------------------------------------------------------------------------


def test_what_no_view_asks_any_more_is_taken_from_every_role(app: Flask, cast: Any, client_of: Any) -> None:
    sync(app)
    with Session(cast.engine) as session:
        before, role = known(session), session.scalars(select(Role).filter_by(name="school_admin")).one()
        read, teacher = (
            session.scalars(select(Permission).filter_by(name="can_read")).one(),
            session.scalars(select(ViewMenu).filter_by(name="teacher")).one(),
        )
        role.permissions.append(PermissionView(permission=Permission(name="can_dance"), view_menu=teacher))
        role.permissions.append(PermissionView(permission=read, view_menu=ViewMenu(name="ballroom")))
        session.commit()
        assert held(session, "school_admin") >= GONE and known(session) == before | GONE
    assert sync(app) == (0, 2)
    with Session(cast.engine) as session:
        assert known(session) == before and not held(session, "school_admin") & GONE
        left = assoc_permissionview_role.c.permission_view_id.not_in(select(PermissionView.id))
        assert session.scalar(select(func.count()).select_from(assoc_permissionview_role).where(left)) == 0
    assert sync(app) == (0, 0)
    assert client_of("平").get("/teacher/list/").status_code == 200


def test_a_role_changed_on_its_page_holds_from_the_next_request_on_and_through_every_sync(app: Flask, cast: Any, client_of: Any) -> None:
    """S3-41: what an operator takes or gives there is neither given back nor taken again."""
    sync(app)
    yun, ping = client_of("运"), client_of("平")
    with Session(cast.engine) as session:
        role = session.scalars(select(Role).filter_by(name="school_admin")).one()
        kept = [p.id for p in role.permissions if (p.permission.name, p.view_menu.name) != ("can_export", "teacher")]
        asked = (
            select(PermissionView.id).join(Permission).join(ViewMenu).where(Permission.name == "can_read", ViewMenu.name == "activation")
        )
        activation, number = session.scalars(asked).one(), role.id
    assert ping.get("/teacher/export?format=csv").status_code == 200 and ping.get("/activation/").status_code == 403
    yun.get(f"/roles/edit/{number}")
    answer = yun.post(f"/roles/edit/{number}", name="school_admin", permissions=[str(pk) for pk in (*kept, activation)])
    assert answer.status_code == 302, answer.text
    assert ping.get("/teacher/export?format=csv").status_code == 403 and ping.get("/activation/").status_code != 403
    assert sync(app) == (0, 0)
    assert ping.get("/teacher/export?format=csv").status_code == 403 and ping.get("/activation/").status_code != 403


# --- four at once -----------------------------------------------------------------------------------------------------


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, sqlite_files: SqliteFiles, postgresql_databases: PostgresqlDatabases | None) -> Iterator[str]:
    """The address of a database without a table."""
    databases = sqlite_files if request.param == "sqlite" else postgresql_databases
    if databases is None:
        pytest.skip("no PostgreSQL server answers")
    url = databases.blank()
    yield url
    databases.drop(url)


def settings_for(url: str, folder: Path) -> Settings:
    return Settings(database_url=url, data_dir=folder, secret_key="s" * 40, app_env="test")


def set_up(app: Flask) -> None:
    with app.app_context():
        done = app.test_cli_runner().invoke(args=["setup"])
    raise SystemExit(0 if done.exit_code == 0 else repr(done.exception))


def test_four_processes_set_a_database_up_at_once(empty_url: str, tmp_path: Path) -> None:
    """Migrations, permissions and reference data: each is there, once, and the shipped roles hold what they ship with."""
    app = create_app(settings_for(empty_url, tmp_path))
    forked = multiprocessing.get_context("fork")
    processes = [forked.Process(target=set_up, args=(app,)) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
    assert [process.exitcode for process in processes] == [0, 0, 0, 0]
    engine = make_engine(empty_url)
    with Session(engine) as session:
        pairs = known(session)
        assert len(pairs) == session.scalar(select(func.count()).select_from(PermissionView))
        assert pairs >= asked_permissions(app.extensions["appbuilder"].baseviews)
        assert sorted(session.scalars(select(Role.name))) == sorted(role.name for role in ROLES)
        for role in ("region_super", "school_admin", "group_leader"):
            granted = {(f"can_{act}", table) for table, acts in BY_NAME[role].grants.items() for act in acts.split()}
            assert held(session, role) == granted
        rows = {model.__tablename__: session.scalar(select(func.count()).select_from(model.__table__)) for model in REFERENCE_ROWS}
    engine.dispose()
    assert rows == {model.__tablename__: len(lines) for model, lines in REFERENCE_ROWS.items()}


# --- web processes ----------------------------------------------------------------------------------------------------


def statements_of(start: Any) -> list[str]:
    """What is sent to any database while ``start`` runs."""
    sent: list[str] = []

    def keep(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        sent.append(statement)

    event.listen(Engine, "before_cursor_execute", keep)
    try:
        start()
    finally:
        event.remove(Engine, "before_cursor_execute", keep)
    return sent


def test_a_web_process_that_starts_writes_nothing(empty_url: str, tmp_path: Path) -> None:
    """Neither tables nor permissions, not even where there are none: it asks nothing at all before its first request."""
    apps: list[Flask] = []
    assert statements_of(lambda: apps.append(create_app(settings_for(empty_url, tmp_path)))) == []
    Browser(apps[0]).client.get("/healthz")
    engine = create_engine(make_url(empty_url))
    assert inspect(engine).get_table_names() == []
    engine.dispose()
    assert not list(tmp_path.glob("*.set-up"))


def test_a_web_process_leaves_the_permissions_as_it_finds_them(app: Flask, cast: Any, tmp_path: Path) -> None:
    """Where ``setup`` has not run since an act was added, the act is nobody's until it has."""
    with Session(cast.engine) as session:
        before = known(session)
    url = cast.engine.url.render_as_string(hide_password=False)
    started = create_app(settings_for(url, tmp_path))
    assert asked_permissions(started.extensions["appbuilder"].baseviews) - before, "there is something that a sync would write"
    browser = Browser(started)
    browser.sign_in(cast.username["运"], cast.password)
    assert browser.get("/roles/list/").status_code == 200
    with Session(cast.engine) as session:
        assert known(session) == before
    started.extensions["engine"].dispose()
