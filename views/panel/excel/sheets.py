"""A declared table as a sheet: which column a field becomes, and the cells of many rows at once, masked for who is asking.

Cells are made field by field for a whole batch; a call per cell would not fit the budget of an export. The one thing a newcomer
gets wrong: an import compares with these very cells, so a sheet that comes back as it went out changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import or_, select
from sqlalchemy.orm import Session, lazyload

from models.base import Record, table_name
from models.fields import Field, fields_of, form_fields
from models.scoping import ROOT, Identity, Scoped, Shared, below
from rules.masks import MASKS
from views.panel.cells import Words, text_of, visible
from views.panel.excel.columns import Kind, SheetColumn
from views.panel.listing import named_by
from views.panel.reference import options

KINDS: dict[str, Kind] = {"choice": "enum", "json": "longtext"}
WIDTHS = {"longtext": 40, "links": 24, "link": 18, "datetime": 18, "int": 10, "decimal": 10, "bool": 8}
MOST_OFFERED = 100
"""A list of more names is no help in a cell."""
REMEMBERED = 50_000
"""Labels of linked rows kept while a sheet is made, so that memory stays flat however many there are."""

Batch = Mapping[str, Sequence[Any]]
"""Column → its values, one per row of the batch."""
Cells = Callable[[Batch], Iterable[object]]


def sheet_column(field: Field, *, choices: Sequence[str] = (), optional: bool = False) -> SheetColumn:
    """The column of a field; ``optional`` where something else than the sheet may provide its value."""
    return SheetColumn(
        name=field.name,
        label=_(field.label),
        kind=KINDS.get(field.kind, field.kind),  # type: ignore[arg-type]
        required=field.required and not optional,
        help=_(field.help) if field.help else "",
        choices=tuple(choices) or tuple(_(member.label) for member in field.choices),
        max_length=field.most,
        width=max(WIDTHS.get(field.kind, 14), min((field.most or 0) // 4, 24)),
    )


def template_columns(session: Session, identity: Identity, model: type[Any]) -> list[SheetColumn]:
    """What a template asks for: what a form for a new row asks, but for the unit where there is only one it could be."""
    fields = [f for f in form_fields(model, adding=True) if visible(f, identity, table_name(model))]
    unit = only_unit(session, identity, model)
    owner = getattr(model, "__owner__", "") if unit is not None else ""
    return [sheet_column(f, choices=_offered(session, f)) for f in fields if f.name != owner]


def _offered(session: Session, field: Field) -> list[str]:
    """The names a link's cell may be chosen from, where they are few enough for a list."""
    column = name_column(field.target) if field.kind == "link" else None
    if column is None:
        return []
    if issubclass(field.target, Shared):
        return [name for _id, name in options(session, field.target)]
    names = list(session.scalars(select(column).order_by(column).limit(MOST_OFFERED + 1)))
    return names if len(names) <= MOST_OFFERED and len(set(names)) == len(names) else []


def only_unit(session: Session, identity: Identity, model: type[Any]) -> tuple[int, str] | None:
    """Id and path of the unit that owns what this person adds, when there is exactly one it could be."""
    owner = getattr(model, "__owner__", "")
    if not owner:
        return None
    target = fields_of(model)[owner].target
    reached = [below(target.scope_path, path) for path in identity.paths("add", table_name(model))]
    found = session.execute(select(target.id, target.scope_path).where(or_(*reached)).limit(2)).all() if reached else []
    return (found[0][0], found[0][1]) if len(found) == 1 else None


class SheetRows:
    """Rows of one table as cells: what to select of them, and what a sheet says of what was selected."""

    def __init__(self, session: Session, identity: Identity, model: type[Any], fields: Sequence[Field], words: Words) -> None:
        self.session, self.identity, self.model, self.words = session, identity, model, words
        own = [field.key for field in fields if field.kind != "links"]
        self.keys = list(dict.fromkeys(["id", *(["scope_path"] if issubclass(model, Scoped) else []), *own]))
        self.columns = [getattr(model, key) for key in self.keys]
        self._cells = [self._for_reader(field, self._cells_of(field)) for field in fields]

    def batch(self, rows: Sequence[Sequence[Any]]) -> Batch:
        """The selected rows by column."""
        return dict(zip(self.keys, zip(*rows, strict=True), strict=True))

    def cells(self, rows: Sequence[Sequence[Any]]) -> list[tuple[object, ...]]:
        """The cells of the selected rows, field by field as asked for."""
        if not rows:
            return []
        batch = self.batch(rows)
        return list(zip(*(cells(batch) for cells in self._cells), strict=True))

    def _cells_of(self, field: Field) -> Cells:
        if field.kind == "link":
            labels = LinkLabels(self.session, field.target)
            return lambda batch: labels.of(batch[field.key])
        if field.kind == "links":
            return self._several(field)
        if field.kind == "choice":
            words = {member: _(member.label) for member in field.choices}
            return lambda batch: map(words.get, batch[field.key])
        if field.name in self.words:
            return _remembering(lambda value: _(self.words[field.name](value)), field.key)
        if field.kind == "json":
            return lambda batch: map(text_of, batch[field.key])
        return lambda batch: batch[field.key]

    def _several(self, field: Field) -> Cells:
        """Many-to-many: the labels of the linked rows in reach, as one cell."""
        labels = LinkLabels(self.session, field.target)

        def cells(batch: Batch) -> list[tuple[str, ...]]:
            linked = linked_ids(self.session, self.model, field, batch["id"])
            names = labels.by_id({target for targets in linked.values() for target in targets})
            return [tuple(names[target] for target in linked.get(row, ()) if target in names) for row in batch["id"]]

        return cells

    def _for_reader(self, field: Field, cells: Cells) -> Cells:
        """The cells as this person may have them: a protected field in full only where its act reaches the row."""
        if not field.act:
            return cells
        paths = self.identity.paths(field.act, table_name(self.model))
        hide = MASKS[field.mask] if field.mask else lambda value: None
        if ROOT in paths or (paths and "scope_path" not in self.keys):
            return cells

        def masked(batch: Batch) -> list[object]:
            owned = batch.get("scope_path") or [""] * len(batch["id"])
            return [
                value if value is None or (paths and path.startswith(paths)) else hide(str(value))
                for value, path in zip(cells(batch), owned, strict=True)
            ]

        return masked


def _remembering(word: Callable[[Any], str], key: str) -> Cells:
    known: dict[Any, str | None] = {None: None}

    def cells(batch: Batch) -> list[str | None]:
        for value in set(batch[key]) - known.keys():
            known[value] = word(value)
        return [known[value] for value in batch[key]]

    return cells


def linked_ids(session: Session, model: type[Any], field: Field, ids: Sequence[int]) -> dict[int, tuple[int, ...]]:
    """Row → the rows it is linked to by a many-to-many field."""
    association = model.__mapper__.relationships[field.name].secondary
    owner, target = association.c[f"{model.__tablename__}_id"], association.c[f"{field.target.__tablename__}_id"]
    found: dict[int, tuple[int, ...]] = {}
    for row, linked in session.execute(select(owner, target).where(owner.in_(ids)).order_by(owner, target)):
        found[row] = (*found.get(row, ()), linked)
    return found


class LinkLabels:
    """What people call the rows of a linked table, as far as they lie within reach; asked for in batches."""

    def __init__(self, session: Session, target: type[Any]) -> None:
        self.session, self.target = session, target
        self._column = name_column(target)
        self._known: dict[int, str] = {}

    def of(self, ids: Sequence[int | None]) -> list[str | None]:
        """The label of each id; None for no link and for one out of reach."""
        known = self.by_id({i for i in ids if i is not None})
        return [known.get(i) if i is not None else None for i in ids]

    def by_id(self, ids: set[int]) -> Mapping[int, str]:
        """Id → label of those in reach."""
        if len(self._known) > REMEMBERED:
            self._known.clear()
        if unknown := ids - self._known.keys():
            self._known.update(self._asked(sorted(unknown)))
        return self._known

    def _asked(self, ids: list[int]) -> dict[int, str]:
        target = self.target
        if self._column is None:
            rows = self.session.scalars(select(target).where(target.id.in_(ids)).options(lazyload("*"), *named_by(target)))
            return {row.id: str(row) for row in rows}
        named = self.session.execute(select(target.id, self._column).where(target.id.in_(ids)))
        return {i: name or f"#{i}" for i, name in named}


def name_column(target: type[Any]) -> Any | None:
    """The column that is a row's whole name; None where only the row itself can say."""
    if target.__str__ is not Record.__str__:
        return None
    return next((getattr(target, name) for name in ("name", "title") if name in target.__mapper__.columns), None)
