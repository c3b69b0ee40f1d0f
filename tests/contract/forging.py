"""What a forger sends: forms and sheets that try to write what is none of their business, and lists narrowed down to it."""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from models.fields import fields_of
from models.scoping import Scoped

if TYPE_CHECKING:
    from tests.contract.doors import Visit


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


def narrowed_to(visit: Visit) -> list[str]:
    """Lists in which nothing stands but the row, and what belongs to the same; a title or a subject is everybody's."""
    screen = visit.view.screen
    units = [name for name in (*screen.facets, *screen.filters) if name in visit.linked and issubclass(visit.fields[name].target, Scoped)]
    found = [f"f.{name}={visit.linked[name]}" for name in units]
    searched = [visit.cells[label] for name in screen.search if (label := visit.fields[name].label) in visit.cells]
    return found + [f"q={quote(text)}" for text in searched[:1]]


def chosen_columns(page: str) -> dict[str, str]:
    """The second page's form as it is filled in for a person."""
    selects = re.findall(r'<select class="form-select" name="(column\.\d+)"(.*?)</select>', page, re.S)
    return {name: found[1] for name, options in selects if (found := re.search(r'value="([^"]*)" selected', options))}
