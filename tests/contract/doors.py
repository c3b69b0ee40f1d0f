"""Every way into a table, walked the same for every declared table: what an outsider is answered at each.

A door is a function from a visitor and a row that is none of their business to the answers they got. The test asks of every
answer that it gives nothing away, and of the database that nothing has changed.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from openpyxl import load_workbook
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from models.base import declared, table_name
from models.fields import Field, fields_of
from tests.clients import Browser


@dataclass(frozen=True)
class Visit:
    """One walk: who came (signed in), to which table, after which row."""

    browser: Browser
    view: Any
    row_id: int
    owner: dict[str, int]
    """Link name → id of the row's owner, for forged forms and filters."""

    @property
    def base(self) -> str:
        return f"/{self.view.table}"

    @property
    def fields(self) -> dict[str, Field]:
        return fields_of(self.view.model)


Door = Callable[[Visit], Iterator[TestResponse]]


def read_list(visit: Visit) -> Iterator[TestResponse]:
    for query in ("", "?size=100", "?sort=id", f"?q={visit.row_id}", *(f"?f.{name}={i}" for name, i in visit.owner.items())):
        yield visit.browser.get(f"{visit.base}/list/{query}")


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
            yield visit.browser.post(f"{visit.base}/export", format=kind, **scope)


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


def text_of(answer: TestResponse) -> str:
    """Everything readable in an answer, a workbook's cells included."""
    if answer.mimetype.endswith("spreadsheetml.sheet"):
        book = load_workbook(io.BytesIO(answer.data), read_only=True)
        return "\n".join(str(cell) for sheet in book for row in sheet.iter_rows(values_only=True) for cell in row if cell is not None)
    return answer.text


def snapshot(engine: Engine) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every declared table, to compare before and after. Logins move counters; those are left out."""
    moving = {"last_login", "login_count", "changed_on", "updated_at", "version", "fail_login_count"}
    with Session(engine) as session:
        return {
            table_name(model): [
                tuple(row)
                for row in session.execute(select(*(c for c in model.__table__.c if c.name not in moving)).order_by(model.__table__.c.id))
            ]
            for model in declared()
        }
