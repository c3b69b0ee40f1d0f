"""Every way into a table, walked the same for every declared table: what an outsider is answered at each.

A door is a function from a visitor and a row that is none of their business to the answers they got. The test asks of every
answer that it gives nothing away, and of the database that nothing has changed.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
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
from tests.clients import Browser


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
    checked = visit.browser.post(f"{base}/check", token=token[1] if token else "", **_columns(matched.text))
    yield checked
    yield visit.browser.get(checked.location or base)
    check = (checked.location or "0").rsplit("/", 1)[1] if checked.location else "0"
    yield (applied := visit.browser.post(f"{base}/{check}/apply", mode="good"))
    if applied.location:
        yield visit.browser.get(applied.location)


def _columns(page: str) -> dict[str, str]:
    """The second page's form as it is filled in for a person."""
    selects = re.findall(r'<select class="form-select" name="(column\.\d+)"(.*?)</select>', page, re.S)
    return {name: found[1] for name, options in selects if (found := re.search(r'value="([^"]*)" selected', options))}


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


def forged(visit: Visit) -> dict[str, str]:
    """A form that tries to write every field of the table, owner included."""
    form = {"_version": "1"}
    for name, field in visit.fields.items():
        value = {"link": "1", "int": "7", "decimal": "7", "date": "2020-01-01", "datetime": "2020-01-01T00:00", "bool": "y"}.get(
            field.kind, "越界"
        )
        form[name] = field.choices[-1].value if field.choices else value
    return form | {name: str(i) for name, i in visit.owner.items()}


def forged_sheet(visit: Visit) -> str:
    """The row under its own key with another name, and new rows with its owner and every last character a key may have."""
    labels, values = list(visit.cells), list(visit.cells.values())
    key = len(visit.view.screen.key) - 1
    name = visit.fields.get("name")
    called = labels.index(name.label) if name is not None and name.label in labels else key
    rows = [labels, [*values[:called], "越界", *values[called + 1 :]]]
    for last in "0123456789X":
        new = beside(values[key]) + last if key >= 0 else ""
        rows.append([f"新{last}" if at == called else new if at == key else value for at, value in enumerate(values)])
    sheet = io.StringIO()
    csv.writer(sheet).writerows(rows)
    return sheet.getvalue()


def beside(code: str) -> str:
    """A code that nobody has, without its last character, which may be a check digit."""
    digit = code[-2:-1]
    return code[:-2] + str((int(digit) + 1) % 10 if digit.isdigit() else 1)


def cells_of(row: Any) -> dict[str, str]:
    """What a sheet would say of a row: its key, its owner and whatever else has to be given."""
    model, owner = type(row), getattr(type(row), "__owner__", "")
    fields = fields_of(model)
    needed = [n for n, f in fields.items() if f.required and not f.readonly and not f.hidden]
    names = dict.fromkeys([*model.__screen__.key, *needed, *([owner] if owner in fields else [])])
    return {fields[name].label: _written(getattr(row, name)) for name in names}


def _written(value: Any) -> str:
    return "" if value is None else getattr(value, "label", "") or str(value)


def text_of(answer: TestResponse) -> str:
    """Everything readable in an answer, a workbook's cells and JSON's letters included."""
    if answer.is_json:
        return json.dumps(answer.json, ensure_ascii=False)
    if answer.mimetype.endswith("spreadsheetml.sheet"):
        book = load_workbook(io.BytesIO(answer.data), read_only=True)
        return "\n".join(str(cell) for sheet in book for row in sheet.iter_rows(values_only=True) for cell in row if cell is not None)
    return answer.text


def rows_told(answer: TestResponse, visit: Visit) -> list[Any]:
    """What a door that hands out rows has handed out of the row asked for: REST by its id, an export by the lines of a selection."""
    if answer.status_code != 200:
        return []
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
