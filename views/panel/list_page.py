"""A generated list as a page: from a listing's rows and counts to what the template draws."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from flask_babel import gettext as _
from sqlalchemy import bindparam, select

from models.access import SavedView
from models.fields import Field, exported_fields
from views.panel.cells import EMPTY, name_unreached, visible
from views.panel.counting import MANY
from views.panel.listing import SIZES, Listing, ListState
from views.panel.pages import Column, Facet, Filter, ListPage, Pager, Pill, Row
from views.panel.reference import options
from views.panel.words import listed, told

if TYPE_CHECKING:
    from views.panel.screens import PanelView


LEADING = ("text", "date", "datetime")


def list_page(view: PanelView, listing: Listing) -> ListPage:
    """The whole page: a statement for the rows, one for total and facets, one for the saved views; one more while their number is unknown."""
    state, fields = listing.state, view.list_fields()
    rows, known = listing.page([f.name for f in fields])
    name_unreached(view.db, rows, fields)
    total, counts = listing.numbers(_facet_names(listing), known)
    screen, table = view.screen, view.table
    narrowed = bool(state.search or state.filters or state.only)
    return ListPage(
        title=_(screen.label),
        table=table,
        summary=_("共 %(total)s %(unit)s", total=total, unit=_(screen.unit)),
        breadcrumbs=[(told(screen.menu), ""), (_(screen.label), "")],
        base_url=view.url("list"),
        columns=[_column(listing, f) for f in fields],
        rows=[list_row(view, row, fields) for row in rows],
        pager=pager(state, total),
        buttons=view.list_buttons(),
        facets=[_facet(view, listing, name, (counts or {}).get(name)) for name in _facet_names(listing)],
        facets_url=view.url("facets") + state.address(page=1) if counts is None else "",
        filters=[_filter(view, listing, name) for name in listing.filter_names() if name not in _facet_names(listing)],
        chips=_chips(view, listing),
        search=state.search,
        contains=state.anywhere,
        anywhere_url=state.address(anywhere=True, page=1) if state.search and not state.anywhere else "",
        searchable=bool(listing.search_names()),
        search_hint=_("输入开头几个字：%(names)s", names=listed(_(listing.fields[n].label) for n in listing.search_names())),
        hidden=_hidden(state),
        bulk=view.bulk_buttons(),
        bulk_url=view.url("bulk"),
        saved_views=saved_views(view),
        save_view_url=view.url("save_view"),
        export_url=view.url("export") if view.may("export") else "",
        export_columns=[
            (f.name, _(f.label), f.name in screen.list or f in fields or screen.export is not None)
            for f in exported_fields(view.model)
            if visible(f, view.identity, table)
        ],
        import_url=view.url("upload") if view.may("import") else "",
        empty_hint=_empty_hint(view, state, narrowed),
        narrowed=narrowed,
        notice=view.list_notice(),
        query=state.address(page=1).removeprefix("?"),
    )


def _hidden(state: ListState) -> list[tuple[str, str]]:
    """What a new search keeps of the address."""
    size = [("size", str(state.size))] if state.size != SIZES[0] else []
    kept = [*((f"f.{name}", value) for name, value in state.filters.items()), *((f"only.{name}", "1") for name in state.only)]
    return [*kept, *([("sort", state.sort)] if state.sort else []), *size]


def _empty_hint(view: PanelView, state: ListState, narrowed: bool) -> str:
    """What to do next; nobody is sent to a button they do not have."""
    if state.search and not state.anywhere:
        return _("没有以“%(text)s”开头的记录。换一个条件试试，或清除筛选。", text=state.search)
    if narrowed:
        return _("换一个条件试试，或清除筛选。")
    can_fill = "add" not in view.screen.acts or view.may("add")
    return _(view.screen.empty) if view.screen.empty and can_fill else ""


def list_row(view: PanelView, row: Any, fields: Sequence[Field], *, linked: bool = True) -> Row:
    """One row: its name leads to the record's page, or else the first field that is neither protected nor leads elsewhere."""
    cells = [view.cell(field, row) for field in fields]
    leading = [
        n for n, field in enumerate(fields) if field.kind in LEADING and not (field.protected or cells[n].badge or cells[n].text == EMPTY)
    ]
    if linked and leading:
        first = next((n for n in leading if fields[n].name in ("name", "title")), leading[0])
        cells[first] = replace(cells[first], href=view.url("show", pk=row.id))
    inline, menu = view.row_buttons(row)
    return Row(str(row.id), cells, inline, menu, label=str(row))


def _column(listing: Listing, field: Field) -> Column:
    if field.name not in listing.sort_names():
        return Column(field.name, _(field.label), number=field.number)
    up, down = listing.order == field.name, listing.order == f"-{field.name}"
    url = listing.state.address(sort=f"-{field.name}" if up else field.name, page=1)
    return Column(field.name, _(field.label), url, "ascending" if up else "descending" if down else "", field.number)


def pager(state: ListState, total: int) -> Pager:
    """1 2 3 4 5 … 14700, and the addresses around (S3-105, S3-106)."""
    pages = max(1, -(-total // state.size))
    page = min(state.page, pages)
    near = sorted({1, pages, *range(max(1, page - 2), min(pages, max(page + 2, 5)) + 1)})
    links: list[tuple[int | None, str]] = []
    for number in near:
        if links and number - (links[-1][0] or 0) > 1:
            links.append((None, ""))
        links.append((number, state.address(page=number)))
    return Pager(
        page=page,
        pages=pages,
        total=total,
        size=state.size,
        links=links,
        previous=state.address(page=page - 1) if page > 1 else "",
        next=state.address(page=page + 1) if page < pages else "",
        sizes=[(size, state.address(size=size, page=1)) for size in SIZES],
        approximate=total > MANY,
    )


def _facet_names(listing: Listing) -> list[str]:
    return [n for n in listing.screen.facets if n in listing.filter_names()]


def _facet(view: PanelView, listing: Listing, name: str, counts: dict[str, int] | None) -> Facet:
    """The pills of a facet; without ``counts`` they are filled in after the page."""
    chosen, address = listing.filters.get(name, ""), listing.state.with_filter
    told = facet_options(view, listing, listing.fields[name], counts or {})
    count_of = (lambda value: counts.get(value, 0)) if counts is not None else (lambda value: None)
    pills = [Pill(label, address(name, value), count_of(value), chosen == value, value) for value, label in [("", _("全部")), *told]]
    return Facet(name, _(listing.fields[name].label), pills)


def facet_options(view: PanelView, listing: Listing, field: Field, counts: dict[str, int]) -> list[tuple[str, str]]:
    """Value and label of every pill, also of those with no rows (S3-116)."""
    if field.kind == "choice":
        return [(m.value, _(m.facet)) for m in field.choices]
    if field.kind == "link":
        return [(str(i), _(name)) for i, name in options(listing.session, field.target)]
    words = view.words.get(field.name, str)
    return [(value, _(words(value))) for value in sorted(counts) if value not in ("", "-")]


def _filter(view: PanelView, listing: Listing, name: str) -> Filter:
    field, filters = listing.fields[name], listing.filters
    label, value = _(field.label), filters.get(name, "")
    if field.kind == "link":
        row = listing.linked(field, value)
        return Filter(
            name, label, "remote", value, remote_url=view.url("choices", name=name), value_label=str(row) if row is not None else ""
        )
    if field.kind in ("date", "datetime", "int", "decimal"):
        kind = "range_date" if field.kind in ("date", "datetime") else "range_number"
        return Filter(name, label, kind, filters.get(f"{name}.from", ""), filters.get(f"{name}.to", ""))  # type: ignore[arg-type]
    if field.kind == "choice":
        return Filter(name, label, "choice", value, options=[(m.value, _(m.label)) for m in field.choices])
    return Filter(name, label, "boolean" if field.kind == "bool" else "text", value)


def _chips(view: PanelView, listing: Listing) -> list[tuple[str, str]]:
    chips = []
    if listing.state.search:
        chips.append((_("搜索：%(text)s", text=listing.state.search), listing.state.address(search="", anywhere=False, page=1)))
    for name, value in listing.filters.items():
        base, _dot, end = name.partition(".")
        if base in _facet_names(listing):
            continue
        field = listing.fields[base]
        word = {
            "from": _("不早于") if "date" in field.kind else _("不小于"),
            "to": _("不晚于") if "date" in field.kind else _("不大于"),
        }.get(end, "")
        chips.append((f"{_(field.label)}{word or _('：')} {_value_label(listing, field, value)}", listing.state.with_filter(name, "")))
    return chips


def _value_label(listing: Listing, field: Field, value: str) -> str:
    if value == "-":
        return _("空")
    if field.kind == "choice":
        return next((_(m.label) for m in field.choices if m.value == value), value)
    if field.kind == "link":
        return str(listing.linked(field, value) or "--")
    return (_("是") if value == "1" else _("否")) if field.kind == "bool" else value


SAVED_VIEWS = (
    select(SavedView.id, SavedView.name, SavedView.query).where(SavedView.table_name == bindparam("table")).order_by(SavedView.name)
)
"""Made once: it is asked on every list."""


def saved_views(view: PanelView) -> list[tuple[str, str, str]]:
    """The person's saved views of this table: name, address, address to forget it."""
    rows = view.db.execute(SAVED_VIEWS, {"table": view.table})
    return [(name, view.url("list") + "?" + query, view.url("forget_view", pk=number)) for number, name, query in rows]
