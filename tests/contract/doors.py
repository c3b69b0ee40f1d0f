"""Every way into a table, walked the same for every declared table: what an outsider is answered at each.

A door is a function from a visitor and a row that is none of their business to the answers they got. The test asks of every
answer that it gives nothing away, and of the database that nothing has changed.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from openpyxl import load_workbook
from sqlalchemy import Engine, select, true
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from models.access import SavedView
from models.base import declared, table_name
from models.fields import Field, fields_of
from models.scoping import Own
from rules.grants import REGION_SPECIAL, REGION_SUPER, SCHOOL_ADMIN
from tests.clients import Browser
from tests.contract.forging import chosen_columns, forged, forged_sheet, narrowed_to


@dataclass(frozen=True)
class Visit:
    """One walk: who came (signed in), to which table, after which row."""

    browser: Browser
    view: Any
    row_id: int
    owner: dict[str, int]
    """Link name → id of the row's owner, for forged forms and filters."""
    panel: Mapping[str, Any]
    cells: dict[str, str]
    """Label → what a sheet would say of the row, key columns first."""
    linked: dict[str, int]
    """Link name → id of the row it leads to, for the lists of what hangs on that one."""
    kept_view: int
    """Another person's saved view."""
    pages: Sequence[tuple[str, Collection[str]]] = ()
    """Address and methods of every hand-made page about the row."""
    vacant: int = 0
    """A school beside the row, if that is one, which waits for an administrator."""
    regions: Sequence[int] = ()
    """All there are."""
    files: Sequence[int] = ()
    """One in each slot of the row."""

    @property
    def base(self) -> str:
        return f"/{self.view.table}"

    @property
    def fields(self) -> dict[str, Field]:
        return fields_of(self.view.model)


SELECTED = "doors.selected"
"""Whether an export asked for the row alone."""
Door = Callable[[Visit], Iterator[TestResponse]]


def read_list(visit: Visit) -> Iterator[TestResponse]:
    for query in ("", "?size=100", "?sort=id", f"?q={visit.row_id}", *(f"?f.{name}={i}" for name, i in visit.owner.items())):
        yield visit.browser.get(f"{visit.base}/list/{query}")
    yield visit.browser.get(f"{visit.base}/facets")


def read_record(visit: Visit) -> Iterator[TestResponse]:
    yield visit.browser.get(f"{visit.base}/show/{visit.row_id}")
    for name, field in visit.fields.items():
        if field.mask:
            yield visit.browser.post(f"{visit.base}/reveal/{visit.row_id}/{name}")


def read_choices(visit: Visit) -> Iterator[TestResponse]:
    for name, field in visit.fields.items():
        if field.kind in ("link", "links"):
            yield visit.browser.get(f"{visit.base}/choices/{name}")
            yield visit.browser.get(f"{visit.base}/choices/{name}?q=北")


def choose_it(visit: Visit) -> Iterator[TestResponse]:
    """Every remote select, of whatever table, that could offer the row."""
    for view in visit.panel.values():
        for name, field in fields_of(view.model).items():
            if field.kind in ("link", "links") and field.target is visit.view.model:
                for query in ("", f"?q={quote(next(iter(visit.cells.values()), ''))}", "?q=北"):
                    yield visit.browser.get(f"/{view.table}/choices/{name}{query}")


def read_related(visit: Visit) -> Iterator[TestResponse]:
    """Every record page that lists rows of this table: those the row hangs on."""
    for view in visit.panel.values():
        for path in view.screen.related:
            model, link = path.split(".")
            if model == visit.view.model.__name__ and link in visit.linked:
                yield visit.browser.get(f"/{view.table}/show/{visit.linked[link]}")
                yield visit.browser.get(f"{visit.base}/list/?f.{link}={visit.linked[link]}")


def read_files(visit: Visit) -> Iterator[TestResponse]:
    """Every address that shows a file of the row or hands it out, and the one that throws it away."""
    for number in visit.files:
        for place in ("聘书.pdf", "preview", "document", "as-pdf"):
            yield visit.browser.get(f"/files/{number}/{place}")
        yield visit.browser.client.delete(f"/files/{number}", headers={"X-CSRFToken": visit.browser.token})


def use_saved_views(visit: Visit) -> Iterator[TestResponse]:
    yield visit.browser.post(f"{visit.base}/views/{visit.kept_view}/forget")
    yield visit.browser.post(f"{visit.base}/views", name="越界", query=f"q={visit.row_id}")
    yield visit.browser.get(f"{visit.base}/list/?q={visit.row_id}")


def import_rows(visit: Visit) -> Iterator[TestResponse]:
    """A sheet that changes the row and adds others beside it, taken through all three pages."""
    base = f"{visit.base}/import"
    yield visit.browser.get(f"{base}/template")
    yield visit.browser.get(base)
    form = {"csrf_token": visit.browser.token, "file": (io.BytesIO(forged_sheet(visit).encode()), "越界.csv")}
    matched = visit.browser.client.post(base, data=form, content_type="multipart/form-data")
    yield matched
    token = re.search(r'name="token" value="([^"]+)"', matched.text)
    checked = visit.browser.post(f"{base}/check", token=token[1] if token else "", **chosen_columns(matched.text))
    yield checked
    yield visit.browser.get(checked.location or base)
    check = (checked.location or "0").rsplit("/", 1)[1] if checked.location else "0"
    yield (applied := visit.browser.post(f"{base}/{check}/apply", mode="good"))
    if applied.location:
        yield visit.browser.get(applied.location)


def edit_record(visit: Visit) -> Iterator[TestResponse]:
    yield visit.browser.get(f"{visit.base}/edit/{visit.row_id}")
    yield visit.browser.post(f"{visit.base}/edit/{visit.row_id}", **forged(visit))


def delete_record(visit: Visit) -> Iterator[TestResponse]:
    yield visit.browser.get(f"{visit.base}/delete/{visit.row_id}")
    yield visit.browser.post(f"{visit.base}/delete/{visit.row_id}", confirmed="1")


def add_record(visit: Visit) -> Iterator[TestResponse]:
    query = "&".join(f"{name}={i}" for name, i in visit.owner.items())
    yield visit.browser.get(f"{visit.base}/add?{query}")
    yield visit.browser.post(f"{visit.base}/add", **forged(visit))


def take_verbs(visit: Visit) -> Iterator[TestResponse]:
    for name in visit.view._all_verbs():
        yield visit.browser.post(f"{visit.base}/do/{name}/{visit.row_id}", confirmed="1", comment="越界")
    for name in visit.view.bulk_verbs():
        yield visit.browser.post(f"{visit.base}/bulk", confirmed="1", verb=name, id=str(visit.row_id), comment="越界")


def take_verbs_on_all(visit: Visit) -> Iterator[TestResponse]:
    """All that match a list narrowed down to the row: the question, which says how many they are, and the answer to it."""
    for name in visit.view.bulk_verbs():
        for query in narrowed_to(visit):
            for confirmed in ("", "1"):
                form = {"verb": name, "all": "1", "query": query, "confirmed": confirmed, "comment": "越界"}
                yield visit.browser.post(f"{visit.base}/bulk", **form)
            yield visit.browser.get(f"{visit.base}/list/")


def open_pages(visit: Visit) -> Iterator[TestResponse]:
    """Every hand-made page about the row, read, and posted to as after its question."""
    for address, methods in visit.pages:
        if "GET" in methods:
            yield visit.browser.get(address)
        if "POST" in methods:
            yield visit.browser.post(address, confirmed="1", comment="越界", body="越界", reason="越界")


def move_it(visit: Visit) -> Iterator[TestResponse]:
    """A unit to each region, one's own among them; and each school to the row, where that is a region."""
    if visit.view.table in ("school", "region"):
        for region in visit.regions:
            yield visit.browser.post(f"{visit.base}/move/{visit.row_id}", target=str(region), confirmed="1")
    if visit.view.table == "region":
        for school in range(1, 5):
            yield visit.browser.post(f"/school/move/{school}", target=str(visit.row_id), confirmed="1")


def issue_codes_for_it(visit: Visit) -> Iterator[TestResponse]:
    """A code for the region, or for a school that waits for an administrator."""
    unit = {"school": f"s{visit.vacant}", "region": f"r{visit.row_id}"}.get(visit.view.table)
    if unit:
        yield visit.browser.get("/permission_code/issue")
        yield visit.browser.get(f"/permission_code/issue?q={quote('西')}")
        for role in (SCHOOL_ADMIN, REGION_SPECIAL, REGION_SUPER):
            yield visit.browser.post("/permission_code/issue", role=role, units=unit, days="7", format="page")


def export_rows(visit: Visit) -> Iterator[TestResponse]:
    for scope in ({"scope": "all"}, {"scope": "selection", "id": str(visit.row_id)}, {"scope": "all", "query": f"q={visit.row_id}"}):
        for kind in ("xlsx", "csv"):
            answer = visit.browser.post(f"{visit.base}/export", format=kind, **scope)
            answer.request.environ[SELECTED] = scope["scope"] == "selection"
            yield answer


def read_rest(visit: Visit) -> Iterator[TestResponse]:
    api = f"/api/v1{visit.base}/"
    for address in (api, f"{api}{visit.row_id}", f"{api}_info"):
        yield visit.browser.api("get", address)
    for name, i in visit.owner.items():
        yield visit.browser.api("get", f"{api}?q=(filters:!((col:{name},opr:rel_o_m,value:{i})))")


def write_rest(visit: Visit) -> Iterator[TestResponse]:
    api = f"/api/v1{visit.base}/"
    body = {
        k: (int(v) if v.isdigit() and visit.fields[k].kind in ("link", "int") else v) for k, v in forged(visit).items() if k in visit.fields
    }
    yield visit.browser.api("put", f"{api}{visit.row_id}", json.dumps(body))
    yield visit.browser.api("post", api, json.dumps(body))
    yield visit.browser.api("delete", f"{api}{visit.row_id}")


def use_console(visit: Visit) -> Iterator[TestResponse]:
    base = f"/console/{visit.view.table}"
    for address in ("/", "/new/", f"/edit/?id={visit.row_id}", f"/details/?id={visit.row_id}", "/export/csv/"):
        yield visit.browser.get(base + address)
    yield visit.browser.post(f"{base}/ajax/update/", list_form_pk=str(visit.row_id), name="越界")
    yield visit.browser.post(f"{base}/delete/", id=str(visit.row_id))
    yield visit.browser.post(f"{base}/edit/?id={visit.row_id}", name="越界")
    yield visit.browser.post(f"{base}/action/", action="delete", rowid=str(visit.row_id))


DOORS: tuple[Door, ...] = (
    read_list,
    read_record,
    read_choices,
    edit_record,
    delete_record,
    add_record,
    take_verbs,
    take_verbs_on_all,
    open_pages,
    move_it,
    issue_codes_for_it,
    export_rows,
    read_rest,
    write_rest,
    use_console,
    choose_it,
    read_related,
    read_files,
    use_saved_views,
    import_rows,
)


def text_of(answer: TestResponse) -> str:
    """Everything readable in an answer, a workbook's cells and JSON's letters included."""
    if answer.is_json:
        return json.dumps(answer.json, ensure_ascii=False)
    if answer.mimetype.endswith("spreadsheetml.sheet"):
        book = load_workbook(io.BytesIO(answer.data), read_only=True)
        return "\n".join(str(cell) for sheet in book for row in sheet.iter_rows(values_only=True) for cell in row if cell is not None)
    return answer.text


def rows_told(answer: TestResponse, visit: Visit) -> list[Any]:
    """What a door that hands out rows has told of the row asked for: REST its id, an export the lines of a selection, bulk how many."""
    if answer.status_code not in (200, 422):
        return []
    if answer.request.path == f"{visit.base}/bulk":
        return [count for count in re.findall(r'name="count" value="(\d+)"', answer.text) if count != "0"]
    if answer.is_json and answer.request.path == f"/api/v1{visit.base}/":
        return [one["id"] for one in answer.json["result"] if one["id"] == visit.row_id]
    if answer.request.path != f"{visit.base}/export" or not answer.request.environ[SELECTED]:
        return []
    if answer.mimetype.endswith("spreadsheetml.sheet"):
        book = load_workbook(io.BytesIO(answer.data), read_only=True)
        return [line for line in book.worksheets[0].iter_rows(min_row=2, values_only=True) if any(line)]
    return list(csv.reader(io.StringIO(answer.text)))[1:] if answer.mimetype == "text/csv" else []


def snapshot(engine: Engine, visitor: int) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every declared table and every saved view, to compare before and after.

    Logins move counters; those are left out, and so is what is the visitor's own to make: their jobs, their views.
    """
    moving = {"last_login", "login_count", "changed_on", "updated_at", "version", "fail_login_count"}
    with Session(engine) as session:
        return {
            table_name(model): [
                tuple(row)
                for row in session.execute(
                    select(*(c for c in model.__table__.c if c.name not in moving))
                    .where(model.account_id != visitor if issubclass(model, Own) else true())
                    .order_by(model.__table__.c.id)
                )
            ]
            for model in (*declared(), SavedView)
        }
