"""Exports: which rows and columns were asked for, and the file they become (issue 2, Export).

What was asked for is a plain value, so that a worker can carry it out later, within the reach the person has then. The one thing
a newcomer gets wrong: nothing is read twice and nothing is kept; rows stream from the database into the file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from flask_babel import gettext as _
from sqlalchemy import Select, func, select
from werkzeug.datastructures import ImmutableMultiDict, MultiDict

from models.access import Account
from models.base import ZONE, row_id
from models.fields import Field, exported_fields
from models.history import note_table
from models.scoping import SYSTEM, acting_as
from views.panel.cells import moment_text, visible
from views.panel.excel.csv_file import write_csv
from views.panel.excel.sheets import SheetRows, sheet_column
from views.panel.excel.writer import write_xlsx
from views.panel.listing import SIZES, Listing, ListState, read_state

if TYPE_CHECKING:
    from views.panel.screens import PanelView

MOST_AT_ONCE = 20_000
"""More rows than this are a job; fewer are answered while one waits."""
MOST_SELECTED = 2_000
BATCH = 2_000
MIMETYPES = {"xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "csv": "text/csv; charset=utf-8"}
SCOPES = {"page": "本页", "selection": "所选记录", "all": "全部符合条件的记录"}


@dataclass(frozen=True)
class Asked:
    """What somebody asked to export, in values JSON can hold."""

    query: str = ""
    scope: str = "all"
    ids: Sequence[int] = ()
    page: int = 1
    size: int = SIZES[0]
    columns: Sequence[str] = ()
    format: str = "xlsx"

    def details(self) -> dict[str, Any]:
        """What a job keeps of it."""
        return asdict(self)


def read_asked(form: MultiDict[str, str], query: str = "") -> Asked:
    """What the dialog on the list sends, or an address with the list's own ``query``; nonsense becomes the default."""
    place = read_state(form)
    ids = [number for text in form.getlist("id")[:MOST_SELECTED] if (number := row_id(text)) is not None]
    return Asked(
        query=form.get("query", query)[:2000],
        scope=form.get("scope", "") if form.get("scope") in SCOPES else "all",
        ids=ids,
        page=place.page,
        size=place.size,
        columns=form.getlist("columns")[:200],
        format="csv" if form.get("format") == "csv" else "xlsx",
    )


class Export:
    """One export of one person: made in the request or by a worker, under the person's identity either way."""

    def __init__(self, view: PanelView, asked: Asked) -> None:
        self.view, self.asked = view, asked
        self.fields = self._fields()
        self.listing = self._listing()

    def count(self) -> int:
        """How many rows it will have."""
        if self.asked.scope == "all":
            return self.listing.total()
        return int(self.view.db.scalar(select(func.count()).select_from(self._rows().subquery())) or 0)

    def file_name(self, now: datetime) -> str:
        """教师管理_20261123_0941.xlsx"""
        return f"{_(self.view.screen.label)}_{now.astimezone(ZONE):%Y%m%d_%H%M}.{self.asked.format}"

    def write(self, target: Path, *, now: datetime, on_progress: Callable[[int], None] | None = None) -> int:
        """Write the file, note it in the table's history (not committed), and return the number of rows."""
        sheet = SheetRows(self.view.db, self.view.identity, self.view.model, self.fields, self.view.words)
        columns = [sheet_column(field) for field in self.fields]
        if self.asked.format == "csv":
            count = write_csv(target, columns, self._stream(sheet, []), on_progress=on_progress)
        else:
            note = self._note(now)
            title = _(self.view.screen.label)
            count = write_xlsx(target, columns, self._stream(sheet, note), note=note, sheet_title=title, on_progress=on_progress)
        told = _("；").join(self.conditions()) or _("无")
        note_table(self.view.db, self.view.model, "export", _("%(count)s 行；筛选条件：%(told)s", count=count, told=told))
        return count

    def conditions(self) -> list[str]:
        """The filters in words, as the note and the history keep them."""
        return conditions_in_words(self.listing) if self.asked.scope != "selection" else []

    def _fields(self) -> list[Field]:
        """The columns asked for, of those the person may see; without a wish those of the list."""
        view = self.view
        open_fields = [f for f in exported_fields(view.model) if visible(f, view.identity, view.table)]
        chosen = [f for f in open_fields if f.name in self.asked.columns]
        usual = [f for f in open_fields if f.name in view.screen.list or view.screen.export is not None]
        return chosen or usual or open_fields

    def _listing(self) -> Listing:
        listing = self.view.listing(ImmutableMultiDict(parse_qsl(self.asked.query)))
        if self.asked.scope != "selection":
            return listing
        state = ListState(only=listing.state.only, sort=listing.state.sort)
        chosen = self.view.model.id.in_(self.asked.ids)
        return Listing(self.view.db, self.view.identity, self.view.model, state, extra=(*listing.extra, chosen))

    def _rows(self) -> Select[Any]:
        rows = self.listing.select_ids()
        if self.asked.scope == "page":
            rows = rows.limit(self.asked.size).offset((self.asked.page - 1) * self.asked.size)
        return rows

    def _stream(self, sheet: SheetRows, note: list[tuple[str, str]]) -> Iterator[Sequence[object]]:
        """The rows, a batch in memory at a time; the note is completed with their number once the last has passed."""
        statement = self._rows().with_only_columns(*sheet.columns)
        count = 0
        for rows in self.view.db.execute(statement, execution_options={"yield_per": BATCH}).partitions():
            count += len(rows)
            yield from sheet.cells(rows)
        note.append((_("行数"), str(count)))

    def _note(self, now: datetime) -> list[tuple[str, str]]:
        """Who, as which post, when and which rows: the sheet 说明."""
        identity = self.view.identity
        with acting_as(SYSTEM):
            account = self.view.db.get(Account, identity.account_id)
        return [
            (_("内容"), _(self.view.screen.label)),
            (_("导出人"), str(account or "")),
            (_("岗位"), identity.label),
            (_("导出时间"), moment_text(now)),
            (_("范围"), _(SCOPES[self.asked.scope])),
            (_("筛选条件"), _("；").join(self.conditions()) or _("无")),
            (_("提示"), _("受保护的内容按导出人的权限显示。请妥善保管，不要外传。")),
        ]


def conditions_in_words(listing: Listing) -> list[str]:
    """What a listing is narrowed down to, one phrase each."""
    state = listing.state
    how = _("包含“%(text)s”", text=state.search) if state.anywhere else _("以“%(text)s”开头", text=state.search)
    told = [how] if state.search else []
    for name, value in listing.filters.items():
        base, _dot, end = name.partition(".")
        field = listing.fields[base]
        bound = {"from": "≥ ", "to": "≤ "}.get(end, "")
        told.append(_("：").join((_(field.label), f"{bound}{_value_in_words(listing, field, value)}")))
    return told + [_("附加条件：%(name)s", name=name) for name in sorted(state.only)]


def _value_in_words(listing: Listing, field: Field, value: str) -> str:
    if value == "-":
        return _("空")
    if field.kind == "choice":
        return next((_(member.label) for member in field.choices if member.value == value), value)
    if field.kind == "link":
        return str(listing.linked(field, value) or "--")
    return (_("是") if value == "1" else _("否")) if field.kind == "bool" else value
