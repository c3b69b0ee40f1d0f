"""Nobody reads, chooses, changes, adds, moves, deletes, exports, imports or reveals what is out of their reach, at any door of any table."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.access import Account, PermissionCode, Post, SavedView
from models.base import declared, table_name
from models.fields import fields_of
from models.files import Attachment, Blob, FileKind, slots_of
from models.jobs import Job
from models.org import Region, School
from models.people import Certification, Teacher
from models.scoping import Own, Published, Scoped, Shared
from tests.clients import Browser
from tests.contract.doors import (
    DOORS,
    Visit,
    choose_it,
    import_rows,
    issue_codes_for_it,
    open_pages,
    read_files,
    rows_told,
    snapshot,
    take_verbs_on_all,
    text_of,
)
from tests.contract.forging import cells_of
from tests.contract.hand_made import address_of, routes_about, values_for

OUTSIDERS = ("锐", "岚", "远", "林")
"""Another school, another county, another city, and no post at all."""
VACANT = "西实验小学"
TYPED = (import_rows, take_verbs_on_all)
"""Doors that repeat what a visitor typed."""
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
        "question": ["兰问认证要多久"],
        "hour_entry": ["单元整体教学研讨"],
    }
    model = next(m for m in declared() if table_name(m) == table)
    row = targets[table] if table in targets else session.scalars(select(model)).first()
    return row, owner, secret.get(table, [])


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("table", TABLES)
def test_no_door_gives_way(app: Any, cast: Any, client_of: Any, table: str) -> None:
    for outsider in OUTSIDERS:
        # The code is for South: its administrator has no act on codes, which the access table shows.
        if (table, outsider) != ("permission_code", "锐"):
            walk(app, cast, client_of(outsider), outsider, table)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
@pytest.mark.parametrize("table", TABLES[::4])
def test_no_door_gives_way_on_postgresql(app: Any, cast: Any, client_of: Any, table: str) -> None:
    """Scope is the same code on both databases: here some tables, each with another outsider."""
    outsider = OUTSIDERS[1 + TABLES.index(table) // 4 % (len(OUTSIDERS) - 1)]
    walk(app, cast, client_of(outsider), outsider, table)


def walk(app: Any, cast: Any, browser: Browser, outsider: str, table: str) -> None:
    """Through every door of the table, after a row that is none of the outsider's business."""
    view = app.extensions["panel"][table]
    with Session(cast.engine) as session:
        row, owner, secrets = target(session, cast, table)
        row_id, path = row.id, getattr(row, "scope_path", None)
        visit = replace(visit_of(app, cast, browser, row, owner), files=hang_files(session, row), vacant=vacant_school(session, cast))
        secrets = [*secrets, VACANT] if table == "school" else secrets
    before = snapshot(cast.engine, cast.account[outsider])
    may_read = issubclass(view.model, Shared) or (issubclass(view.model, Published) and path_is_shared(cast, outsider, path))
    for door in DOORS:
        for answer in door(visit):
            request = f"{outsider}, {door.__name__}: {answer.request.method} {answer.request.path}"
            assert answer.status_code < 500, request
            if not may_read:
                check_silent(request, text_of(answer), view, row_id, not_typed(secrets, visit) if door in TYPED else secrets)
                assert rows_told(answer, visit) == [], request
                assert door is not choose_it or row_id not in offered(answer), request
                assert door is not read_files or answer.status_code == 404, request
                check_closed(request, answer, visit)
            assert door is not open_pages or answer.status_code in (403, 404), f"{request} {answer.status_code}"
            assert door is not issue_codes_for_it or not offers_codes_for(answer, visit), request
    assert snapshot(cast.engine, cast.account[outsider]) == before, outsider


def check_closed(request: str, answer: Any, visit: Visit) -> None:
    """An address that names the row leads nowhere."""
    path = answer.request.path
    if f"{visit.base}/" in path and f"/{visit.row_id}" in path and answer.request.method == "GET":
        assert answer.status_code in (302, 401, 403, 404, 405), f"{request} {answer.status_code}"


def offers_codes_for(answer: Any, visit: Visit) -> bool:
    """Whether the page that issues codes offers the row, or the school that waits."""
    return any(f'value="{unit}"' in answer.text for unit in (f"s{visit.vacant}", f"r{visit.row_id}"))


INSIDERS = {"teacher": "平", "school": "丹", "region": "福"}
IMPORTED = [table_name(model) for model in declared() if model.__screen__.key]


@pytest.mark.parametrize("table", IMPORTED)
def test_the_same_sheet_does_its_work_for_an_insider(app: Any, cast: Any, client_of: Any, table: str) -> None:
    """What outsiders were refused above was refused for who they are: the sheet itself is good."""
    insider = INSIDERS.get(table, "运")
    with Session(cast.engine) as session:
        row, owner, _secrets = target(session, cast, table)
        visit = visit_of(app, cast, client_of(insider), row, owner)
    before = snapshot(cast.engine, cast.account[insider])[table]
    for answer in import_rows(visit):
        assert answer.status_code in (200, 303), answer.request.path
    after = snapshot(cast.engine, cast.account[insider])[table]
    assert len(after) > len(before), "rows were added"
    assert any("越界" in found for found in after), "the row was changed"


def vacant_school(session: Session, cast: Any) -> int:
    """A school beside North that waits for an administrator."""
    found = session.scalars(select(School).filter_by(name=VACANT)).first()
    if found is None:
        found = School(code="3135000009", name=VACANT, region_id=cast.region["思明区"], scope_path=cast.path["思明区"])
        session.add(found)
        session.flush()
        found.scope_path += f"s{found.id}/"
        session.commit()
    return int(found.id)


def hang_files(session: Session, row: Any) -> list[int]:
    """A file in each slot of the row."""
    blob = Blob(sha256=secrets.token_hex(32), size=1, key="files/none")
    hung = [Attachment(blob=blob, name="聘书.pdf", kind=FileKind.DOCUMENT, media_type="application/pdf") for _slot in slots_of(type(row))]
    for file, slot in zip(hung, slots_of(type(row)), strict=True):
        file.owner_table, file.owner_id, file.slot = table_name(type(row)), row.id, slot.name
    session.add_all(hung)
    session.commit()
    return [file.id for file in hung]


def visit_of(app: Any, cast: Any, browser: Any, row: Any, owner: dict[str, int]) -> Visit:
    """A walk to ``row``, with everything of it that a forger could know."""
    session = Session.object_session(row)
    kept = session.scalars(select(SavedView.id).filter_by(account_id=cast.account["平"])).one()  # type: ignore[union-attr]
    panel, fields = app.extensions["panel"], fields_of(type(row))
    links = {name: getattr(row, field.key) for name, field in fields.items() if field.kind == "link"}
    linked = {name: key for name, key in links.items() if key is not None}
    table = table_name(type(row))
    pages = [(address_of(rule, values_for(cast, subject, row.id)), rule.methods) for rule, subject in routes_about(app, table)]
    regions = sorted(set(cast.region.values()))
    return Visit(browser, panel[table], row.id, owner, panel, cells_of(row), linked, kept, pages, regions=regions)


def not_typed(secrets: list[str], visit: Visit) -> list[str]:
    """What a forger typed into the sheet is no news to them, masked or not."""
    return [secret for secret in secrets if "*" not in secret and secret not in visit.cells.values()]


def offered(answer: Any) -> list[int]:
    """The rows a remote select may be set to."""
    return [option["id"] for option in answer.json["results"]] if answer.status_code == 200 else []


def path_is_shared(cast: Any, outsider: str, path: str | None) -> bool:
    """A published unit above the visitor's own is theirs to read."""
    identity = cast.identity(outsider)
    return any(own.startswith(path or "-") for own in identity.paths("read", "region"))


def check_silent(request: str, text: str, view: Any, row_id: int, secrets: list[str]) -> None:
    assert f'/{view.table}/show/{row_id}"' not in text, request
    for secret in secrets:
        assert secret not in text, f"{request} gave away {secret}"


@pytest.mark.parametrize(("who", "whose"), [("锐", "南"), ("远", "莆田市"), ("岚", ""), ("林", "")])
def test_passwords_are_reset_all_at_once_within_reach_and_no_further(cast: Any, client_of: Any, who: str, whose: str) -> None:
    """统一重置密码 (S0-06) asks for no row: what lies in reach is what it does."""

    def passwords() -> dict[int, tuple[str, str]]:
        with Session(cast.engine) as session:
            return {row.id: (row.scope_path, row.password_stamp) for row in session.scalars(select(Account))}

    browser, before = client_of(who), passwords()
    browser.get("/me/")
    assert browser.post("/account/reset-all", confirmed="1").status_code == (303 if whose else 403)
    changed = [path for number, (path, stamp) in passwords().items() if stamp != before[number][1]]
    assert bool(changed) == bool(whose) and all(path.startswith(cast.path[whose]) for path in changed)


def test_every_table_says_how_it_is_reached() -> None:
    kinds = {table_name(model): [k.__name__ for k in (Scoped, Shared, Own) if issubclass(model, k)] for model in declared()}
    assert all(len(kind) == 1 for kind in kinds.values()), kinds
